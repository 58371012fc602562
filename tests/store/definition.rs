//! The table that the tests make is the one that `template.yaml` deploys.

use aws_sdk_dynamodb::types::{KeySchemaElement, KeyType, ProjectionType, StreamViewType, TimeToLiveStatus};
use serde_json::{Value, json};

use crate::support::{Kit, backend};

#[test]
fn template_defines_the_table_and_indexes() {
    let definition = backend::definition();
    let keys = |hash: &str, range: &str| {
        json!([
            { "AttributeName": hash, "KeyType": "HASH" },
            { "AttributeName": range, "KeyType": "RANGE" },
        ])
    };
    let create = &definition.create_request;
    assert_eq!(create["KeySchema"], keys("pk", "sk"));
    let index = |name: &str| {
        let indexes = create["GlobalSecondaryIndexes"].as_array().unwrap();
        indexes.iter().find(|index| index["IndexName"] == name).cloned().unwrap_or_default()
    };
    for (name, schema) in [("lists", keys("lists_pk", "lists_sk")), ("due", keys("due_pk", "due_sk"))] {
        let index = index(name);
        assert_eq!((&index["KeySchema"], &index["Projection"]), (&schema, &json!({ "ProjectionType": "KEYS_ONLY" })));
    }
    assert_eq!(create["GlobalSecondaryIndexes"].as_array().map(Vec::len), Some(2));
    assert_eq!(create["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(create["StreamSpecification"]["StreamViewType"], "NEW_IMAGE");
    assert_eq!(definition.ttl.as_deref(), Some("ttl"));
    let attributes = create["AttributeDefinitions"].as_array().unwrap();
    assert!(attributes.iter().all(|attribute| attribute["AttributeType"] == "S"), "{attributes:?}");
}

#[tokio::test]
async fn database_created_the_table_and_indexes() {
    let kit = Kit::start().await;
    let described = kit.client.describe_table().table_name(&kit.name).send().await.unwrap().table.unwrap();
    let keys = |schema: &[KeySchemaElement]| -> Value {
        let key = |kind| schema.iter().find(|key| key.key_type == kind).map(|key| key.attribute_name.clone());
        json!([key(KeyType::Hash), key(KeyType::Range)])
    };
    assert_eq!(keys(described.key_schema()), json!(["pk", "sk"]));
    let mut indexes: Vec<_> = described
        .global_secondary_indexes()
        .iter()
        .map(|index| {
            let projection = index.projection().and_then(|projection| projection.projection_type());
            assert_eq!(projection, Some(&ProjectionType::KeysOnly));
            (index.index_name().unwrap_or_default(), keys(index.key_schema()))
        })
        .collect();
    indexes.sort_by_key(|(name, _)| *name);
    assert_eq!(indexes, [("due", json!(["due_pk", "due_sk"])), ("lists", json!(["lists_pk", "lists_sk"]))]);
    let stream = described.stream_specification().and_then(|stream| stream.stream_view_type());
    assert_eq!(stream, Some(&StreamViewType::NewImage));
    let ttl = kit.client.describe_time_to_live().table_name(&kit.name).send().await.unwrap();
    let ttl = ttl.time_to_live_description.unwrap();
    assert_eq!(ttl.attribute_name(), Some("ttl"));
    assert_eq!(ttl.time_to_live_status(), Some(&TimeToLiveStatus::Enabled));
}
