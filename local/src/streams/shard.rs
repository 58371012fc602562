//! The stream of one table in dynoxide, which has one shard.

use aws_lambda_events::dynamodb::{Event, EventRecord};
use dynoxide::Database;
use serde_json::{Value, json};

use crate::LocalError;
use crate::template::REGION;

/// The shard of a table's stream.
pub(crate) struct Shard {
    database: Database,
    stream_arn: String,
    id: String,
    partition_key: String,
}

/// A stream record as the DynamoDB Streams API returns it.
pub(super) struct ShardRecord(Value);

impl Shard {
    /// The most records of one `GetRecords` call.
    const MAX_RECORDS: usize = 1000;

    /// The shard of an existing table's stream.
    pub(crate) fn open(database: Database, table: &str) -> Result<Self, LocalError> {
        let request = serde_json::from_value(json!({ "TableName": table }))?;
        let described = serde_json::to_value(database.describe_table(request)?)?;
        let stream_arn = described["Table"]["LatestStreamArn"].as_str().unwrap_or_default().to_owned();
        let keys = described["Table"]["KeySchema"].as_array().into_iter().flatten();
        let hash = keys.filter(|key| key["KeyType"] == "HASH").find_map(|key| key["AttributeName"].as_str());
        let partition_key = hash.unwrap_or_default().to_owned();
        let request = serde_json::from_value(json!({ "StreamArn": stream_arn }))?;
        let described = serde_json::to_value(database.describe_stream(request)?)?;
        let id = described["StreamDescription"]["Shards"][0]["ShardId"].as_str().unwrap_or_default().to_owned();
        Ok(Self { database, stream_arn, id, partition_key })
    }

    /// The records after a sequence number, or from the oldest one, in order, at most [`Self::MAX_RECORDS`].
    pub(super) fn records_after(&self, sequence_number: Option<&str>) -> Result<Vec<ShardRecord>, LocalError> {
        let mut request = json!({ "StreamArn": self.stream_arn, "ShardId": self.id });
        match sequence_number {
            Some(number) => {
                request["ShardIteratorType"] = json!("AFTER_SEQUENCE_NUMBER");
                request["SequenceNumber"] = json!(number);
            }
            None => request["ShardIteratorType"] = json!("TRIM_HORIZON"),
        }
        let iterator = self.database.get_shard_iterator(serde_json::from_value(request)?)?.shard_iterator;
        let request = json!({ "ShardIterator": iterator, "Limit": Self::MAX_RECORDS });
        let records = self.database.get_records(serde_json::from_value(request)?)?.records;
        records.iter().map(|record| Ok(ShardRecord(serde_json::to_value(record)?))).collect()
    }

    /// The value of the partition key, as JSON.
    pub(super) fn partition_key(&self, record: &ShardRecord) -> String {
        record.0["dynamodb"]["Keys"][&self.partition_key].to_string()
    }
}

impl ShardRecord {
    /// The JSON that filter patterns are matched with.
    pub(super) fn json(&self) -> &Value {
        &self.0
    }

    /// The sequence number.
    pub(super) fn sequence_number(&self) -> &str {
        self.0["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default()
    }

    /// The record as Lambda delivers it, with its region and the ARN of the stream.
    pub(super) fn into_event_record(mut self, stream_arn: &str) -> Result<EventRecord, LocalError> {
        self.0["awsRegion"] = json!(REGION);
        self.0["eventSourceARN"] = json!(stream_arn);
        Ok(serde_json::from_value(self.0)?)
    }
}

/// The sequence number of a record.
pub(super) fn sequence_number(record: &EventRecord) -> &str {
    record.change.sequence_number.as_deref().unwrap_or_default()
}

/// The event for a batch of records. Lambda leaves out absent members, where the types of `aws_lambda_events` write `null` or an
/// empty image.
pub(super) fn batch_event(records: &[EventRecord]) -> serde_json::Result<Value> {
    let mut event = Event::default();
    event.records = records.to_vec();
    let mut json = serde_json::to_value(event)?;
    for record in json["Records"].as_array_mut().into_iter().flatten() {
        if let Some(members) = record.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        if let Some(change) = record["dynamodb"].as_object_mut() {
            change.retain(|_, value| !value.is_null() && !value.as_object().is_some_and(serde_json::Map::is_empty));
        }
    }
    Ok(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_event_has_no_image_that_the_record_does_not_have() {
        let record = ShardRecord(json!({
            "eventID": "1", "eventName": "REMOVE", "eventSource": "aws:dynamodb", "eventVersion": "1.1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_772_438_400.0, "Keys": {"pk": {"S": "a"}}, "SequenceNumber": "7",
                "SizeBytes": 3, "StreamViewType": "NEW_IMAGE",
            },
        }));
        let event = batch_event(&[record.into_event_record("arn").unwrap()]).unwrap();
        let record = &event["Records"][0];
        assert_eq!((&record["eventName"], &record["eventSourceARN"]), (&json!("REMOVE"), &json!("arn")));
        assert_eq!(record["dynamodb"]["Keys"], json!({"pk": {"S": "a"}}));
        for absent in ["/dynamodb/NewImage", "/dynamodb/OldImage", "/userIdentity", "/tableName"] {
            assert_eq!(record.pointer(absent), None, "{absent}");
        }
    }
}
