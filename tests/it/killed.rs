//! Functions that are killed anywhere on their way, and a table that fails at any call: nothing is lost, nothing is said
//! twice, and nobody is told "sent" when it was not.
//!
//! A kill drops the handler's future at an await and ends its environment with it, connections included, which is what
//! the end of a Lambda environment looks like from here. Each test kills after no await, after one, after two …,
//! until a whole run went through unkilled, so that every await of the way was met.

use std::collections::BTreeMap;

use local::{Fault, TableFault};
use serde_json::{Value, json};

use crate::support::{Binding, Visitor, World, inserted};

const APP: &str = "wx00000000000000a1";
const HELLO: &str = "您好";

/// More awaits than any way here has.
const MOST: u32 = 400;

fn tick() -> Value {
    json!({ "tick": "minute" })
}

/// Kills a function at each of its awaits in turn. `run` makes it run once, in a situation of its own, and is told the
/// number; gives back how many times it was killed.
async fn at_each_await(world: &World, function: &str, mut run: impl AsyncFnMut(u32)) -> u32 {
    for awaits in 0..MOST {
        world.bundle.kill_next(function, awaits).unwrap();
        run(awaits).await;
        if world.bundle.kills(function).unwrap() == awaits {
            // This one ended before its time came.
            return awaits;
        }
    }
    panic!("{function} was still killed after {MOST} awaits");
}

/// Waits out every grace and every lease.
async fn recover(world: &World) {
    world.settle().await;
    world.minutes(4).await;
}

/// Checks what became of the one reply to the one message of each visitor: the message is kept and processed, the reply
/// is said once at most, and what is told of it is true.
async fn all_truly_told(world: &World, binding: &Binding, openids: &[String]) {
    let conversations = world.conversations().await;
    assert_eq!(conversations.len(), openids.len(), "one conversation for each visitor");
    let mut states: BTreeMap<String, u32> = BTreeMap::new();
    for openid in openids {
        let visitor = world.visitor(binding, openid);
        let mut of: Vec<_> =
            conversations.iter().filter(|conversation| conversation["openid"] == openid.as_str()).collect();
        let conversation = of.pop().unwrap_or_else(|| panic!("{openid} has no conversation"));
        let (outbound, inbound): (Vec<_>, Vec<_>) =
            visitor.messages().await.into_iter().partition(|message| message["direction"] == "out");
        let ([inbound], [outbound]) = (&inbound[..], &outbound[..]) else {
            panic!("{openid}: {inbound:?} {outbound:?}")
        };
        assert_eq!(inbound["cid"], conversation["cid"], "{openid} was not processed");
        let (state, shown) = (outbound["state"].as_str().unwrap(), visitor.phone().await.len());
        assert!(
            matches!((state, shown), ("sent", 1) | ("unknown", 0 | 1)),
            "{openid}: {state} with {shown} on the phone, {outbound}"
        );
        *states.entry(state.to_owned()).or_default() += 1;
    }
    assert_eq!(world.items("conversation").await.len(), openids.len(), "nor one that no list shows");
    for item in world.items("inbound").await.iter().chain(&world.items("outbound").await) {
        assert_eq!(item.get("due_pk"), None, "left unfinished: {item}");
    }
    // Both ends were met: stopped before the send or after its end was written, and stopped in between.
    assert_eq!(states.keys().collect::<Vec<_>>(), ["sent", "unknown"], "{states:?}");
}

#[tokio::test]
async fn reception_killed_anywhere_and_woken_again_by_the_stream() {
    let world = World::start().await;
    let binding = world.bind_replying(APP, HELLO).await;
    let mut openids = Vec::new();
    let kills = at_each_await(&world, "Reception", async |awaits| {
        let visitor = world.visitor(&binding, &format!("oSTREAM-{awaits}"));
        visitor.text("hi").await;
        // The batch fails with the function, and the stream delivers it again.
        world.settle().await;
        openids.push(visitor.openid);
    })
    .await;
    assert!(kills >= 8, "only {kills} awaits on the whole way");
    recover(&world).await;
    all_truly_told(&world, &binding, &openids).await;
    assert_eq!(world.bundle.dead_letters(), []);
}

#[tokio::test]
async fn reception_killed_anywhere_and_never_woken_but_by_the_tick() {
    let world = World::start().await;
    let binding = world.bind_replying(APP, HELLO).await;
    let mut openids = Vec::new();
    let kills = at_each_await(&world, "Reception", async |awaits| {
        let visitor = world.visitor(&binding, &format!("oTICK-{awaits}"));
        visitor.text("hi").await;
        world.advance(61);
        let _ = world.bundle.invoke("Reception", tick()).await;
        openids.push(visitor.openid);
    })
    .await;
    assert!(kills >= 16, "only {kills} awaits on the whole way");
    world.minutes(4).await;
    all_truly_told(&world, &binding, &openids).await;
    // Every record comes at last, long after.
    recover(&world).await;
    all_truly_told(&world, &binding, &openids).await;
}

#[tokio::test]
async fn reception_killed_anywhere_while_it_renews_the_access_token() {
    let world = World::start().await;
    let binding = world.bind_replying(APP, HELLO).await;
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
    assert!(kills >= 20 && rounds > 20, "only {kills} awaits on the whole way");
    recover(&world).await;
    all_truly_told(&world, &binding, &openids).await;
    // Whoever held the right to renew it and died has not taken it along.
    let visitor = world.visitor(&binding, "oRENEW-after");
    visitor.text("hi").await;
    world.settle().await;
    assert_eq!(visitor.phone_texts().await, [HELLO]);
}

/// A send that its maker put down and left, as an item of the table; due since the beginning.
fn left_behind(openid: &str) -> Value {
    json!({
        "pk": { "S": format!("thread#{APP}#{openid}") }, "sk": { "S": "message#1772438400-rleft" },
        "kind": { "S": "outbound" }, "app_id": { "S": APP }, "openid": { "S": openid }, "type": { "S": "text" },
        "content": { "S": json!({ "content": HELLO }).to_string() }, "created_at": { "N": "1772438400000" },
        "state": { "S": "pending" }, "cid": { "S": "cLEFT" }, "author": { "S": "{\"role\":\"auto_reply\"}" },
        "due_pk": { "S": "outbox#0" }, "due_sk": { "S": "1772438400000" },
    })
}

/// A visitor with a conversation and such a send.
async fn with_a_send_left_behind<'a>(world: &'a World, binding: &'a Binding, openid: &str) -> Visitor<'a> {
    let visitor = world.visitor(binding, openid);
    visitor.text("hi").await;
    // Reception alone: the stream would wake the function that is to be killed.
    let message = world.partition(&format!("thread#{APP}#{openid}")).await;
    world.bundle.invoke("Reception", inserted(&message)).await.unwrap();
    world.put_item(&left_behind(openid)).await;
    visitor
}

#[tokio::test]
async fn delivery_killed_anywhere_on_its_tick() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let mut openids = Vec::new();
    let kills = at_each_await(&world, "Delivery", async |awaits| {
        let visitor = with_a_send_left_behind(&world, &binding, &format!("oDELIVER-{awaits}")).await;
        world.advance(61);
        let _ = world.bundle.invoke("Delivery", tick()).await;
        openids.push(visitor.openid);
    })
    .await;
    assert!(kills >= 12, "only {kills} awaits on the whole way");
    recover(&world).await;
    all_truly_told(&world, &binding, &openids).await;
}

#[tokio::test]
async fn delivery_killed_anywhere_on_a_record() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let mut openids = Vec::new();
    let kills = at_each_await(&world, "Delivery", async |awaits| {
        let visitor = with_a_send_left_behind(&world, &binding, &format!("oRECORD-{awaits}")).await;
        world.settle().await;
        openids.push(visitor.openid);
    })
    .await;
    assert!(kills >= 5, "only {kills} awaits on the whole way");
    recover(&world).await;
    all_truly_told(&world, &binding, &openids).await;
}

/// Fails each call that `reception` makes to the table in turn, `times` tries of it, until a run met no fault.
async fn at_each_call(fault: Fault) {
    let world = World::start().await;
    let binding = world.bind_replying(APP, HELLO).await;
    let faults = world.bundle.table_faults();
    let mut openids = Vec::new();
    // One try, which the SDK repeats by itself; and all three.
    for times in [1, 3] {
        let mut calls = 0;
        loop {
            let visitor = world.visitor(&binding, &format!("oCALL-{times}-{calls}"));
            // Cold each time, so that the calls of a first event are among them.
            world.bundle.recycle().await;
            visitor.text("hi").await;
            faults.add(TableFault::new(fault).function("Reception").skip(calls).times(times));
            world.settle().await;
            let unmet = faults.left() == times;
            faults.clear();
            openids.push(visitor.openid);
            if unmet {
                break;
            }
            calls += 1;
            assert!(calls < 50);
        }
        assert!(calls >= 6, "only {calls} calls on the whole way");
    }
    recover(&world).await;
    all_truly_told(&world, &binding, &openids).await;
    assert_eq!(world.bundle.dead_letters(), []);
}

#[tokio::test]
async fn the_table_hangs_up_after_its_work_at_any_call_of_reception() {
    at_each_call(Fault::CloseAfter).await;
}

#[tokio::test]
async fn the_table_hangs_up_before_its_work_at_any_call_of_reception() {
    at_each_call(Fault::CloseBefore).await;
}

#[tokio::test]
async fn the_table_throttles_any_call_of_reception() {
    at_each_call(Fault::Throttle).await;
}

#[tokio::test]
async fn the_table_fails_at_any_call_of_reception() {
    at_each_call(Fault::InternalError).await;
}
