//! 熟客: a visitor who comes back gets the agent of the last time, for as long as the group says.

use jiff::SignedDuration;
use serde_json::json;

use crate::shop::{APP, with};
use crate::support::World;

const STICKY_MINUTES: u32 = 20;

/// Whom a simulation has in mind for the visitor in so many minutes.
async fn foretold(world: &World, openid: Option<&str>, minutes: u32) -> String {
    let at = world.now() + SignedDuration::from_mins(i64::from(minutes));
    let wanted = json!({ "app_id": APP, "text": "在吗", "openid": openid, "at": at });
    let told = world.post("/api/routing/simulate", &wanted).await.expect(200).body;
    told["outcome"]["assign"]["agents"][0].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()
}

#[tokio::test]
async fn whoever_comes_back_in_time_gets_the_agent_of_the_last_time() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only" })).await;
    world.change("groups", &shop.group, &json!({ "sticky_minutes": STICKY_MINUTES })).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says("在吗").await;
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
    visitor.says("结束会话").await;
    // Meanwhile somebody else has come to work, who has less to do.
    shop.visitor(&world, "o-2").says("在吗").await;
    let other = world.agent("小李", 5).await;
    let both = [shop.agent.as_str(), other.as_str()];
    world.change("groups", &shop.group, &json!({ "members": both })).await;

    assert_eq!(foretold(&world, None, 0).await, other);
    assert_eq!(foretold(&world, Some("o-stranger"), 0).await, other);
    for (minutes, agent) in [(0, &shop.agent), (STICKY_MINUTES - 1, &shop.agent), (STICKY_MINUTES, &other)] {
        assert_eq!(&foretold(&world, Some("o-1"), minutes).await, agent, "in {minutes} minutes");
    }

    world.minutes_with(STICKY_MINUTES - 2, &both).await;
    assert_eq!(foretold(&world, Some("o-1"), 0).await, shop.agent);
    visitor.says("在吗").await;
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
    visitor.says("结束会话").await;

    world.minutes_with(STICKY_MINUTES + 1, &both).await;
    assert_eq!(foretold(&world, Some("o-1"), 0).await, other);
    visitor.says("在吗").await;
    assert_eq!(visitor.with_whom().await, with(&other), "the last time is too long ago");
}
