//! Limits of queues: waiting time and length.

use serde_json::json;

use crate::service_desk::assigned_to;
use crate::support::World;

const LEAVE: &str = "请留言。";

#[tokio::test]
async fn max_wait_moves_the_visitor_to_the_next_level() {
    let world = World::start().await;
    let prompts = json!({ "leave_message": LEAVE, "connected": "接通了。" });
    let desk = world.service_desk(1, json!({ "mode": "agents_only", "prompts": prompts })).await;
    world.update("groups", &desk.group, &json!({ "max_wait_seconds": 60 })).await;
    desk.occupy_agent(&world).await;
    let second = world.agent("二线", 5).await;
    let second_group = world.group(&[&second]).await;
    // The first level overflows without staff, not because all agents are busy.
    let levels = json!([
        { "actionType": "to_group", "deciId": desk.group, "optionId": "3", "spillId": "4" },
        { "actionType": "to_group", "deciId": second_group, "optionId": "4" },
    ]);
    let visitor = desk.visitor(&world, "o-1");
    visitor.enters(&format!("sobot||||transfer_action={levels}")).await;
    visitor.writes("在吗").await;
    let conversation = visitor.conversation().await;
    assert_eq!((&conversation["stage"], &conversation["queue"]["level"]), (&json!("queued"), &json!(1)));
    world.heartbeat(&[&desk.agent, &second]).await;
    world.advance(50);
    world.tick("Reception").await;
    assert_eq!(visitor.stage().await, "queued");
    world.run_minutes_online(1, &[&desk.agent, &second]).await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&second));
    assert_eq!(visitor.last_text().await, "接通了。");
    let kinds = world.event_types(&visitor.cid().await).await;
    let expected = ["conversation.created", "conversation.queued", "conversation.overflowed", "conversation.assigned"];
    assert_eq!(kinds, expected);
    let assigned = world.event(&visitor.cid().await, "conversation.assigned").await;
    assert_eq!(assigned["data"]["level"], 2);
}

#[tokio::test]
async fn max_wait_at_the_last_level_becomes_a_left_message() {
    let world = World::start().await;
    let prompts = json!({ "leave_message": "没人。", "waited_too_long": LEAVE });
    let desk = world.service_desk(1, json!({ "mode": "agents_only", "prompts": prompts })).await;
    world.update("groups", &desk.group, &json!({ "max_wait_seconds": 60 })).await;
    let busy = desk.occupy_agent(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    world.run_minutes_online(2, &[&desk.agent]).await;
    assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("left_message", LEAVE));
    // A left message is not assigned automatically afterwards.
    busy.writes("结束会话").await;
    world.run_minutes_online(2, &[&desk.agent]).await;
    assert_eq!(visitor.stage().await, "left_message");
    assert_eq!(world.load(&desk.agent).await, 0);
}

#[tokio::test]
async fn full_queue_overflows_or_becomes_a_left_message() {
    let world = World::start().await;
    let prompts = json!({ "leave_message": "没人。", "queue_full": LEAVE, "queued": "排队。" });
    let desk = world.service_desk(1, json!({ "mode": "agents_only", "prompts": prompts })).await;
    world.update("groups", &desk.group, &json!({ "max_queue": 2 })).await;
    desk.occupy_agent(&world).await;
    for (openid, stage) in [("o-1", "queued"), ("o-2", "queued"), ("o-3", "left_message")] {
        let visitor = desk.visitor(&world, openid);
        visitor.writes("在吗").await;
        assert_eq!(visitor.stage().await, stage, "{openid}");
        assert_eq!(visitor.last_text().await, if stage == "queued" { "排队。" } else { LEAVE });
    }
    // One place in the queue is free again.
    desk.visitor(&world, "o-1").writes("结束会话").await;
    let visitor = desk.visitor(&world, "o-4");
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage().await, "queued");
    let left = world.event(&desk.visitor(&world, "o-3").cid().await, "leave_message.created").await;
    assert_eq!(left["data"]["trail"][0]["state"], "queue_full");

    let second = world.agent("二线", 5).await;
    let second = (world.group(&[&second]).await, second);
    let levels = json!([
        { "actionType": "to_group", "deciId": desk.group, "optionId": "3", "spillId": "5" },
        { "actionType": "to_group", "deciId": second.0, "optionId": "4" },
    ]);
    let passes = desk.visitor(&world, "o-5");
    passes.enters(&format!("sobot||||transfer_action={levels}")).await;
    passes.writes("在吗").await;
    assert_eq!(passes.stage_and_agent().await, assigned_to(&second.1));
}

#[tokio::test]
async fn visitor_for_a_named_agent_waits_in_the_agents_queue() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "agents_only" })).await;
    let other = world.agent("小李", 5).await;
    world.update("groups", &desk.group, &json!({ "members": [desk.agent, other] })).await;
    let asked = json!([{ "actionType": "to_service", "deciId": desk.agent, "optionId": "2" }]);
    let asked = format!("sobot||||transfer_action={asked}");
    let (first, second) = (desk.visitor(&world, "o-1"), desk.visitor(&world, "o-2"));
    first.enters(&asked).await;
    first.writes("在吗").await;
    assert_eq!(first.stage_and_agent().await, assigned_to(&desk.agent));
    second.enters(&asked).await;
    second.writes("在吗").await;
    assert_eq!(second.conversation().await["queue"]["queue"], format!("agent:{}", desk.agent), "although 小李 is free");
    first.writes("结束会话").await;
    assert_eq!(second.stage_and_agent().await, assigned_to(&desk.agent));
}

#[tokio::test]
async fn wait_for_an_away_agent_ends_after_ten_minutes() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only", "prompts": { "waited_too_long": LEAVE } })).await;
    world.set_status(&desk.agent, "away").await;
    let visitor = desk.visitor(&world, "o-1");
    let levels = json!([{ "actionType": "to_service", "deciId": desk.agent, "optionId": "2" }]);
    visitor.enters(&format!("sobot||||transfer_action={levels}")).await;
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage().await, "queued");
    world.run_minutes_online(9, &[&desk.agent]).await;
    assert_eq!(visitor.stage().await, "queued");
    world.run_minutes_online(2, &[&desk.agent]).await;
    assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("left_message", LEAVE));
}
