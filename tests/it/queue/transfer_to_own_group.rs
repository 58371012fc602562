//! A transfer to the agent's own group does not return to them while a colleague may take it.

use serde_json::{Value, json};

use crate::open_conversation::problem;
use crate::service_desk::{ServiceDesk, assigned_to};
use crate::support::{Answer, World};

/// 小王 and 小李 with a capacity of 1; 小王 has `o-1`, 小李 has `o-2`.
struct Pair {
    desk: ServiceDesk,
    wang: String,
    li: String,
}

async fn two_busy_agents(world: &World) -> Pair {
    let desk = world.service_desk(1, json!({ "mode": "agents_only" })).await;
    let (wang, li) = (desk.agent.clone(), world.agent("小李", 1).await);
    desk.visitor(world, "o-1").writes("在吗").await;
    world.update("groups", &desk.group, &json!({ "members": [wang, li], "after_hours": "queue" })).await;
    desk.visitor(world, "o-2").writes("在吗").await;
    assert_eq!(desk.visitor(world, "o-1").stage_and_agent().await, assigned_to(&wang));
    assert_eq!(desk.visitor(world, "o-2").stage_and_agent().await, assigned_to(&li));
    Pair { desk, wang, li }
}

/// Transfers `o-1` to the group of its agent.
async fn transfer_to_own_group(world: &World, desk: &ServiceDesk) -> Answer {
    let cid = desk.visitor(world, "o-1").cid().await;
    let to: Value = json!({ "group_id": desk.group });
    world.post(&format!("/api/conversations/{cid}/transfer"), &to).await
}

#[tokio::test]
async fn transfer_to_own_group_waits_for_a_colleague() {
    let world = World::start().await;
    let Pair { desk, wang, li } = two_busy_agents(&world).await;
    let (handed, colleagues) = (desk.visitor(&world, "o-1"), desk.visitor(&world, "o-2"));
    let answer = transfer_to_own_group(&world, &desk).await.expect(200);
    assert_eq!(answer.body["stage"], "queued");
    assert_eq!((handed.stage().await.as_str(), world.load(&wang).await), ("queued", 0));
    // Neither a tick nor a change of status returns it.
    world.run_minutes_online(2, &[&wang, &li]).await;
    world.set_status(&wang, "busy").await;
    world.set_status(&wang, "online").await;
    assert_eq!(handed.stage().await, "queued");
    let next = desk.visitor(&world, "o-3");
    next.writes("在吗").await;
    assert_eq!(next.stage_and_agent().await, assigned_to(&wang), "a new visitor gets the free agent");
    assert_eq!(handed.stage().await, "queued");
    colleagues.writes("结束会话").await;
    assert_eq!(handed.stage_and_agent().await, assigned_to(&li));
    let kinds = world.event_types(&handed.cid().await).await;
    let expected =
        ["created", "assigned", "transferred", "queued", "assigned"].map(|kind| format!("conversation.{kind}"));
    assert_eq!(kinds, expected);
}

#[tokio::test]
async fn transferring_agent_gets_the_next_in_the_queue() {
    let world = World::start().await;
    let Pair { desk, wang, .. } = two_busy_agents(&world).await;
    let next = desk.visitor(&world, "o-3");
    next.writes("在吗").await;
    assert_eq!(next.stage().await, "queued");
    transfer_to_own_group(&world, &desk).await.expect(200);
    assert_eq!(next.stage_and_agent().await, assigned_to(&wang));
    assert_eq!(desk.visitor(&world, "o-1").stage().await, "queued");
}

#[tokio::test]
async fn transfer_to_own_group_returns_after_five_minutes() {
    let world = World::start().await;
    let Pair { desk, wang, li } = two_busy_agents(&world).await;
    transfer_to_own_group(&world, &desk).await.expect(200);
    let handed = desk.visitor(&world, "o-1");
    world.run_minutes_online(4, &[&wang, &li]).await;
    assert_eq!(handed.stage().await, "queued");
    world.run_minutes_online(2, &[&wang, &li]).await;
    assert_eq!(handed.stage_and_agent().await, assigned_to(&wang));
}

#[tokio::test]
async fn transfer_to_own_group_without_colleagues_returns_or_is_refused() {
    let world = World::start().await;
    let Pair { desk, wang, li } = two_busy_agents(&world).await;
    transfer_to_own_group(&world, &desk).await.expect(200);
    let handed = desk.visitor(&world, "o-1");
    world.set_status(&li, "offline").await;
    world.run_minutes_online(1, &[&wang]).await;
    assert_eq!(handed.stage_and_agent().await, assigned_to(&wang));

    let refused = transfer_to_own_group(&world, &desk).await;
    assert_eq!(problem(&refused), (409, "group.unavailable", None));
    assert!(refused.text("detail").contains("its other members are not on duty"), "{}", refused.raw);
    assert_eq!(handed.stage_and_agent().await, assigned_to(&wang));
}

#[tokio::test]
async fn transfer_to_another_group_may_return_to_the_same_agent() {
    let world = World::start().await;
    let Pair { desk, wang, .. } = two_busy_agents(&world).await;
    transfer_to_own_group(&world, &desk).await.expect(200);
    let handed = desk.visitor(&world, "o-1");
    let other = world.group(&[&wang]).await;
    let path = format!("/api/conversations/{}/transfer", handed.cid().await);
    world.post(&path, &json!({ "group_id": other })).await.expect(200);
    assert_eq!(handed.stage_and_agent().await, assigned_to(&wang));
}

#[tokio::test]
async fn transfer_to_a_busy_agent_succeeds_and_to_an_offline_one_is_refused() {
    let world = World::start().await;
    let Pair { desk, li, wang } = two_busy_agents(&world).await;
    desk.visitor(&world, "o-2").writes("结束会话").await;
    let handed = desk.visitor(&world, "o-1");
    let path = format!("/api/conversations/{}/transfer", handed.cid().await);
    for status in ["busy", "away", "online"] {
        world.set_status(&li, status).await;
        world.post(&path, &json!({ "agent_id": li })).await.expect(200);
        assert_eq!(handed.stage_and_agent().await, assigned_to(&li), "{status}");
        world.post(&path, &json!({ "agent_id": wang })).await.expect(200);
    }
    world.set_status(&li, "offline").await;
    assert_eq!(problem(&world.post(&path, &json!({ "agent_id": li })).await), (409, "agent.offline", None));
    // Away and without a recent heartbeat.
    world.set_status(&li, "away").await;
    world.advance(91);
    assert_eq!(problem(&world.post(&path, &json!({ "agent_id": li })).await), (409, "agent.offline", None));
    assert_eq!(handed.stage_and_agent().await, assigned_to(&wang));
}
