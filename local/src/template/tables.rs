//! `AWS::DynamoDB::Table`: the `CreateTable` request, and the keys that permissions refer to.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Result, Template, TemplateError};

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableDefinition {
    /// The name.
    pub name: String,
    /// The attribute that is the partition key.
    pub partition_key: String,
    /// The attribute that is the sort key, if there is one.
    pub sort_key: Option<String>,
    /// The partition key of each index, by the name of the index.
    pub indexes: BTreeMap<String, String>,
    /// The attribute with the time to live.
    pub ttl: Option<String>,
    /// The body of the `CreateTable` request.
    pub create_request: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Index {
    index_name: String,
    key_schema: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    attribute_name: String,
    key_type: String,
}

/// The properties that are members of the `CreateTable` request.
const COPIED: [&str; 4] = ["AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema"];
/// The properties without a local counterpart: deletion protection, backups and capacity.
const IGNORED: [&str; 3] = ["DeletionProtectionEnabled", "PointInTimeRecoverySpecification", "WarmThroughput"];

pub(super) fn read(id: &str, properties: Value, template: &mut Template) -> Result<()> {
    let name = format!("kefu-{id}");
    let Value::Object(properties) = properties else {
        return Err(TemplateError::new("no Properties"));
    };
    let mut create = Map::from_iter([("TableName".to_owned(), json!(name))]);
    let mut ttl = None;
    for (property, value) in &properties {
        match property.as_str() {
            "StreamSpecification" => {
                let mut stream = value.clone();
                stream["StreamEnabled"] = json!(true);
                create.insert(property.clone(), stream);
            }
            "TimeToLiveSpecification" => ttl = value["AttributeName"].as_str().map(str::to_owned),
            copied if COPIED.contains(&copied) => {
                create.insert(property.clone(), value.clone());
            }
            ignored if IGNORED.contains(&ignored) => {}
            _ => return Err(TemplateError::new(format!("{property} has no local counterpart"))),
        }
    }
    let keys: Vec<Key> = parse(&properties, "KeySchema")?;
    let indexes: Vec<Index> = if properties.contains_key("GlobalSecondaryIndexes") {
        parse(&properties, "GlobalSecondaryIndexes")?
    } else {
        Vec::new()
    };
    let indexes = indexes.into_iter().map(|index| Ok((index.index_name, partition_key(index.key_schema)?)));
    let sort_key = keys.iter().find(|key| key.key_type == "RANGE").map(|key| key.attribute_name.clone());
    let table = TableDefinition {
        sort_key,
        partition_key: partition_key(keys)?,
        indexes: indexes.collect::<Result<_>>()?,
        ttl,
        create_request: Value::Object(create),
        name,
    };
    template.tables.insert(id.to_owned(), table);
    Ok(())
}

fn parse<T: for<'de> Deserialize<'de>>(properties: &Map<String, Value>, name: &str) -> Result<T> {
    let value = properties.get(name).cloned().unwrap_or_default();
    serde_json::from_value(value).map_err(|error| TemplateError::new(format!("{name}: {error}")))
}

fn partition_key(keys: Vec<Key>) -> Result<String> {
    let key = keys.into_iter().find(|key| key.key_type == "HASH");
    key.map(|key| key.attribute_name).ok_or_else(|| TemplateError::new("a key schema without a HASH key"))
}
