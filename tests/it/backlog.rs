//! Work that an outage has left behind: more than one invocation of the tick takes up.

use futures_util::future::join_all;
use local::{Fault, TableFault};
use serde_json::{Value, json};

use crate::support::{Binding, SDK_ATTEMPTS, Visitor, World};

const APP: &str = "wx00000000000000a1";
const HELLO: &str = "您好";

/// Copies the unprocessed message of a visitor, to visitors of the same partition of the index. The stream does not deliver
/// the copies: each replaces an item, and `reception` gets new items only.
async fn copy_message(world: &World, openid: &str, count: usize) {
    let original = world.items("inbound").await.remove(0);
    let text = |name: &str| original[name]["S"].as_str().unwrap().to_owned();
    join_all((0..count).map(|number| {
        let copy_of = format!("{openid}-{number}");
        let mut copy = original.clone();
        for name in ["pk", "openid"] {
            copy[name] = json!({ "S": text(name).replace(openid, &copy_of) });
        }
        async move {
            world.put_item(&json!({ "pk": copy["pk"], "sk": copy["sk"] })).await;
            world.put_item(&copy).await;
        }
    }))
    .await;
}

async fn unprocessed(world: &World) -> usize {
    world.items("inbound").await.iter().filter(|item| item.get("due_pk").is_some()).count()
}

async fn tick(world: &World) -> Value {
    world.bundle.invoke("Reception", json!({ "tick": "minute" })).await.unwrap()
}

/// Messages of one partition that no function has processed.
async fn messages_left_behind<'a>(world: &'a World, binding: &'a Binding, count: usize) -> Visitor<'a> {
    let visitor = world.visitor(binding, "oLEFT");
    visitor.text("1").await;
    copy_message(world, "oLEFT", count - 1).await;
    world.advance(61);
    visitor
}

#[tokio::test]
async fn messages_left_behind_stop_neither_queues_nor_idle_conversations_nor_silent_agents() {
    let world = World::start().await;
    let reception = json!({ "mode": "agents_only", "idle": { "close_after_minutes": 5, "warn_after_minutes": null } });
    let desk = world.service_desk(1, reception).await;
    let (idle, waits) = (desk.visitor(&world, "oIDLE"), desk.visitor(&world, "oWAITS"));
    idle.writes("在吗").await;
    idle.agent_replies("在的").await.expect(201);
    let idle = idle.cid().await;
    waits.writes("在吗").await;
    // An agent whose workbench is silent.
    world.agent("小李", 1).await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    messages_left_behind(&world, &binding, 400).await;
    for _ in 0..2 {
        world.advance(150);
        world.heartbeat(&[&desk.agent]).await;
    }
    let report = tick(&world).await;
    assert_eq!((&report["handed_on"], &report["taken_up"]), (&json!(1), &json!(0)), "{report}");
    assert_eq!((&report["gone"], &report["failed"]), (&json!(1), &json!(0)), "{report}");
    assert_eq!(world.conversation(&idle).await["state"], "closed");
    assert_eq!(waits.agent().await.as_deref(), Some(desk.agent.as_str()), "the next in the queue");
    assert_eq!(unprocessed(&world).await, 400, "nothing waited for them");
}

#[tokio::test]
async fn partition_with_more_than_a_page_is_worked_off_from_the_queue() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = messages_left_behind(&world, &binding, 120).await;
    assert_eq!(tick(&world).await["handed_on"], 1);
    world.settle().await;
    assert_eq!(unprocessed(&world).await, 0);
    assert_eq!(visitor.received_texts().await, [HELLO]);
    let report = tick(&world).await;
    assert_eq!((&report["handed_on"], &report["taken_up"]), (&json!(0), &json!(0)), "nothing is left");
}

#[tokio::test]
async fn partition_that_the_queue_does_not_accept_is_worked_on_by_the_tick() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    messages_left_behind(&world, &binding, 60).await;
    let fault =
        TableFault::new(Fault::InternalError).function("Reception").operation("SendMessageBatch").times(SDK_ATTEMPTS);
    world.bundle.table_faults().add(fault);
    let report = tick(&world).await;
    assert_eq!((&report["handed_on"], &report["taken_up"]), (&json!(0), &json!(51)), "{report}");
    assert_eq!(unprocessed(&world).await, 9);
    tick(&world).await;
    assert_eq!(unprocessed(&world).await, 0);
}

#[tokio::test]
async fn backlog_is_left_to_the_next_tick_when_its_minute_is_over() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    messages_left_behind(&world, &binding, 60).await;
    assert_eq!(tick(&world).await["handed_on"], 1);
    world.advance(56);
    world.settle().await;
    assert_eq!(unprocessed(&world).await, 59, "the next tick hands on all but the one from the stream");
    tick(&world).await;
    world.settle().await;
    assert_eq!(unprocessed(&world).await, 0);
    assert_eq!(world.bundle.dead_letters(), []);
}

#[tokio::test]
async fn tick_begins_no_item_that_could_not_end_before_its_deadline() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    messages_left_behind(&world, &binding, 40).await;
    let send = "/cgi-bin/message/custom/send";
    world.sim_fault(&json!({ "path": send, "wait_ms": 1000, "wait": "before", "times": 40 })).await;
    let (report, ()) = tokio::join!(tick(&world), async {
        while world.sim_calls(send).await == 0 {
            tokio::task::yield_now().await;
        }
        world.advance(56);
    });
    let taken_up = report["taken_up"].as_u64().unwrap();
    assert!((1..40).contains(&taken_up), "{report}");
    assert_eq!(unprocessed(&world).await as u64, 40 - taken_up, "the rest is due at the next tick");
}
