//! Access to the table by its DynamoDB endpoint.

use local::OWN_KEY;
use serde_json::{Value, json};

use super::{Answer, World};

/// The event that a function gets for new items.
pub(crate) fn inserted(items: &[Value]) -> Value {
    let records = items.iter().enumerate().map(|(number, item)| record("INSERT", item, number + 1));
    json!({ "Records": records.collect::<Vec<_>>() })
}

/// One stream record as Lambda delivers it (Lambda developer guide, "Process DynamoDB records").
fn record(event: &str, item: &Value, number: usize) -> Value {
    json!({
        "eventID": format!("{number:032x}"),
        "eventName": event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "local",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_772_438_400,
            "Keys": { "pk": item["pk"], "sk": item["sk"] },
            "NewImage": item,
            "SequenceNumber": format!("{number:021}"),
            "SizeBytes": item.to_string().len(),
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:local:000000000000:table/kefu-Table/stream/2026-03-02T08:00:00.000",
    })
}

/// The event that a function gets for messages of its queue (Lambda developer guide, "Using Lambda with Amazon SQS").
pub(crate) fn queued(bodies: &[Value]) -> Value {
    let records = bodies.iter().enumerate().map(|(number, body)| {
        json!({
            "messageId": format!("00000000-0000-0000-0000-{:012}", number + 1),
            "receiptHandle": format!("receipt-{}", number + 1),
            "body": body.to_string(),
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "1772438400000",
                "SenderId": "AROA0000000000000000:kefu-FanOut",
                "ApproximateFirstReceiveTimestamp": "1772438401000",
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:local:000000000000:kefu-RobotTurns",
            "awsRegion": "local",
        })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

/// The name of the bundle's table.
pub(crate) const TABLE: &str = "kefu-Table";

impl World {
    /// A call to DynamoDB with the access key of `caller`: a function's logical id, or [`OWN_KEY`] for one that may do
    /// everything.
    pub(crate) async fn dynamodb(&self, caller: &str, operation: &str, body: &Value) -> Answer {
        self.aws(caller, "DynamoDB_20120810", operation, body).await
    }

    /// A call to SQS with the access key of `caller`.
    pub(crate) async fn sqs(&self, caller: &str, operation: &str, body: &Value) -> Answer {
        self.aws(caller, "AmazonSQS", operation, body).await
    }

    async fn aws(&self, caller: &str, service: &str, operation: &str, body: &Value) -> Answer {
        let key = self.bundle.access_key(caller);
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential={key}/20260302/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
        );
        let request = self
            .client()
            .post(self.bundle.aws_url())
            .header("x-amz-target", format!("{service}.{operation}"))
            .header("x-amz-date", "20260302T080000Z")
            .header("authorization", signature)
            .header("content-type", "application/x-amz-json-1.0")
            .body(body.to_string());
        Answer::to(request).await
    }

    /// All items of a kind (see the crate page of `store`).
    pub(crate) async fn items(&self, kind: &str) -> Vec<Value> {
        let mut found = Vec::new();
        let mut scan = json!({
            "TableName": TABLE, "ConsistentRead": true, "FilterExpression": "kind = :kind",
            "ExpressionAttributeValues": { ":kind": { "S": kind } },
        });
        loop {
            let page = self.dynamodb(OWN_KEY, "Scan", &scan).await.expect(200).body;
            found.extend(page["Items"].as_array().unwrap().iter().cloned());
            match page.get("LastEvaluatedKey") {
                Some(last) => scan["ExclusiveStartKey"] = last.clone(),
                None => return found,
            }
        }
    }

    /// All items of a partition.
    pub(crate) async fn partition(&self, pk: &str) -> Vec<Value> {
        let query = json!({
            "TableName": TABLE, "ConsistentRead": true, "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": { ":pk": { "S": pk } },
        });
        self.dynamodb(OWN_KEY, "Query", &query).await.expect(200).body["Items"].as_array().unwrap().clone()
    }

    /// Writes an item without the bundle.
    pub(crate) async fn put_item(&self, item: &Value) {
        self.dynamodb(OWN_KEY, "PutItem", &json!({ "TableName": TABLE, "Item": item })).await.expect(200);
    }

    /// Deletes an item without the bundle.
    pub(crate) async fn remove_item(&self, item: &Value) {
        let key = json!({ "pk": item["pk"], "sk": item["sk"] });
        self.dynamodb(OWN_KEY, "DeleteItem", &json!({ "TableName": TABLE, "Key": key })).await.expect(200);
    }

    /// The number of requests of `operation` that a function has made.
    pub(crate) fn calls(&self, function: &str, operation: &str) -> u64 {
        self.bundle.request_counts().get(&(function.to_owned(), operation.to_owned())).copied().unwrap_or(0)
    }
}
