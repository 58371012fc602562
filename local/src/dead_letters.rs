//! The queues for events that failed after all retries.
//!
//! AWS Lambda developer guide, "Retaining discarded batches for DynamoDB" and "Capturing records of Lambda asynchronous
//! invocations".

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::template::{EventSourceMapping, QueueDefinition, Schedule, function_arn};

/// A message in a dead-letter queue.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// The logical id of the queue.
    pub queue: String,
    /// The logical id of the function.
    pub function: String,
    /// The message, in the format of Lambda.
    pub message: Value,
}

/// The dead-letter queues, in one list. They are not saved. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeadLetterQueues(Arc<Mutex<Vec<DeadLetter>>>);

/// A discarded batch of a stream.
pub(crate) struct DiscardedBatch<'a> {
    /// The number of records.
    pub(crate) size: usize,
    /// The first sequence number.
    pub(crate) first: Option<&'a str>,
    /// The last sequence number.
    pub(crate) last: Option<&'a str>,
    /// The number of invocations.
    pub(crate) invocations: u32,
}

impl DeadLetterQueues {
    /// All messages, in order.
    pub(crate) fn messages(&self) -> Vec<DeadLetter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a discarded batch to the queue of its mapping.
    pub(crate) fn send_batch(&self, mapping: &EventSourceMapping, batch: &DiscardedBatch<'_>, now: Timestamp) {
        let message = json!({
            "version": "1.0",
            "timestamp": now.to_string(),
            "requestContext": {
                "functionArn": function_arn(&mapping.function),
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": batch.invocations,
            },
            "DDBStreamBatchInfo": {
                "streamArn": mapping.stream_arn,
                "batchSize": batch.size,
                "startSequenceNumber": batch.first,
                "endSequenceNumber": batch.last,
            },
        });
        self.send(mapping.dead_letter_queue.as_deref(), &mapping.function, message);
    }

    /// Sends a schedule's event to the queue of its function.
    pub(crate) fn send_scheduled_event(&self, schedule: &Schedule, invocations: u32, now: Timestamp) {
        let message = json!({
            "version": "1.0",
            "timestamp": now.to_string(),
            "requestContext": {
                "functionArn": function_arn(&schedule.function),
                "condition": "RetriesExhausted",
                "approximateInvokeCount": invocations,
            },
            "requestPayload": schedule.input,
        });
        self.send(schedule.dead_letter_queue.as_deref(), &schedule.function, message);
    }

    /// Sends a message that was received too often to the dead-letter queue of its queue. It stays as it was sent.
    pub(crate) fn send_message(&self, queue: &QueueDefinition, function: &str, body: &str) {
        let message = serde_json::from_str(body).unwrap_or_else(|_| json!(body));
        let dead_letter_queue = queue.redrive.as_ref().map(|redrive| redrive.dead_letter_queue.as_str());
        self.send(dead_letter_queue, function, message);
    }

    fn send(&self, queue: Option<&str>, function: &str, message: Value) {
        tracing::error!(function, queue, "event discarded after all retries");
        if let Some(queue) = queue {
            let letter = DeadLetter { queue: queue.to_owned(), function: function.to_owned(), message };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
        }
    }
}
