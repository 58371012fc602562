//! Agents whose heartbeats stop or who stay offline.

use serde_json::json;

use crate::service_desk::{ServiceDesk, assigned_to};
use crate::support::World;

/// A service desk with two agents of capacity 1, 小王 and 小李.
async fn two_agents_of_capacity_one(world: &World) -> (ServiceDesk, String) {
    let desk =
        world.service_desk(1, json!({ "mode": "agents_only", "prompts": { "queued": "前面{ahead}位。" } })).await;
    let li = world.agent("小李", 1).await;
    world.update("groups", &desk.group, &json!({ "members": [desk.agent, li] })).await;
    (desk, li)
}

#[tokio::test]
async fn agent_back_within_the_grace_period_keeps_conversations() {
    let world = World::start().await;
    let (desk, li) = two_agents_of_capacity_one(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    let agent = visitor.agent().await.unwrap();
    let other = if agent == li { &desk.agent } else { &li };
    // Most of the three minutes, twice.
    world.run_minutes_online(2, &[other]).await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&agent));
    world.heartbeat(&[&agent]).await;
    world.run_minutes_online(2, &[other]).await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&agent), "a heartbeat arrived in time");
    // The same after going offline and coming back in time.
    world.set_status(&agent, "offline").await;
    world.run_minutes_online(2, &[other]).await;
    world.set_status(&agent, "online").await;
    world.run_minutes_online(3, &[other, &agent]).await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&agent));
    let kinds = world.event_types(&visitor.cid().await).await;
    assert_eq!(kinds, ["conversation.created", "conversation.assigned"]);
}

#[tokio::test]
async fn conversations_of_a_timed_out_agent_are_reassigned() {
    for how in ["silent", "offline"] {
        let world = World::start().await;
        let (desk, li) = two_agents_of_capacity_one(&world).await;
        let visitor = desk.visitor(&world, "o-1");
        visitor.writes("在吗").await;
        let agent = visitor.agent().await.unwrap();
        let other = if agent == li { desk.agent.clone() } else { li };
        if how == "offline" {
            world.set_status(&agent, "offline").await;
        }
        world.run_minutes_online(6, &[&other]).await;
        assert_eq!(visitor.stage_and_agent().await, assigned_to(&other), "{how}");
        assert_eq!((world.load(&agent).await, world.load(&other).await), (0, 1));
        let status = world.get(&format!("/api/agents/{agent}")).await.expect(200).body["duty"]["status"].clone();
        assert_eq!(status, "offline", "{how}");
        let requeued = world.event(&visitor.cid().await, "conversation.requeued").await;
        assert_eq!(requeued["data"]["from"], agent.as_str());
        assert_eq!(visitor.received().await.len(), 0, "the visitor is not told");
        // The agent stays offline until they set a status.
        assert_eq!(world.post(&format!("/api/agents/{agent}/heartbeat"), &json!({})).await.status, 409);
    }
}

#[tokio::test]
async fn reassigned_visitor_is_queued_by_original_arrival() {
    let world = World::start().await;
    let (desk, li) = two_agents_of_capacity_one(&world).await;
    let (first, second) = (desk.visitor(&world, "o-1"), desk.visitor(&world, "o-2"));
    first.writes("在吗").await;
    second.writes("在吗").await;
    let (gone, stays) = (first.agent().await.unwrap(), second.agent().await.unwrap());
    assert!([&gone, &stays].contains(&&li) && gone != stays);
    let third = desk.visitor(&world, "o-3");
    third.writes("在吗").await;
    assert_eq!(third.stage().await, "queued");
    world.run_minutes_online(6, &[&stays]).await;
    assert_eq!(first.stage().await, "queued");
    assert_eq!(
        first.received_texts().await,
        Vec::<String>::new(),
        "a requeued visitor is not told a place in the queue"
    );
    second.writes("结束会话").await;
    assert_eq!(first.stage_and_agent().await, assigned_to(&stays), "the original arrival decides");
    assert_eq!(third.stage().await, "queued");
}

#[tokio::test]
async fn timeout_of_the_last_agent_becomes_a_left_message() {
    let world = World::start().await;
    let prompts = json!({ "leave_message": "请留言。" });
    let desk = world.service_desk(5, json!({ "mode": "agents_only", "prompts": prompts })).await;
    let mut visitors = Vec::new();
    for number in 0..5 {
        let visitor = desk.visitor(&world, &format!("o-{number}"));
        visitor.writes("在吗").await;
        visitors.push(visitor);
    }
    world.run_minutes(6).await;
    for visitor in &visitors {
        assert_eq!(visitor.stage().await, "left_message");
        assert_eq!(visitor.received_texts().await, ["请留言。"]);
    }
    assert_eq!(world.load(&desk.agent).await, 0);
    // The agent comes back and claims the left message.
    world.set_status(&desk.agent, "online").await;
    world.claim(&visitors[0].cid().await, &desk.agent).await.expect(200);
    assert_eq!(visitors[0].stage_and_agent().await, assigned_to(&desk.agent));
}

#[tokio::test]
async fn unrouted_conversation_of_a_timed_out_agent_becomes_unassigned() {
    let world = World::start().await;
    let binding = world.bind("wx0000000000005415").await;
    let agent = world.agent("小王", 5).await;
    let visitor = world.visitor(&binding, "o-1");
    visitor.writes("在吗").await;
    world.claim(&visitor.cid().await, &agent).await.expect(200);
    world.run_minutes(6).await;
    assert_eq!(visitor.stage_and_agent().await, ("unassigned".to_owned(), None));
    assert_eq!(world.load(&agent).await, 0);
}
