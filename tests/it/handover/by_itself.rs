//! Nobody has asked for a person, but the robot gets nowhere.

use serde_json::{Value, json};

use crate::shop::{FALLBACK, SHIPPING, SHIPPING_ANSWER, UNKNOWN, with};
use crate::support::{Elsewhere, Visitor, World, completion};

async fn reason(world: &World, visitor: &Visitor<'_>) -> Value {
    world.event(&visitor.cid().await, "conversation.handoff").await["data"]["reason"].clone()
}

#[tokio::test]
async fn after_so_many_turns_without_an_answer() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "robot_first", "handover": { "after_misses": 3 } })).await;
    let visitor = shop.visitor(&world, "o-1");
    for text in [UNKNOWN, "太阳离地球呢"] {
        visitor.says(text).await;
        assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("robot", FALLBACK));
    }
    // One that it knows, and the count begins anew.
    visitor.says(SHIPPING).await;
    for text in ["火星上有水吗", "木星有几颗卫星"] {
        visitor.says(text).await;
        assert_eq!(visitor.stage().await, "robot", "{text}");
    }
    let shown = visitor.phone().await.len();
    visitor.says("土星呢").await;
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
    assert_eq!(reason(&world, &visitor).await, "misses");
    assert_eq!(visitor.phone().await.len(), shown, "and it does not say once more that it does not know");
}

#[tokio::test]
async fn when_the_same_question_comes_again_and_again() {
    let world = World::start().await;
    let handover = json!({ "after_misses": 0, "after_repeats": 3 });
    let shop = world.shop(5, json!({ "mode": "robot_first", "handover": handover })).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says(SHIPPING).await;
    visitor.says("下单后多久发货啊").await;
    assert_eq!(visitor.phone_texts().await, [SHIPPING_ANSWER, SHIPPING_ANSWER]);
    visitor.says("下单后多久发货???").await;
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
    assert_eq!(reason(&world, &visitor).await, "repeated");

    let other = shop.visitor(&world, "o-2");
    for text in [SHIPPING, SHIPPING, "怎么申请退货", SHIPPING, SHIPPING] {
        other.says(text).await;
    }
    assert_eq!(other.stage().await, "robot", "another question in between begins anew");
}

#[tokio::test]
async fn a_count_of_zero_is_never() {
    let world = World::start().await;
    let handover = json!({ "after_misses": 0, "after_repeats": 0 });
    let shop = world.shop(5, json!({ "mode": "robot_first", "handover": handover })).await;
    let visitor = shop.visitor(&world, "o-1");
    for _ in 0..6 {
        visitor.says(UNKNOWN).await;
    }
    assert_eq!(visitor.stage().await, "robot");
    assert_eq!(visitor.phone_texts().await, [FALLBACK; 6]);
}

#[tokio::test]
async fn when_the_robot_itself_wants_it() {
    let world = World::start().await;
    let own = Elsewhere::start().await;
    let robot = json!({ "name": "自研", "kind": "webhook", "url": own.url, "fallback": FALLBACK });
    let robot = world.make("robots", &robot).await;
    let shop = world.shop_with(&robot, 5, json!({ "mode": "robot_first" })).await;
    let visitor = shop.visitor(&world, "o-1");
    own.says(&json!({ "handover": true, "reason": "要改价" }));
    visitor.says("能便宜点吗").await;
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
    assert_eq!(reason(&world, &visitor).await, "robot");
    assert_eq!(visitor.phone().await.len(), 0);

    // A language model may, too.
    let model = Elsewhere::start().await;
    let robot = json!({ "name": "大模型", "kind": "chat", "base_url": model.url, "model": "m", "api_key": "sk-test" });
    let robot = world.make("robots", &robot).await;
    world.teach(&robot, &[("ship", SHIPPING, SHIPPING_ANSWER)]).await;
    world.receive(&shop.binding, json!({ "mode": "robot_first", "group_id": shop.group, "robot_id": robot })).await;
    model.says(&completion(&json!({ "answer": "", "sources": [], "handover": true, "reason": "投诉" }).to_string()));
    let other = shop.visitor(&world, "o-2");
    other.says("多久发货，再不发我投诉了").await;
    assert_eq!(other.with_whom().await, with(&shop.agent));
    assert_eq!(reason(&world, &other).await, "robot");
}

#[tokio::test]
async fn when_the_robot_fails() {
    let world = World::start().await;
    let own = Elsewhere::start().await;
    let robot = json!({ "name": "自研", "kind": "webhook", "url": own.url, "fallback": FALLBACK });
    let robot = world.make("robots", &robot).await;
    let shop = world.shop_with(&robot, 5, json!({ "mode": "robot_first", "handover": { "after_misses": 2 } })).await;
    let visitor = shop.visitor(&world, "o-1");
    own.answers(503, "down");
    visitor.says("在吗").await;
    assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("robot", FALLBACK));
    let answered = world.event(&visitor.cid().await, "robot.answered").await;
    assert_eq!(
        (&answered["data"]["answer"], &answered["data"]["failure"]),
        (&json!("failed"), &json!("robot.refused"))
    );
    own.answers(200, "not json");
    visitor.says("还在吗").await;
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
    assert_eq!(reason(&world, &visitor).await, "failed");
    assert_eq!(own.asked().len(), 2, "nothing is asked twice");

    // A robot that was taken away is one that fails.
    let other = shop.visitor(&world, "o-2");
    own.says(&json!({ "text": "在。" }));
    other.says("在吗").await;
    assert_eq!(other.phone_texts().await, ["在。"]);
}
