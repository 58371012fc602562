//! The messages of a visitor in a minute.

use serde_json::{Value, json};

use super::begin_minute;
use crate::service_desk::{SHIPPING, SHIPPING_ANSWER, ServiceDesk};
use crate::support::push::{Push, text_document};
use crate::support::{Visitor, World};

/// A desk whose robot answers, and whose visitors may send two messages a minute.
async fn desk(world: &World, mode: &str) -> ServiceDesk {
    let handover = json!({ "after_repeats": 0 });
    let reception = json!({ "mode": mode, "messages_per_minute": 2, "handover": handover, "reply_reserve": 0 });
    let desk = world.service_desk(5, reception).await;
    begin_minute(world).await;
    desk
}

async fn answers(visitor: &Visitor<'_>) -> usize {
    visitor.received_texts().await.iter().filter(|text| *text == SHIPPING_ANSWER).count()
}

fn ignored(messages: &[Value]) -> Vec<Option<&str>> {
    messages.iter().map(|message| message["ignored"].as_str()).collect()
}

#[tokio::test]
async fn message_beyond_the_limit_of_its_minute_is_shown_and_not_answered() {
    let world = World::start().await;
    let desk = desk(&world, "robot_only").await;
    let (visitor, other) = (desk.visitor(&world, "o-1"), desk.visitor(&world, "o-2"));
    for expected in [1, 2, 2, 2] {
        visitor.writes(SHIPPING).await;
        assert_eq!(answers(&visitor).await, expected);
    }
    other.writes(SHIPPING).await;
    assert_eq!(answers(&other).await, 1, "another visitor has a limit of their own");
    let cid = visitor.cid().await;
    let shown: Vec<Value> = world.list(&format!("/api/conversations/{cid}/messages")).await;
    let shown: Vec<Value> = shown.into_iter().filter(|message| message["direction"] == "in").collect();
    assert_eq!(ignored(&shown), [None, None, Some("too_many"), Some("too_many")]);
    let told = |types: Vec<String>| types.iter().filter(|kind| *kind == "conversation.limited").count();
    assert_eq!(told(world.event_types(&cid).await), 1, "once a minute");
    assert_eq!(world.event(&cid, "conversation.limited").await["data"], json!({ "messages_per_minute": 2 }));

    begin_minute(&world).await;
    for expected in [3, 4, 4] {
        visitor.writes(SHIPPING).await;
        assert_eq!(answers(&visitor).await, expected);
    }
    assert_eq!(told(world.event_types(&cid).await), 2);
}

#[tokio::test]
async fn agent_who_has_the_conversation_sees_the_messages_beyond_the_limit() {
    let world = World::start().await;
    let desk = desk(&world, "agents_only").await;
    let visitor = desk.visitor(&world, "o-1");
    for text in ["一", "二", "三", "再见"] {
        visitor.writes(text).await;
    }
    let token = world.agent_token(&desk.agent).await;
    let path = format!("/api/conversations/{}/messages", visitor.cid().await);
    let seen = world.call(Some(&token), reqwest::Method::GET, &path, None).await.expect(200).body;
    let texts: Vec<_> = seen["items"].as_array().unwrap().iter().map(|message| &message["text"]["content"]).collect();
    assert_eq!(texts, ["一", "二", "三", "再见"]);
    assert_eq!(visitor.agent().await.as_ref(), Some(&desk.agent), "the farewell ends nothing");
}

#[tokio::test]
async fn message_beyond_the_limit_opens_no_conversation() {
    let world = World::start().await;
    let desk = desk(&world, "agents_only").await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    visitor.writes("再见").await;
    visitor.writes("在吗").await;
    assert_eq!(visitor.conversations().await.len(), 1);
    assert_eq!(ignored(&visitor.inbound().await), [None, None, Some("too_many")]);
    assert_eq!(world.load(&desk.agent).await, 0);
    begin_minute(&world).await;
    world.heartbeat(&[&desk.agent]).await;
    visitor.writes("在吗").await;
    assert_eq!(visitor.agent().await.as_ref(), Some(&desk.agent));
}

#[tokio::test]
async fn limit_counts_by_arrival_whatever_the_push_says() {
    let world = World::start().await;
    let desk = desk(&world, "agents_only").await;
    let visitor = desk.visitor(&world, "o-1");
    let now = world.now().as_second();
    for (number, create_time) in [(1, now - 180), (2, now - 120), (3, now - 60), (4, now + 60)] {
        let document = text_document("o-1", create_time, number, "在吗");
        assert_eq!(world.deliver(&Push::new(&desk.binding, &document)).await.status, 200);
        world.settle().await;
    }
    let inbound = visitor.inbound().await;
    assert_eq!(ignored(&inbound).iter().flatten().count(), 2, "{inbound:?}");
}

#[tokio::test]
async fn first_messages_at_once_are_limited() {
    let world = World::start().await;
    let desk = desk(&world, "robot_only").await;
    let visitor = desk.visitor(&world, "o-1");
    for _ in 0..15 {
        visitor.text(SHIPPING).await;
    }
    world.settle().await;
    let inbound = visitor.inbound().await;
    assert_eq!(ignored(&inbound).iter().flatten().count(), 13, "{inbound:?}");
}
