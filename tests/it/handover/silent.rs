//! The robot is silent once a person has the conversation, even if it was thinking at that moment.

use serde_json::{Value, json};

use crate::shop::{SHIPPING, SHIPPING_ANSWER, Shop, with};
use crate::support::{Elsewhere, Visitor, World, inserted};

/// A shop whose robot is somebody's own.
async fn shop(world: &World, own: &Elsewhere, reception: Value) -> Shop {
    let robot = world.make("robots", &json!({ "name": "自研", "kind": "webhook", "url": own.url })).await;
    world.shop_with(&robot, 5, reception).await
}

/// Reception alone is given all that came in: the robot is at work, and its stream is held up.
async fn reception(world: &World) {
    let event = inserted(&world.items("inbound").await);
    assert_eq!(world.bundle.invoke("Reception", event).await.unwrap(), json!({ "batchItemFailures": [] }));
}

/// The visitor asks something, and while the robot thinks about it `meanwhile` happens.
async fn while_it_thinks(world: &World, own: &Elsewhere, visitor: &Visitor<'_>, meanwhile: impl AsyncFnOnce()) {
    let times = own.asked().len() + 1;
    own.says_later(&json!({ "text": "想好了。" }));
    world.advance(5);
    visitor.text("请问一下").await;
    tokio::join!(world.settle(), async {
        own.was_asked(times).await;
        meanwhile().await;
        own.goes_on();
    });
    world.settle().await;
}

#[tokio::test]
async fn an_agent_who_takes_it_meanwhile_is_not_interrupted() {
    let world = World::start().await;
    let own = Elsewhere::start().await;
    let shop = shop(&world, &own, json!({ "mode": "robot_first" })).await;
    let visitor = shop.visitor(&world, "o-1");
    while_it_thinks(&world, &own, &visitor, async || {
        let cid = visitor.cid().await;
        world.claim(&cid, &shop.agent).await.expect(200);
    })
    .await;
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
    assert_eq!(visitor.phone_texts().await, Vec::<String>::new());
    assert_eq!(visitor.outbound().await, Vec::<Value>::new(), "nor is it put down");
    visitor.is_told("您好").await.expect(201);
    visitor.says("还有").await;
    world.minutes_with(5, &[&shop.agent]).await;
    assert_eq!(visitor.phone_texts().await, ["您好"]);
    assert_eq!(own.asked().len(), 1);
}

#[tokio::test]
async fn a_visitor_who_asks_for_a_person_meanwhile_hears_no_more_of_it() {
    let world = World::start().await;
    let own = Elsewhere::start().await;
    let shop = shop(&world, &own, json!({ "mode": "robot_first" })).await;
    let visitor = shop.visitor(&world, "o-1");
    while_it_thinks(&world, &own, &visitor, async || {
        visitor.text("转人工").await;
        reception(&world).await;
    })
    .await;
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
    assert_eq!(visitor.phone_texts().await, Vec::<String>::new());
    let kinds = world.event_types(&visitor.cid().await).await;
    assert!(!kinds.contains(&"robot.answered".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn a_visitor_who_leaves_meanwhile_is_not_called_back() {
    let world = World::start().await;
    let own = Elsewhere::start().await;
    let shop = shop(&world, &own, json!({ "mode": "robot_first" })).await;
    let visitor = shop.visitor(&world, "o-1");
    while_it_thinks(&world, &own, &visitor, async || {
        visitor.text("结束会话").await;
        reception(&world).await;
    })
    .await;
    assert_eq!(visitor.conversations().await[0]["closed_by"], "visitor");
    assert_eq!(visitor.phone_texts().await, Vec::<String>::new());
    // In the next conversation it is there again.
    own.says(&json!({ "text": "在。" }));
    visitor.says("还想问").await;
    assert_eq!(visitor.phone_texts().await, ["在。"]);
}

#[tokio::test]
async fn a_person_who_writes_without_claiming_does_not_silence_it() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "robot_first" })).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says(SHIPPING).await;
    visitor.is_told("插一句").await.expect(201);
    visitor.says(SHIPPING).await;
    assert_eq!(visitor.stage().await, "robot");
    assert_eq!(visitor.phone_texts().await, [SHIPPING_ANSWER, "插一句", SHIPPING_ANSWER]);
}
