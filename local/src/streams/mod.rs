//! Event source mappings of Lambda: each polls the stream of a table and invokes a function with its records.
//!
//! Each mapping has its own poller, so that a failing function delays no other. Within a mapping, the records of one partition
//! key are delivered in order, and up to `ParallelizationFactor` batches of different partition keys are delivered at the same
//! time. A checkpoint is saved when all records before it are completed. After a crash, later records are delivered again, as in
//! AWS.
//!
//! AWS Lambda developer guide, "Using AWS Lambda with Amazon DynamoDB" and "How Lambda processes records from stream and
//! queue-based event sources". Lambda guarantees the order for the records of one item; here it holds for those of one partition
//! key.

mod batch;
mod batch_queue;
mod checkpoint;
mod checkpoints;
mod shard;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lambda_events::dynamodb::EventRecord;
use futures_util::future::join_all;
use store::SharedClock;
use tokio::sync::watch;

pub(crate) use batch::RetryPause;
pub(crate) use checkpoints::Checkpoints;
pub(crate) use shard::Shard;

use self::batch_queue::BatchQueue;
use self::checkpoint::Checkpoint;
use self::shard::{ShardRecord, batch_event, sequence_number};
use crate::LocalError;
use crate::dead_letters::{DeadLetterQueues, DiscardedBatch};
use crate::functions::{Functions, InvokeError};
use crate::template::EventSourceMapping;

/// Polls the stream for one event source mapping.
///
/// Its batch queues are processed concurrently, each in order. [`run`](Self::run) waits for batching windows,
/// [`drain`](Self::drain) does not.
pub(crate) struct Poller {
    mapping: EventSourceMapping,
    shard: Shard,
    functions: Arc<Functions>,
    checkpoints: Arc<Checkpoints>,
    dead_letters: DeadLetterQueues,
    clock: SharedClock,
    retry_pause: RetryPause,
    checkpoint: Mutex<Checkpoint>,
    queues: Vec<BatchQueue>,
    /// The number of records that were delivered.
    delivered: AtomicUsize,
}

/// What all pollers of a bundle share.
#[derive(Clone)]
pub(crate) struct PollerContext {
    pub(crate) functions: Arc<Functions>,
    pub(crate) checkpoints: Arc<Checkpoints>,
    pub(crate) dead_letters: DeadLetterQueues,
    pub(crate) clock: SharedClock,
    pub(crate) retry_pause: RetryPause,
}

impl Poller {
    pub(crate) fn new(mapping: EventSourceMapping, shard: Shard, context: PollerContext) -> Self {
        let PollerContext { functions, checkpoints, dead_letters, clock, retry_pause } = context;
        Self {
            checkpoint: Mutex::new(Checkpoint::at(checkpoints.get(&mapping.name))),
            queues: (0..mapping.parallelization_factor.max(1)).map(|_| BatchQueue::default()).collect(),
            delivered: AtomicUsize::new(0),
            mapping,
            shard,
            functions,
            checkpoints,
            dead_letters,
            clock,
            retry_pause,
        }
    }

    /// Polls after each change of `writes`, until its sender is dropped.
    pub(crate) async fn run(&self, mut writes: watch::Receiver<u64>) {
        let polling = async {
            loop {
                writes.borrow_and_update();
                if let Err(error) = self.poll() {
                    tracing::error!(mapping = self.mapping.name, %error, "cannot read the stream");
                }
                if writes.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = polling => {}
            _ = join_all(self.queues.iter().map(|queue| self.process(queue))) => {}
        }
    }

    /// Delivers all records of the stream without waiting for batching windows. Returns the number of records that were delivered
    /// during the call, also by [`run`](Self::run).
    pub(crate) async fn drain(&self) -> Result<usize, LocalError> {
        let before = self.delivered.load(Ordering::SeqCst);
        loop {
            let read = self.poll()?;
            let drained = join_all(self.queues.iter().map(|queue| self.drain_queue(queue))).await;
            drained.into_iter().collect::<Result<(), _>>()?;
            if read == 0 {
                return Ok(self.delivered.load(Ordering::SeqCst) - before);
            }
        }
    }

    /// Reads all new records into the batch queues and returns their number.
    fn poll(&self) -> Result<usize, LocalError> {
        let mut checkpoint = self.checkpoint();
        let mut read = 0;
        loop {
            let is_first_poll = checkpoint.last_read().is_none();
            // With the starting position LATEST, the records before the first poll are skipped.
            let skip = is_first_poll && !self.mapping.from_trim_horizon;
            let records = self.shard.records_after(checkpoint.last_read())?;
            if records.is_empty() {
                return Ok(read);
            }
            read += records.len();
            for record in records {
                let number = checkpoint.add(record.sequence_number());
                if !skip && self.matches_filters(&record) {
                    let queue = self.queue(&self.shard.partition_key(&record));
                    queue.push(number, record.into_event_record(&self.mapping.stream_arn)?);
                } else {
                    checkpoint.complete(number);
                }
            }
            self.save(&mut checkpoint)?;
        }
    }

    /// Delivers the batches of one queue. Does not return.
    async fn process(&self, queue: &BatchQueue) {
        loop {
            queue.wait_for_batch(self.batch_size(), self.mapping.batching_window).await;
            if let Err(error) = self.deliver_next(queue).await {
                tracing::error!(mapping = self.mapping.name, %error, "cannot save the checkpoint of the stream");
            }
        }
    }

    async fn drain_queue(&self, queue: &BatchQueue) -> Result<(), LocalError> {
        while self.deliver_next(queue).await? {}
        Ok(())
    }

    /// Delivers the next batch of a queue. Returns `false` if the queue is empty.
    async fn deliver_next(&self, queue: &BatchQueue) -> Result<bool, LocalError> {
        let _delivery = queue.delivery.lock().await;
        let records = queue.peek(self.batch_size());
        if records.is_empty() {
            return Ok(false);
        }
        let invoke = |records: &[EventRecord]| {
            let event = batch_event(records);
            async move {
                let event = event.map_err(|error| InvokeError::Failed(error.to_string()))?;
                self.functions.invoke_unthrottled(&self.mapping.function, event).await
            }
        };
        let discard = |records: &[EventRecord], invocations| {
            let (first, last) = (records.first().map(sequence_number), records.last().map(sequence_number));
            let batch = DiscardedBatch { size: records.len(), first, last, invocations };
            self.dead_letters.send_batch(&self.mapping, &batch, self.clock.now());
        };
        batch::deliver(&self.mapping, &records, self.retry_pause, invoke, discard).await;
        self.delivered.fetch_add(records.len(), Ordering::SeqCst);
        let mut checkpoint = self.checkpoint();
        for number in queue.remove(records.len()) {
            checkpoint.complete(number);
        }
        self.save(&mut checkpoint)?;
        Ok(true)
    }

    /// Saves the checkpoint if it has advanced.
    fn save(&self, checkpoint: &mut Checkpoint) -> Result<(), LocalError> {
        checkpoint.advance().map_or(Ok(()), |number| self.checkpoints.save(&self.mapping.name, &number))
    }

    fn matches_filters(&self, record: &ShardRecord) -> bool {
        let filters = &self.mapping.filters;
        filters.is_empty() || filters.iter().any(|filter| filter.matches(record.json()))
    }

    /// The batch queue of a partition key.
    fn queue(&self, partition_key: &str) -> &BatchQueue {
        let mut hasher = DefaultHasher::new();
        partition_key.hash(&mut hasher);
        let count = self.queues.len() as u64;
        let index = usize::try_from(hasher.finish() % count).unwrap_or_default();
        &self.queues[index]
    }

    fn batch_size(&self) -> usize {
        self.mapping.batch_size.max(1)
    }

    fn checkpoint(&self) -> MutexGuard<'_, Checkpoint> {
        self.checkpoint.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
