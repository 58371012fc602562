//! The second reader of the table's stream: hands on what others than `reception` wait for.
//!
//! A conversation that waits for its robot goes into the queue of robot turns. `robot` answers from the queue and not from
//! the stream, because a language model takes seconds, in which it would block every other conversation of its shard.

use function::{
    Deadline, Env, Failure, Queue, StartError,
    queue::RobotTurn,
    trigger::{Record, Trigger, batch_failures},
};
use jiff::SignedDuration;
use serde_json::Value;
use store::{SharedClock, TurnRef};

/// How long a turn stays in the queue before `robot` gets it: what a visitor writes within a second is one turn.
const TURN_DELAY_SECONDS: i32 = 1;

/// The time that sending a batch takes at most; the SDK's limit of a call is shorter.
const ONE_BATCH: SignedDuration = SignedDuration::from_secs(10);

/// What the handler needs.
#[derive(Debug, Clone)]
pub struct Deps {
    turns: Queue,
    clock: SharedClock,
}

impl Deps {
    /// Reads `ROBOT_TURNS_URL`.
    #[expect(clippy::unused_async, reason = "every function's Deps are made alike")]
    pub async fn new(env: &Env, clock: SharedClock) -> Result<Self, StartError> {
        Ok(Self { turns: env.settings().queue("ROBOT_TURNS_URL")?, clock })
    }
}

/// Handles records of the stream.
pub async fn handle(deps: &Deps, trigger: Trigger, deadline: Deadline) -> Result<Value, Failure> {
    let Trigger::Stream(records) = trigger else {
        return Ok(Value::Null);
    };
    Ok(batch_failures(enqueue_turns(deps, &records, deadline).await))
}

/// Sends one message for each waiting conversation of the batch. Returns the record to retry from, which is the first whose
/// message was not accepted. A message that is sent again finds its turn answered.
async fn enqueue_turns<'a>(deps: &Deps, records: &'a [Record], deadline: Deadline) -> Option<&'a str> {
    let waiting = waiting_turns(records);
    for turns in waiting.chunks(Queue::BATCH_MAX) {
        if !deadline.allows(ONE_BATCH, deps.clock.now()) {
            return turns.first().map(|(record, _)| *record);
        }
        let messages = turns.iter().map(|(_, turn)| turn);
        if let Some(refused) = deps.turns.send(messages, TURN_DELAY_SECONDS).await.first() {
            return turns.get(*refused).map(|(record, _)| *record);
        }
    }
    None
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
