//! An invocation that is near its timeout begins no work that it could not end.

use serde_json::json;

use crate::service_desk::SHIPPING;
use crate::support::{Binding, Visitor, World, inserted, queued};

const APP: &str = "wx00000000000000a1";
const HELLO: &str = "您好";
const SEND: &str = "/cgi-bin/message/custom/send";

/// Invokes `reception` with the stored messages. During its first send, the clock advances.
async fn receive_and_advance_during_the_first_send(world: &World, seconds: i64) -> serde_json::Value {
    let calls = world.sim_calls(SEND).await;
    world.sim_fault(&json!({ "path": SEND, "wait_ms": 1000, "wait": "before" })).await;
    let event = inserted(&world.items("inbound").await);
    let (answer, ()) = tokio::join!(world.bundle.invoke("Reception", event), async {
        while world.sim_calls(SEND).await == calls {
            tokio::task::yield_now().await;
        }
        world.advance(seconds);
    });
    answer.unwrap()
}

async fn two_messages<'a>(world: &'a World, binding: &'a Binding) -> Visitor<'a> {
    let visitor = world.visitor(binding, "oTWO");
    visitor.text("1").await;
    world.advance(1);
    visitor.text("2").await;
    visitor
}

#[tokio::test]
async fn message_that_could_not_be_answered_before_the_deadline_is_left_to_the_next_invocation() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = two_messages(&world, &binding).await;
    // The timeout is 180 seconds, of which a send takes 60 at most and the last 15 are kept free.
    let answer = receive_and_advance_during_the_first_send(&world, 106).await;
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(visitor.received_texts().await, [HELLO]);
    let unprocessed = world.items("inbound").await.into_iter().filter(|item| item.get("due_pk").is_some()).count();
    assert_eq!(unprocessed, 1);
    world.settle().await;
    assert_eq!(visitor.received_texts().await, [HELLO; 2]);
}

#[tokio::test]
async fn message_is_processed_while_there_is_time() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = two_messages(&world, &binding).await;
    let answer = receive_and_advance_during_the_first_send(&world, 104).await;
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    // The second reply is handed on, because sends of a batch begin within its first seconds.
    world.settle().await;
    world.run_minutes(2).await;
    assert_eq!(visitor.received_texts().await, [HELLO; 2]);
}

#[tokio::test]
async fn send_that_could_not_end_before_the_deadline_stays_pending_for_the_tick() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    world.set_reception(&binding, json!({ "greeting": "欢迎光临。" })).await;
    let visitor = world.visitor(&binding, "oGREETED");
    visitor.text("1").await;
    let answer = receive_and_advance_during_the_first_send(&world, 121).await;
    assert_eq!(answer, json!({ "batchItemFailures": [] }), "the message is processed");
    let states = async || {
        let outbound = visitor.outbound().await;
        outbound.iter().map(|message| message["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(states().await, ["sent", "pending"], "the second send did not begin");
    world.run_minutes(2).await;
    assert_eq!(states().await, ["sent", "sent"]);
    assert_eq!(visitor.received().await.len(), 2);
}

/// A conversation that waits for its robot: its id, and the event that the robot's function gets.
async fn waiting_turn(world: &World) -> (String, serde_json::Value) {
    let desk = world.service_desk(5, json!({ "mode": "robot_first" })).await;
    let visitor = desk.visitor(world, "o-1");
    visitor.text(SHIPPING).await;
    world.bundle.invoke("Reception", inserted(&world.items("inbound").await)).await.unwrap();
    let cid = visitor.cid().await;
    let event = queued(&[json!({ "cid": cid })]);
    (cid, event)
}

#[tokio::test]
async fn turn_for_which_no_time_is_left_is_reported_and_not_begun() {
    let world = World::start().await;
    let (_, event) = waiting_turn(&world).await;
    // A turn takes 110 seconds at most, and the last 15 are kept free.
    let failed = json!({ "batchItemFailures": [{ "itemIdentifier": event["Records"][0]["messageId"] }] });
    for (seconds, expected) in [(124, &failed), (125, &json!({ "batchItemFailures": [] }))] {
        let deadline = world.now() + jiff::SignedDuration::from_secs(seconds);
        let answer = world.bundle.invoke_until("Robot", event.clone(), deadline).await.unwrap();
        assert_eq!(&answer, expected, "{seconds}");
        let answering = world.items("conversation").await[0].get("turn").cloned();
        assert_eq!(answering.is_some(), seconds == 124, "{answering:?}");
    }
}

#[tokio::test]
async fn records_for_which_no_time_is_left_are_reported_and_no_message_is_sent() {
    let world = World::start().await;
    waiting_turn(&world).await;
    let event = inserted(&world.items("conversation").await);
    let sent = || world.calls("FanOut", "SendMessageBatch");
    for (seconds, expected, calls) in
        [(24, json!([{ "itemIdentifier": event["Records"][0]["dynamodb"]["SequenceNumber"] }]), 0), (25, json!([]), 1)]
    {
        let deadline = world.now() + jiff::SignedDuration::from_secs(seconds);
        let answer = world.bundle.invoke_until("FanOut", event.clone(), deadline).await.unwrap();
        assert_eq!((&answer["batchItemFailures"], sent()), (&expected, calls), "{seconds}");
    }
}

#[tokio::test]
async fn token_for_which_no_time_is_left_is_renewed_by_the_next_tick() {
    let world = World::start().await;
    world.bind(APP).await;
    world.advance(7200);
    world.reset_wechat_calls().await;
    // A renewal has its lease of 15 seconds, and the last 15 are kept free.
    for (seconds, renewed) in [(29, 0), (30, 1)] {
        let deadline = world.now() + jiff::SignedDuration::from_secs(seconds);
        let tick = json!({ "tick": "minute" });
        let answer = world.bundle.invoke_until("TokenRefresh", tick, deadline).await.unwrap();
        assert_eq!((&answer["renewed"], world.token_calls().await), (&json!(renewed), renewed), "{seconds}");
    }
}

#[tokio::test]
async fn tick_near_its_deadline_begins_no_item() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    world.visitor(&binding, "oLEFT").text("1").await;
    world.advance(61);
    // A send takes 60 seconds at most, and the last 15 are kept free.
    for (seconds, taken_up) in [(74, 0), (75, 1)] {
        let deadline = world.now() + jiff::SignedDuration::from_secs(seconds);
        let report = world.bundle.invoke_until("Reception", json!({ "tick": "minute" }), deadline).await.unwrap();
        assert_eq!((&report["taken_up"], world.sim_calls(SEND).await), (&json!(taken_up), taken_up), "{seconds}");
    }
}
