//! Answers robots' turns, which `fan-out` puts into a queue when a conversation waits for its robot.
//!
//! It is a function of its own with a queue of its own, because a language model takes seconds: a slow model delays neither
//! other conversations nor the stream. One mini program has at most half of the turns that are answered at the same time; a turn
//! that would be more goes back into the queue for a moment.

mod failures;

use std::sync::Arc;

use conversations::{Conversations, TURN_TIME, TurnOutcome};
use function::{
    Deadline, Env, Failure, Outgoing, Queue, StartError, http,
    queue::RobotTurn,
    trigger::{Message, Messages, batch_failures},
};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use store::SharedClock;
use tracing::{Instrument, info_span};

use crate::failures::RobotFailures;

/// How many conversations are answered concurrently, where the queue delivers more than one.
const CONCURRENT_TURNS: usize = 16;

/// After how many seconds a turn is tried again for which its mini program had no slot.
const POSTPONED_SECONDS: i32 = 2;

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    conversations: Conversations,
    robots: robots::Client,
    failures: RobotFailures,
    turns: Queue,
    /// How many turns of one mini program ask a language model or a webhook at the same time.
    at_once: u32,
    clock: SharedClock,
}

impl Deps {
    /// Reads `TABLE_NAME`, `SECRET_ARN`, `WECHAT_API_URL`, `ROBOT_TURNS_URL` and `ROBOT_CONCURRENCY`.
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let mut settings = env.settings();
        let concurrency =
            settings.parsed("ROBOT_CONCURRENCY", |text| text.parse::<u32>().map_err(|_| "is not a number".to_owned()));
        settings.done()?;
        let at_once = (concurrency.unwrap_or_default() / 2).max(1);
        let turns = env.settings().queue("ROBOT_TURNS_URL")?;
        let (table, vault, channel) = env.settings().channel(Arc::clone(&clock)).await?;
        let robots = robots::Client::new(env.reach()).map_err(|error| StartError::Settings(vec![error.to_string()]))?;
        let failures = RobotFailures::new(table.robot_failure_writer());
        let conversations = Conversations::new(&table, &vault, channel);
        Ok(Self { conversations, robots, failures, turns, at_once, clock })
    }
}

/// Handles messages of the queue `RobotTurns`.
pub async fn handle(deps: &Deps, batch: Messages, deadline: Deadline) -> Result<Value, Failure> {
    let turns: Vec<_> = batch.messages.iter().map(|message| answer(deps, message, deadline)).collect();
    let failed: Vec<&str> =
        stream::iter(turns).buffer_unordered(CONCURRENT_TURNS).filter_map(std::future::ready).collect().await;
    Ok(batch_failures(failed))
}

/// Answers the turn of a message. Returns the id of a message that has to be delivered again.
async fn answer<'a>(deps: &Deps, message: &'a Message, deadline: Deadline) -> Option<&'a str> {
    let turn: RobotTurn = match message.read() {
        Ok(turn) => turn,
        Err(error) => {
            tracing::error!(id = message.id(), %error, "a message is not a robot's turn");
            return Some(message.id());
        }
    };
    if !deadline.allows(TURN_TIME, deps.clock.now()) {
        return Some(message.id());
    }
    let span = info_span!("answer", app_id = turn.app_id, cid = turn.cid, uid = turn.uid);
    let conversations = deps.conversations.within(deadline.time());
    match conversations.turn(&deps.robots, &turn.cid, deps.at_once).instrument(span.clone()).await {
        Ok(report) if report.outcome == TurnOutcome::Postponed => {
            let group = turn.app_id.as_deref();
            let again = Outgoing { content: &turn, delay_seconds: POSTPONED_SECONDS, group };
            // The delivery of this message counts towards the dead-letter queue, so that a new one takes its place.
            deps.turns.send([again]).await.first().map(|_| message.id())
        }
        Ok(report) => {
            if let Some(asked) = report.asked {
                deps.failures.record(asked, deps.clock.now()).instrument(span).await;
            }
            None
        }
        Err(error) => {
            tracing::error!(parent: &span, error = %http::chain(&error), "a robot's turn was not answered");
            Some(message.id())
        }
    }
}
