//! A standard queue. It is fair (Amazon SQS developer guide, "Amazon SQS fair queues"): of the messages that are visible, those of the
//! group with the fewest messages in flight are received first.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::SharedClock;
use tokio::sync::Notify;

use crate::random;
use crate::template::{QueueDefinition, REGION};

/// A queue of a bundle.
pub(crate) struct Queue {
    definition: QueueDefinition,
    clock: SharedClock,
    messages: Mutex<Vec<Message>>,
    arrivals: Notify,
}

/// A message of a queue.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    /// The id.
    pub(super) id: String,
    /// The content.
    pub(super) body: String,
    group: Option<String>,
    sent_at: Timestamp,
    visible_at: Timestamp,
    first_received_at: Option<Timestamp>,
    receive_count: u32,
}

impl Message {
    /// Whether it waits for its first delivery, and only for a moment.
    fn is_delayed_shortly(&self) -> bool {
        self.receive_count == 0 && self.visible_at.duration_since(self.sent_at) <= SHORT_DELAY
    }
}

/// Whether a receiver waits until the delay of a message that was never received is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delays {
    Wait,
    /// It does not wait for a delay of at most [`SHORT_DELAY`], which collects what comes together. A longer one is for a time,
    /// which is the clock's.
    SkipShort,
}

/// See [`Delays::SkipShort`].
const SHORT_DELAY: SignedDuration = SignedDuration::from_secs(1);

/// What a receiver got.
#[derive(Debug, Default)]
pub(super) struct Received {
    /// The messages, now invisible to others.
    pub(super) messages: Vec<Message>,
    /// The messages that were received too often. They have left the queue.
    pub(super) discarded: Vec<Message>,
}

impl Queue {
    pub(super) fn new(definition: QueueDefinition, clock: SharedClock) -> Self {
        Self { definition, clock, messages: Mutex::default(), arrivals: Notify::new() }
    }

    pub(crate) fn definition(&self) -> &QueueDefinition {
        &self.definition
    }

    /// Adds a message and returns its id. Without a delay it has that of the queue.
    pub(crate) fn send(&self, body: String, delay: Option<SignedDuration>, group: Option<String>) -> String {
        let now = self.clock.now();
        let id = uuid_like();
        let visible_at = now + delay.unwrap_or(self.definition.delay);
        let message = Message {
            id: id.clone(),
            body,
            group,
            sent_at: now,
            visible_at,
            first_received_at: None,
            receive_count: 0,
        };
        self.messages().push(message);
        self.arrivals.notify_one();
        id
    }

    /// Receives at most `max` visible messages: of the group with the fewest messages in flight first, and of each in the order
    /// in which they were sent. SQS does not promise an order.
    pub(super) fn receive(&self, max: usize, delays: Delays) -> Received {
        let now = self.clock.now();
        let QueueDefinition { visibility_timeout, retention, redrive, .. } = &self.definition;
        let mut messages = self.messages();
        messages.retain(|message| message.sent_at + *retention > now);
        let mut received = Received::default();
        while received.messages.len() < max
            && let Some(place) = next(&messages, now, delays)
        {
            let Some(message) = messages.get_mut(place) else { break };
            if redrive.as_ref().is_some_and(|redrive| message.receive_count >= redrive.max_receive_count) {
                received.discarded.push(messages.remove(place));
                continue;
            }
            message.receive_count += 1;
            message.first_received_at.get_or_insert(now);
            message.visible_at = now + *visibility_timeout;
            received.messages.push(message.clone());
        }
        received
    }

    /// Deletes a received message.
    pub(super) fn delete(&self, id: &str) {
        self.messages().retain(|message| message.id != id);
    }

    /// Returns at the next arrival.
    pub(super) async fn arrival(&self) {
        self.arrivals.notified().await;
    }

    /// The time until the next message becomes visible; `None` if the queue is empty.
    pub(super) fn time_to_visible(&self) -> Option<SignedDuration> {
        let now = self.clock.now();
        self.messages().iter().map(|message| message.visible_at.duration_since(now)).min()
    }

    fn messages(&self) -> MutexGuard<'_, Vec<Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of the message that is received next.
fn next(messages: &[Message], now: Timestamp, delays: Delays) -> Option<usize> {
    let is_visible =
        |message: &Message| message.visible_at <= now || (delays == Delays::SkipShort && message.is_delayed_shortly());
    let in_flight = |group: &Option<String>| {
        let of_group = messages.iter().filter(|other| group.is_some() && other.group == *group);
        of_group.filter(|other| other.receive_count > 0 && other.visible_at > now).count()
    };
    let visible = messages.iter().enumerate().filter(|(_, message)| is_visible(message));
    visible.min_by_key(|(place, message)| (in_flight(&message.group), *place)).map(|(place, _)| place)
}

/// The event of a batch.
pub(super) fn batch_event(messages: &[Message], queue: &QueueDefinition) -> Value {
    let record = |message: &Message| {
        let time = |at: Timestamp| at.as_millisecond().to_string();
        json!({
            "messageId": message.id,
            "receiptHandle": message.id,
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": message.receive_count.to_string(),
                "SentTimestamp": time(message.sent_at),
                "ApproximateFirstReceiveTimestamp": time(message.first_received_at.unwrap_or(message.sent_at)),
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": queue.arn,
            "awsRegion": REGION,
        })
    };
    json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() })
}

/// A random id in the form of a UUID, as SQS makes them.
fn uuid_like() -> String {
    let hex = random::hexadecimal(32);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
