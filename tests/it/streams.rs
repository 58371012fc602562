//! A record that fails for ever holds up nobody else, ends in the dead-letter queue, and is not lost.

use local::{Fault, TableFault};
use serde_json::{Value, json};

use crate::support::{Visitor, World};

const APP: &str = "wx00000000000000a1";
const HELLO: &str = "您好";

/// Makes `reception` fail for one visitor, whose first message is answered: their open conversation cannot be read
/// from now on. Gives back what it was, which [`World::put_item`] makes it again.
async fn poison(world: &World, visitor: &Visitor<'_>) -> Value {
    visitor.text("0").await;
    world.settle().await;
    assert_eq!(visitor.phone_texts().await, [HELLO]);
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
async fn a_poisoned_message_holds_up_nobody_and_is_processed_when_it_can_be() {
    let world = World::start().await;
    let binding = world.bind_replying(APP, HELLO).await;
    let visitors: Vec<_> = (0..5).map(|number| world.visitor(&binding, &format!("oBATCH-{number}"))).collect();
    let poisoned = &visitors[2];
    let readable = poison(&world, poisoned).await;
    for visitor in &visitors {
        visitor.text("1").await;
    }
    poisoned.does("text", json!({ "content": "2" })).await;
    world.bundle.reset_calls();
    world.settle().await;

    for (number, visitor) in visitors.iter().enumerate() {
        assert_eq!(visitor.phone().await.len(), 1, "visitor {number}: the poisoned one's first message alone");
    }
    let dead = world.bundle.dead_letters();
    assert!(!dead.is_empty());
    for letter in &dead {
        assert_eq!((letter.queue.as_str(), letter.function.as_str()), ("StreamDeadLetters", "Reception"));
        let attempts = letter.message["requestContext"]["approximateInvokeCount"].as_u64().unwrap();
        assert_eq!(attempts, 6, "the first and five retries");
    }
    let letters: u64 =
        dead.iter().map(|letter| letter.message["DDBStreamBatchInfo"]["batchSize"].as_u64().unwrap()).sum();
    assert_eq!(letters, 2, "the poisoned visitor's two messages and nobody else's");

    // The shard goes on.
    visitors[0].does("text", json!({ "content": "next" })).await;
    world.settle().await;
    assert_eq!(visitors[0].phone().await.len(), 2);

    // As long as it cannot be processed, the tick tries now and then, and holds up nobody either.
    world.minutes(3).await;
    assert_eq!(poisoned.phone().await.len(), 1);
    assert_eq!(world.bundle.dead_letters().len(), dead.len(), "a tick that fails for one message has not failed");

    world.put_item(&readable).await;
    world.minutes(5).await;
    assert_eq!(poisoned.phone_texts().await, [HELLO; 3]);
    for message in poisoned.inbound().await {
        assert_eq!(message["cid"], readable["cid"]["S"]);
    }
}

#[tokio::test]
async fn a_poisoned_message_is_tried_less_and_less_often() {
    let world = World::start().await;
    let binding = world.bind_replying(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oSELDOM");
    poison(&world, &visitor).await;
    visitor.text("1").await;
    world.settle().await;
    let mut tried = Vec::new();
    for minute in 1..=60 {
        world.bundle.reset_calls();
        world.advance(60);
        world.tick("Reception").await;
        if world.calls("Reception", "UpdateItem") > 0 {
            tried.push(minute);
        }
    }
    assert!((3..=8).contains(&tried.len()), "tried in the minutes {tried:?}");
    assert_eq!(tried[0], 1);
}

#[tokio::test]
async fn an_item_that_no_version_can_read_stops_neither_stream_nor_tick() {
    let world = World::start().await;
    let binding = world.bind_replying(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oBEHIND");
    // One in every partition of the index, so that the visitor's own is among them.
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
    assert_eq!(world.bundle.dead_letters(), [], "there is nothing to try again");

    // Left behind by the stream: reception fails for good while the table is down for it.
    world
        .bundle
        .table_faults()
        .add(TableFault::new(Fault::Throttle).function("Reception").operation("TransactWriteItems").times(1000));
    visitor.text("1").await;
    world.settle().await;
    world.bundle.table_faults().clear();
    assert_eq!(visitor.phone().await.len(), 0);
    world.minutes(3).await;
    assert_eq!(visitor.phone_texts().await, [HELLO], "the tick goes round what it cannot read");
}

#[tokio::test]
async fn a_message_that_no_stream_brought_is_taken_up_by_the_tick_after_a_minute() {
    let world = World::start().await;
    let binding = world.bind_replying(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oTICK");
    visitor.text("1").await;
    world.advance(59);
    world.tick("Reception").await;
    assert_eq!(visitor.phone().await.len(), 0, "the stream has its chance first");
    world.advance(1);
    world.tick("Reception").await;
    assert_eq!(visitor.phone_texts().await, [HELLO]);
    // The record comes after all.
    world.settle().await;
    world.minutes(2).await;
    assert_eq!(visitor.phone_texts().await, [HELLO]);
}

#[tokio::test]
async fn a_panic_or_a_kill_in_the_middle_of_a_batch_costs_nobody_their_answer() {
    let world = World::start().await;
    let binding = world.bind_replying(APP, HELLO).await;
    let visitors: Vec<_> = (0..30).map(|number| world.visitor(&binding, &format!("oCROWD-{number}"))).collect();
    for visitor in &visitors {
        visitor.text("1").await;
    }
    for awaits in [20, 40, 60] {
        world.bundle.kill_next("Reception", awaits).unwrap();
        let _ = world.bundle.tick("Reception").await;
    }
    world.settle().await;
    world.minutes(3).await;
    for visitor in &visitors {
        let outbound = visitor.outbound().await;
        assert_eq!(outbound.len(), 1, "{outbound:?}");
        let (state, shown) = (outbound[0]["state"].as_str().unwrap(), visitor.phone().await.len());
        assert!(
            (state, shown) == ("sent", 1) || (state == "unknown" && shown <= 1),
            "{state} with {shown} on the phone"
        );
    }
}

#[tokio::test]
async fn a_stream_that_moves_by_itself_answers_without_being_asked() {
    let world = World::pumping().await;
    let binding = world.bind_replying(APP, HELLO).await;
    let visitor = world.visitor(&binding, "oPUMP");
    visitor.text("1").await;
    // The phone waits for the answer as a person does.
    let path = format!("/sim/visitors/oPUMP/messages?app_id={APP}&wait_ms=10000&after=");
    let mut shown = world.sim_get(&path.replace("&wait_ms=10000&after=", "")).await.body;
    while shown["items"].as_array().unwrap().is_empty() {
        let revision = shown["revision"].as_u64().unwrap();
        shown = world.sim_get(&format!("{path}{revision}")).await.expect(200).body;
    }
    assert_eq!(shown["items"][0]["text"]["content"], HELLO);
}
