//! Whether somebody is there is found out before anybody is promised.

use serde_json::{Value, json};

use crate::shop::{FALLBACK, POSTAGE, POSTAGE_ANSWER, SHIPPING, SHIPPING_ANSWER, UNKNOWN};
use crate::support::{Elsewhere, Visitor, World};

const LEAVE: &str = "现在没人，请留言。";
const NO_AGENT: &str = "现在没人，我来答。";

fn reception(after_misses: u32) -> Value {
    json!({
        "mode": "robot_first",
        "handover": { "after_misses": after_misses, "after_repeats": 3 },
        "prompts": { "leave_message": LEAVE, "no_agent": NO_AGENT, "connected": "接通了。", "queued": "排队了。" },
    })
}

/// No word of an agent was said to this visitor, nor written in the conversation's history.
async fn promised_nobody(world: &World, visitor: &Visitor<'_>) {
    let texts = visitor.phone_texts().await;
    assert!(!texts.iter().any(|text| text == "接通了。" || text == "排队了。"), "{texts:?}");
    let kinds = world.event_types(&visitor.cid().await).await;
    assert!(!kinds.iter().any(|kind| kind == "conversation.assigned" || kind == "conversation.queued"), "{kinds:?}");
}

#[tokio::test]
async fn who_has_asked_for_a_person_may_leave_a_message() {
    let world = World::start().await;
    let shop = world.shop(5, reception(2)).await;
    world.status(&shop.agent, "offline").await;
    for (openid, before, wish) in [("o-1", SHIPPING, "转人工"), ("o-2", "退货", "0"), ("o-3", SHIPPING, "agent please")]
    {
        let visitor = shop.visitor(&world, openid);
        visitor.says(before).await;
        visitor.says(wish).await;
        assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("left_message", LEAVE));
        promised_nobody(&world, &visitor).await;
        // The robot is silent from here on.
        let shown = visitor.phone().await.len();
        visitor.says(POSTAGE).await;
        assert!(!visitor.phone_texts().await[shown..].contains(&POSTAGE_ANSWER.to_owned()));
    }
    // So may a visitor whose robot asks for it.
    let own = Elsewhere::start().await;
    let robot = world.make("robots", &json!({ "name": "自研", "kind": "webhook", "url": own.url })).await;
    let mut reception = reception(2);
    reception["robot_id"] = json!(robot);
    reception["group_id"] = json!(shop.group);
    world.receive(&shop.binding, reception).await;
    own.says(&json!({ "handover": true }));
    let visitor = shop.visitor(&world, "o-4");
    visitor.says("在吗").await;
    assert_eq!((visitor.stage().await.as_str(), visitor.phone_texts().await), ("left_message", vec![LEAVE.to_owned()]));
}

#[tokio::test]
async fn who_has_not_asked_stays_with_the_robot() {
    let world = World::start().await;
    let shop = world.shop(5, reception(2)).await;
    world.status(&shop.agent, "offline").await;
    let visitor = shop.visitor(&world, "o-1");
    for text in [UNKNOWN, "火星呢", "土星呢"] {
        visitor.says(text).await;
        assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("robot", FALLBACK));
    }
    for _ in 0..4 {
        visitor.says(SHIPPING).await;
        assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("robot", SHIPPING_ANSWER));
    }
    promised_nobody(&world, &visitor).await;

    // As soon as somebody is there, the next miss leads to them.
    visitor.says(UNKNOWN).await;
    visitor.says("木星呢").await;
    world.status(&shop.agent, "online").await;
    assert_eq!(visitor.stage().await, "robot");
    visitor.says("土星呢").await;
    assert_eq!(visitor.agent().await.as_deref(), Some(shop.agent.as_str()));
}

#[tokio::test]
async fn where_the_robot_stands_in_it_says_so_and_goes_on() {
    let world = World::start().await;
    let shop = world.shop(5, reception(0)).await;
    world.change("groups", &shop.group, &json!({ "after_hours": "robot" })).await;
    world.status(&shop.agent, "offline").await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says(SHIPPING).await;
    visitor.says("转人工").await;
    assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("robot", NO_AGENT));
    visitor.says(POSTAGE).await;
    assert_eq!(visitor.last_text().await, POSTAGE_ANSWER);
    // From a choice, too.
    visitor.says("退货").await;
    visitor.says("0").await;
    assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("robot", NO_AGENT));
    promised_nobody(&world, &visitor).await;
}

#[tokio::test]
async fn so_it_is_for_whoever_asks_for_a_person_first_of_all() {
    let world = World::start().await;
    let shop = world.shop(5, reception(0)).await;
    world.change("groups", &shop.group, &json!({ "after_hours": "robot" })).await;
    world.status(&shop.agent, "offline").await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says("转人工").await;
    assert_eq!((visitor.stage().await.as_str(), visitor.phone_texts().await), ("robot", vec![NO_AGENT.to_owned()]));
    promised_nobody(&world, &visitor).await;
    visitor.says(POSTAGE).await;
    assert_eq!(visitor.last_text().await, POSTAGE_ANSWER);

    // Where no group is set, there is somebody to read it some time.
    world.receive(&shop.binding, json!({ "group_id": null })).await;
    let other = shop.visitor(&world, "o-2");
    other.says("转人工").await;
    assert_eq!((other.stage().await.as_str(), other.last_text().await.as_str()), ("left_message", LEAVE));

    // A hand-over is told of when there is one, and then with its reason.
    world.receive(&shop.binding, json!({ "group_id": shop.group })).await;
    world.status(&shop.agent, "online").await;
    let third = shop.visitor(&world, "o-3");
    third.says("转人工").await;
    assert_eq!(third.agent().await.as_deref(), Some(shop.agent.as_str()));
    assert_eq!(world.event(&third.cid().await, "conversation.handoff").await["data"]["reason"], "keyword");
    for visitor in [&visitor, &other] {
        let kinds = world.event_types(&visitor.cid().await).await;
        assert!(!kinds.contains(&"conversation.handoff".to_owned()), "{kinds:?}");
    }
}

#[tokio::test]
async fn a_robot_that_takes_over_from_the_queue_answers_what_waits() {
    let world = World::start().await;
    // The mini program has no robot of its own; the visitor's session-from has chosen one.
    let mut settings = reception(0);
    (settings["mode"], settings["robot_id"]) = (json!("agents_only"), Value::Null);
    let shop = world.shop(1, settings).await;
    shop.engage(&world).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.comes(&format!("sobot||||robotid={}", shop.robot)).await;
    visitor.says(SHIPPING).await;
    visitor.says("转人工").await;
    assert_eq!((visitor.stage().await.as_str(), visitor.phone_texts().await), ("queued", vec!["排队了。".to_owned()]));
    // Everybody goes home.
    world.change("groups", &shop.group, &json!({ "after_hours": "robot" })).await;
    world.minutes(6).await;
    assert_eq!(visitor.stage().await, "robot");
    assert_eq!(visitor.phone_texts().await, ["排队了。", NO_AGENT, SHIPPING_ANSWER]);
}

#[tokio::test]
async fn a_group_that_lets_visitors_wait_has_them_wait_whoever_is_there() {
    let world = World::start().await;
    let shop = world.shop(5, reception(2)).await;
    world.change("groups", &shop.group, &json!({ "after_hours": "queue" })).await;
    world.status(&shop.agent, "offline").await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says(UNKNOWN).await;
    visitor.says("火星呢").await;
    assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("queued", "排队了。"));
    world.status(&shop.agent, "online").await;
    assert_eq!((visitor.agent().await, visitor.last_text().await.as_str()), (Some(shop.agent), "接通了。"));
}
