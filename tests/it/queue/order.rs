//! Queue order: first in, first out, with priorities that count as waiting time.

use serde_json::json;

use crate::service_desk::assigned_to;
use crate::support::{Visitor, World};

/// Closes a visitor's conversation.
async fn close(world: &World, visitor: &Visitor<'_>) {
    let path = format!("/api/conversations/{}/close", visitor.cid().await);
    world.post(&path, &json!({})).await.expect(200);
}

#[tokio::test]
async fn queue_is_first_in_first_out() {
    let world = World::start().await;
    let desk =
        world.service_desk(1, json!({ "mode": "agents_only", "prompts": { "queued": "前面{ahead}位。" } })).await;
    let mut current = desk.occupy_agent(&world).await;
    let mut waiting = Vec::new();
    for number in 0..5 {
        let visitor = desk.visitor(&world, &format!("o-{number}"));
        visitor.writes("在吗").await;
        assert_eq!(visitor.received_texts().await, [format!("前面{number}位。")]);
        let queued = world.event(&visitor.cid().await, "conversation.queued").await;
        assert_eq!(
            (&queued["data"]["ahead"], &queued["data"]["queue"]),
            (&json!(number), &json!(format!("group:{}", desk.group)))
        );
        waiting.push(visitor);
    }
    let mut cids = Vec::new();
    for visitor in &waiting {
        cids.push(visitor.cid().await);
    }
    let listed = world.get(&format!("/api/conversations?view=waiting&group_id={}", desk.group)).await.expect(200).body;
    let listed: Vec<_> = listed["items"].as_array().unwrap().iter().map(|it| it["cid"].as_str().unwrap()).collect();
    assert_eq!(listed, cids, "longest waiting first");
    for number in 0..waiting.len() {
        close(&world, &current).await;
        assert_eq!(waiting[number].stage_and_agent().await, assigned_to(&desk.agent), "{number}");
        for later in &waiting[number + 1..] {
            assert_eq!(later.stage().await, "queued", "{number}");
        }
        current = desk.visitor(&world, &waiting[number].openid);
        assert_eq!(world.load(&desk.agent).await, 1);
    }
    // The agent's free moment is used for the first in the queue.
    let assigned = world.event(&waiting[4].cid().await, "conversation.assigned").await;
    assert_eq!(assigned["data"]["waited_seconds"], 0, "the clock has not moved since the message: {assigned}");
}

#[tokio::test]
async fn priority_step_counts_as_ten_minutes_of_waiting() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "agents_only" })).await;
    let golden = world.bind("wx0000000000005411").await;
    world.set_reception(&golden, json!({ "mode": "agents_only", "group_id": desk.group, "priority": 1, "prompts": { "queued": "前面{ahead}位。" } })).await;
    let busy = desk.occupy_agent(&world).await;
    let (early, plain) = (desk.visitor(&world, "o-early"), desk.visitor(&world, "o-plain"));
    let vip = world.visitor(&golden, "o-vip");
    early.writes("在吗").await;
    world.run_minutes_online(11, &[&desk.agent]).await;
    plain.writes("在吗").await;
    world.run_minutes_online(5, &[&desk.agent]).await;
    vip.writes("在吗").await;
    assert_eq!(vip.last_text().await, "前面1位。");

    close(&world, &busy).await;
    assert_eq!(early.stage_and_agent().await, assigned_to(&desk.agent), "more than ten minutes longer: first");
    close(&world, &early).await;
    assert_eq!(vip.stage_and_agent().await, assigned_to(&desk.agent), "five minutes longer: not first");
    close(&world, &vip).await;
    assert_eq!(plain.stage_and_agent().await, assigned_to(&desk.agent));
}

#[tokio::test]
async fn agent_of_several_groups_gets_the_longest_waiting_visitor() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "agents_only" })).await;
    let other_group = world.group(&[&desk.agent]).await;
    let other = world.bind("wx0000000000005412").await;
    world.set_reception(&other, json!({ "mode": "agents_only", "group_id": other_group })).await;
    let busy = desk.occupy_agent(&world).await;
    let visitors = [
        world.visitor(&other, "o-1"),
        desk.visitor(&world, "o-2"),
        world.visitor(&other, "o-3"),
        desk.visitor(&world, "o-4"),
    ];
    for visitor in &visitors {
        visitor.writes("在吗").await;
        assert_eq!(visitor.stage().await, "queued");
    }
    close(&world, &busy).await;
    for visitor in &visitors {
        assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent), "{}", visitor.openid);
        close(&world, visitor).await;
    }
}
