//! The IAM authorization of AWS requests: the action, the resource and the leading keys of each.
//!
//! Service Authorization Reference, "Actions, resources, and condition keys for Amazon DynamoDB". A transaction needs the actions of
//! its members.

use serde_json::{Map, Value};

use crate::iam::AuthorizationRequest;
use crate::template::{ACCOUNT, REGION, TableDefinition};

/// The ARN of the assumed role of a function, for error messages.
pub(super) fn principal(function: &str) -> String {
    format!("arn:aws:sts::{ACCOUNT}:assumed-role/kefu-{function}Role/kefu-{function}")
}

/// Whether an operation can write to a table.
pub(super) fn is_write(operation: &str) -> bool {
    matches!(
        operation,
        "PutItem"
            | "UpdateItem"
            | "DeleteItem"
            | "BatchWriteItem"
            | "TransactWriteItems"
            | "ExecuteStatement"
            | "BatchExecuteStatement"
            | "ExecuteTransaction"
    )
}

/// The authorization requests of a DynamoDB request.
pub(super) fn dynamodb(operation: &str, body: &Value, tables: &[TableDefinition]) -> Vec<AuthorizationRequest> {
    let one = |keys: Vec<String>| vec![request_for(operation, table_name(body), keys)];
    match operation {
        "GetItem" | "UpdateItem" | "DeleteItem" => one(key_of(body, "Key", tables).into_iter().collect()),
        "PutItem" => one(key_of(body, "Item", tables).into_iter().collect()),
        "Query" => vec![query(body, tables)],
        "BatchGetItem" => requests(body, "RequestItems")
            .map(|(table, request)| {
                let keys = request["Keys"].as_array().into_iter().flatten();
                request_for(operation, table, keys.filter_map(|key| partition_key(table, key, tables)).collect())
            })
            .collect(),
        "BatchWriteItem" => requests(body, "RequestItems")
            .map(|(table, writes)| {
                let keys = writes.as_array().into_iter().flatten().filter_map(|write| {
                    let image = write.pointer("/PutRequest/Item").or_else(|| write.pointer("/DeleteRequest/Key"))?;
                    partition_key(table, image, tables)
                });
                request_for(operation, table, keys.collect())
            })
            .collect(),
        "TransactGetItems" | "TransactWriteItems" => transaction(body, tables),
        _ => one(Vec::new()),
    }
}

/// The authorization request of a Secrets Manager request.
pub(super) fn secrets_manager(operation: &str, body: &Value) -> Vec<AuthorizationRequest> {
    let resource = body["SecretId"].as_str().unwrap_or("*").to_owned();
    vec![AuthorizationRequest { action: format!("secretsmanager:{operation}"), resource, leading_keys: Vec::new() }]
}

/// The authorization request of an SQS request. The permission to send in batches is that to send (Amazon SQS developer guide,
/// "Amazon SQS API permissions: Actions and resource reference").
pub(super) fn sqs(operation: &str, body: &Value) -> Vec<AuthorizationRequest> {
    let name = body["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next()).unwrap_or("*");
    let action = format!("sqs:{}", operation.trim_end_matches("Batch"));
    vec![AuthorizationRequest {
        action,
        resource: format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"),
        leading_keys: Vec::new(),
    }]
}

fn transaction(body: &Value, tables: &[TableDefinition]) -> Vec<AuthorizationRequest> {
    let members = body["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object);
    let members = members.flat_map(Map::iter).map(|(kind, member)| {
        let (action, image) = match kind.as_str() {
            "Get" => ("GetItem", "Key"),
            "Put" => ("PutItem", "Item"),
            "Update" => ("UpdateItem", "Key"),
            "Delete" => ("DeleteItem", "Key"),
            "ConditionCheck" => ("ConditionCheckItem", "Key"),
            unknown => (unknown, "Key"),
        };
        request_for(action, table_name(member), key_of(member, image, tables).into_iter().collect())
    });
    members.collect()
}

fn query(body: &Value, tables: &[TableDefinition]) -> AuthorizationRequest {
    let table = table_name(body);
    let definition = tables.iter().find(|definition| definition.name == table);
    let index = body["IndexName"].as_str();
    let attribute = match index {
        Some(index) => definition.and_then(|definition| definition.indexes.get(index)),
        None => definition.map(|definition| &definition.partition_key),
    };
    let key = attribute.and_then(|attribute| equal_to(attribute, body));
    let mut request = request_for("Query", table, key.into_iter().collect());
    if let Some(index) = index {
        request.resource = format!("{}/index/{index}", request.resource);
    }
    request
}

/// The value that a key condition compares an attribute with by `=`.
fn equal_to(attribute: &str, body: &Value) -> Option<String> {
    let condition = body["KeyConditionExpression"].as_str()?.replace(['(', ')'], " ");
    let mut words = condition.split_whitespace().flat_map(|word| {
        // `#a=:b` also consists of three words.
        let (left, right) = word.split_once('=').map_or((word, None), |(left, right)| (left, Some(right)));
        [Some(left), right.is_some().then_some("="), right].into_iter().flatten().filter(|word| !word.is_empty())
    });
    let mut before = words.next()?;
    let mut operator = words.next()?;
    for after in words {
        let name = body["ExpressionAttributeNames"][before].as_str().unwrap_or(before);
        if operator == "=" && name == attribute {
            return scalar(&body["ExpressionAttributeValues"][after]);
        }
        (before, operator) = (operator, after);
    }
    None
}

fn requests<'a>(body: &'a Value, name: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    body[name].as_object().into_iter().flatten().map(|(table, request)| (table.as_str(), request))
}

/// The name of the table of a request, which has its name or its ARN.
fn table_name(body: &Value) -> &str {
    let name = body["TableName"].as_str().unwrap_or("*");
    name.rsplit_once(":table/").map_or(name, |(_, name)| name)
}

fn key_of(body: &Value, image: &str, tables: &[TableDefinition]) -> Option<String> {
    partition_key(table_name(body), &body[image], tables)
}

fn partition_key(table: &str, image: &Value, tables: &[TableDefinition]) -> Option<String> {
    let table = tables.iter().find(|definition| definition.name == table)?;
    scalar(&image[&table.partition_key])
}

/// The value of a string, number or binary attribute.
fn scalar(value: &Value) -> Option<String> {
    value.as_object()?.values().next()?.as_str().map(str::to_owned)
}

fn request_for(operation: &str, table: &str, leading_keys: Vec<String>) -> AuthorizationRequest {
    AuthorizationRequest {
        action: format!("dynamodb:{operation}"),
        resource: format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"),
        leading_keys,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn tables() -> Vec<TableDefinition> {
        vec![TableDefinition {
            name: "t".to_owned(),
            partition_key: "pk".to_owned(),
            sort_key: Some("sk".to_owned()),
            indexes: BTreeMap::from([("due".to_owned(), "due_pk".to_owned())]),
            ttl: None,
            create_request: Value::Null,
        }]
    }

    fn requests_of(operation: &str, body: &Value) -> Vec<(String, String, Vec<String>)> {
        let demands = dynamodb(operation, body, &tables()).into_iter();
        let strip =
            |resource: &str| resource.rsplit_once(":table/").map_or_else(String::new, |(_, name)| name.to_owned());
        demands
            .map(|request_for| (request_for.action, strip(&request_for.resource), request_for.leading_keys))
            .collect()
    }

    fn expect(action: &str, resource: &str, keys: &[&str]) -> (String, String, Vec<String>) {
        (action.to_owned(), resource.to_owned(), keys.iter().map(|&key| key.to_owned()).collect())
    }

    #[test]
    fn request_for_a_single_item_has_its_partition_key() {
        let key = json!({"TableName": "t", "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}});
        assert_eq!(requests_of("GetItem", &key), [expect("dynamodb:GetItem", "t", &["a"])]);
        let item =
            json!({"TableName": "arn:aws:dynamodb:local:1:table/t", "Item": {"pk": {"S": "a"}, "x": {"N": "1"}}});
        assert_eq!(requests_of("PutItem", &item), [expect("dynamodb:PutItem", "t", &["a"])]);
        assert_eq!(requests_of("Scan", &json!({"TableName": "t"})), [expect("dynamodb:Scan", "t", &[])]);
    }

    #[test]
    fn batch_request_has_every_partition_key() {
        let get = json!({"RequestItems": {"t": {"Keys": [{"pk": {"S": "a"}}, {"pk": {"S": "b"}}]}}});
        assert_eq!(requests_of("BatchGetItem", &get), [expect("dynamodb:BatchGetItem", "t", &["a", "b"])]);
        let write = json!({"RequestItems": {"t": [
            {"PutRequest": {"Item": {"pk": {"S": "a"}}}}, {"DeleteRequest": {"Key": {"pk": {"S": "b"}}}}]}});
        assert_eq!(requests_of("BatchWriteItem", &write), [expect("dynamodb:BatchWriteItem", "t", &["a", "b"])]);
    }

    #[test]
    fn transaction_needs_the_actions_of_its_members() {
        let key = json!({"pk": {"S": "a"}});
        let body = json!({"TransactItems": [
            {"Put": {"TableName": "t", "Item": key}},
            {"Update": {"TableName": "t", "Key": key}},
            {"Delete": {"TableName": "t", "Key": key}},
            {"ConditionCheck": {"TableName": "t", "Key": key}},
        ]});
        let actions = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem"];
        assert_eq!(requests_of("TransactWriteItems", &body), actions.map(|action| expect(action, "t", &["a"])));
        let body = json!({"TransactItems": [{"Get": {"TableName": "t", "Key": key}}]});
        assert_eq!(requests_of("TransactGetItems", &body), [expect("dynamodb:GetItem", "t", &["a"])]);
    }

    #[test]
    fn query_has_the_partition_key_of_its_table_or_index() {
        for condition in
            ["#p = :p AND begins_with(sk, :s)", "begins_with(sk,:s) and (#p=:p)", "sk BETWEEN :s AND :s AND #p= :p"]
        {
            let body = json!({
                "TableName": "t", "KeyConditionExpression": condition, "ExpressionAttributeNames": {"#p": "pk"},
                "ExpressionAttributeValues": {":p": {"S": "a"}, ":s": {"S": "x"}},
            });
            assert_eq!(requests_of("Query", &body), [expect("dynamodb:Query", "t", &["a"])], "{condition}");
        }
        let body = json!({
            "TableName": "t", "IndexName": "due", "KeyConditionExpression": "due_pk = :p AND due_sk <= :s",
            "ExpressionAttributeValues": {":p": {"S": "tokens"}, ":s": {"S": "x"}},
        });
        assert_eq!(requests_of("Query", &body), [expect("dynamodb:Query", "t/index/due", &["tokens"])]);
    }
}
