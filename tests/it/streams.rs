//! A record that always fails goes to the dead-letter queue with those after it in its batch, delays no other record, and none is
//! lost.

use local::{Fault, TableFault};
use serde_json::{Value, json};

use crate::support::{Visitor, World, inserted};

const APP: &str = "wx00000000000000a1";
const HELLO: &str = "您好";

/// Makes the open conversation of a visitor unreadable after the first answer, so that `reception` fails for the
/// visitor. Returns the original item.
async fn make_unreadable(world: &World, visitor: &Visitor<'_>) -> Value {
    visitor.text("0").await;
    world.settle().await;
    assert_eq!(visitor.received_texts().await, [HELLO]);
    let cid = visitor.cid().await;
    let mut items = world.items("conversation").await;
    items.retain(|item| item["cid"]["S"] == cid.as_str());
    let readable = items.pop().unwrap();
    let mut unreadable = readable.clone();
    unreadable["data"] = json!({ "S": "{\"of\": \"a later version\"}" });
    world.put_item(&unreadable).await;
    readable
}

#[tokio::test]
async fn failing_message_delays_no_other_and_is_processed_when_it_can_be() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitors: Vec<_> = (0..5).map(|number| world.visitor(&binding, &format!("oBATCH-{number}"))).collect();
    let failing = &visitors[2];
    let readable = make_unreadable(&world, failing).await;
    for visitor in &visitors {
        visitor.text("1").await;
    }
    failing.pushes("text", json!({ "content": "2" })).await;
    world.bundle.reset_request_counts();
    world.settle().await;

    for (number, visitor) in visitors.iter().enumerate() {
        assert_eq!(visitor.received().await.len(), 1, "visitor {number}: the failing visitor has one reply");
    }
    let dead = world.bundle.dead_letters();
    assert!(!dead.is_empty());
    for letter in &dead {
        assert_eq!((letter.queue.as_str(), letter.function.as_str()), ("StreamDeadLetters", "Reception"));
        let attempts = letter.message["requestContext"]["approximateInvokeCount"].as_u64().unwrap();
        assert_eq!(attempts, 6, "one invocation and five retries");
    }
    let letters: u64 =
        dead.iter().map(|letter| letter.message["DDBStreamBatchInfo"]["batchSize"].as_u64().unwrap()).sum();
    assert!(
        (2..=6).contains(&letters),
        "the two messages of the failing visitor and those after them, {letters} in all"
    );

    // The shard is not blocked.
    visitors[0].pushes("text", json!({ "content": "next" })).await;
    world.settle().await;
    assert_eq!(visitors[0].received().await.len(), 2);

    // The tick retries it and processes all others.
    world.run_minutes(3).await;
    assert_eq!(failing.received().await.len(), 1);
    assert_eq!(world.bundle.dead_letters().len(), dead.len(), "a tick does not fail because of one message");

    world.put_item(&readable).await;
    world.run_minutes(5).await;
    assert_eq!(failing.received_texts().await, [HELLO; 3]);
    for message in failing.inbound().await {
        assert_eq!(message["cid"], readable["cid"]["S"]);
    }
}

#[tokio::test]
async fn failing_message_is_retried_with_backoff() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oSELDOM");
    make_unreadable(&world, &visitor).await;
    visitor.text("1").await;
    world.settle().await;
    let mut retries = Vec::new();
    for minute in 1..=60 {
        world.bundle.reset_request_counts();
        world.advance(60);
        world.tick("Reception").await;
        if world.calls("Reception", "UpdateItem") > 0 {
            retries.push(minute);
        }
    }
    assert!((3..=8).contains(&retries.len()), "retried in the minutes {retries:?}");
    assert_eq!(retries[0], 1);
}

#[tokio::test]
async fn unreadable_item_stops_neither_stream_nor_tick() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oBEHIND");
    // One in each partition of the index, including that of the visitor.
    for shard in 0..8 {
        for (kind, due) in [("inbound", "inbox"), ("outbound", "outbox")] {
            world
                .put_item(&json!({
                    "pk": { "S": format!("thread#{APP}#oBROKEN-{shard}") }, "sk": { "S": format!("message#0000000001-m-{kind}") },
                    "kind": { "S": kind }, "type": { "S": "text" }, "app_id": { "S": APP }, "state": { "S": "pending" },
                    "due_pk": { "S": format!("{due}#{shard}") }, "due_sk": { "S": "0000000000001" },
                }))
                .await;
        }
    }
    world.settle().await;
    assert_eq!(world.bundle.dead_letters(), [], "nothing is retried");

    // The stream discards the message: all retries fail while the table is down.
    world
        .bundle
        .table_faults()
        .add(TableFault::new(Fault::ThrottleTable).function("Reception").operation("TransactWriteItems").times(1000));
    visitor.text("1").await;
    world.settle().await;
    world.bundle.table_faults().clear();
    assert_eq!(visitor.received().await.len(), 0);
    world.run_minutes(3).await;
    assert_eq!(visitor.received_texts().await, [HELLO], "the tick skips the unreadable items");
}

#[tokio::test]
async fn message_without_a_stream_record_is_processed_by_the_tick_after_a_minute() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oTICK");
    visitor.text("1").await;
    world.advance(59);
    world.tick("Reception").await;
    assert_eq!(visitor.received().await.len(), 0, "the tick waits for the stream");
    world.advance(1);
    world.tick("Reception").await;
    assert_eq!(visitor.received_texts().await, [HELLO]);
    // The stream delivers the record later.
    world.settle().await;
    world.run_minutes(2).await;
    assert_eq!(visitor.received_texts().await, [HELLO]);
}

#[tokio::test]
async fn killed_tick_loses_no_answer_and_sends_none_twice() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitors: Vec<_> = (0..30).map(|number| world.visitor(&binding, &format!("oCROWD-{number}"))).collect();
    for visitor in &visitors {
        visitor.text("1").await;
    }
    for awaits in [20, 40, 60] {
        world.bundle.kill_next("Reception", awaits).unwrap();
        let _ = world.bundle.tick("Reception").await;
    }
    world.settle().await;
    world.run_minutes(3).await;
    for visitor in &visitors {
        let outbound = visitor.outbound().await;
        assert_eq!(outbound.len(), 1, "{outbound:?}");
        let (state, shown) = (outbound[0]["state"].as_str().unwrap(), visitor.received().await.len());
        assert!(
            (state, shown) == ("sent", 1) || (state == "unknown" && shown <= 1),
            "{state} with {shown} on the phone"
        );
    }
}

#[tokio::test]
async fn automatic_stream_answers_without_a_drain() {
    let world = World::with_automatic_streams().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oPUMP");
    visitor.text("1").await;
    // Long polling of the phone.
    let path = format!("/sim/visitors/oPUMP/messages?app_id={APP}&wait_ms=10000&after=");
    let mut shown = world.sim_get(&path.replace("&wait_ms=10000&after=", "")).await.body;
    while shown["items"].as_array().unwrap().is_empty() {
        let revision = shown["revision"].as_u64().unwrap();
        shown = world.sim_get(&format!("{path}{revision}")).await.expect(200).body;
    }
    assert_eq!(shown["items"][0]["text"]["content"], HELLO);
}

#[tokio::test]
async fn slow_wechat_holds_up_a_batch_for_seconds_and_no_reply_is_lost() {
    const SEND: &str = "/cgi-bin/message/custom/send";
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, HELLO).await;
    let visitors: Vec<_> = (0..40).map(|number| world.visitor(&binding, &format!("oSLOW-{number}"))).collect();
    for visitor in &visitors {
        visitor.text("1").await;
    }
    world.sim_fault(&json!({ "path": SEND, "wait_ms": 1000, "wait": "before", "times": 40 })).await;
    let batch = inserted(&world.items("inbound").await);
    let (answer, ()) = tokio::join!(world.bundle.invoke("Reception", batch), async {
        while world.sim_calls(SEND).await == 0 {
            tokio::task::yield_now().await;
        }
        world.advance(6);
    });
    assert_eq!(answer.unwrap(), json!({ "batchItemFailures": [] }));
    let sent = world.sim_calls(SEND).await;
    let outbound = world.items("outbound").await;
    let left = outbound.iter().filter(|item| item.get("timer").is_some() && item["state"]["S"] == "pending").count();
    assert!((1..=16).contains(&sent), "{sent} sends began, one for each thread that is processed at a time");
    assert_eq!(left as u64, 40 - sent, "the others are due at once");
    world.settle().await;
    for visitor in &visitors {
        assert_eq!(visitor.received_texts().await, [HELLO]);
    }
}
