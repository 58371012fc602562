//! First in, first out, within a priority that ages.

use serde_json::json;

use crate::shop::with;
use crate::support::{Visitor, World};

/// Ends the conversation that an agent has with somebody.
async fn close(world: &World, visitor: &Visitor<'_>) {
    let path = format!("/api/conversations/{}/close", visitor.cid().await);
    world.post(&path, &json!({})).await.expect(200);
}

#[tokio::test]
async fn the_first_in_is_the_first_out() {
    let world = World::start().await;
    let shop = world.shop(1, json!({ "mode": "agents_only", "prompts": { "queued": "前面{ahead}位。" } })).await;
    let mut current = shop.engage(&world).await;
    let mut waiting = Vec::new();
    for number in 0..5 {
        let visitor = shop.visitor(&world, &format!("o-{number}"));
        visitor.says("在吗").await;
        assert_eq!(visitor.phone_texts().await, [format!("前面{number}位。")]);
        let queued = world.event(&visitor.cid().await, "conversation.queued").await;
        assert_eq!(
            (&queued["data"]["ahead"], &queued["data"]["queue"]),
            (&json!(number), &json!(format!("group:{}", shop.group)))
        );
        waiting.push(visitor);
    }
    let mut cids = Vec::new();
    for visitor in &waiting {
        cids.push(visitor.cid().await);
    }
    let listed = world.get(&format!("/api/conversations?view=waiting&group_id={}", shop.group)).await.expect(200).body;
    let listed: Vec<_> = listed["items"].as_array().unwrap().iter().map(|it| it["cid"].as_str().unwrap()).collect();
    assert_eq!(listed, cids, "the longest waiting first");
    for number in 0..waiting.len() {
        close(&world, &current).await;
        assert_eq!(waiting[number].with_whom().await, with(&shop.agent), "{number}");
        for later in &waiting[number + 1..] {
            assert_eq!(later.stage().await, "queued", "{number}");
        }
        current = shop.visitor(&world, &waiting[number].openid);
        assert_eq!(world.load(&shop.agent).await, 1);
    }
    // Nobody jumps it: the agent is free for a moment, but who comes now is not the first.
    let assigned = world.event(&waiting[4].cid().await, "conversation.assigned").await;
    assert_eq!(assigned["data"]["waited_seconds"], 0, "the clock stood still from its message on: {assigned}");
}

#[tokio::test]
async fn a_priority_is_worth_ten_minutes_and_no_more() {
    let world = World::start().await;
    let shop = world.shop(1, json!({ "mode": "agents_only" })).await;
    let golden = world.bind("wx0000000000005411").await;
    world.receive(&golden, json!({ "mode": "agents_only", "group_id": shop.group, "priority": 1, "prompts": { "queued": "前面{ahead}位。" } })).await;
    let busy = shop.engage(&world).await;
    let (early, plain) = (shop.visitor(&world, "o-early"), shop.visitor(&world, "o-plain"));
    let vip = world.visitor(&golden, "o-vip");
    early.says("在吗").await;
    world.minutes_with(11, &[&shop.agent]).await;
    plain.says("在吗").await;
    world.minutes_with(5, &[&shop.agent]).await;
    vip.says("在吗").await;
    assert_eq!(vip.last_text().await, "前面1位。");

    close(&world, &busy).await;
    assert_eq!(early.with_whom().await, with(&shop.agent), "who has waited for over ten minutes longer is first");
    close(&world, &early).await;
    assert_eq!(vip.with_whom().await, with(&shop.agent), "who has waited for five is not");
    close(&world, &vip).await;
    assert_eq!(plain.with_whom().await, with(&shop.agent));
}

#[tokio::test]
async fn an_agent_of_several_groups_gets_whoever_has_waited_longest() {
    let world = World::start().await;
    let shop = world.shop(1, json!({ "mode": "agents_only" })).await;
    let other_group = world.group(&[&shop.agent]).await;
    let other = world.bind("wx0000000000005412").await;
    world.receive(&other, json!({ "mode": "agents_only", "group_id": other_group })).await;
    let busy = shop.engage(&world).await;
    let visitors = [
        world.visitor(&other, "o-1"),
        shop.visitor(&world, "o-2"),
        world.visitor(&other, "o-3"),
        shop.visitor(&world, "o-4"),
    ];
    for visitor in &visitors {
        visitor.says("在吗").await;
        assert_eq!(visitor.stage().await, "queued");
    }
    close(&world, &busy).await;
    for visitor in &visitors {
        assert_eq!(visitor.with_whom().await, with(&shop.agent), "{}", visitor.openid);
        close(&world, visitor).await;
    }
}
