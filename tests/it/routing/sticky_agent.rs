//! 熟客: a returning visitor gets the previous agent within the group's `sticky_minutes`.

use jiff::SignedDuration;
use serde_json::json;

use crate::service_desk::{APP, assigned_to};
use crate::support::World;

const STICKY_MINUTES: u32 = 20;

/// The agent that a simulation assigns after this number of minutes.
async fn simulated_agent(world: &World, openid: Option<&str>, minutes: u32) -> String {
    let at = world.now() + SignedDuration::from_mins(i64::from(minutes));
    let wanted = json!({ "app_id": APP, "text": "在吗", "openid": openid, "at": at });
    let simulation = world.post("/api/routing/simulate", &wanted).await.expect(200).body;
    simulation["outcome"]["assign"]["agents"][0].as_str().unwrap_or_else(|| panic!("{simulation}")).to_owned()
}

#[tokio::test]
async fn returning_visitor_gets_the_previous_agent_within_sticky_minutes() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    world.update("groups", &desk.group, &json!({ "sticky_minutes": STICKY_MINUTES })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    visitor.writes("结束会话").await;
    // Meanwhile another agent with a lower load has come online.
    desk.visitor(&world, "o-2").writes("在吗").await;
    let other = world.agent("小李", 5).await;
    let both = [desk.agent.as_str(), other.as_str()];
    world.update("groups", &desk.group, &json!({ "members": both })).await;

    assert_eq!(simulated_agent(&world, None, 0).await, other);
    assert_eq!(simulated_agent(&world, Some("o-stranger"), 0).await, other);
    for (minutes, agent) in [(0, &desk.agent), (STICKY_MINUTES - 1, &desk.agent), (STICKY_MINUTES, &other)] {
        assert_eq!(&simulated_agent(&world, Some("o-1"), minutes).await, agent, "in {minutes} minutes");
    }

    world.run_minutes_online(STICKY_MINUTES - 2, &both).await;
    assert_eq!(simulated_agent(&world, Some("o-1"), 0).await, desk.agent);
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    visitor.writes("结束会话").await;

    world.run_minutes_online(STICKY_MINUTES + 1, &both).await;
    assert_eq!(simulated_agent(&world, Some("o-1"), 0).await, other);
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&other), "the sticky time is over");
}
