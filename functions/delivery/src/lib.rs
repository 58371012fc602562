//! Sends that were left behind.
//!
//! Whoever makes a send carries it out: `reception` its replies, `desk-api` and `card-send` what people write. If they
//! are stopped before it began, it is taken over here, from the stream if the record comes late enough to show it and
//! otherwise at the minute tick. If they were stopped while it was under way, nobody knows whether the visitor has
//! it, and it becomes `unknown`. A held text whose visitor has not come back in time ends here, too.

use channel::{Channel, RetryPolicy};
use function::{
    Env, Failure, StartError, http,
    stream::{Record, Wake, batch_failures},
};
use serde_json::{Value, json};
use store::{DUE_SHARDS, Message, MessageState, OutboundRef, SharedClock, StoreError, Table};

/// Sends of one shard that one tick takes over.
const PER_SHARD: i32 = 50;

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    table: Table,
    channel: Channel,
}

impl Deps {
    /// Reads `TABLE_NAME`, `SECRET_ARN` and `WECHAT_API_URL`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let (table, _, channel) = env.settings().channel(clock).await?;
        Ok(Self { table, channel })
    }
}

/// Handles records of the stream or the tick.
pub async fn handle(deps: &Deps, event: Value) -> Result<Value, Failure> {
    match Wake::of(event)? {
        Wake::Stream(records) => Ok(batch(deps, &records).await),
        Wake::Tick => tick(deps).await,
    }
}

/// Takes over what the records show to be overdue, one after the other: a thread's sends keep their order.
async fn batch(deps: &Deps, records: &[Record]) -> Value {
    let now = deps.table.clock().now();
    for record in records {
        let Some(send) = OutboundRef::from_image(|name| record.attribute(name)) else {
            continue;
        };
        if send.overdue_at > now {
            continue;
        }
        if let Err(error) = deps.channel.deliver(&send.thread, &send.id, RetryPolicy::Retry).await {
            tracing::error!(id = send.id, error = %http::chain(&error), "a send was not taken over");
            return batch_failures([record.sequence_number()]);
        }
    }
    batch_failures([])
}

async fn tick(deps: &Deps) -> Result<Value, Failure> {
    let mut taken_over = 0_usize;
    let mut failed = 0_usize;
    for shard in 0..DUE_SHARDS {
        for message in deps.table.overdue_sends(shard, PER_SHARD).await? {
            taken_over += 1;
            if let Err(error) = take_over(deps, &message).await {
                tracing::error!(id = message.id, error = %http::chain(&error), "a send was not taken over");
                failed += 1;
            }
        }
    }
    if taken_over > 0 {
        tracing::warn!(taken_over, failed, "sends were left behind");
    }
    Ok(json!({ "taken_over": taken_over, "failed": failed }))
}

async fn take_over(deps: &Deps, message: &Message) -> Result<(), StoreError> {
    match message.state {
        MessageState::Sending => deps.channel.give_up(message).await,
        MessageState::Held => deps.channel.expire(message).await.map(drop),
        _ => deps.channel.deliver(&message.thread, &message.id, RetryPolicy::Retry).await.map(drop),
    }
}
