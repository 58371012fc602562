//! The copies of the push credentials, which a new environment of `message-ingress` reads with one query.

use aws_sdk_dynamodb::types::AttributeValue;
use store::{BindingChange, SealedPushCredentials};

use crate::{
    bindings::{binding, change, opened},
    support::{APP_ID, Item, Kit, secret},
};

async fn copies(kit: &Kit) -> Vec<SealedPushCredentials> {
    kit.table.push_credentials().first_push_credentials(10).await.unwrap()
}

/// Token, key and previous key of the copy.
async fn opened_copy(kit: &Kit) -> (String, String, Option<String>) {
    let [copy] = &copies(kit).await[..] else { panic!("one copy") };
    assert_eq!(copy.app_id, APP_ID);
    let previous = match &copy.previous_encoding_aes_key {
        Some(previous) => Some(opened(kit, previous).await),
        None => None,
    };
    (opened(kit, &copy.token).await, opened(kit, &copy.encoding_aes_key).await, previous)
}

/// Token, key and previous key of the binding.
async fn opened_binding(kit: &Kit) -> (String, String, Option<String>) {
    let binding = binding(kit).await;
    let previous = match &binding.previous_encoding_aes_key {
        Some(previous) => Some(opened(kit, previous).await),
        None => None,
    };
    (opened(kit, &binding.token).await, opened(kit, &binding.encoding_aes_key).await, previous)
}

async fn delete(kit: &Kit, item: &Item) {
    let delete = kit.client.delete_item().table_name(&kit.name);
    delete.key("pk", item["pk"].clone()).key("sk", item["sk"].clone()).send().await.unwrap();
}

#[tokio::test]
async fn copy_has_the_credentials_of_the_binding_after_every_change() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    assert_eq!(opened_copy(&kit).await, opened_binding(&kit).await);
    for credentials in [
        BindingChange { token: Some(secret("t2")), ..BindingChange::default() },
        BindingChange { encoding_aes_key: Some(secret("k2")), ..BindingChange::default() },
        BindingChange { name: Some("another".to_owned()), ..BindingChange::default() },
        BindingChange { encoding_aes_key: Some(secret("k3")), token: Some(secret("t3")), ..BindingChange::default() },
    ] {
        change(&kit, credentials).await;
        assert_eq!(opened_copy(&kit).await, opened_binding(&kit).await);
    }
    assert_eq!(opened_copy(&kit).await, ("t3".to_owned(), "k3".to_owned(), Some("k2".to_owned())));
}

#[tokio::test]
async fn copy_holds_nothing_but_push_credentials() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    change(&kit, BindingChange { encoding_aes_key: Some(secret("k2")), ..BindingChange::default() }).await;
    let names: Vec<String> = kit.items_of("callback").await.remove(0).into_keys().collect();
    assert_eq!(
        names,
        ["app_id", "encoding_aes_key", "kind", "pk", "previous_encoding_aes_key", "sk", "token"].map(String::from)
    );
}

#[tokio::test]
async fn copies_are_read_with_one_query_up_to_the_limit() {
    let kit = Kit::start().await;
    for app_id in ["wx3", "wx1", "wx2"] {
        kit.bind(app_id).await;
    }
    let (queries, gets) = (kit.wire.calls("Query"), kit.wire.calls("GetItem"));
    let first = kit.table.push_credentials().first_push_credentials(2).await.unwrap();
    assert_eq!(first.iter().map(|copy| copy.app_id.as_str()).collect::<Vec<_>>(), ["wx1", "wx2"]);
    assert_eq!((kit.wire.calls("Query"), kit.wire.calls("GetItem")), (queries + 1, gets));
}

#[tokio::test]
async fn binding_of_an_earlier_version_has_no_copy_until_it_is_changed() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    delete(&kit, &kit.items_of("callback").await[0]).await;
    assert!(copies(&kit).await.is_empty());
    let direct = kit.table.push_credentials().push_credentials(APP_ID).await.unwrap().unwrap();
    assert_eq!(opened(&kit, &direct.token).await, opened(&kit, &binding(&kit).await.token).await);
    change(&kit, BindingChange::default()).await;
    assert_eq!(opened_copy(&kit).await, opened_binding(&kit).await);
}

#[tokio::test]
async fn refused_change_leaves_the_copy_as_it_is() {
    let kit = Kit::start().await;
    let old = kit.bind(APP_ID).await;
    change(&kit, BindingChange::default()).await;
    let late = BindingChange { token: Some(secret("late")), ..BindingChange::default() };
    assert!(kit.table.binding_writer().change_binding(&kit.vault, &old, late).await.is_err());
    assert_eq!(opened_copy(&kit).await, opened_binding(&kit).await);
}

#[tokio::test]
async fn unreadable_copy_is_left_out() {
    let kit = Kit::start().await;
    kit.bind("wx1").await;
    kit.bind(APP_ID).await;
    let mut copy = kit.items_of("callback").await.remove(1);
    copy.insert("token".to_owned(), AttributeValue::S("of a later version".to_owned()));
    kit.write(copy).await;
    let read = copies(&kit).await;
    assert_eq!(read.iter().map(|copy| copy.app_id.as_str()).collect::<Vec<_>>(), [APP_ID]);
}

#[tokio::test]
async fn deletion_of_a_binding_deletes_its_copy() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    kit.table.binding_writer().delete_binding(APP_ID).await.unwrap();
    assert!(copies(&kit).await.is_empty());
    assert!(kit.table.push_credentials().push_credentials(APP_ID).await.unwrap().is_none());
}
