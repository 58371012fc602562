//! The events of functions that a DynamoDB stream or a schedule invokes.

use aws_lambda_events::{
    dynamodb::EventRecord,
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use serde::Deserialize;
use serde_dynamo::AttributeValue;
use serde_json::{Value, json};

/// An event of a function that follows the table's stream and the schedule.
#[derive(Debug, Deserialize)]
#[serde(try_from = "AnyEvent")]
pub enum Trigger {
    /// Records, in the order of the stream.
    Stream(Vec<Record>),
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
    records: Option<Vec<Record>>,
    tick: Option<Interval>,
}

impl TryFrom<AnyEvent> for Trigger {
    type Error = &'static str;

    fn try_from(event: AnyEvent) -> Result<Self, Self::Error> {
        match (event.records, event.tick) {
            (Some(records), None) => Ok(Self::Stream(records)),
            (None, Some(interval)) => Ok(Self::Tick(interval)),
            _ => Err("the event has neither stream records nor a tick"),
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

/// The answer to a batch. Lambda delivers the records again from the first of these on (Lambda developer guide,
/// "Configuring partial batch response with Kinesis Data Streams and Lambda", which also applies to DynamoDB).
pub fn batch_failures<'a>(sequence_numbers: impl IntoIterator<Item = &'a str>) -> Value {
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures = sequence_numbers
        .into_iter()
        .map(|number| {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = Some(number.to_owned());
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
    fn batch_failures_name_sequence_numbers() {
        assert_eq!(batch_failures(["7"]), json!({ "batchItemFailures": [{ "itemIdentifier": "7" }] }));
        assert_eq!(batch_failures([]), json!({ "batchItemFailures": [] }));
    }
}
