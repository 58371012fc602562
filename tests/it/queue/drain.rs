//! A queue is drained whenever an agent becomes available, whatever the cause.

use reqwest::Method;
use serde_json::json;

use crate::service_desk::{ServiceDesk, assigned_to};
use crate::support::{ADMIN, Visitor, World};

/// A service desk whose only agent is busy and a visitor who waits; returns the busy conversation's cid.
async fn one_busy_agent_and_one_waiting_visitor(world: &World) -> (ServiceDesk, String) {
    let desk = json!({
        "mode": "agents_only", "idle": { "close_after_minutes": 10 }, "prompts": { "connected": "接通了。" },
    });
    let desk = world.service_desk(1, desk).await;
    let busy = desk.occupy_agent(world).await;
    busy.agent_replies("在的").await.expect(201);
    let cid = busy.cid().await;
    let visitor = desk.visitor(world, "o-waits");
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage().await, "queued");
    (desk, cid)
}

/// The visitor is assigned and was told so.
async fn assert_assigned_and_told(visitor: &Visitor<'_>, agent: &str, what: &str) {
    assert_eq!(visitor.stage_and_agent().await, assigned_to(agent), "{what}");
    assert_eq!(visitor.last_text().await, "接通了。", "{what}");
}

#[tokio::test]
async fn queue_is_drained_when_a_conversation_ends() {
    for what in ["closed", "left", "idle"] {
        let world = World::start().await;
        let (desk, cid) = one_busy_agent_and_one_waiting_visitor(&world).await;
        match what {
            "closed" => drop(world.post(&format!("/api/conversations/{cid}/close"), &json!({})).await.expect(200)),
            "left" => desk.visitor(&world, "o-busy").writes("结束会话").await,
            _ => {
                // One visitor keeps writing, the other is idle.
                world.run_minutes_online(7, &[&desk.agent]).await;
                desk.visitor(&world, "o-waits").writes("还在吗").await;
                world.run_minutes_online(4, &[&desk.agent]).await;
            }
        }
        assert_assigned_and_told(&desk.visitor(&world, "o-waits"), &desk.agent, what).await;
    }
}

#[tokio::test]
async fn queue_is_drained_when_an_agent_comes_online() {
    let world = World::start().await;
    let (desk, _) = one_busy_agent_and_one_waiting_visitor(&world).await;
    let other = world.create("agents", &json!({ "name": "小李" })).await;
    world.update("groups", &desk.group, &json!({ "members": [desk.agent, other] })).await;
    let visitor = desk.visitor(&world, "o-waits");
    for status in ["busy", "away", "offline"] {
        world.set_status(&other, status).await;
        assert_eq!(visitor.stage().await, "queued", "{status}");
    }
    let duty = world.set_status(&other, "online").await;
    assert_eq!(duty["load"], 1, "{duty}");
    assert_assigned_and_told(&visitor, &other, "online").await;
}

#[tokio::test]
async fn queue_is_drained_when_capacity_is_raised() {
    let world = World::start().await;
    let (desk, _) = one_busy_agent_and_one_waiting_visitor(&world).await;
    world.update("agents", &desk.agent, &json!({ "capacity": 2 })).await;
    assert_assigned_and_told(&desk.visitor(&world, "o-waits"), &desk.agent, "capacity").await;
    assert_eq!(world.load(&desk.agent).await, 2);
}

#[tokio::test]
async fn queue_is_drained_when_a_group_gets_a_member() {
    let world = World::start().await;
    let (desk, _) = one_busy_agent_and_one_waiting_visitor(&world).await;
    let other = world.agent("小李", 5).await;
    assert_eq!(desk.visitor(&world, "o-waits").stage().await, "queued", "the new agent is in no group yet");
    world.update("groups", &desk.group, &json!({ "members": [desk.agent, other] })).await;
    assert_assigned_and_told(&desk.visitor(&world, "o-waits"), &other, "group").await;
}

#[tokio::test]
async fn queue_is_drained_when_a_conversation_is_transferred() {
    let world = World::start().await;
    let (desk, cid) = one_busy_agent_and_one_waiting_visitor(&world).await;
    let other = world.agent("小李", 5).await;
    world.post(&format!("/api/conversations/{cid}/transfer"), &json!({ "agent_id": other })).await.expect(200);
    assert_assigned_and_told(&desk.visitor(&world, "o-waits"), &desk.agent, "transfer").await;
}

#[tokio::test]
async fn queue_is_drained_when_working_hours_begin() {
    let world = World::start().await;
    // The clock starts on a Monday at 16:00 in Shanghai.
    let weekly = json!([{ "days": ["mon"], "from": "16:30", "to": "20:00" }]);
    let calendar = world.create("calendars", &json!({ "name": "晚班", "weekly": weekly })).await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only", "prompts": { "connected": "接通了。" } })).await;
    world.update("groups", &desk.group, &json!({ "calendar_id": calendar, "after_hours": "queue" })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage().await, "queued", "outside working hours, although the agent is online");
    world.run_minutes_online(28, &[&desk.agent]).await;
    assert_eq!(visitor.stage().await, "queued");
    world.run_minutes_online(3, &[&desk.agent]).await;
    assert_assigned_and_told(&visitor, &desk.agent, "hours").await;
}

#[tokio::test]
async fn queue_is_drained_when_heartbeats_resume() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only", "prompts": { "connected": "接通了。" } })).await;
    world.update("groups", &desk.group, &json!({ "after_hours": "queue" })).await;
    world.advance(91);
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage().await, "queued", "no assignment without a recent heartbeat");
    world.run_minutes_online(2, &[&desk.agent]).await;
    assert_assigned_and_told(&visitor, &desk.agent, "heartbeat").await;
}

#[tokio::test]
async fn queue_is_drained_by_the_tick_when_the_api_was_killed() {
    let world = World::start().await;
    let binding = world.bind("wx0000000000005413").await;
    world.set_reception(&binding, json!({ "mode": "agents_only", "prompts": { "connected": "接通了。" } })).await;
    let mut killed_between = 0;
    for awaits in 0.. {
        let agent = world.agent("小王", 5).await;
        world.set_status(&agent, "busy").await;
        let group = world.group(&[&agent]).await;
        world.set_reception(&binding, json!({ "group_id": group })).await;
        let visitor = world.visitor(&binding, &format!("o-{awaits}"));
        visitor.writes("在吗").await;
        assert_eq!(visitor.stage().await, "queued");
        let kills = world.bundle.kills("DeskApi").unwrap();
        world.bundle.kill_next("DeskApi", awaits).unwrap();
        let online = json!({ "status": "online" });
        let answer = world.call(Some(ADMIN), Method::PUT, &format!("/api/agents/{agent}/status"), Some(&online)).await;
        let killed = world.bundle.kills("DeskApi").unwrap() > kills;
        assert_eq!(answer.status, if killed { 500 } else { 200 }, "{}", answer.raw);
        let status = world.get(&format!("/api/agents/{agent}")).await.expect(200).body["duty"]["status"].clone();
        if status == "online" && visitor.stage().await == "queued" {
            killed_between += 1;
        }
        if status == "online" {
            world.run_minutes_online(1, &[&agent]).await;
            // A stored but unsent message is sent by the delivery tick.
            world.run_minutes_online(1, &[&agent]).await;
            assert_eq!(visitor.stage_and_agent().await, assigned_to(&agent), "killed after {awaits}");
            // The visitor is told once; a function killed during the send may have told them.
            let said = visitor.outbound().await;
            let sends: Vec<_> =
                said.iter().filter(|it| it["text"]["content"] == "接通了。").map(|it| it["state"].clone()).collect();
            let shown = visitor.received_texts().await.iter().filter(|text| *text == "接通了。").count();
            let right = sends == ["sent"] && shown == 1 || sends == ["unknown"] && shown <= 1;
            assert!(right, "killed after {awaits}: {sends:?}, {shown} on the phone");
        }
        world.set_status(&agent, "offline").await;
        if !killed {
            break;
        }
    }
    assert!(killed_between >= 3, "only {killed_between} visitors were left in the queue");
}
