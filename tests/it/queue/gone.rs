//! An agent's workbench is not heard from any more.

use serde_json::json;

use crate::shop::{Shop, with};
use crate::support::World;

/// A shop with two agents for one conversation each, 小王 and 小李.
async fn pair(world: &World) -> (Shop, String) {
    let shop = world.shop(1, json!({ "mode": "agents_only", "prompts": { "queued": "前面{ahead}位。" } })).await;
    let li = world.agent("小李", 1).await;
    world.change("groups", &shop.group, &json!({ "members": [shop.agent, li] })).await;
    (shop, li)
}

#[tokio::test]
async fn a_reloaded_page_takes_nothing_away() {
    let world = World::start().await;
    let (shop, li) = pair(&world).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says("在吗").await;
    let agent = visitor.agent().await.unwrap();
    let other = if agent == li { &shop.agent } else { &li };
    // Ninety seconds without a heartbeat, and most of the grace of three minutes.
    world.minutes_with(4, &[other]).await;
    assert_eq!(visitor.with_whom().await, with(&agent));
    world.heartbeat(&[&agent]).await;
    world.minutes_with(4, &[other]).await;
    assert_eq!(visitor.with_whom().await, with(&agent), "they were heard from meanwhile");
    // Who goes offline and comes back in time keeps theirs, too.
    world.status(&agent, "offline").await;
    world.minutes_with(2, &[other]).await;
    world.status(&agent, "online").await;
    world.minutes_with(3, &[other, &agent]).await;
    assert_eq!(visitor.with_whom().await, with(&agent));
    let kinds = world.event_types(&visitor.cid().await).await;
    assert_eq!(kinds, ["conversation.created", "conversation.assigned"]);
}

#[tokio::test]
async fn who_is_gone_for_longer_has_nothing_any_more() {
    for how in ["silent", "offline"] {
        let world = World::start().await;
        let (shop, li) = pair(&world).await;
        let visitor = shop.visitor(&world, "o-1");
        visitor.says("在吗").await;
        let agent = visitor.agent().await.unwrap();
        let other = if agent == li { shop.agent.clone() } else { li };
        if how == "offline" {
            world.status(&agent, "offline").await;
        }
        world.minutes_with(6, &[&other]).await;
        assert_eq!(visitor.with_whom().await, with(&other), "{how}");
        assert_eq!((world.load(&agent).await, world.load(&other).await), (0, 1));
        let status = world.get(&format!("/api/agents/{agent}")).await.expect(200).body["duty"]["status"].clone();
        assert_eq!(status, "offline", "{how}");
        let requeued = world.event(&visitor.cid().await, "conversation.requeued").await;
        assert_eq!(requeued["data"]["from"], agent.as_str());
        assert_eq!(visitor.phone().await.len(), 0, "that is the desk's own matter");
        // They take nothing until they say that they are there.
        assert_eq!(world.post(&format!("/api/agents/{agent}/heartbeat"), &json!({})).await.status, 409);
    }
}

#[tokio::test]
async fn their_visitors_wait_at_the_place_of_their_age() {
    let world = World::start().await;
    let (shop, li) = pair(&world).await;
    let (first, second) = (shop.visitor(&world, "o-1"), shop.visitor(&world, "o-2"));
    first.says("在吗").await;
    second.says("在吗").await;
    let (gone, stays) = (first.agent().await.unwrap(), second.agent().await.unwrap());
    assert!([&gone, &stays].contains(&&li) && gone != stays);
    let third = shop.visitor(&world, "o-3");
    third.says("在吗").await;
    assert_eq!(third.stage().await, "queued");
    world.minutes_with(6, &[&stays]).await;
    assert_eq!(first.stage().await, "queued");
    assert_eq!(first.phone_texts().await, Vec::<String>::new(), "nobody is told of a place whom an agent had already");
    second.says("结束会话").await;
    assert_eq!(first.with_whom().await, with(&stays), "who came first is first");
    assert_eq!(third.stage().await, "queued");
}

#[tokio::test]
async fn where_nobody_else_is_there_a_message_is_left() {
    let world = World::start().await;
    let prompts = json!({ "leave_message": "请留言。" });
    let shop = world.shop(5, json!({ "mode": "agents_only", "prompts": prompts })).await;
    let mut visitors = Vec::new();
    for number in 0..5 {
        let visitor = shop.visitor(&world, &format!("o-{number}"));
        visitor.says("在吗").await;
        visitors.push(visitor);
    }
    world.minutes(6).await;
    for visitor in &visitors {
        assert_eq!(visitor.stage().await, "left_message");
        assert_eq!(visitor.phone_texts().await, ["请留言。"]);
    }
    assert_eq!(world.load(&shop.agent).await, 0);
    // The agent comes back, sees what was left, and takes it.
    world.status(&shop.agent, "online").await;
    world.claim(&visitors[0].cid().await, &shop.agent).await.expect(200);
    assert_eq!(visitors[0].with_whom().await, with(&shop.agent));
}

#[tokio::test]
async fn a_conversation_that_went_to_nobody_in_particular_goes_back_to_nobody() {
    let world = World::start().await;
    let binding = world.bind("wx0000000000005415").await;
    let agent = world.agent("小王", 5).await;
    let visitor = world.visitor(&binding, "o-1");
    visitor.says("在吗").await;
    world.claim(&visitor.cid().await, &agent).await.expect(200);
    world.minutes(6).await;
    assert_eq!(visitor.with_whom().await, ("unassigned".to_owned(), None));
    assert_eq!(world.load(&agent).await, 0);
}
