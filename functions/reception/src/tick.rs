//! The minute tick, and the backlogs that it hands on.
//!
//! The tick reads every partition of the index `due` and works on what it finds. A partition with more than one invocation
//! should take goes into a queue, from which other invocations of this function work on it at the same time, each on one
//! partition. Whatever is left at the end of a minute is found by the next tick.
//!
//! It also sets the timers of what falls due before the next tick ([`store::Timer`]): messages in a queue of their own, so that
//! no backlog delays them.

use conversations::{Tick, TickReport};
use function::{
    Deadline, Failure, Outgoing, Queue,
    trigger::{Message, batch_failures},
};
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{DueKey, DuePartition, PictureRef, Result, SENDING_LEASE, Timer, Upcoming};

use crate::{Deps, pictures};

/// The most items of a partition that the tick works on itself.
const OWN_ITEMS: usize = 50;

/// The most items of a partition that the tick reads: those that are due, and those whose timers it sets.
const READ_ITEMS: i32 = 250;

/// How many batches of timers are sent at a time.
const CONCURRENT_SENDS: usize = 8;

/// How many partitions are read at a time.
const CONCURRENT_QUERIES: usize = 16;

/// How long the work of one tick goes on. The next tick begins after a minute and hands on what is left, so that no two
/// invocations work on one partition.
const TICK_TIME: SignedDuration = SignedDuration::from_secs(55);

/// A message of the queue `TickWork`, of the queue `Timers` or of the queue `Pictures`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Work {
    Backlog(Backlog),
    Timer(Timer),
    Picture(PictureRef),
}

/// A message of the queue `TickWork`: a partition with more due items than a tick works on itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Backlog {
    partition: DuePartition,
    /// When the next tick takes over.
    until: Timestamp,
}

/// What a tick has found.
#[derive(Default)]
struct Found {
    /// The items to work on.
    due: Vec<DueKey>,
    /// The partitions with more items, each with the first of them.
    backlogs: Vec<(Backlog, Vec<DueKey>)>,
    /// The timers to set.
    timers: Vec<Timer>,
}

/// Works on what is due. A partition that cannot be read does not stop the others; it is the error.
pub(crate) async fn run(deps: &Deps, tick: &Tick, deadline: Deadline) -> std::result::Result<Value, Failure> {
    let now = deps.clock.now();
    let (found, listed) = find(deps, now + TICK_TIME).await;
    let Found { mut due, backlogs, timers } = found;
    let messages: Vec<Backlog> = backlogs.iter().map(|(backlog, _)| backlog.clone()).collect();
    let refused = hand_on(&deps.work, &messages).await;
    let handed_on = backlogs.len() - refused.len();
    // What the queue does not accept is worked on here, as far as it is known.
    let own = backlogs.into_iter().enumerate().filter(|(place, _)| refused.contains(place));
    due.extend(own.flat_map(|(_, (_, first))| first));
    let process = Box::pin(tick.process(due, last_start(now + TICK_TIME, deadline)));
    let (report, ()) = tokio::join!(process, set_timers(deps, &timers));
    if report.taken_up + report.taken_over > 0 || handed_on > 0 {
        let TickReport { taken_up, taken_over, failed, .. } = report;
        tracing::warn!(taken_up, taken_over, failed, handed_on, "processed what was left behind");
    }
    listed?;
    let mut answer = json!(report);
    answer["handed_on"] = json!(handed_on);
    answer["timers"] = json!(timers.len());
    Ok(answer)
}

/// Reads all partitions.
async fn find(deps: &Deps, until: Timestamp) -> (Found, Result<()>) {
    let read = |partition: DuePartition| async move {
        let upcoming = deps.due_checks.upcoming(&partition, READ_ITEMS).await;
        (partition, upcoming)
    };
    let mut pages = stream::iter(DuePartition::all().map(read)).buffered(CONCURRENT_QUERIES);
    let (mut found, mut listed) = (Found::default(), Ok(()));
    while let Some((partition, upcoming)) = pages.next().await {
        match upcoming {
            Ok(Upcoming { mut due, timers }) => {
                found.timers.extend(timers);
                if due.len() > OWN_ITEMS {
                    due.truncate(OWN_ITEMS + 1);
                    found.backlogs.push((Backlog { partition, until }, due));
                } else {
                    found.due.extend(due);
                }
            }
            Err(error) => listed = listed.and(Err(error)),
        }
    }
    (found, listed)
}

/// Sends backlogs to the queue. Returns the places of those that it did not accept.
async fn hand_on(work: &Queue, backlogs: &[Backlog]) -> Vec<usize> {
    let mut refused = Vec::new();
    for (batch, backlogs) in backlogs.chunks(Queue::BATCH_MAX).enumerate() {
        let places =
            work.send(backlogs.iter().map(|content| Outgoing { content, delay_seconds: 0, group: None })).await;
        refused.extend(places.into_iter().map(|place| batch * Queue::BATCH_MAX + place));
    }
    refused
}

/// Sends timers to their queue. The tick finds what the queue does not accept when it is due.
async fn set_timers(deps: &Deps, timers: &[Timer]) {
    let now = deps.clock.now();
    let send = |batch| async move {
        let outgoing = |content| Outgoing { content, delay_seconds: Timer::delay_seconds(content, now), group: None };
        deps.timers.send(<[Timer]>::iter(batch).map(outgoing)).await;
    };
    stream::iter(timers.chunks(Queue::BATCH_MAX)).for_each_concurrent(CONCURRENT_SENDS, send).await;
}

/// Works on the backlogs, the timers and the pictures of the messages. Backlogs and timers are not delivered again: the next tick finds
/// what is left.
pub(crate) async fn work_off(deps: &Deps, tick: &Tick, messages: &[Message], deadline: Deadline) -> Value {
    let (mut report, mut timers, mut pictures) = (TickReport::default(), Vec::new(), Vec::new());
    for message in messages {
        match message.read::<Work>() {
            Ok(Work::Timer(timer)) => timers.push(timer),
            Ok(Work::Picture(picture)) => pictures.push((message.id(), picture)),
            Ok(Work::Backlog(backlog)) => match work_off_partition(deps, tick, &backlog, deadline).await {
                Ok(done) => report += done,
                Err(error) => tracing::error!(%error, "a backlog was not read"),
            },
            Err(error) => tracing::error!(id = message.id(), %error, "a message is no work"),
        }
    }
    if !pictures.is_empty() {
        return Box::pin(pictures::keep(deps, pictures, deadline)).await;
    }
    if !timers.is_empty() {
        let until = deadline.last_start(SENDING_LEASE);
        report += Box::pin(tick.fire(timers, until)).await;
        return batch_failures([]);
    }
    let TickReport { taken_up, taken_over, failed, .. } = report;
    tracing::info!(taken_up, taken_over, failed, "worked on a backlog");
    batch_failures([])
}

/// Works on one partition until it is empty or the next tick takes over. Each item is processed once: an item that is still
/// due afterwards is left to the next tick.
async fn work_off_partition(deps: &Deps, tick: &Tick, backlog: &Backlog, deadline: Deadline) -> Result<TickReport> {
    let until = last_start(backlog.until, deadline);
    let (mut report, mut known) = (TickReport::default(), std::collections::HashSet::new());
    while deps.clock.now() <= until {
        let due = deps.due_checks.due(&backlog.partition, None).await?;
        let due: Vec<DueKey> = due.into_iter().filter(|key| known.insert(key.clone())).collect();
        if due.is_empty() {
            break;
        }
        report += Box::pin(tick.process(due, until)).await;
    }
    Ok(report)
}

/// The last moment at which an item may begin: before `until`, and so early that a send ends before the deadline.
fn last_start(until: Timestamp, deadline: Deadline) -> Timestamp {
    until.min(deadline.last_start(SENDING_LEASE))
}
