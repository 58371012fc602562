//! The events of functions that a DynamoDB stream, a queue or a schedule invokes.

use aws_lambda_events::{
    dynamodb::EventRecord,
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_dynamo::AttributeValue;
use serde_json::{Value, json};

/// An event of a function that follows the table's stream, a queue or the schedule.
#[derive(Debug, Deserialize)]
#[serde(try_from = "AnyEvent")]
pub enum Trigger {
    /// Records, in the order of the stream.
    Stream(Vec<Record>),
    /// Messages, in no order.
    Messages(Vec<Message>),
    /// The schedule's tick.
    Tick(Interval),
}

/// The event of a function that only a schedule invokes: the `Input` of its schedule in `template.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Tick {
    /// The schedule's interval.
    pub tick: Interval,
}

/// The interval of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interval {
    /// `rate(1 minute)`.
    Minute,
}

#[derive(Deserialize)]
struct AnyEvent {
    #[serde(rename = "Records")]
    records: Option<Vec<AnyRecord>>,
    tick: Option<Interval>,
}

/// A record of a stream or a message of a queue. All of one event are of one source.
#[derive(Deserialize)]
#[serde(tag = "eventSource")]
enum AnyRecord {
    #[serde(rename = "aws:dynamodb")]
    Stream(Box<Record>),
    #[serde(rename = "aws:sqs")]
    Queue(Message),
}

impl TryFrom<AnyEvent> for Trigger {
    type Error = &'static str;

    fn try_from(event: AnyEvent) -> Result<Self, Self::Error> {
        match (event.records, event.tick) {
            (Some(records), None) => {
                let (mut changes, mut messages) = (Vec::new(), Vec::new());
                for record in records {
                    match record {
                        AnyRecord::Stream(record) => changes.push(*record),
                        AnyRecord::Queue(message) => messages.push(message),
                    }
                }
                match (changes.is_empty(), messages.is_empty()) {
                    (_, true) => Ok(Self::Stream(changes)),
                    (true, false) => Ok(Self::Messages(messages)),
                    (false, false) => Err("the event has records of different sources"),
                }
            }
            (None, Some(interval)) => Ok(Self::Tick(interval)),
            _ => Err("the event has neither records nor a tick"),
        }
    }
}

/// One change of an item.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Record(EventRecord);

impl Record {
    /// The record's position in its shard, for [`batch_failures`].
    pub fn sequence_number(&self) -> &str {
        self.0.change.sequence_number.as_deref().unwrap_or_default()
    }

    /// The text of a string or number attribute of the item after the change.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        match self.0.change.new_image.get(name)? {
            AttributeValue::S(text) | AttributeValue::N(text) => Some(text),
            _ => None,
        }
    }
}

/// The event of a function that consumes a queue (Lambda developer guide, "Using Lambda with Amazon SQS").
///
/// A type of its own, because the one of `aws_lambda_events` brings `serde_with` and its macros.
#[derive(Debug, Deserialize)]
pub struct Messages {
    /// The messages, in no order.
    #[serde(rename = "Records")]
    pub messages: Vec<Message>,
}

/// A message of a queue. It can be delivered more than once.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    message_id: String,
    body: String,
}

impl Message {
    /// The message's id, for [`batch_failures`].
    pub fn id(&self) -> &str {
        &self.message_id
    }

    /// The content.
    pub fn read<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(&self.body)
    }
}

/// The answer to a batch: the sequence numbers of records, or the ids of messages, that are to be delivered again. Of a
/// stream, Lambda delivers again from the first of these on; of a queue, these messages after their visibility timeout
/// (Lambda developer guide, "Configuring partial batch response with Kinesis Data Streams and Lambda", which also applies to
/// DynamoDB, and "Handling errors for an SQS event source in Lambda"). Both answers have the same form.
pub fn batch_failures<'a>(failed: impl IntoIterator<Item = &'a str>) -> Value {
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures = failed
        .into_iter()
        .map(|identifier| {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = Some(identifier.to_owned());
            failure
        })
        .collect();
    json!(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_event_gives_attributes_of_its_records() {
        let event = include_str!("../../../events/reception/inbound.json");
        let Trigger::Stream(records) = serde_json::from_str(event).unwrap() else { panic!("not a stream event") };
        assert_eq!(records[0].sequence_number(), "000000000000000000001");
        assert_eq!(records[0].attribute("kind"), Some("inbound"));
        assert_eq!(records[0].attribute("created_at"), Some("1772438400000"));
        assert_eq!(records[0].attribute("none"), None);
    }

    #[test]
    fn schedule_event_is_a_tick() {
        let event = include_str!("../../../events/reception/tick.json");
        assert!(matches!(serde_json::from_str(event).unwrap(), Trigger::Tick(Interval::Minute)));
        assert_eq!(serde_json::from_str::<Tick>(event).unwrap(), Tick { tick: Interval::Minute });
    }

    #[test]
    fn other_events_are_refused() {
        for event in
            ["{}", "null", "[]", "{\"tick\":\"hour\"}", "{\"Records\":7}", "{\"Records\":[],\"tick\":\"minute\"}"]
        {
            assert!(serde_json::from_str::<Trigger>(event).is_err(), "{event}");
        }
    }

    #[test]
    fn trigger_tells_messages_of_a_queue_from_stream_records() {
        let event = include_str!("../../../events/robot/turn.json");
        let Trigger::Messages(messages) = serde_json::from_str(event).unwrap() else { panic!("not messages") };
        assert_eq!(messages[0].id(), "00000000-0000-0000-0000-000000000001");
    }

    #[test]
    fn queue_event_gives_ids_and_contents_of_its_messages() {
        let event = include_str!("../../../events/robot/turn.json");
        let Messages { messages } = serde_json::from_str(event).unwrap();
        assert_eq!(messages[0].id(), "00000000-0000-0000-0000-000000000001");
        assert!(messages[0].read::<crate::queue::RobotTurn>().unwrap().cid.starts_with('c'));
        assert!(messages[0].read::<Tick>().is_err());
    }

    #[test]
    fn batch_failures_name_sequence_numbers() {
        assert_eq!(batch_failures(["7"]), json!({ "batchItemFailures": [{ "itemIdentifier": "7" }] }));
        assert_eq!(batch_failures([]), json!({ "batchItemFailures": [] }));
    }
}
