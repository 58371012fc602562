//! Aliases of groups, agents, merchants and robots, which keep another vendor's ids valid.

use serde_json::{Value, json};
use store::{Kind, Record, StoreError, Written};

use crate::support::{Kit, concurrently};

fn new(kit: &Kit, kind: Kind, aliases: &[&str]) -> Record<Value> {
    kit.table.settings_writer().new_record_of(
        kind,
        json!({}),
        aliases.iter().map(|alias| (*alias).to_owned()).collect(),
    )
}

async fn made(kit: &Kit, kind: Kind, aliases: &[&str]) -> Record<Value> {
    let record = new(kit, kind, aliases);
    assert_eq!(kit.table.settings_writer().create_record(&record, None).await.unwrap(), Written::Now);
    record
}

async fn changed(kit: &Kit, seen: &Record<Value>, aliases: &[&str]) -> (Record<Value>, Written) {
    let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
    kit.table.settings_writer().change_record(seen, json!({}), aliases, None).await.unwrap()
}

async fn resolved(kit: &Kit, named: &str) -> Option<String> {
    kit.table.settings().resolve(Kind::Group, named).await.unwrap()
}

#[tokio::test]
async fn id_and_every_alias_resolve_to_the_record() {
    let kit = Kit::start().await;
    let group = made(&kit, Kind::Group, &["4711", "售后#组", "a|b"]).await;
    for named in [group.id.as_str(), "4711", "售后#组", "a|b"] {
        assert_eq!(resolved(&kit, named).await.as_ref(), Some(&group.id), "{named}");
    }
    for named in ["", "47", "47110", "售后", "4711 ", "g0123456789ab"] {
        assert_eq!(resolved(&kit, named).await, None, "{named}");
    }
}

#[tokio::test]
async fn name_longer_than_any_alias_resolves_to_nothing() {
    let kit = Kit::start().await;
    let longest = "组".repeat(100);
    let group = made(&kit, Kind::Group, &[&longest]).await;
    assert_eq!(resolved(&kit, &longest).await, Some(group.id));
    // A mini program sends up to 1000 characters, which exceeds DynamoDB's limit for a key.
    for named in ["组".repeat(1000), "x".repeat(2049), "x".repeat(100_000)] {
        assert_eq!(resolved(&kit, &named).await, None);
    }
}

#[tokio::test]
async fn alias_of_another_record_of_the_kind_is_refused() {
    let kit = Kit::start().await;
    let first = made(&kit, Kind::Group, &["4711"]).await;
    let agent = made(&kit, Kind::Agent, &["4711"]).await;
    assert_eq!(kit.table.settings().resolve(Kind::Agent, "4711").await.unwrap(), Some(agent.id));
    let before = kit.items().await;
    let second = new(&kit, Kind::Group, &["4712", "4711"]);
    assert_eq!(kit.table.settings_writer().create_record(&second, None).await.unwrap(), Written::AliasTaken);
    assert_eq!(kit.items().await, before, "the refused change writes nothing");

    let second = made(&kit, Kind::Group, &["4712"]).await;
    let before = kit.items().await;
    assert_eq!(changed(&kit, &second, &["4712", "4711"]).await.1, Written::AliasTaken);
    assert_eq!(kit.items().await, before);
    assert_eq!(resolved(&kit, "4711").await, Some(first.id));
}

#[tokio::test]
async fn change_frees_removed_aliases_and_keeps_the_others() {
    let kit = Kit::start().await;
    let seen = made(&kit, Kind::Group, &["one", "two"]).await;
    let (seen, written) = changed(&kit, &seen, &["two", "three"]).await;
    assert_eq!(written, Written::Now);
    assert_eq!(resolved(&kit, "one").await, None);
    for named in ["two", "three"] {
        assert_eq!(resolved(&kit, named).await.as_ref(), Some(&seen.id), "{named}");
    }
    let other = made(&kit, Kind::Group, &["one"]).await;
    assert_eq!(resolved(&kit, "one").await, Some(other.id));
    let (seen, _) = changed(&kit, &seen, &[]).await;
    assert_eq!((resolved(&kit, "two").await, resolved(&kit, &seen.id).await.as_ref()), (None, Some(&seen.id)));
    assert_eq!(kit.items_of("alias").await.len(), 1);
}

#[tokio::test]
async fn deletion_frees_all_aliases() {
    let kit = Kit::start().await;
    let seen = made(&kit, Kind::Group, &["one", "two"]).await;
    kit.table.settings_writer().delete_record(&seen).await.unwrap();
    assert!(kit.items().await.is_empty());
    let next = made(&kit, Kind::Group, &["two", "one"]).await;
    assert_eq!(resolved(&kit, "one").await, Some(next.id));
    assert_eq!(resolved(&kit, &seen.id).await, None);
}

#[tokio::test]
async fn stale_change_frees_no_alias() {
    let kit = Kit::start().await;
    let old = made(&kit, Kind::Group, &["one"]).await;
    let (_, written) = changed(&kit, &old, &["one", "two"]).await;
    assert_eq!(written, Written::Now);
    let before = kit.items().await;
    let late = kit.table.settings_writer().change_record(&old, json!({}), Vec::new(), None).await;
    assert!(matches!(late, Err(StoreError::Conflict)));
    assert!(matches!(kit.table.settings_writer().delete_record(&old).await, Err(StoreError::Conflict)));
    assert_eq!(kit.items().await, before);
}

#[tokio::test]
async fn id_resolves_before_an_alias_of_the_same_form() {
    let kit = Kit::start().await;
    let first = made(&kit, Kind::Group, &[]).await;
    let second = made(&kit, Kind::Group, &[&first.id, "g0123456789ab"]).await;
    assert_eq!(resolved(&kit, &first.id).await, Some(first.id.clone()));
    assert_eq!(resolved(&kit, "g0123456789ab").await.as_ref(), Some(&second.id));
    kit.table.settings_writer().delete_record(&first).await.unwrap();
    assert_eq!(resolved(&kit, &first.id).await, Some(second.id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_ten_concurrent_records_gets_the_alias() {
    let kit = Kit::start().await;
    let records: Vec<_> = (0..10).map(|_| new(&kit, Kind::Merchant, &["m-1"])).collect();
    let written = concurrently(10, |number| {
        let (table, record) = (kit.table.clone(), records[number].clone());
        async move { table.settings_writer().create_record(&record, None).await.unwrap() }
    });
    let written = written.await;
    let won = written.iter().position(|written| *written == Written::Now).unwrap();
    assert_eq!(written.iter().filter(|written| **written == Written::AliasTaken).count(), 9);
    assert_eq!(kit.items_of("merchant").await.len(), 1);
    assert_eq!(kit.table.settings().resolve(Kind::Merchant, "m-1").await.unwrap().as_ref(), Some(&records[won].id));
}
