//! Reads the stream of the bundle's table through the DynamoDB Streams API.

use jiff::Timestamp;
use local::OWN_KEY;
use reqwest::Client;
use serde_json::{Value, json};
use store::Event;

use crate::{Desk, Error, Result};

/// dynoxide's sequence numbers are the microseconds of the write plus this offset, which gives them 21 digits as in DynamoDB.
const OFFSET: u128 = 100_000_000_000_000_000_000;

/// A reader that starts at the oldest record.
#[derive(Debug)]
pub struct Stream {
    client: Client,
    url: String,
    access_key: String,
    arn: String,
    shard: String,
    position: Option<String>,
}

impl Stream {
    /// The stream of the table of a bundle.
    pub async fn of(desk: &Desk) -> Result<Self> {
        let table = desk.bundle.template().tables.values().next();
        let table = table.ok_or_else(|| Error::Other("template.yaml has no table".to_owned()))?;
        let client = Client::builder().no_proxy().build()?;
        let mut stream = Self {
            client,
            url: desk.bundle.aws_url().to_owned(),
            access_key: desk.bundle.access_key(OWN_KEY),
            arn: String::new(),
            shard: String::new(),
            position: None,
        };
        let described = stream.call("DynamoDB_20120810.DescribeTable", json!({ "TableName": table.name })).await?;
        stream.arn = text(&described["Table"]["LatestStreamArn"]);
        let request = json!({ "StreamArn": stream.arn });
        let described = stream.call("DynamoDBStreams_20120810.DescribeStream", request).await?;
        stream.shard = text(&described["StreamDescription"]["Shards"][0]["ShardId"]);
        Ok(stream)
    }

    /// The next records, oldest first; empty if there are no new ones.
    pub async fn next(&mut self) -> Result<Vec<Value>> {
        let mut request = json!({ "StreamArn": self.arn, "ShardId": self.shard });
        match &self.position {
            Some(position) => {
                request["ShardIteratorType"] = json!("AFTER_SEQUENCE_NUMBER");
                request["SequenceNumber"] = json!(position);
            }
            None => request["ShardIteratorType"] = json!("TRIM_HORIZON"),
        }
        let iterator = self.call("DynamoDBStreams_20120810.GetShardIterator", request).await?;
        let request = json!({ "ShardIterator": iterator["ShardIterator"] });
        let mut answer = self.call("DynamoDBStreams_20120810.GetRecords", request).await?;
        let Value::Array(records) = answer["Records"].take() else {
            return Err(Error::Other(format!("no records in {answer}")));
        };
        if let Some(last) = records.last() {
            self.position = Some(text(&last["dynamodb"]["SequenceNumber"]));
        }
        Ok(records)
    }

    async fn call(&self, target: &str, body: Value) -> Result<Value> {
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential={}/20261122/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
            self.access_key
        );
        let request = self.client.post(&self.url).header("x-amz-target", target).header("authorization", signature);
        let request = request.header("x-amz-date", "20261122T000000Z");
        let request = request.header("content-type", "application/x-amz-json-1.0").body(body.to_string());
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if status.is_success() {
            return Ok(serde_json::from_str(&text)?);
        }
        Err(Error::Other(format!("{target}: {status} {text}")))
    }
}

/// The time when a record was written, from dynoxide's sequence number: DynamoDB's own times have a resolution of seconds. The
/// numbers of two writes in the same microsecond differ by one.
pub fn written_at(record: &Value) -> Option<Timestamp> {
    let number: u128 = record["dynamodb"]["SequenceNumber"].as_str()?.parse().ok()?;
    let microseconds = i64::try_from(number.checked_sub(OFFSET)?).ok()?;
    Timestamp::from_microsecond(microseconds).ok()
}

/// A string or number attribute of the record's new image; empty if there is none.
pub fn attribute<'a>(record: &'a Value, name: &str) -> &'a str {
    let typed = &record["dynamodb"]["NewImage"][name];
    typed["S"].as_str().or_else(|| typed["N"].as_str()).unwrap_or_default()
}

/// The events in a record; none if it is of another item.
pub fn events(record: &Value) -> Vec<Event> {
    let present = |name: &str| Some(attribute(record, name)).filter(|value| !value.is_empty());
    Event::from_image(present).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
