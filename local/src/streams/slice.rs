//! One of the parts of a shard that are worked off at the same time.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio::time::{Instant, timeout_at};

use super::place::Ticket;

/// The records of some of a shard's partition keys, in order.
#[derive(Debug, Default)]
pub(super) struct Slice {
    /// What is read and not done, with what is on its way at the front.
    records: Mutex<VecDeque<(Ticket, Value)>>,
    arrivals: Notify,
    /// Held while a batch is on its way, so that they are handed over one after the other.
    pub(super) turn: AsyncMutex<()>,
}

impl Slice {
    pub(super) fn add(&self, ticket: Ticket, record: Value) {
        self.records().push_back((ticket, record));
        self.arrivals.notify_one();
    }

    /// The oldest records. They stay until they are taken out: whoever is interrupted between the two has lost nothing.
    pub(super) fn first(&self, most: usize) -> Vec<Value> {
        self.records().iter().take(most).map(|(_, record)| record.clone()).collect()
    }

    /// Takes the oldest records out.
    pub(super) fn take(&self, count: usize) -> Vec<Ticket> {
        let mut records = self.records();
        let count = count.min(records.len());
        records.drain(..count).map(|(ticket, _)| ticket).collect()
    }

    /// Returns when there is something to hand over: at the first record; with a window when it ends, or before that
    /// when the batch is full.
    pub(super) async fn gather(&self, full: usize, window: Duration) {
        self.reaches(1).await;
        if !window.is_zero() {
            // Either way there is a batch.
            let _ = timeout_at(Instant::now() + window, self.reaches(full)).await;
        }
    }

    async fn reaches(&self, count: usize) {
        while self.records().len() < count {
            self.arrivals.notified().await;
        }
    }

    fn records(&self) -> MutexGuard<'_, VecDeque<(Ticket, Value)>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
