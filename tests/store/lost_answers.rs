//! The SDK repeats a write whose first response was lost. The repeated write finds its own first one, which must
//! not be mistaken for another writer's.

use jiff::SignedDuration;
use store::BindingChange;

use crate::support::{APP_ID, Fault, Kit, backend, secret};

#[tokio::test]
async fn lease_whose_answer_was_lost_is_granted() {
    let kit = Kit::start().await;
    kit.wire.fail("UpdateItem", 1, &Fault::LostAnswer);
    let lease = kit.table.access_tokens().lease_token(APP_ID, 0).await.unwrap();
    assert!(lease.is_some(), "the repeated call is granted the lease");
    assert!(kit.table.access_tokens().lease_token(APP_ID, 0).await.unwrap().is_none(), "a second caller is refused");
}

#[tokio::test]
async fn lease_of_another_function_is_refused_after_a_lost_answer() {
    let kit = Kit::start().await;
    kit.table.access_tokens().lease_token(APP_ID, 0).await.unwrap().unwrap();
    kit.wire.fail("UpdateItem", 1, &Fault::LostAnswer);
    assert!(kit.table.access_tokens().lease_token(APP_ID, 0).await.unwrap().is_none());
}

#[tokio::test]
async fn renewal_whose_answer_was_lost_is_kept() {
    let kit = Kit::start().await;
    let lease = kit.table.access_tokens().lease_token(APP_ID, 0).await.unwrap().unwrap();
    let expires_at = kit.now() + SignedDuration::from_hours(2);
    kit.wire.fail("UpdateItem", 1, &Fault::LostAnswer);
    let renewed = kit.table.access_tokens().renew_token(&kit.vault, &lease, &secret("t"), expires_at, expires_at).await;
    assert_eq!(renewed.unwrap(), 1);
    assert_eq!(kit.table.access_tokens().token(APP_ID).await.unwrap().unwrap().version, 1);
}

#[tokio::test]
async fn change_of_a_binding_whose_answer_was_lost_succeeds() {
    let kit = Kit::start().await;
    let binding = kit.bind(APP_ID).await;
    let change = || BindingChange {
        name: Some("another".to_owned()),
        auto_reply: Some(None),
        token: Some(secret("another")),
        ..BindingChange::default()
    };
    kit.wire.fail("TransactWriteItems", 1, &Fault::LostAnswer);
    let changed = kit.table.binding_writer().change_binding(&kit.vault, &binding, change()).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.version), ("another", 2));
    // The same change from the same version counts as another request, and is a conflict.
    kit.wire.fail("TransactWriteItems", 1, &Fault::LostAnswer);
    let again = kit.table.binding_writer().change_binding(&kit.vault, &binding, change()).await;
    assert!(matches!(again, Err(store::StoreError::Conflict)), "{again:?}");
}

#[tokio::test]
async fn deletion_of_a_binding_whose_answer_was_lost_is_reported_once() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    kit.wire.fail("DeleteItem", 1, &Fault::LostAnswer);
    kit.wire.fail("TransactWriteItems", 1, &Fault::LostAnswer);
    let deleted = kit.table.binding_writer().delete_binding(APP_ID).await.unwrap();
    // DynamoDB recognises the retry by its ClientRequestToken; an emulator that does not finds no binding.
    assert!(deleted || backend::is_external());
    assert!(!kit.table.binding_writer().delete_binding(APP_ID).await.unwrap());
    assert!(kit.items().await.is_empty());
}
