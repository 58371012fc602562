//! An invocation that is near its timeout begins no work that it could not end.

use serde_json::json;

use crate::support::{Binding, Visitor, World, inserted};

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
