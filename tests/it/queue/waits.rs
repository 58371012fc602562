//! How long one may wait, and how many.

use serde_json::json;

use crate::shop::with;
use crate::support::World;

const LEAVE: &str = "请留言。";

#[tokio::test]
async fn who_has_waited_long_enough_goes_on_to_the_next_level() {
    let world = World::start().await;
    let prompts = json!({ "leave_message": LEAVE, "connected": "接通了。" });
    let shop = world.shop(1, json!({ "mode": "agents_only", "prompts": prompts })).await;
    world.change("groups", &shop.group, &json!({ "max_wait_seconds": 60 })).await;
    shop.engage(&world).await;
    let second = world.agent("二线", 5).await;
    let second_group = world.group(&[&second]).await;
    // It overflows when nobody is there, but not because all are busy: who finds them busy waits.
    let levels = json!([
        { "actionType": "to_group", "deciId": shop.group, "optionId": "3", "spillId": "4" },
        { "actionType": "to_group", "deciId": second_group, "optionId": "4" },
    ]);
    let visitor = shop.visitor(&world, "o-1");
    visitor.comes(&format!("sobot||||transfer_action={levels}")).await;
    visitor.says("在吗").await;
    let conversation = visitor.conversation().await;
    assert_eq!((&conversation["stage"], &conversation["queue"]["level"]), (&json!("queued"), &json!(1)));
    world.heartbeat(&[&shop.agent, &second]).await;
    world.advance(50);
    world.tick("Reception").await;
    assert_eq!(visitor.stage().await, "queued");
    world.minutes_with(1, &[&shop.agent, &second]).await;
    assert_eq!(visitor.with_whom().await, with(&second));
    assert_eq!(visitor.last_text().await, "接通了。");
    let kinds = world.event_types(&visitor.cid().await).await;
    let expected = ["conversation.created", "conversation.queued", "conversation.overflowed", "conversation.assigned"];
    assert_eq!(kinds, expected);
    let assigned = world.event(&visitor.cid().await, "conversation.assigned").await;
    assert_eq!(assigned["data"]["level"], 2);
}

#[tokio::test]
async fn where_no_level_is_left_a_message_is() {
    let world = World::start().await;
    let prompts = json!({ "leave_message": "没人。", "waited_too_long": LEAVE });
    let shop = world.shop(1, json!({ "mode": "agents_only", "prompts": prompts })).await;
    world.change("groups", &shop.group, &json!({ "max_wait_seconds": 60 })).await;
    let busy = shop.engage(&world).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says("在吗").await;
    world.minutes_with(2, &[&shop.agent]).await;
    assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("left_message", LEAVE));
    // Nobody is given to an agent any more who has left a message meanwhile.
    busy.says("结束会话").await;
    world.minutes_with(2, &[&shop.agent]).await;
    assert_eq!(visitor.stage().await, "left_message");
    assert_eq!(world.load(&shop.agent).await, 0);
}

#[tokio::test]
async fn a_full_queue_passes_on_or_takes_a_message() {
    let world = World::start().await;
    let prompts = json!({ "leave_message": "没人。", "queue_full": LEAVE, "queued": "排队。" });
    let shop = world.shop(1, json!({ "mode": "agents_only", "prompts": prompts })).await;
    world.change("groups", &shop.group, &json!({ "max_queue": 2 })).await;
    shop.engage(&world).await;
    for (openid, stage) in [("o-1", "queued"), ("o-2", "queued"), ("o-3", "left_message")] {
        let visitor = shop.visitor(&world, openid);
        visitor.says("在吗").await;
        assert_eq!(visitor.stage().await, stage, "{openid}");
        assert_eq!(visitor.last_text().await, if stage == "queued" { "排队。" } else { LEAVE });
    }
    // A place is free again.
    shop.visitor(&world, "o-1").says("结束会话").await;
    let visitor = shop.visitor(&world, "o-4");
    visitor.says("在吗").await;
    assert_eq!(visitor.stage().await, "queued");
    let left = world.event(&shop.visitor(&world, "o-3").cid().await, "leave_message.created").await;
    assert_eq!(left["data"]["trail"][0]["state"], "queue_full");

    let second = world.agent("二线", 5).await;
    let second = (world.group(&[&second]).await, second);
    let levels = json!([
        { "actionType": "to_group", "deciId": shop.group, "optionId": "3", "spillId": "5" },
        { "actionType": "to_group", "deciId": second.0, "optionId": "4" },
    ]);
    let passes = shop.visitor(&world, "o-5");
    passes.comes(&format!("sobot||||transfer_action={levels}")).await;
    passes.says("在吗").await;
    assert_eq!(passes.with_whom().await, with(&second.1));
}

#[tokio::test]
async fn an_agent_who_was_asked_for_by_name_has_a_queue_of_their_own() {
    let world = World::start().await;
    let shop = world.shop(1, json!({ "mode": "agents_only" })).await;
    let other = world.agent("小李", 5).await;
    world.change("groups", &shop.group, &json!({ "members": [shop.agent, other] })).await;
    let asked = json!([{ "actionType": "to_service", "deciId": shop.agent, "optionId": "2" }]);
    let asked = format!("sobot||||transfer_action={asked}");
    let (first, second) = (shop.visitor(&world, "o-1"), shop.visitor(&world, "o-2"));
    first.comes(&asked).await;
    first.says("在吗").await;
    assert_eq!(first.with_whom().await, with(&shop.agent));
    second.comes(&asked).await;
    second.says("在吗").await;
    assert_eq!(second.conversation().await["queue"]["queue"], format!("agent:{}", shop.agent), "though 小李 is free");
    first.says("结束会话").await;
    assert_eq!(second.with_whom().await, with(&shop.agent));
}

#[tokio::test]
async fn nobody_waits_for_ever_for_one_agent_who_is_away() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only", "prompts": { "waited_too_long": LEAVE } })).await;
    world.status(&shop.agent, "away").await;
    let visitor = shop.visitor(&world, "o-1");
    let levels = json!([{ "actionType": "to_service", "deciId": shop.agent, "optionId": "2" }]);
    visitor.comes(&format!("sobot||||transfer_action={levels}")).await;
    visitor.says("在吗").await;
    assert_eq!(visitor.stage().await, "queued");
    world.minutes_with(9, &[&shop.agent]).await;
    assert_eq!(visitor.stage().await, "queued");
    world.minutes_with(2, &[&shop.agent]).await;
    assert_eq!((visitor.stage().await.as_str(), visitor.last_text().await.as_str()), ("left_message", LEAVE));
}
