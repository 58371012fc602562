//! Processes visitors' messages as they arrive from the table's stream. Each minute, and by timers in between, it processes what
//! is due, and what functions that stopped have left behind; [`tick`] says how. It also keeps the pictures of visitors, from a queue.
//!
//! The decisions are made in [`conversations`]. A message may be processed twice without harm: its transaction requires
//! that it is unprocessed, and the ids of the automatic replies follow from it.

mod pictures;
mod tick;

use std::sync::Arc;

use conversations::{Conversations, KeptPictures, Tick};
use function::{
    Deadline, Env, Failure, Queue, StartError, http,
    trigger::{Record, Trigger, batch_failures},
};
use futures_util::{StreamExt, stream};
use jiff::SignedDuration;
use serde_json::Value;
use store::{DueChecks, InboundRef, SENDING_LEASE, SharedClock, StoreError, Thread};

/// How many threads are processed concurrently. The messages of one thread are processed in order.
const CONCURRENT_THREADS: usize = 16;

/// How long a batch of the stream sends replies. The visitors of the next batch wait for this one.
const BATCH_SENDS: SignedDuration = SignedDuration::from_secs(5);

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    conversations: Conversations,
    due_checks: DueChecks,
    pictures: KeptPictures,
    work: Queue,
    timers: Queue,
    clock: SharedClock,
}

impl Deps {
    /// Reads `TABLE_NAME`, `SECRET_ARN`, `WECHAT_API_URL`, `PICTURES_BUCKET`, `TICK_WORK_URL` and `TIMERS_URL`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let (table, vault, channel) = env.settings().channel(Arc::clone(&clock)).await?;
        let table = table.with_objects(env.settings().pictures(Arc::clone(&clock))?);
        let pictures = KeptPictures::new(&table, channel.clone());
        let conversations = Conversations::new(&table, &vault, channel);
        let work = env.settings().queue("TICK_WORK_URL")?;
        let timers = env.settings().queue("TIMERS_URL")?;
        Ok(Self { conversations, due_checks: table.due_checks(), pictures, work, timers, clock })
    }

    /// The same from its parts, for measurements, with the queues `TickWork` and `Timers`.
    pub fn of(
        conversations: Conversations,
        due_checks: DueChecks,
        pictures: KeptPictures,
        [work, timers]: [Queue; 2],
        clock: SharedClock,
    ) -> Self {
        Self { conversations, due_checks, pictures, work, timers, clock }
    }
}

/// Handles records of the stream, the tick, or messages of the queues `TickWork`, `Timers` and `Pictures`.
pub async fn handle(deps: &Deps, trigger: Trigger, deadline: Deadline) -> Result<Value, Failure> {
    let deps = &Deps { conversations: deps.conversations.within(deadline.time()), ..deps.clone() };
    let tick = || Tick::new(&deps.conversations, deps.due_checks.clone());
    match trigger {
        Trigger::Stream(records) => {
            let conversations = deps.conversations.sending_until(deps.clock.now() + BATCH_SENDS);
            let deps = &Deps { conversations, ..deps.clone() };
            Ok(batch(deps, &records, deadline).await)
        }
        Trigger::Tick(_) => Box::pin(tick::run(deps, &tick(), deadline)).await,
        Trigger::Messages(messages) => Ok(Box::pin(tick::work_off(deps, &tick(), &messages, deadline)).await),
    }
}

async fn batch(deps: &Deps, records: &[Record], deadline: Deadline) -> Value {
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
    let work: Vec<_> = threads.into_iter().map(|(_, messages)| in_order(deps, messages, deadline)).collect();
    let failed = stream::iter(work).buffer_unordered(CONCURRENT_THREADS);
    let failed: Vec<&str> = failed.filter_map(std::future::ready).collect().await;
    // Lambda retries from the first failed record.
    let first = records.iter().map(Record::sequence_number).find(|number| failed.contains(number));
    batch_failures(first)
}

/// Processes the messages of one thread in order. Stops at the first that fails, or for which no time is left, and returns
/// its record.
async fn in_order<'a>(deps: &Deps, messages: Vec<(&'a str, InboundRef)>, deadline: Deadline) -> Option<&'a str> {
    for (record, message) in messages {
        if !deadline.allows(SENDING_LEASE, deps.clock.now()) {
            tracing::warn!(id = message.id, "a message is left to the next invocation");
            return Some(record);
        }
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
