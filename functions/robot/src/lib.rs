//! Answers robots' turns. The table's stream invokes it when a conversation waits for its robot.
//!
//! It is a function of its own because a language model takes seconds, in which `reception` would block every other visitor
//! of its shard. The stream collects records for a second, so that several messages of a visitor are one turn.

use conversations::Conversations;
use function::{
    Env, Failure, StartError, http,
    trigger::{Record, Trigger, batch_failures},
};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use store::{SharedClock, Thread, TurnRef};

/// How many conversations are answered concurrently.
const CONCURRENT_TURNS: usize = 16;

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    conversations: Conversations,
    robots: robots::Client,
}

impl Deps {
    /// Reads `TABLE_NAME`, `SECRET_ARN` and `WECHAT_API_URL`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let (table, vault, channel) = env.settings().channel(clock).await?;
        let robots = robots::Client::new(env.reach()).map_err(|error| StartError::Settings(vec![error.to_string()]))?;
        Ok(Self { conversations: Conversations::new(&table, &vault, channel), robots })
    }
}

/// Handles records of the stream.
pub async fn handle(deps: &Deps, trigger: Trigger) -> Result<Value, Failure> {
    let Trigger::Stream(records) = trigger else {
        return Ok(Value::Null);
    };
    // A conversation that is in the batch several times has one turn.
    let mut waiting: Vec<(&str, TurnRef)> = Vec::new();
    for record in &records {
        match TurnRef::from_image(|name| record.attribute(name)) {
            Some(turn) if !waiting.iter().any(|(_, known)| known.cid == turn.cid) => {
                waiting.push((record.sequence_number(), turn));
            }
            Some(_) => {}
            None => tracing::error!(record = record.sequence_number(), "a record is not a conversation"),
        }
    }
    let turns: Vec<_> = waiting.into_iter().map(|(record, turn)| answer(deps, record, turn)).collect();
    let failed: Vec<&str> =
        stream::iter(turns).buffer_unordered(CONCURRENT_TURNS).filter_map(std::future::ready).collect().await;
    let first = records.iter().map(Record::sequence_number).find(|number| failed.contains(number));
    Ok(batch_failures(first))
}

#[tracing::instrument(skip_all, fields(
    app_id = turn.thread.as_ref().map(|thread| thread.app_id.as_str()),
    cid = turn.cid,
    uid = turn.thread.as_ref().map(Thread::uid),
))]
async fn answer<'a>(deps: &Deps, record: &'a str, turn: TurnRef) -> Option<&'a str> {
    match Box::pin(deps.conversations.turn(&deps.robots, &turn.cid)).await {
        Ok(_) => None,
        Err(error) => {
            tracing::error!(error = %http::chain(&error), "a robot's turn was not answered");
            Some(record)
        }
    }
}
