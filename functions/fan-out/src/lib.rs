//! The second reader of the table's stream: hands on what others than `reception` wait for.
//!
//! - A conversation that waits for its robot goes into the queue of robot turns. `robot` answers from the queue and not from
//!   the stream, because a language model takes seconds, in which it would block every other conversation of its shard.
//! - An item that is due before the next minute tick goes into the queue of timers, and so does a queue or a send that a
//!   function had no more time for (see [`store::Timer`]). No function needs a request for it while someone waits for its answer.
//! - A picture that a visitor has sent goes into the queue of pictures, from which it is kept before WeChat deletes it.
//! - Browsers that are connected get a hint of what has changed (`hints`). A hint that does not arrive is not repeated and fails
//!   no batch: the page reads what is new every minute and after each connection.

mod changes;
mod directory;
mod hints;

use function::{
    Deadline, Env, Failure, Outgoing, Queue, StartError,
    queue::RobotTurn,
    trigger::{Record, Trigger, batch_failures},
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;
use store::{PictureRef, SharedClock, Timer, TurnRef};

use crate::hints::Hints;

/// How long a turn stays in the queue before `robot` gets it: what a visitor writes within a second is one turn.
const TURN_DELAY_SECONDS: i32 = 1;

/// The time that sending a batch takes at most; the SDK's limit of a call is shorter.
const ONE_BATCH: SignedDuration = SignedDuration::from_secs(10);

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    turns: Queue,
    timers: Queue,
    pictures: Queue,
    hints: Hints,
    clock: SharedClock,
}

impl Deps {
    /// Reads `ROBOT_TURNS_URL`, `TIMERS_URL`, `PICTURES_URL`, `TABLE_NAME` and `CONNECTIONS_URL`.
    #[expect(clippy::unused_async, reason = "every function's Deps are made alike")]
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        let (turns, timers) = (env.settings().queue("ROBOT_TURNS_URL")?, env.settings().queue("TIMERS_URL")?);
        let pictures = env.settings().queue("PICTURES_URL")?;
        Ok(Self { turns, timers, pictures, hints: Hints::new(env, &clock)?, clock })
    }
}

/// Handles records of the stream.
pub async fn handle(deps: &Deps, trigger: Trigger, deadline: Deadline) -> Result<Value, Failure> {
    let Trigger::Stream(records) = trigger else {
        return Ok(Value::Null);
    };
    let (turns, timers, pictures) = (waiting_turns(&records), timers(&records), pictures(&records));
    let now = deps.clock.now();
    let failed = [
        enqueue(deps, &deps.turns, &turns, turn_message, deadline).await,
        enqueue(deps, &deps.timers, &timers, |timer| timer_message(timer, now), deadline).await,
        enqueue(deps, &deps.pictures, &pictures, picture_message, deadline).await,
    ];
    deps.hints.tell(&records, deadline).await;
    // Lambda retries from the first failed record.
    let first = records.iter().map(Record::sequence_number).find(|record| failed.contains(&Some(*record)));
    Ok(batch_failures(first))
}

/// A mini program is a group, so that its turns do not delay those of others.
fn turn_message(turn: &RobotTurn) -> Outgoing<'_, RobotTurn> {
    Outgoing { content: turn, delay_seconds: TURN_DELAY_SECONDS, group: turn.app_id.as_deref() }
}

fn timer_message(timer: &Timer, now: Timestamp) -> Outgoing<'_, Timer> {
    Outgoing { content: timer, delay_seconds: timer.delay_seconds(now), group: None }
}

fn picture_message(picture: &PictureRef) -> Outgoing<'_, PictureRef> {
    Outgoing { content: picture, delay_seconds: 0, group: Some(&picture.thread.app_id) }
}

/// Sends one message for each of these. Returns the record to retry from, which is the first whose message was
/// not accepted. A message that is sent again finds its turn answered, or its item checked.
async fn enqueue<'a, T: Serialize>(
    deps: &Deps,
    queue: &Queue,
    messages: &[(&'a str, T)],
    outgoing: impl Fn(&T) -> Outgoing<'_, T>,
    deadline: Deadline,
) -> Option<&'a str> {
    for batch in messages.chunks(Queue::BATCH_MAX) {
        if !deadline.allows(ONE_BATCH, deps.clock.now()) {
            return batch.first().map(|(record, _)| *record);
        }
        let messages: Vec<_> = batch.iter().map(|(_, content)| outgoing(content)).collect();
        if let Some(refused) = queue.send(messages).await.first() {
            return batch.get(*refused).map(|(record, _)| *record);
        }
    }
    None
}

/// The timers that the records of the batch ask for, each once with its first record.
fn timers(records: &[Record]) -> Vec<(&str, Timer)> {
    let mut timers: Vec<(&str, Timer)> = Vec::new();
    for record in records {
        let Some(timer) = Timer::from_image(|name| record.attribute(name)) else { continue };
        if !timers.iter().any(|(_, known)| *known == timer) {
            timers.push((record.sequence_number(), timer));
        }
    }
    timers
}

/// The pictures of visitors that are to be kept.
fn pictures(records: &[Record]) -> Vec<(&str, PictureRef)> {
    let picture = |record: &'_ Record| PictureRef::from_image(|name| record.attribute(name));
    records.iter().filter_map(|record| Some((record.sequence_number(), picture(record)?))).collect()
}

/// The conversations of the batch that wait for their robot, each once with its first record.
fn waiting_turns(records: &[Record]) -> Vec<(&str, RobotTurn)> {
    let mut waiting: Vec<(&str, RobotTurn)> = Vec::new();
    for record in records {
        let Some(TurnRef { cid, thread }) = TurnRef::from_image(|name| record.attribute(name)) else { continue };
        if !waiting.iter().any(|(_, known)| known.cid == cid) {
            let (app_id, uid) = thread.map(|thread| (thread.app_id.clone(), thread.uid())).unzip();
            waiting.push((record.sequence_number(), RobotTurn { cid, app_id, uid }));
        }
    }
    waiting
}
