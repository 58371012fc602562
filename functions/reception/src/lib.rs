//! What happens next in each conversation. Woken by the table's stream for every message that comes in, and each
//! minute for what falls due and for messages that were left behind.
//!
//! The decisions are [`dispatch`]'s. Each may be repeated: it is one transaction that asks that the message is still
//! unprocessed, and the ids of what it says follow from the message.

use conversations::Conversations;
use function::{
    Env, Failure, StartError, http,
    stream::{Record, Wake, batch_failures},
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use store::{DUE_SHARDS, InboundRef, SharedClock, Thread};

/// Threads that are worked on at once. A thread's own messages go one after the other.
const AT_ONCE: usize = 16;

/// Messages of one shard that one tick takes up.
const PER_SHARD: i32 = 50;

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    desk: Conversations,
}

impl Deps {
    /// Reads `TABLE_NAME`, `SECRET_ARN` and `WECHAT_API_URL`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let (table, vault, channel) = env.settings().channel(clock).await?;
        Ok(Self { desk: Conversations::new(table, vault, channel) })
    }
}

/// Handles records of the stream or the tick.
pub async fn handle(deps: &Deps, event: Value) -> Result<Value, Failure> {
    match Wake::of(event)? {
        Wake::Stream(records) => Ok(batch(deps, &records).await),
        Wake::Tick => Box::pin(tick(deps)).await,
    }
}

async fn batch(deps: &Deps, records: &[Record]) -> Value {
    let mut threads: Vec<(Thread, Vec<(&str, InboundRef)>)> = Vec::new();
    for record in records {
        let Some(message) = InboundRef::from_image(|name| record.attribute(name)) else {
            tracing::error!(record = record.sequence_number(), "a record is not a message; the tick will look at it");
            continue;
        };
        let entry = (record.sequence_number(), message);
        match threads.iter_mut().find(|(thread, _)| *thread == entry.1.thread) {
            Some((_, messages)) => messages.push(entry),
            None => threads.push((entry.1.thread.clone(), vec![entry])),
        }
    }
    let work: Vec<_> = threads.into_iter().map(|(_, messages)| in_order(deps, messages)).collect();
    let failed = stream::iter(work).buffer_unordered(AT_ONCE);
    let failed: Vec<&str> = failed.filter_map(std::future::ready).collect().await;
    // Lambda goes back to the lowest of them. Records are handed over in order.
    let first = records.iter().map(Record::sequence_number).find(|number| failed.contains(number));
    batch_failures(first)
}

/// Works through the messages of one thread; stops at the first that fails and names its record.
async fn in_order<'a>(deps: &Deps, messages: Vec<(&'a str, InboundRef)>) -> Option<&'a str> {
    for (record, message) in messages {
        if let Err(error) = Box::pin(deps.desk.receive(&message)).await {
            tracing::error!(id = message.id, error = %http::chain(&error), "a message was not processed");
            return Some(record);
        }
    }
    None
}

async fn tick(deps: &Deps) -> Result<Value, Failure> {
    let mut taken_up = 0_usize;
    let mut failed = 0_usize;
    let table = deps.desk.table();
    for shard in 0..DUE_SHARDS {
        for message in table.left_behind(shard, PER_SHARD).await? {
            taken_up += 1;
            if let Err(error) = Box::pin(deps.desk.receive(&message)).await {
                tracing::error!(id = message.id, error = %http::chain(&error), "a message left behind failed again");
                failed += 1;
                table.put_off(&message).await?;
            }
        }
    }
    if taken_up > 0 {
        tracing::warn!(taken_up, failed, "messages were left behind");
    }
    let due = deps.desk.tick().await?;
    Ok(json!({ "taken_up": taken_up, "failed": failed, "due": due }))
}
