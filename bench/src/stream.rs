//! The stream of the bundle's table, as anybody with its permissions could read it.

use jiff::Timestamp;
use local::OWN_KEY;
use reqwest::Client;
use serde_json::{Value, json};

use crate::{Desk, Error, Result};

/// What dynoxide adds to the microseconds of the write, so that its sequence numbers have 21 digits as DynamoDB's.
const OFFSET: u128 = 100_000_000_000_000_000_000;

/// Reads from the oldest record on.
#[derive(Debug)]
pub struct Stream {
    client: Client,
    url: String,
    arn: String,
    shard: String,
    position: Option<String>,
}

impl Stream {
    /// The stream of a desk's one table.
    pub async fn of(desk: &Desk) -> Result<Self> {
        let table = desk.bundle.template().tables.values().next();
        let table = table.ok_or_else(|| Error::Other("template.yaml has no table".to_owned()))?;
        let client = Client::builder().no_proxy().build()?;
        let mut stream = Self {
            client,
            url: desk.bundle.aws_url().to_owned(),
            arn: String::new(),
            shard: String::new(),
            position: None,
        };
        let described = stream.ask("DynamoDB_20120810.DescribeTable", json!({ "TableName": table.name })).await?;
        stream.arn = text(&described["Table"]["LatestStreamArn"]);
        let asked = json!({ "StreamArn": stream.arn });
        let described = stream.ask("DynamoDBStreams_20120810.DescribeStream", asked).await?;
        stream.shard = text(&described["StreamDescription"]["Shards"][0]["ShardId"]);
        Ok(stream)
    }

    /// The next records, oldest first; none if there are no more at present.
    pub async fn next(&mut self) -> Result<Vec<Value>> {
        let mut asked = json!({ "StreamArn": self.arn, "ShardId": self.shard });
        match &self.position {
            Some(position) => {
                asked["ShardIteratorType"] = json!("AFTER_SEQUENCE_NUMBER");
                asked["SequenceNumber"] = json!(position);
            }
            None => asked["ShardIteratorType"] = json!("TRIM_HORIZON"),
        }
        let iterator = self.ask("DynamoDBStreams_20120810.GetShardIterator", asked).await?;
        let asked = json!({ "ShardIterator": iterator["ShardIterator"] });
        let mut answer = self.ask("DynamoDBStreams_20120810.GetRecords", asked).await?;
        let Value::Array(records) = answer["Records"].take() else {
            return Err(Error::Other(format!("no records in {answer}")));
        };
        if let Some(last) = records.last() {
            self.position = Some(text(&last["dynamodb"]["SequenceNumber"]));
        }
        Ok(records)
    }

    async fn ask(&self, target: &str, body: Value) -> Result<Value> {
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential={OWN_KEY}/20261122/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
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

/// When a record was written. DynamoDB's own times have seconds only; dynoxide's sequence numbers begin with the microseconds
/// of the write and go up by one where two fall together.
pub fn written_at(record: &Value) -> Option<Timestamp> {
    let number: u128 = record["dynamodb"]["SequenceNumber"].as_str()?.parse().ok()?;
    let microseconds = i64::try_from(number.checked_sub(OFFSET)?).ok()?;
    Timestamp::from_microsecond(microseconds).ok()
}

/// A string or number attribute of the item as it is after the change.
pub fn attribute<'a>(record: &'a Value, name: &str) -> &'a str {
    let typed = &record["dynamodb"]["NewImage"][name];
    typed["S"].as_str().or_else(|| typed["N"].as_str()).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
