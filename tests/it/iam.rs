//! The local bundle enforces the IAM statements of `template.yaml`.

use serde_json::{Value, json};

use crate::support::World;

const TABLE: &str = "kefu-Table";

fn key(pk: &str) -> Value {
    json!({ "pk": { "S": pk }, "sk": { "S": "1" } })
}

fn item(pk: &str) -> Value {
    json!({ "TableName": TABLE, "Item": key(pk) })
}

fn at(pk: &str) -> Value {
    json!({ "TableName": TABLE, "Key": key(pk) })
}

async fn assert_refused(world: &World, calls: &[(&str, &str, Value)]) {
    for (function, operation, body) in calls {
        let answer = world.dynamodb(function, operation, body).await;
        let kind = answer.body["__type"].as_str().unwrap_or_default();
        assert!(
            answer.status == 400 && kind.ends_with("AccessDeniedException"),
            "{function} {operation}: {}",
            answer.raw
        );
    }
}

#[tokio::test]
async fn sessions_and_connections_are_for_the_functions_that_need_them() {
    let refused = [
        ("Access", "DeleteItem", at("session#a")),
        ("Access", "PutItem", item("session#a")),
        ("Access", "GetItem", at("sign-in#a")),
        ("FanOut", "GetItem", at("session#a")),
        ("FanOut", "PutItem", item("connections")),
        ("Realtime", "GetItem", at("session#a")),
        ("Realtime", "PutItem", item("session#a")),
        ("Realtime", "GetItem", at("conversation#a")),
        ("Realtime", "GetItem", at("ticket#a")),
        ("Reception", "GetItem", at("session#a")),
        ("Robot", "GetItem", at("connections")),
    ];
    assert_refused(&World::start().await, &refused).await;
}

#[tokio::test]
async fn function_is_limited_to_its_iam_statements() {
    let world = World::start().await;
    let query = |pk: &str| {
        let values = json!({ ":pk": { "S": pk } });
        json!({ "TableName": TABLE, "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": values })
    };
    let scan = json!({ "TableName": TABLE });
    let transaction = json!({ "TransactItems": [{ "Put": item("thread#a#b") }, { "Put": item("binding#a") }] });
    let batch = json!({ "RequestItems": { TABLE: [{ "DeleteRequest": { "Key": key("thread#a#b") } }] } });
    let refused = [
        ("MessageIngress", "DeleteItem", at("thread#a#b")),
        ("MessageIngress", "PutItem", item("binding#a")),
        ("MessageIngress", "PutItem", item("access#a")),
        ("MessageIngress", "GetItem", at("thread#a#b")),
        ("MessageIngress", "PutItem", item("callbacks")),
        ("MessageIngress", "Query", query("binding#a")),
        ("MessageIngress", "Query", query("access#a")),
        ("MessageIngress", "Scan", scan.clone()),
        ("MessageIngress", "TransactWriteItems", transaction),
        ("MessageIngress", "BatchWriteItem", batch.clone()),
        ("CallbackVerify", "PutItem", item("binding#a")),
        ("CallbackVerify", "GetItem", at("access#a")),
        ("Access", "GetItem", at("binding#a")),
        ("Access", "PutItem", item("access#a")),
        ("TokenRefresh", "GetItem", at("thread#a#b")),
        ("TokenRefresh", "DeleteItem", at("binding#a")),
        ("Reception", "Scan", scan.clone()),
        ("Reception", "BatchWriteItem", batch.clone()),
        ("Robot", "Scan", scan.clone()),
        ("Robot", "BatchWriteItem", batch.clone()),
        ("FanOut", "PutItem", item("conversation#a")),
        ("CardSend", "DeleteItem", at("conversation#a")),
        ("CardSend", "PutItem", item("access#a")),
        ("Reception", "PutItem", item("access#a")),
        ("Reception", "PutItem", item("binding#a")),
        ("DeskApi", "UpdateItem", at("access#a")),
        ("DeskApi", "Scan", scan),
    ];
    assert_refused(&world, &refused).await;
    assert_eq!(world.items("inbound").await.len(), 0);
    world.dynamodb("MessageIngress", "PutItem", &item("thread#a#b")).await.expect(200);
    world.dynamodb("MessageIngress", "GetItem", &at("binding#a")).await.expect(200);
    world.dynamodb("MessageIngress", "Query", &query("callbacks")).await.expect(200);
}

#[tokio::test]
async fn entries_of_the_audit_log_are_only_added() {
    let world = World::start().await;
    let key = json!({ "pk": { "S": "audit#2026-03#0" }, "sk": { "S": "1" } });
    let item = json!({ "TableName": "kefu-Table", "Item": key });
    let at = json!({ "TableName": "kefu-Table", "Key": key });
    let refused = async |function: &str, operation: &str, body: &Value| {
        let answer = world.dynamodb(function, operation, body).await;
        let kind = answer.body["__type"].as_str().unwrap_or_default().to_owned();
        assert!(kind.ends_with("AccessDeniedException"), "{function} {operation}: {}", answer.raw);
    };
    let functions: Vec<String> = world.bundle.template().functions.keys().cloned().collect();
    for function in &functions {
        refused(function, "UpdateItem", &at).await;
        refused(function, "DeleteItem", &at).await;
        refused(function, "GetItem", &at).await;
        if !matches!(function.as_str(), "DeskApi" | "Access" | "Reception") {
            refused(function, "PutItem", &item).await;
        }
    }
    world.dynamodb("DeskApi", "PutItem", &item).await.expect(200);
}

#[tokio::test]
async fn function_sends_only_to_its_own_queue() {
    let world = World::start().await;
    let message = |queue: &str| json!({ "QueueUrl": format!("https://sqs.local.amazonaws.com/000000000000/kefu-{queue}"), "MessageBody": "{}" });
    let (turns, work) = (message("RobotTurns"), message("TickWork"));
    for (function, refused) in [("Reception", &turns), ("FanOut", &work), ("Robot", &work)] {
        let answer = world.sqs(function, "SendMessage", refused).await;
        let kind = answer.body["__type"].as_str().unwrap_or_default();
        assert!(answer.status == 400 && kind.ends_with("AccessDeniedException"), "{function}: {}", answer.raw);
    }
    world.sqs("FanOut", "SendMessage", &turns).await.expect(200);
    world.sqs("Reception", "SendMessage", &work).await.expect(200);
}
