//! A visitor who has no agent enters again with another target.

use reqwest::Method;
use serde_json::{Value, json};

use super::session_from::{sobot, to_group};
use crate::service_desk::{SHIPPING, SHIPPING_ANSWER, ServiceDesk, assigned_to};
use crate::support::{Visitor, World};

fn to(group: &str) -> String {
    sobot(&[("transfer_action", json!([to_group(group)]))])
}

/// A group whose only agent is busy.
async fn busy_group(world: &World, name: &str) -> String {
    let agent = world.agent(name, 5).await;
    world.set_status(&agent, "busy").await;
    world.create("groups", &json!({ "name": name, "members": [agent] })).await
}

async fn waiting_in(visitor: &Visitor<'_>) -> Value {
    visitor.conversation().await["queue"].clone()
}

/// A visitor who waits in the queue of this group.
async fn waits<'a>(world: &'a World, desk: &'a ServiceDesk, openid: &str, group: &str) -> Visitor<'a> {
    let visitor = desk.visitor(world, openid);
    visitor.enters(&to(group)).await;
    visitor.writes("在吗").await;
    assert_eq!(waiting_in(&visitor).await["queue"], format!("group:{group}"));
    visitor
}

#[tokio::test]
async fn waiting_visitor_who_enters_with_another_group_is_routed_there() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let (first, second) = (busy_group(&world, "售前").await, busy_group(&world, "售后").await);
    let visitor = waits(&world, &desk, "o-1", &first).await;
    let since = visitor.conversation().await["queue"]["since"].clone();
    world.advance(30);
    visitor.enters(&to(&second)).await;
    let queue = waiting_in(&visitor).await;
    assert_eq!(
        (&queue["queue"], &queue["since"]),
        (&json!(format!("group:{second}")), &since),
        "the time waited counts"
    );
    let cid = visitor.cid().await;
    let rerouted = world.event(&cid, "conversation.rerouted").await;
    assert_eq!(rerouted["data"]["from"], format!("group:{first}"));
    let events = world.events(&cid).await;
    let queued = events.iter().rfind(|event| event["type"] == "conversation.queued").unwrap();
    assert_eq!(queued["data"]["because"], json!({ "entered_again": true }), "{queued}");
    // A free agent of the third group takes the visitor at once.
    visitor.enters(&to(&desk.group)).await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    // An agent keeps the visitor.
    visitor.enters(&to(&second)).await;
    visitor.writes("你好").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    assert_eq!(visitor.conversations().await.len(), 1);
}

#[tokio::test]
async fn waiting_visitor_who_enters_again_does_not_return_to_the_agent_who_transferred_them() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let (sender, other) = (world.agent("小林", 5).await, world.agent("小王", 5).await);
    world.set_status(&sender, "online").await;
    world.set_status(&other, "busy").await;
    let group = world.create("groups", &json!({ "name": "售前", "members": [sender, other] })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.enters(&to(&group)).await;
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&sender));
    let transfer = format!("/api/conversations/{}/transfer", visitor.cid().await);
    let token = world.agent_token(&sender).await;
    world.call(Some(&token), Method::POST, &transfer, Some(&json!({ "group_id": group }))).await.expect(200);
    let other_targets = json!([to_group("g000000000000"), to_group(&group)]);
    visitor.enters(&sobot(&[("transfer_action", other_targets)])).await;
    world.event(&visitor.cid().await, "conversation.rerouted").await;
    assert_eq!(waiting_in(&visitor).await["queue"], format!("group:{group}"));
    let stored = &world.items("conversation").await[0]["data"]["S"];
    let stage = serde_json::from_str::<Value>(stored.as_str().unwrap()).unwrap()["stage"].clone();
    assert_eq!(stage["handed_on_by"], sender.as_str(), "{stage}");
}

#[tokio::test]
async fn waiting_visitor_keeps_the_place_when_nothing_else_is_asked_for() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let (first, second) = (busy_group(&world, "售前").await, busy_group(&world, "售后").await);
    let visitor = waits(&world, &desk, "o-1", &first).await;
    let before = visitor.conversation().await;
    world.advance(30);
    for entering in [
        to(&first),
        String::new(),
        "sobot|林小满||".to_owned(),
        to("unknown"),
        sobot(&[("robotid", json!("unknown"))]),
        sobot(&[("robotid", json!(desk.robot))]),
    ] {
        visitor.enters(&entering).await;
        assert_eq!(waiting_in(&visitor).await, before["queue"], "{entering}");
    }
    world.set_reception(&desk.binding, json!({ "locked": true })).await;
    visitor.enters(&to(&second)).await;
    assert_eq!(waiting_in(&visitor).await, before["queue"], "locked");
    let locked = json!({ "locked": false, "allow": { "groups": [] } });
    world.set_reception(&desk.binding, locked).await;
    visitor.enters(&to(&second)).await;
    assert_eq!(waiting_in(&visitor).await, before["queue"], "not allowed");
    let cid = visitor.cid().await;
    assert_eq!(world.event_types(&cid).await, ["conversation.created", "conversation.queued"]);
}

#[tokio::test]
async fn waiting_visitor_after_an_overflow_keeps_the_place_when_the_same_is_asked_for() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let second = busy_group(&world, "售后").await;
    let (agent, name) = (world.agent("售前", 5).await, "售前");
    world.set_status(&agent, "busy").await;
    let first = world.create("groups", &json!({ "name": name, "members": [agent], "max_wait_seconds": 60 })).await;
    let level = json!({ "actionType": "to_group", "deciId": first, "optionId": "3", "spillId": "4" });
    let entering = sobot(&[("transfer_action", json!([level, to_group(&second)]))]);
    let visitor = desk.visitor(&world, "o-1");
    visitor.enters(&entering).await;
    visitor.writes("在吗").await;
    assert_eq!(waiting_in(&visitor).await["queue"], format!("group:{first}"));
    world.run_minutes_online(2, &[&agent]).await;
    let waiting = waiting_in(&visitor).await;
    assert_eq!(waiting["queue"], format!("group:{second}"));
    visitor.enters(&entering).await;
    assert_eq!(waiting_in(&visitor).await, waiting);
}

#[tokio::test]
async fn visitor_who_left_a_message_and_enters_with_another_group_is_routed_there() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let away = world.agent("夜班", 5).await;
    world.set_status(&away, "offline").await;
    let (closed, other) = (world.group(&[&away]).await, world.group(&[&away]).await);
    let visitor = desk.visitor(&world, "o-1");
    visitor.enters(&to(&closed)).await;
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage().await, "left_message");
    let told = visitor.received_texts().await.len();
    // No agent of the other group is online either: the visitor is not asked a second time, and the next message follows the new plan.
    visitor.enters(&to(&other)).await;
    assert_eq!((visitor.stage().await.as_str(), visitor.received_texts().await.len()), ("left_message", told));
    visitor.enters(&to(&desk.group)).await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    let types = world.event_types(&visitor.cid().await).await;
    assert_eq!(
        types,
        ["conversation.created", "leave_message.created", "conversation.rerouted", "conversation.assigned"]
    );
}

#[tokio::test]
async fn next_message_of_a_left_message_follows_the_targets_entered_with_last() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let away = world.agent("夜班", 5).await;
    world.set_status(&away, "offline").await;
    let (closed, other) = (world.group(&[&away]).await, world.agent("白班", 5).await);
    let others = world.group(&[&other]).await;
    world.set_status(&other, "offline").await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.enters(&to(&closed)).await;
    visitor.writes("在吗").await;
    visitor.enters(&to(&others)).await;
    assert_eq!(visitor.stage().await, "left_message");
    world.set_status(&other, "online").await;
    visitor.writes("还在吗").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&other));
}

#[tokio::test]
async fn visitor_who_enters_with_another_robot_gets_that_robot() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first" })).await;
    world.set_status(&desk.agent, "busy").await;
    let answer = "两小时内发出。";
    let other = world.faq_robot(&[("ship", SHIPPING, answer)]).await;
    let by_other = sobot(&[("robotid", json!(other))]);
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.last_text().await, SHIPPING_ANSWER);
    // From a robot.
    visitor.enters(&by_other).await;
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.last_text().await, answer);
    // To people; the same robot does not take the visitor back.
    visitor.writes("转人工").await;
    assert_eq!(visitor.stage().await, "queued");
    visitor.enters(&by_other).await;
    assert_eq!(visitor.stage().await, "queued");
    // Out of the queue.
    visitor.enters(&sobot(&[("robotid", json!(desk.robot))])).await;
    assert_eq!(visitor.stage().await, "robot");
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.last_text().await, SHIPPING_ANSWER);
    // No conversation waits any more: the agent who comes back gets none.
    world.set_status(&desk.agent, "online").await;
    assert_eq!(visitor.stage().await, "robot");
    let cid = visitor.cid().await;
    let from: Vec<_> = world
        .events(&cid)
        .await
        .into_iter()
        .filter(|it| it["type"] == "conversation.rerouted")
        .map(|it| it["data"]["from"].clone())
        .collect();
    assert_eq!(from, [format!("robot:{}", desk.robot), format!("group:{}", desk.group)]);
}
