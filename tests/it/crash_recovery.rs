//! Functions that are killed at any await, and a table that fails at any request: no message is lost, no reply is sent
//! twice, and no reply has the state `sent` without being sent.
//!
//! A kill drops the future of the handler at an await and ends its environment with its connections, as the end of a
//! Lambda environment does. Each test kills after 0, 1, 2 … awaits until an invocation completes, so that it covers
//! every await.

use std::collections::BTreeMap;

use local::{Fault, TableFault};
use serde_json::{Value, json};

use crate::support::{Binding, SDK_ATTEMPTS, Visitor, World};

const APP: &str = "wx00000000000000a1";
const HELLO: &str = "您好";

/// More awaits than any invocation here has.
const MAX_AWAITS: u32 = 400;

fn tick() -> Value {
    json!({ "tick": "minute" })
}

/// Kills a function at each of its awaits in turn. `run` gets the number of the await and invokes the function once,
/// with its own data. Returns the number of kills.
async fn at_each_await(world: &World, function: &str, mut run: impl AsyncFnMut(u32)) -> u32 {
    for awaits in 0..MAX_AWAITS {
        world.bundle.kill_next(function, awaits).unwrap();
        run(awaits).await;
        if world.bundle.kills(function).unwrap() == awaits {
            // The invocation has completed.
            return awaits;
        }
    }
    panic!("{function} was still killed after {MAX_AWAITS} awaits");
}

/// Waits until all delays and leases have expired.
async fn recover(world: &World) {
    world.settle().await;
    world.run_minutes(4).await;
}

/// Checks the message and the reply of each visitor: the message is stored and processed, the reply is sent at most
/// once, and its state is correct.
async fn check_replies(world: &World, binding: &Binding, openids: &[String]) {
    let states = reply_states(world, binding, openids).await;
    // Both cases occurred: killed before the send or after its result was stored, and killed between them.
    assert_eq!(states.keys().collect::<Vec<_>>(), ["sent", "unknown"], "{states:?}");
}

/// The same without the last check: how many replies have which state.
async fn reply_states(world: &World, binding: &Binding, openids: &[String]) -> BTreeMap<String, u32> {
    let conversations = world.conversations().await;
    assert_eq!(conversations.len(), openids.len(), "one conversation for each visitor");
    let mut states: BTreeMap<String, u32> = BTreeMap::new();
    for openid in openids {
        let visitor = world.visitor(binding, openid);
        let mut own: Vec<_> =
            conversations.iter().filter(|conversation| conversation["openid"] == openid.as_str()).collect();
        let conversation = own.pop().unwrap_or_else(|| panic!("{openid} has no conversation"));
        let (outbound, inbound): (Vec<_>, Vec<_>) =
            visitor.messages().await.into_iter().partition(|message| message["direction"] == "out");
        let ([inbound], [outbound]) = (&inbound[..], &outbound[..]) else {
            panic!("{openid}: {inbound:?} {outbound:?}")
        };
        assert_eq!(inbound["cid"], conversation["cid"], "{openid} was not processed");
        let (state, shown) = (outbound["state"].as_str().unwrap(), visitor.received().await.len());
        assert!(
            matches!((state, shown), ("sent", 1) | ("unknown", 0 | 1)),
            "{openid}: {state} with {shown} on the phone, {outbound}"
        );
        *states.entry(state.to_owned()).or_default() += 1;
    }
    assert_eq!(world.items("conversation").await.len(), openids.len(), "no conversation outside the list");
    for item in world.items("inbound").await.iter().chain(&world.items("outbound").await) {
        assert_eq!(item.get("due_pk"), None, "not completed: {item}");
    }
    states
}

#[tokio::test]
async fn reception_killed_at_any_await_is_retried_by_the_stream() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let mut openids = Vec::new();
    let kills = at_each_await(&world, "Reception", async |awaits| {
        let visitor = world.visitor(&binding, &format!("oSTREAM-{awaits}"));
        visitor.text("hi").await;
        // The batch fails with the function and is delivered again.
        world.settle().await;
        openids.push(visitor.openid);
    })
    .await;
    assert!(kills >= 8, "only {kills} awaits");
    recover(&world).await;
    check_replies(&world, &binding, &openids).await;
    assert_eq!(world.bundle.dead_letters(), []);
}

#[tokio::test]
async fn reception_killed_at_any_await_is_completed_by_the_tick() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let mut openids = Vec::new();
    let kills = at_each_await(&world, "Reception", async |awaits| {
        let visitor = world.visitor(&binding, &format!("oTICK-{awaits}"));
        visitor.text("hi").await;
        world.advance(61);
        let _ = world.bundle.invoke("Reception", tick()).await;
        openids.push(visitor.openid);
    })
    .await;
    assert!(kills >= 16, "only {kills} awaits");
    world.run_minutes(4).await;
    check_replies(&world, &binding, &openids).await;
    // The stream delivers the records later.
    recover(&world).await;
    check_replies(&world, &binding, &openids).await;
}

#[tokio::test]
async fn reception_killed_at_any_await_of_a_token_renewal_recovers() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let mut openids = Vec::new();
    let mut rounds = 0;
    let kills = at_each_await(&world, "Reception", async |awaits| {
        let visitor = world.visitor(&binding, &format!("oRENEW-{awaits}"));
        visitor.text("hi").await;
        world
            .sim_post(&format!("/sim/mini-programs/{APP}/expire-tokens"), &json!({ "errcode": 40001 }))
            .await
            .expect(200);
        world.advance(61);
        let _ = world.bundle.invoke("Reception", tick()).await;
        openids.push(visitor.openid);
        rounds += 1;
    })
    .await;
    assert!(kills >= 20 && rounds > 20, "only {kills} awaits");
    recover(&world).await;
    check_replies(&world, &binding, &openids).await;
    // The lease of a killed renewal does not block the next one.
    let visitor = world.visitor(&binding, "oRENEW-after");
    visitor.text("hi").await;
    world.settle().await;
    assert_eq!(visitor.received_texts().await, [HELLO]);
}

/// The item of a pending send that is due.
fn pending_send(openid: &str) -> Value {
    json!({
        "pk": { "S": format!("thread#{APP}#{openid}") }, "sk": { "S": "message#1772438400-rleft" },
        "kind": { "S": "outbound" }, "app_id": { "S": APP }, "openid": { "S": openid }, "type": { "S": "text" },
        "content": { "S": json!({ "content": HELLO }).to_string() }, "created_at": { "N": "1772438400000" },
        "state": { "S": "pending" }, "cid": { "S": "cLEFT" }, "author": { "S": "{\"role\":\"auto_reply\"}" },
        "due_pk": { "S": "outbox#0" }, "due_sk": { "S": "1772438400000" },
    })
}

/// A visitor with an unprocessed message and a pending send.
async fn visitor_with_pending_send<'a>(world: &'a World, binding: &'a Binding, openid: &str) -> Visitor<'a> {
    let visitor = world.visitor(binding, openid);
    visitor.text("hi").await;
    world.put_item(&pending_send(openid)).await;
    visitor
}

#[tokio::test]
async fn tick_killed_at_any_await_of_a_send_left_behind_recovers() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let mut openids = Vec::new();
    let kills = at_each_await(&world, "Reception", async |awaits| {
        let visitor = visitor_with_pending_send(&world, &binding, &format!("oLEFT-{awaits}")).await;
        world.advance(61);
        let _ = world.bundle.invoke("Reception", tick()).await;
        openids.push(visitor.openid);
    })
    .await;
    assert!(kills >= 12, "only {kills} awaits");
    recover(&world).await;
    check_replies(&world, &binding, &openids).await;
}

/// Injects a fault into each request of `reception` in turn, until an invocation has no fault.
async fn at_each_request(fault: Fault) {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let (openids, requests) = inject_into_each(&world, &binding, fault).await;
    assert!(requests >= 6, "only {requests} requests");
    recover(&world).await;
    check_replies(&world, &binding, &openids).await;
    assert_eq!(world.bundle.dead_letters(), []);
}

/// Returns the visitors who wrote, and the number of requests that the fault applies to.
async fn inject_into_each(world: &World, binding: &Binding, fault: Fault) -> (Vec<String>, u32) {
    let mut requests = 0;
    let faults = world.bundle.table_faults();
    let mut openids = Vec::new();
    // One request, which the SDK retries, and all of its attempts.
    for times in [1, SDK_ATTEMPTS] {
        let mut calls = 0;
        loop {
            let visitor = world.visitor(binding, &format!("oCALL-{times}-{calls}"));
            // A cold start each time, so that its requests are included.
            world.bundle.end_environments().await;
            visitor.text("hi").await;
            faults.add(TableFault::new(fault).function("Reception").skip(calls).times(times));
            world.settle().await;
            let unused = faults.left() == times;
            faults.clear();
            openids.push(visitor.openid);
            if unused {
                break;
            }
            calls += 1;
            assert!(calls < 50);
        }
        requests = calls;
    }
    (openids, requests)
}

/// Injects a fault into each write of `reception` that it applies to: every reply is sent.
async fn at_each_write(fault: Fault, least: u32) {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let (openids, writes) = inject_into_each(&world, &binding, fault).await;
    assert!(writes >= least, "only {writes} writes");
    recover(&world).await;
    let states = reply_states(&world, &binding, &openids).await;
    assert_eq!(states.keys().collect::<Vec<_>>(), ["sent"], "{states:?}");
    assert_eq!(world.bundle.dead_letters(), []);
}

#[tokio::test]
async fn transaction_conflict_at_any_write_of_reception_delays_no_reply() {
    at_each_write(Fault::TransactionConflict, 3).await;
}

#[tokio::test]
async fn connection_closed_after_any_request_of_reception_loses_nothing() {
    at_each_request(Fault::CloseAfter).await;
}

#[tokio::test]
async fn connection_closed_before_any_request_of_reception_loses_nothing() {
    at_each_request(Fault::CloseBefore).await;
}

#[tokio::test]
async fn throttling_of_any_request_of_reception_loses_nothing() {
    at_each_request(Fault::ThrottleTable).await;
}

#[tokio::test]
async fn internal_error_at_any_request_of_reception_loses_nothing() {
    at_each_request(Fault::InternalError).await;
}

#[tokio::test]
async fn throttling_of_any_transaction_of_reception_loses_nothing() {
    for fault in [Fault::ThrottleTransaction, Fault::TransactionInProgress] {
        let world = World::start().await;
        let binding = world.bind_with_auto_reply(APP, HELLO).await;
        let (openids, transactions) = inject_into_each(&world, &binding, fault).await;
        assert!(transactions >= 1, "no transaction");
        recover(&world).await;
        reply_states(&world, &binding, &openids).await;
        assert_eq!(world.bundle.dead_letters(), [], "{fault:?}");
    }
}
