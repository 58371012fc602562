//! An item that this version cannot read is an error that names it, never a default: the next write would store the
//! default in its place.

use aws_sdk_dynamodb::types::AttributeValue;
use desk::{quota::Ledger, settings::Reception};
use serde_json::{Value, json};
use store::{BindingChange, Kind, StoreError};

use crate::support::{APP_ID, Item, Kit, s, visitor};

fn with(item: &Item, attribute: &str, text: &str) -> Item {
    let mut item = item.clone();
    item.insert(attribute.to_owned(), AttributeValue::S(text.to_owned()));
    item
}

/// Asserts that the error names the item and the attribute.
fn assert_corrupt<T: std::fmt::Debug>(read: &Result<T, StoreError>, kind: &str, attribute: &str) {
    let named = |item: &str, what: &str| (item, what) == (kind, attribute);
    assert!(matches!(read, Err(StoreError::Corrupt { item, what, .. }) if named(item, what)), "{read:?}");
}

#[tokio::test]
async fn author_of_a_later_version_is_an_error() {
    let kit = Kit::start().await;
    let id = kit.pending(&visitor(), "hello").await;
    let item = kit.items_of("outbound").await.remove(0);
    for author in ["{", r#"{"role":"of a later version"}"#, r#"{"name":"Lin"}"#] {
        kit.write(with(&item, "author", author)).await;
        assert_corrupt(&kit.table.threads().message(&visitor(), &id).await, "message", "author");
    }
}

#[tokio::test]
async fn failure_of_a_later_version_is_an_error() {
    let kit = Kit::start().await;
    let id = kit.pending(&visitor(), "hello").await;
    let item = kit.items_of("outbound").await.remove(0);
    kit.write(with(&item, "failure", r#"{"code":7}"#)).await;
    assert_corrupt(&kit.table.threads().message(&visitor(), &id).await, "message", "failure");
}

#[tokio::test]
async fn aliases_of_a_later_version_are_an_error() {
    let kit = Kit::start().await;
    let record = kit.table.settings_writer().new_record_of(Kind::Group, json!({}), vec!["4711".to_owned()]);
    kit.table.settings_writer().create_record(&record, None).await.unwrap();
    let item = kit.items_of("group").await.remove(0);
    kit.write(with(&item, "aliases", r#"[{"alias":"4711"}]"#)).await;
    assert_corrupt(&kit.table.settings().record_of(Kind::Group, &record.id).await, "group", "aliases");
}

#[tokio::test]
async fn credential_problem_of_a_later_version_is_an_error() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    let item = kit.items_of("binding").await.remove(0);
    kit.write(with(&item, "problem", r#"{"reason":"words"}"#)).await;
    assert_corrupt(&kit.table.bindings().binding(APP_ID).await, "binding", "problem");
}

#[tokio::test]
async fn duty_status_of_a_later_version_is_an_error() {
    let kit = Kit::start().await;
    kit.table.settings_writer().set_capacity("a1", "Lin", 3).await.unwrap();
    let item = kit.items_of("duty").await.remove(0);
    kit.write(with(&item, "status", "of a later version")).await;
    assert_corrupt(&kit.table.staff().duty("a1").await, "duty", "status");
}

/// Settings written by a later version.
const RECEPTION: &str = r#"{"mode":"agents_only","lane":"express"}"#;

#[tokio::test]
async fn reception_of_a_later_version_is_an_error_that_names_the_binding() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    let item = with(&kit.items_of("binding").await.remove(0), "reception", RECEPTION);
    kit.write(item).await;
    let binding = kit.table.bindings().binding(APP_ID).await.unwrap().unwrap();
    let read = binding.reception();
    let key = format!("binding#{APP_ID}");
    assert!(matches!(&read, Err(StoreError::Corrupt { key: named, .. }) if *named == key), "{read:?}");
    assert_corrupt(&read, "binding", "reception");
    // Pushes are still received, and other settings can still be changed.
    let change = BindingChange { name: Some("another".to_owned()), ..BindingChange::default() };
    kit.table.binding_writer().change_binding(&kit.vault, &binding, change).await.unwrap();
    assert_eq!(s(&kit.items_of("binding").await.remove(0), "reception"), RECEPTION);
}

#[tokio::test]
async fn reception_stored_as_null_is_the_default() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    kit.write(with(&kit.items_of("binding").await.remove(0), "reception", "null")).await;
    let binding = kit.table.bindings().binding(APP_ID).await.unwrap().unwrap();
    assert_eq!(binding.reception().unwrap(), Reception::default());
}

#[tokio::test]
async fn plan_and_ledger_of_a_later_version_are_errors() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    for (kind, field, value) in
        [("conversation", "plan", json!({ "levels": 7 })), ("visitor", "ledger", json!({ "m": "of a later version" }))]
    {
        let item = kit.items_of(kind).await.remove(0);
        let mut data: Value = serde_json::from_str(&s(&item, "data")).unwrap();
        data[field] = value;
        kit.write(with(&item, "data", &data.to_string())).await;
    }
    assert_corrupt(&kit.table.conversations().conversation(&cid).await, "conversation", "data");
    let read = kit.table.threads().visitor(&visitor()).await;
    let text = read.as_ref().unwrap_err().to_string();
    assert!(text.contains(&visitor().uid()) && !text.contains(&visitor().openid), "{text}");
    assert_corrupt(&read, "visitor", "data");
}

#[tokio::test]
async fn ledger_stored_as_null_is_empty() {
    let kit = Kit::start().await;
    kit.opened(&visitor(), 0, 1).await;
    let item = kit.items_of("visitor").await.remove(0);
    let mut data: Value = serde_json::from_str(&s(&item, "data")).unwrap();
    data["ledger"] = json!(null);
    kit.write(with(&item, "data", &data.to_string())).await;
    assert_eq!(kit.table.threads().visitor(&visitor()).await.unwrap().ledger, Ledger::default());
}
