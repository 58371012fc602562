//! Takes over overdue sends.
//!
//! The function that writes a send also sends it: `reception` its automatic replies, `desk-api` and `card-send` what people
//! write. If that function was stopped before it called WeChat, the send is made here: from the stream if the record
//! arrives late enough, otherwise at the minute tick. If it was stopped during the call, the outcome is not known and the
//! send becomes `unknown`. A held text whose visitor did not write in time expires here, too.

use channel::{Channel, RetryPolicy};
use function::{
    Env, Failure, StartError, http,
    trigger::{Record, Trigger, batch_failures},
};
use serde_json::{Value, json};
use store::{DUE_SHARDS, Message, MessageState, OutboundRef, OverdueSends, SharedClock, StoreError};

/// How many sends of one shard a tick takes over.
const SENDS_PER_SHARD: i32 = 50;

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    clock: SharedClock,
    overdue: OverdueSends,
    channel: Channel,
}

impl Deps {
    /// Reads `TABLE_NAME`, `SECRET_ARN` and `WECHAT_API_URL`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let (table, _, channel) = env.settings().channel(clock.clone()).await?;
        Ok(Self { clock, overdue: table.overdue_outbound(), channel })
    }
}

/// Handles records of the stream or the tick.
pub async fn handle(deps: &Deps, trigger: Trigger) -> Result<Value, Failure> {
    match trigger {
        Trigger::Stream(records) => Ok(batch(deps, &records).await),
        Trigger::Tick(_) => tick(deps).await,
    }
}

/// Takes over the sends that are overdue, one after the other, so that the sends of a thread keep their order.
async fn batch(deps: &Deps, records: &[Record]) -> Value {
    let now = deps.clock.now();
    for record in records {
        let Some(send) = OutboundRef::from_image(|name| record.attribute(name)) else {
            continue;
        };
        if send.overdue_at > now {
            continue;
        }
        if deliver(deps, &send).await.is_err() {
            return batch_failures([record.sequence_number()]);
        }
    }
    batch_failures([])
}

/// Makes a send that is overdue. A failure is in the log.
#[tracing::instrument(skip_all, fields(app_id = send.thread.app_id, uid = send.thread.uid(), id = send.id))]
async fn deliver(deps: &Deps, send: &OutboundRef) -> Result<(), StoreError> {
    let delivered = deps.channel.deliver(&send.thread, &send.id, RetryPolicy::Retry).await.map(drop);
    log_failure(&delivered);
    delivered
}

/// The sends that a tick found overdue.
#[derive(Default)]
struct Overdue {
    taken_over: usize,
    failed: usize,
}

/// Takes over the overdue sends of every shard. A shard that cannot be read does not stop the others; it is the error.
async fn tick(deps: &Deps) -> Result<Value, Failure> {
    let mut overdue = Overdue::default();
    let mut listed = Ok(());
    for shard in 0..DUE_SHARDS {
        listed = listed.and(take_over_shard(deps, shard, &mut overdue).await);
    }
    let Overdue { taken_over, failed } = overdue;
    if taken_over > 0 {
        tracing::warn!(taken_over, failed, "took over overdue sends");
    }
    listed?;
    Ok(json!({ "taken_over": taken_over, "failed": failed }))
}

async fn take_over_shard(deps: &Deps, shard: u8, overdue: &mut Overdue) -> Result<(), StoreError> {
    for message in deps.overdue.overdue_sends(shard, SENDS_PER_SHARD).await? {
        overdue.taken_over += 1;
        if take_over(deps, &message).await.is_err() {
            overdue.failed += 1;
        }
    }
    Ok(())
}

/// Takes over a send. One that fails is postponed: otherwise failing sends, which are the longest overdue, would use up every
/// tick of their shard.
#[tracing::instrument(skip_all, fields(
    app_id = message.thread.app_id,
    cid = message.cid,
    uid = message.thread.uid(),
    id = message.id,
))]
async fn take_over(deps: &Deps, message: &Message) -> Result<(), StoreError> {
    let taken_over = match message.state {
        MessageState::Sending => deps.channel.give_up(message).await,
        MessageState::Held => deps.channel.expire(message).await.map(drop),
        _ => deps.channel.deliver(&message.thread, &message.id, RetryPolicy::Retry).await.map(drop),
    };
    log_failure(&taken_over);
    if taken_over.is_err()
        && let Err(error) = deps.overdue.postpone_send(message).await
    {
        tracing::error!(error = %http::chain(&error), "a failed send was not postponed");
    }
    taken_over
}

fn log_failure(result: &Result<(), StoreError>) {
    if let Err(error) = result {
        tracing::error!(error = %http::chain(error), "a send was not taken over");
    }
}
