//! Which queues this process has scheduled for the checks of the minute tick.
//!
//! Once a check is scheduled, the tick checks the queue for at least [`QUEUE_CHECKED_FOR`], empty or not, and then until it
//! is empty. An entry that is written within that time is therefore found without another write: this process schedules
//! a check once in [`SCHEDULED_FOR`] instead of for each conversation that joins the queue.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use store::{QUEUE_CHECKED_FOR, Queue, Queues, Result, SharedClock, Table};

/// How long this process counts on a check that it has scheduled.
const SCHEDULED_FOR: SignedDuration = SignedDuration::from_secs(60);

/// The longest timeout of a function that puts conversations into queues: an entry is written at most this long after its
/// function asked for the check.
pub const INVOCATION_MAX: SignedDuration = SignedDuration::from_secs(180);

// The rest is for clocks that differ.
const _: () = assert!(SCHEDULED_FOR.as_secs() + INVOCATION_MAX.as_secs() + 30 <= QUEUE_CHECKED_FOR.as_secs());

/// How many queues are remembered.
const QUEUES_MAX: usize = 1000;

/// Schedules the checks of queues.
#[derive(Debug)]
pub(crate) struct QueueChecks {
    clock: SharedClock,
    queues: Queues,
    /// The times before the last writes, by queue.
    scheduled: Mutex<HashMap<Queue, Timestamp>>,
}

impl QueueChecks {
    pub(crate) fn new(table: &Table) -> Self {
        Self { clock: table.clock().clone(), queues: table.queues(), scheduled: Mutex::default() }
    }

    /// Makes sure that the tick will find a conversation that this invocation puts into the queue. Call it before the entry
    /// is written.
    pub(crate) async fn schedule(&self, queue: &Queue) -> Result<()> {
        let now = self.clock.now();
        if self.is_scheduled(queue, now) {
            return Ok(());
        }
        self.queues.schedule_queue_check(queue).await?;
        let mut scheduled = self.scheduled.lock().unwrap_or_else(PoisonError::into_inner);
        if scheduled.len() >= QUEUES_MAX {
            scheduled.clear();
        }
        scheduled.insert(queue.clone(), now);
        Ok(())
    }

    fn is_scheduled(&self, queue: &Queue, now: Timestamp) -> bool {
        let scheduled = self.scheduled.lock().unwrap_or_else(PoisonError::into_inner);
        let age = scheduled.get(queue).map(|at| now.duration_since(*at));
        age.is_some_and(|age| !age.is_negative() && age < SCHEDULED_FOR)
    }
}
