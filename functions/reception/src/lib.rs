//! Processes visitors' messages as they arrive from the table's stream. Each minute it processes what is due, and messages
//! that no stream record completed.
//!
//! The decisions are made in [`conversations`]. A message may be processed twice without harm: its transaction requires
//! that it is unprocessed, and the ids of the automatic replies follow from it.

use conversations::{Conversations, Tick};
use function::{
    Env, Failure, StartError, http,
    trigger::{Record, Trigger, batch_failures},
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use store::{DUE_SHARDS, InboundRef, OverdueMessages, SharedClock, StoreError, Thread};

/// How many threads are processed concurrently. The messages of one thread are processed in order.
const CONCURRENT_THREADS: usize = 16;

/// How many messages of one shard a tick processes.
const MESSAGES_PER_SHARD: i32 = 50;

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    conversations: Conversations,
    overdue: OverdueMessages,
    tick: Tick,
}

impl Deps {
    /// Reads `TABLE_NAME`, `SECRET_ARN` and `WECHAT_API_URL`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let (table, vault, channel) = env.settings().channel(clock).await?;
        let conversations = Conversations::new(&table, &vault, channel);
        let tick = Tick::new(&conversations, table.due_checks());
        Ok(Self { conversations, overdue: table.overdue_inbound(), tick })
    }
}

/// Handles records of the stream or the tick.
pub async fn handle(deps: &Deps, trigger: Trigger) -> Result<Value, Failure> {
    match trigger {
        Trigger::Stream(records) => Ok(batch(deps, &records).await),
        Trigger::Tick(_) => Box::pin(tick(deps)).await,
    }
}

async fn batch(deps: &Deps, records: &[Record]) -> Value {
    let mut threads: Vec<(Thread, Vec<(&str, InboundRef)>)> = Vec::new();
    for record in records {
        let Some(message) = InboundRef::from_image(|name| record.attribute(name)) else {
            tracing::error!(record = record.sequence_number(), "a record is not a message; the tick processes it");
            continue;
        };
        let entry = (record.sequence_number(), message);
        match threads.iter_mut().find(|(thread, _)| *thread == entry.1.thread) {
            Some((_, messages)) => messages.push(entry),
            None => threads.push((entry.1.thread.clone(), vec![entry])),
        }
    }
    let work: Vec<_> = threads.into_iter().map(|(_, messages)| in_order(deps, messages)).collect();
    let failed = stream::iter(work).buffer_unordered(CONCURRENT_THREADS);
    let failed: Vec<&str> = failed.filter_map(std::future::ready).collect().await;
    // Lambda retries from the first failed record.
    let first = records.iter().map(Record::sequence_number).find(|number| failed.contains(number));
    batch_failures(first)
}

/// Processes the messages of one thread in order. Stops at the first that fails and returns its record.
async fn in_order<'a>(deps: &Deps, messages: Vec<(&'a str, InboundRef)>) -> Option<&'a str> {
    for (record, message) in messages {
        if process(deps, &message).await.is_err() {
            return Some(record);
        }
    }
    None
}

/// Processes a message. A failure is in the log.
#[tracing::instrument(skip_all, fields(app_id = message.thread.app_id, uid = message.thread.uid(), id = message.id))]
async fn process(deps: &Deps, message: &InboundRef) -> Result<(), StoreError> {
    let processed = Box::pin(deps.conversations.receive(message)).await;
    if let Err(error) = &processed {
        tracing::error!(error = %http::chain(error), "a message was not processed");
    }
    processed
}

/// The messages that a tick found unprocessed.
#[derive(Default)]
struct OverdueReport {
    taken_up: usize,
    failed: usize,
}

/// Processes overdue messages, then everything else that is due. A failure of one does not stop the other; the first list that could not be
/// read is the error.
async fn tick(deps: &Deps) -> Result<Value, Failure> {
    let mut report = OverdueReport::default();
    let mut listed = Ok(());
    for shard in 0..DUE_SHARDS {
        listed = listed.and(process_overdue(deps, shard, &mut report).await);
    }
    let OverdueReport { taken_up, failed } = report;
    if taken_up > 0 {
        tracing::warn!(taken_up, failed, "processed overdue messages");
    }
    let due = deps.tick.run().await;
    listed?;
    Ok(json!({ "taken_up": taken_up, "failed": failed, "due": due? }))
}

async fn process_overdue(deps: &Deps, shard: u8, report: &mut OverdueReport) -> Result<(), StoreError> {
    for message in deps.overdue.overdue_messages(shard, MESSAGES_PER_SHARD).await? {
        report.taken_up += 1;
        if process(deps, &message).await.is_err() {
            report.failed += 1;
            postpone(deps, &message).await;
        }
    }
    Ok(())
}

#[tracing::instrument(skip_all, fields(app_id = message.thread.app_id, uid = message.thread.uid(), id = message.id))]
async fn postpone(deps: &Deps, message: &InboundRef) {
    if let Err(error) = deps.overdue.postpone_message(message).await {
        tracing::error!(error = %http::chain(&error), "a failed message was not postponed");
    }
}
