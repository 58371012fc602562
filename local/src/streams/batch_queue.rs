//! A queue of records whose batches are delivered one after the other. A shard has one for each concurrent batch.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lambda_events::dynamodb::EventRecord;
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio::time::{Instant, timeout_at};

use super::checkpoint::RecordNumber;

/// The records of some partition keys of a shard, in order.
#[derive(Debug, Default)]
pub(super) struct BatchQueue {
    /// The records that are not completed. Those of the current batch are at the front.
    records: Mutex<VecDeque<(RecordNumber, EventRecord)>>,
    arrivals: Notify,
    /// Held during the delivery of a batch.
    pub(super) delivery: AsyncMutex<()>,
}

impl BatchQueue {
    pub(super) fn push(&self, number: RecordNumber, record: EventRecord) {
        self.records().push_back((number, record));
        self.arrivals.notify_one();
    }

    /// The oldest records, at most `max`. They stay in the queue until [`remove`](Self::remove), so that an interrupted delivery
    /// loses none.
    pub(super) fn peek(&self, max: usize) -> Vec<EventRecord> {
        self.records().iter().take(max).map(|(_, record)| record.clone()).collect()
    }

    /// Removes the oldest records.
    pub(super) fn remove(&self, count: usize) -> Vec<RecordNumber> {
        let mut records = self.records();
        let count = count.min(records.len());
        records.drain(..count).map(|(number, _)| number).collect()
    }

    /// Waits for the next batch: for the first record, and then until the batching window ends or `batch_size` records are there.
    pub(super) async fn wait_for_batch(&self, batch_size: usize, window: Duration) {
        self.wait_for_records(1).await;
        if !window.is_zero() {
            // After a timeout, too, there is a batch.
            let _ = timeout_at(Instant::now() + window, self.wait_for_records(batch_size)).await;
        }
    }

    async fn wait_for_records(&self, count: usize) {
        while self.records().len() < count {
            self.arrivals.notified().await;
        }
    }

    fn records(&self) -> MutexGuard<'_, VecDeque<(RecordNumber, EventRecord)>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
