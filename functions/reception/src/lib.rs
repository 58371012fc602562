//! What happens next in each conversation. Woken by the table's stream for every message that comes in, and each
//! minute for messages that were left behind.
//!
//! For each message: read what the decision depends on, let [`desk`] decide, apply the decision as one transaction,
//! and carry out the send it made. Each step may be repeated: the transaction asks that the message is still
//! unprocessed, and the reply's id follows from the message's.

use channel::{Channel, Patience};
use desk::reception::{Arrival, Conversation, Decision, Situation, decide};
use function::{
    Env, Failure, StartError, http,
    stream::{Record, Wake, batch_failures},
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use store::{
    Author, ConversationState, DUE_SHARDS, InboundRef, NewOutbound, SharedClock, Step, StepConversation, StoreError,
    Table, Thread,
};

/// Threads that are worked on at once. A thread's own messages go one after the other.
const AT_ONCE: usize = 16;

/// Messages of one shard that one tick takes up.
const PER_SHARD: i32 = 50;

/// How often a decision is made again because the conversation changed under it.
const DECISIONS: u32 = 4;

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    table: Table,
    channel: Channel,
}

impl Deps {
    /// Reads `TABLE_NAME`, `SECRET_ARN` and `WECHAT_API_URL`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let mut settings = env.settings();
        let api = settings.text("WECHAT_API_URL");
        let (table, vault) = settings.stores(clock).await?;
        let channel = Channel::new(table.clone(), vault, &api);
        let channel = channel.map_err(|error| StartError::Settings(vec![error.to_string()]))?;
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
        if let Err(error) = receive(deps, &message).await {
            tracing::error!(id = message.id, error = %http::chain(&error), "a message was not processed");
            return Some(record);
        }
    }
    None
}

async fn tick(deps: &Deps) -> Result<Value, Failure> {
    let mut taken_up = 0_usize;
    let mut failed = 0_usize;
    for shard in 0..DUE_SHARDS {
        for message in deps.table.left_behind(shard, PER_SHARD).await? {
            taken_up += 1;
            if let Err(error) = receive(deps, &message).await {
                tracing::error!(id = message.id, error = %http::chain(&error), "a message left behind failed again");
                failed += 1;
                deps.table.put_off(&message).await?;
            }
        }
    }
    if taken_up > 0 {
        tracing::warn!(taken_up, failed, "messages were left behind");
    }
    Ok(json!({ "taken_up": taken_up, "failed": failed }))
}

async fn receive(deps: &Deps, message: &InboundRef) -> Result<(), StoreError> {
    let reply_id = NewOutbound::reply_id(&message.thread, &message.id, message.created_at);
    for _ in 0..DECISIONS {
        match step(deps, message, &reply_id).await {
            Ok(replied) => {
                if replied {
                    deps.channel.carry_out(&message.thread, &reply_id, Patience::Later).await?;
                }
                return Ok(());
            }
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Conflict)
}

/// Decides and applies; `true` when there is or may be a reply to carry out.
async fn step(deps: &Deps, message: &InboundRef, reply_id: &str) -> Result<bool, StoreError> {
    let thread = &message.thread;
    let (visitor, binding) = tokio::try_join!(deps.table.visitor(thread), deps.table.binding(&thread.app_id))?;
    let open = match visitor.and_then(|visitor| visitor.open_cid) {
        Some(cid) => deps.table.conversation(&cid).await?.filter(|found| found.state == ConversationState::Open),
        None => None,
    };
    let situation = Situation {
        arrival: if message.kind == "event" || thread.openid.is_empty() { Arrival::Event } else { Arrival::Message },
        conversation: open.as_ref().map(|open| Conversation { answered: open.answered }),
        auto_reply: binding.as_ref().and_then(|binding| binding.auto_reply.as_deref()),
    };
    let opened = thread.cid(&message.id);
    let mut todo = Step { message, conversation: None, reply: None };
    if let Decision::Converse { reply } = decide(&situation) {
        let cid = open.as_ref().map_or(&opened, |open| &open.cid);
        todo.reply = reply.map(|text| NewOutbound {
            thread: thread.clone(),
            cid: cid.clone(),
            id: reply_id.to_owned(),
            kind: "text".to_owned(),
            content: json!({ "content": text }),
            author: Author { role: "auto_reply".to_owned(), name: None },
        });
        todo.conversation =
            Some(if open.is_some() { StepConversation::Join(cid) } else { StepConversation::Open(&opened) });
    }
    let replied = todo.reply.is_some();
    // A message that was processed before may have left its reply unsent: this function was stopped in between.
    Ok(deps.table.apply(&todo).await? == store::Applied::Before || replied)
}
