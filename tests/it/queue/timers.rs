//! Times are kept to the second where a visitor or an agent waits, without the minute tick, and with it where a timer is lost.

use local::{Fault, TableFault};
use serde_json::{Value, json};

use crate::service_desk::{ServiceDesk, assigned_to};
use crate::support::{Visitor, World, queued};

const LEAVE: &str = "请留言。";

/// A service desk whose only agent is busy, and whose queue has this limit.
async fn busy_desk(world: &World, max_wait: u32) -> ServiceDesk {
    let prompts = json!({ "queued": "", "waited_too_long": LEAVE });
    let desk = world.service_desk(1, json!({ "mode": "agents_only", "prompts": prompts })).await;
    world.update("groups", &desk.group, &json!({ "max_wait_seconds": max_wait })).await;
    desk.occupy_agent(world).await;
    desk
}

/// Moves the clock and delivers what comes.
async fn pass(world: &World, seconds: i64) {
    world.advance(seconds);
    world.settle().await;
}

async fn stage_and_texts(visitor: &Visitor<'_>) -> (String, Vec<String>) {
    (visitor.stage().await, visitor.received_texts().await)
}

#[tokio::test]
async fn wait_of_ten_seconds_ends_after_ten_seconds_without_a_tick() {
    let world = World::start().await;
    let desk = busy_desk(&world, 10).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    pass(&world, 9).await;
    assert_eq!(stage_and_texts(&visitor).await, ("queued".to_owned(), Vec::new()));
    pass(&world, 1).await;
    assert_eq!(stage_and_texts(&visitor).await, ("left_message".to_owned(), vec![LEAVE.to_owned()]));
}

#[tokio::test]
async fn wait_that_ends_between_two_ticks_ends_to_the_second() {
    let world = World::start().await;
    let desk = busy_desk(&world, 100).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    pass(&world, 40).await;
    world.heartbeat(&[&desk.agent]).await;
    world.tick("Reception").await;
    pass(&world, 59).await;
    assert_eq!(visitor.stage().await, "queued");
    pass(&world, 1).await;
    assert_eq!(stage_and_texts(&visitor).await, ("left_message".to_owned(), vec![LEAVE.to_owned()]));
}

#[tokio::test]
async fn next_level_has_a_limit_of_its_own_to_the_second() {
    let world = World::start().await;
    let desk = busy_desk(&world, 10).await;
    let second = world.agent("二线", 1).await;
    let group = world.group(&[&second]).await;
    world.update("groups", &group, &json!({ "max_wait_seconds": 20 })).await;
    world.set_status(&second, "busy").await;
    let levels = json!([
        { "actionType": "to_group", "deciId": desk.group, "optionId": "3", "spillId": "4" },
        { "actionType": "to_group", "deciId": group, "optionId": "4" },
    ]);
    let visitor = desk.visitor(&world, "o-1");
    visitor.enters(&format!("sobot||||transfer_action={levels}")).await;
    visitor.writes("在吗").await;
    pass(&world, 10).await;
    let waiting = visitor.conversation().await;
    assert_eq!((&waiting["stage"], &waiting["queue"]["level"]), (&json!("queued"), &json!(2)));
    pass(&world, 19).await;
    assert_eq!(visitor.stage().await, "queued");
    pass(&world, 1).await;
    assert_eq!(stage_and_texts(&visitor).await, ("left_message".to_owned(), vec![LEAVE.to_owned()]));
}

#[tokio::test]
async fn idle_minute_is_a_minute() {
    let world = World::start().await;
    let idle = json!({ "warn_after_minutes": 1, "close_after_minutes": 2 });
    let prompts = json!({ "idle_warning": "您还在吗？", "closed": "再见。", "connected": "" });
    let desk = world.service_desk(5, json!({ "mode": "agents_only", "idle": idle, "prompts": prompts })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    pass(&world, 30).await;
    visitor.agent_replies("在的").await.expect(201);
    // The check at the minute finds the agent's word.
    pass(&world, 30).await;
    pass(&world, 29).await;
    assert_eq!(visitor.received_texts().await, ["在的"]);
    pass(&world, 1).await;
    assert_eq!(visitor.received_texts().await, ["在的", "您还在吗？"]);
    pass(&world, 59).await;
    assert_eq!(visitor.stage().await, "assigned");
    let cid = visitor.cid().await;
    pass(&world, 1).await;
    assert_eq!(visitor.received_texts().await, ["在的", "您还在吗？", "再见。"]);
    assert_eq!(world.conversation(&cid).await["state"], "closed");
}

#[tokio::test]
async fn agent_is_gone_three_minutes_after_the_last_heartbeat_or_after_going_offline() {
    for offline in [false, true] {
        let world = World::start().await;
        let desk = world.service_desk(1, json!({ "mode": "agents_only" })).await;
        let visitor = desk.visitor(&world, "o-1");
        visitor.writes("在吗").await;
        assert_eq!(visitor.agent().await.as_deref(), Some(desk.agent.as_str()));
        let other = world.agent("小李", 1).await;
        world.update("groups", &desk.group, &json!({ "members": [desk.agent, other] })).await;
        pass(&world, 20).await;
        if offline {
            world.set_status(&desk.agent, "offline").await;
        } else {
            world.heartbeat(&[&desk.agent]).await;
        }
        for _ in 0..3 {
            world.heartbeat(&[&other]).await;
            pass(&world, 59).await;
            world.tick("Reception").await;
            world.settle().await;
        }
        pass(&world, 2).await;
        assert_eq!(visitor.agent().await.as_deref(), Some(desk.agent.as_str()), "offline: {offline}, after 2:59");
        pass(&world, 1).await;
        assert_eq!(visitor.stage_and_agent().await, assigned_to(&other), "offline: {offline}, after 3:00");
    }
}

#[tokio::test]
async fn timer_that_is_lost_is_made_up_for_by_the_tick() {
    let world = World::start().await;
    let desk = busy_desk(&world, 10).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.text("在吗").await;
    world.bundle.table_faults().add(TableFault::new(Fault::ThrottleRequests).function("FanOut").times(1000));
    world.settle().await;
    world.bundle.table_faults().clear();
    pass(&world, 10).await;
    assert_eq!(visitor.stage().await, "queued");
    world.run_minutes_online(1, &[&desk.agent]).await;
    assert_eq!(stage_and_texts(&visitor).await, ("left_message".to_owned(), vec![LEAVE.to_owned()]));
}

#[tokio::test]
async fn timer_that_comes_early_twice_or_for_nothing_changes_nothing() {
    let world = World::start().await;
    let desk = busy_desk(&world, 30).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    let key = format!("conversation#{}", visitor.cid().await);
    let timer = |pk: &str, sk: &str| json!({ "pk": pk, "sk": sk, "at": "2026-03-02T08:00:30Z" });
    let (known, unknown) = (timer(&key, "conversation"), timer("conversation#c0", "conversation"));
    let watch = timer(&format!("watch#group:{}", desk.group), "watch");
    let fire = async |messages: &[Value]| {
        let answer = world.bundle.invoke("Reception", queued(messages)).await.unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
    };
    let before = world.items("conversation").await;
    fire(&[known.clone(), unknown, watch, json!({ "of": "another version" })]).await;
    assert_eq!(world.items("conversation").await, before);
    pass(&world, 30).await;
    fire(&[known.clone(), known]).await;
    assert_eq!(stage_and_texts(&visitor).await, ("left_message".to_owned(), vec![LEAVE.to_owned()]));
}

#[tokio::test]
async fn one_timer_is_set_for_a_time_and_none_for_one_that_is_far_off() {
    let world = World::start().await;
    let desk = busy_desk(&world, 30).await;
    world.bundle.reset_request_counts();
    let visitor = desk.visitor(&world, "o-1");
    for text in ["在吗", "在？", "人呢"] {
        visitor.writes(text).await;
        world.tick("Reception").await;
    }
    let sent = |function| world.calls(function, "SendMessageBatch");
    assert_eq!((sent("FanOut"), sent("Reception")), (1, 0));
    world.update("groups", &desk.group, &json!({ "max_wait_seconds": 3600 })).await;
    desk.visitor(&world, "o-2").writes("在吗").await;
    world.tick("Reception").await;
    assert_eq!((sent("FanOut"), sent("Reception")), (1, 0));
}
