//! The tokens of our own API: kept as hashes, listed without their secrets.

use jiff::SignedDuration;
use store::{ExposeSecret, Role, token_hash};

use crate::support::{Fault, Kit};

#[tokio::test]
async fn a_token_is_found_by_its_hash_and_its_secret_is_not_kept() {
    let kit = Kit::start().await;
    let (made, secret) = kit.table.create_api_token(Role::Agent, "Lin 林").await.unwrap();
    let text = secret.expose_secret();
    assert!(text.strip_prefix("kefu_").is_some_and(|random| random.len() == 64), "256 random bits");

    let found = kit.table.api_token(&token_hash(text)).await.unwrap().unwrap();
    assert_eq!((found.id, found.role, found.name), (made.id, Role::Agent, "Lin 林".to_owned()));
    assert_eq!((found.created_at, made.created_at), (kit.now(), kit.now()));
    for item in kit.items().await {
        assert!(!format!("{item:?}").contains(&text["kefu_".len()..]));
    }
    assert!(kit.table.api_token(&token_hash("kefu_other")).await.unwrap().is_none());
    assert!(kit.table.api_token(text).await.unwrap().is_none());
}

#[tokio::test]
async fn a_token_may_stand_for_an_agent() {
    let kit = Kit::start().await;
    let (made, secret) = kit.table.create_agent_token(Role::Agent, "Lin", Some("a0123456789ab")).await.unwrap();
    let found = kit.table.api_token(&token_hash(secret.expose_secret())).await.unwrap().unwrap();
    let listed = kit.table.api_tokens(None, 10).await.unwrap().items.remove(0);
    for token in [made, found, listed] {
        assert_eq!(token.agent_id.as_deref(), Some("a0123456789ab"));
    }
    let (other, secret) = kit.table.create_api_token(Role::Agent, "Chen").await.unwrap();
    let found = kit.table.api_token(&token_hash(secret.expose_secret())).await.unwrap().unwrap();
    assert_eq!((other.agent_id, found.agent_id), (None, None));
}

#[tokio::test]
async fn a_token_whose_answer_was_lost_is_valid() {
    let kit = Kit::start().await;
    kit.wire.fail("PutItem", 1, &Fault::LostAnswer);
    let (_, secret) = kit.table.create_api_token(Role::Agent, "Lin").await.unwrap();
    assert!(kit.table.api_token(&token_hash(secret.expose_secret())).await.unwrap().is_some());
    assert_eq!(kit.items().await.len(), 1);
}

#[tokio::test]
async fn the_id_that_a_list_shows_does_not_let_anybody_in() {
    let kit = Kit::start().await;
    let (made, secret) = kit.table.create_api_token(Role::Admin, "Chen").await.unwrap();
    assert!(token_hash(secret.expose_secret()).starts_with(&made.id));
    assert!(kit.table.api_token(&made.id).await.unwrap().is_none());
    let listed = serde_json::to_value(kit.table.api_tokens(None, 10).await.unwrap()).unwrap();
    assert_eq!(
        listed,
        serde_json::json!({
            "items": [{ "id": made.id, "role": "admin", "name": "Chen", "created_at": "2026-03-01T08:00:00Z" }],
            "cursor": null,
        })
    );
}

#[tokio::test]
async fn tokens_are_listed_by_their_ids_page_by_page() {
    let kit = Kit::start().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        kit.later(SignedDuration::from_secs(1));
        ids.push(kit.table.create_api_token(Role::Agent, &format!("agent {number}")).await.unwrap().0.id);
    }
    ids.sort();
    let mut listed = Vec::new();
    let mut cursor = None;
    loop {
        let page = kit.table.api_tokens(cursor.as_deref(), 2).await.unwrap();
        listed.extend(page.items.into_iter().map(|token| token.id));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, ids);
}

#[tokio::test]
async fn a_deleted_token_lets_nobody_in() {
    let kit = Kit::start().await;
    let (first, first_secret) = kit.table.create_api_token(Role::Agent, "first").await.unwrap();
    let (_, second_secret) = kit.table.create_api_token(Role::Agent, "second").await.unwrap();
    assert!(kit.table.delete_api_token(&first.id).await.unwrap());
    assert!(!kit.table.delete_api_token(&first.id).await.unwrap());
    assert!(kit.table.api_token(&token_hash(first_secret.expose_secret())).await.unwrap().is_none());
    assert!(kit.table.api_token(&token_hash(second_secret.expose_secret())).await.unwrap().is_some());
    // Part of an id names no token.
    let (third, _) = kit.table.create_api_token(Role::Agent, "third").await.unwrap();
    assert!(!kit.table.delete_api_token(&third.id[..31]).await.unwrap());
    assert!(!kit.table.delete_api_token("none").await.unwrap());
}
