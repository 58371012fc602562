//! Handover depends on available staff: no agent is promised before staffing is checked.

use serde_json::{Value, json};

use crate::service_desk::{FALLBACK, POSTAGE, POSTAGE_ANSWER, SHIPPING, SHIPPING_ANSWER, UNKNOWN};
use crate::support::{StubServer, Visitor, World};

const LEAVE: &str = "现在没人，请留言。";
const NO_AGENT: &str = "现在没人，我来答。";

fn reception(after_misses: u32) -> Value {
    json!({
        "mode": "robot_first",
        "handover": { "after_misses": after_misses, "after_repeats": 3 },
        "prompts": { "leave_message": LEAVE, "no_agent": NO_AGENT, "connected": "接通了。", "queued": "排队了。" },
    })
}

/// The visitor was told nothing about an agent, and no event mentions one.
async fn assert_no_agent_promised(world: &World, visitor: &Visitor<'_>) {
    let texts = visitor.received_texts().await;
    assert!(!texts.iter().any(|text| text == "接通了。" || text == "排队了。"), "{texts:?}");
    let kinds = world.event_types(&visitor.cid().await).await;
    assert!(!kinds.iter().any(|kind| kind == "conversation.assigned" || kind == "conversation.queued"), "{kinds:?}");
}

#[tokio::test]
async fn request_for_a_person_without_staff_becomes_a_left_message() {
    let world = World::start().await;
    let desk = world.service_desk(5, reception(2)).await;
    world.set_status(&desk.agent, "offline").await;
    for (openid, before, wish) in [("o-1", SHIPPING, "转人工"), ("o-2", "退货", "0"), ("o-3", SHIPPING, "agent please")]
    {
        let visitor = desk.visitor(&world, openid);
        visitor.writes(before).await;
        visitor.writes(wish).await;
        assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("left_message", LEAVE));
        assert_no_agent_promised(&world, &visitor).await;
        // The robot sends nothing from here on.
        let shown = visitor.received().await.len();
        visitor.writes(POSTAGE).await;
        assert!(!visitor.received_texts().await[shown..].contains(&POSTAGE_ANSWER.to_owned()));
    }
    // The same when the robot asks for the handover.
    let own = StubServer::start().await;
    let robot = world.create("robots", &json!({ "name": "自研", "kind": "webhook", "url": own.url })).await;
    let mut reception = reception(2);
    reception["robot_id"] = json!(robot);
    reception["group_id"] = json!(desk.group);
    world.set_reception(&desk.binding, reception).await;
    own.respond_json(&json!({ "handover": true }));
    let visitor = desk.visitor(&world, "o-4");
    visitor.writes("在吗").await;
    assert_eq!(
        (visitor.stage().await.as_str(), visitor.received_texts().await),
        ("left_message", vec![LEAVE.to_owned()])
    );
}

#[tokio::test]
async fn automatic_handover_without_staff_stays_with_the_robot() {
    let world = World::start().await;
    let desk = world.service_desk(5, reception(2)).await;
    world.set_status(&desk.agent, "offline").await;
    let visitor = desk.visitor(&world, "o-1");
    for text in [UNKNOWN, "火星呢", "土星呢"] {
        visitor.writes(text).await;
        assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("robot", FALLBACK));
    }
    for _ in 0..4 {
        visitor.writes(SHIPPING).await;
        assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("robot", SHIPPING_ANSWER));
    }
    assert_no_agent_promised(&world, &visitor).await;

    // Once an agent is online, the next miss hands over.
    visitor.writes(UNKNOWN).await;
    visitor.writes("木星呢").await;
    world.set_status(&desk.agent, "online").await;
    assert_eq!(visitor.stage().await, "robot");
    visitor.writes("土星呢").await;
    assert_eq!(visitor.agent().await.as_deref(), Some(desk.agent.as_str()));
}

#[tokio::test]
async fn after_hours_robot_says_that_no_agent_is_available_and_continues() {
    let world = World::start().await;
    let desk = world.service_desk(5, reception(0)).await;
    world.update("groups", &desk.group, &json!({ "after_hours": "robot" })).await;
    world.set_status(&desk.agent, "offline").await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes(SHIPPING).await;
    visitor.writes("转人工").await;
    assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("robot", NO_AGENT));
    visitor.writes(POSTAGE).await;
    assert_eq!(visitor.last_text().await, POSTAGE_ANSWER);
    // The same when the person is chosen from options.
    visitor.writes("退货").await;
    visitor.writes("0").await;
    assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("robot", NO_AGENT));
    assert_no_agent_promised(&world, &visitor).await;
}

#[tokio::test]
async fn first_message_asking_for_a_person_without_staff_gets_the_robot() {
    let world = World::start().await;
    let desk = world.service_desk(5, reception(0)).await;
    world.update("groups", &desk.group, &json!({ "after_hours": "robot" })).await;
    world.set_status(&desk.agent, "offline").await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("转人工").await;
    assert_eq!((visitor.stage().await.as_str(), visitor.received_texts().await), ("robot", vec![NO_AGENT.to_owned()]));
    assert_no_agent_promised(&world, &visitor).await;
    visitor.writes(POSTAGE).await;
    assert_eq!(visitor.last_text().await, POSTAGE_ANSWER);

    // Without a group the message is kept for any agent.
    world.set_reception(&desk.binding, json!({ "group_id": null })).await;
    let other = desk.visitor(&world, "o-2");
    other.writes("转人工").await;
    assert_eq!((other.stage().await.as_str(), other.last_text().await.as_str()), ("left_message", LEAVE));

    // The handoff event is written only for an actual handover, with its reason.
    world.set_reception(&desk.binding, json!({ "group_id": desk.group })).await;
    world.set_status(&desk.agent, "online").await;
    let third = desk.visitor(&world, "o-3");
    third.writes("转人工").await;
    assert_eq!(third.agent().await.as_deref(), Some(desk.agent.as_str()));
    assert_eq!(world.event(&third.cid().await, "conversation.handoff").await["data"]["reason"], "keyword");
    for visitor in [&visitor, &other] {
        let kinds = world.event_types(&visitor.cid().await).await;
        assert!(!kinds.contains(&"conversation.handoff".to_owned()), "{kinds:?}");
    }
}

#[tokio::test]
async fn robot_taking_over_from_the_queue_answers_the_pending_message() {
    let world = World::start().await;
    // The binding has no robot; the visitor's session-from selects one.
    let mut settings = reception(0);
    (settings["mode"], settings["robot_id"]) = (json!("agents_only"), Value::Null);
    let desk = world.service_desk(1, settings).await;
    desk.occupy_agent(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.enters(&format!("sobot||||robotid={}", desk.robot)).await;
    visitor.writes(SHIPPING).await;
    visitor.writes("转人工").await;
    assert_eq!(
        (visitor.stage().await.as_str(), visitor.received_texts().await),
        ("queued", vec!["排队了。".to_owned()])
    );
    // All agents time out.
    world.update("groups", &desk.group, &json!({ "after_hours": "robot" })).await;
    world.run_minutes(6).await;
    assert_eq!(visitor.stage().await, "robot");
    assert_eq!(visitor.received_texts().await, ["排队了。", NO_AGENT, SHIPPING_ANSWER]);
}

#[tokio::test]
async fn after_hours_queue_queues_without_staff() {
    let world = World::start().await;
    let desk = world.service_desk(5, reception(2)).await;
    world.update("groups", &desk.group, &json!({ "after_hours": "queue" })).await;
    world.set_status(&desk.agent, "offline").await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes(UNKNOWN).await;
    visitor.writes("火星呢").await;
    assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("queued", "排队了。"));
    world.set_status(&desk.agent, "online").await;
    assert_eq!((visitor.agent().await, visitor.last_text().await.as_str()), (Some(desk.agent), "接通了。"));
}
