//! Records of the table's stream, as Lambda hands them over.

use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;

/// What woke a function that follows the stream and the clock.
#[derive(Debug)]
pub enum Wake {
    /// Records, in the order of the stream.
    Stream(Vec<Record>),
    /// The minute tick.
    Tick,
}

impl Wake {
    /// Reads the event: one with `Records` is the stream's, any other is the schedule's.
    pub fn of(event: Value) -> Result<Self, crate::Failure> {
        #[derive(Deserialize)]
        struct Event {
            #[serde(rename = "Records")]
            records: Option<Vec<Record>>,
        }
        let event: Event = serde_json::from_value(event).map_err(|error| crate::Failure(format!("event: {error}")))?;
        Ok(event.records.map_or(Self::Tick, Self::Stream))
    }
}

/// One change of an item.
#[derive(Debug, Deserialize)]
pub struct Record {
    dynamodb: Change,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    sequence_number: String,
    #[serde(default)]
    new_image: HashMap<String, HashMap<String, Value>>,
}

impl Record {
    /// The record's place in the stream.
    pub fn sequence_number(&self) -> &str {
        &self.dynamodb.sequence_number
    }

    /// A string or number attribute of the item as it is after the change.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let typed = self.dynamodb.new_image.get(name)?;
        typed.get("S").or_else(|| typed.get("N"))?.as_str()
    }
}

/// The answer to a batch: from the first of these records on it is delivered again (Lambda developer guide,
/// "Configuring partial batch response with DynamoDB").
pub fn batch_failures<'a>(sequence_numbers: impl IntoIterator<Item = &'a str>) -> Value {
    let failures: Vec<Value> = sequence_numbers.into_iter().map(|number| json!({ "itemIdentifier": number })).collect();
    json!({ "batchItemFailures": failures })
}
