//! API tokens are stored as hashes and listed without their secrets.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use desk::policy::{AppIds, Grant, Scope};
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::{
    AGENT_TOKENS_MAX, AgentEnd, ApiToken, ExposeSecret, Kind, NewApiToken, Record, StoreError, TOKEN_ALIAS, TokenEnd,
    token_hash,
};

use crate::support::{Fault, Kit};

/// The hash of a bootstrap token that is not retired.
const BOOTSTRAP: &str = "";

#[tokio::test]
async fn token_is_found_by_its_hash_and_its_secret_is_not_stored() {
    let kit = Kit::start().await;
    let (made, secret) = kit.api_token(Grant::Agent, "Lin 林").await;
    let text = secret.expose_secret();
    assert!(text.strip_prefix("kefu_").is_some_and(|random| random.len() == 64), "256 random bits");

    let found = kit.table.token_verifier().api_token(&token_hash(text)).await.unwrap().unwrap();
    assert_eq!((found.id, found.grant, found.name), (made.id, Grant::Agent, "Lin 林".to_owned()));
    assert_eq!((found.created_at, made.created_at), (kit.now(), kit.now()));
    for item in kit.items().await {
        assert!(!format!("{item:?}").contains(&text["kefu_".len()..]));
    }
    assert!(kit.table.token_verifier().api_token(&token_hash("kefu_other")).await.unwrap().is_none());
    assert!(kit.table.token_verifier().api_token(text).await.unwrap().is_none());
}

#[tokio::test]
async fn token_for_an_agent_names_the_agent() {
    let kit = Kit::start().await;
    kit.table.settings_writer().set_capacity("a0123456789ab", "Lin", 5).await.unwrap();
    let new = NewApiToken { agent_id: Some("a0123456789ab".to_owned()), ..NewApiToken::new(Grant::Agent, "Lin") };
    let (made, secret) = kit.table.api_token_writer().create_access_token(new).await.unwrap().unwrap();
    let found = kit.table.token_verifier().api_token(&token_hash(secret.expose_secret())).await.unwrap().unwrap();
    let listed = kit.table.api_token_writer().api_tokens(None, 10).await.unwrap().items.remove(0);
    for token in [made, found, listed] {
        assert_eq!(token.agent_id.as_deref(), Some("a0123456789ab"));
    }
    let (other, secret) = kit.api_token(Grant::Agent, "Chen").await;
    let found = kit.table.token_verifier().api_token(&token_hash(secret.expose_secret())).await.unwrap().unwrap();
    assert_eq!((other.agent_id, found.agent_id), (None, None));
}

#[tokio::test]
async fn token_whose_answer_was_lost_is_valid() {
    let kit = Kit::start().await;
    kit.wire.fail("PutItem", 1, &Fault::LostAnswer);
    let (_, secret) = kit.api_token(Grant::Agent, "Lin").await;
    assert!(kit.table.token_verifier().api_token(&token_hash(secret.expose_secret())).await.unwrap().is_some());
    assert_eq!(kit.items().await.len(), 1);
}

#[tokio::test]
async fn listed_id_does_not_authenticate() {
    let kit = Kit::start().await;
    let (made, secret) = kit.api_token(Grant::Admin, "Chen").await;
    assert!(token_hash(secret.expose_secret()).starts_with(&made.id));
    assert!(kit.table.token_verifier().api_token(&made.id).await.unwrap().is_none());
    let listed = serde_json::to_value(kit.table.api_token_writer().api_tokens(None, 10).await.unwrap()).unwrap();
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
        kit.advance(SignedDuration::from_secs(1));
        ids.push(kit.api_token(Grant::Agent, &format!("agent {number}")).await.0.id);
    }
    ids.sort();
    let mut listed = Vec::new();
    let mut cursor = None;
    loop {
        let page = kit.table.api_token_writer().api_tokens(cursor.as_deref(), 2).await.unwrap();
        listed.extend(page.items.into_iter().map(|token| token.id));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, ids);
}

#[tokio::test]
async fn deleted_token_does_not_authenticate() {
    let kit = Kit::start().await;
    let (first, first_secret) = kit.api_token(Grant::Agent, "first").await;
    let (_, second_secret) = kit.api_token(Grant::Agent, "second").await;
    assert!(kit.delete_api_token(&first.id).await);
    assert!(!kit.delete_api_token(&first.id).await);
    assert!(kit.table.token_verifier().api_token(&token_hash(first_secret.expose_secret())).await.unwrap().is_none());
    assert!(kit.table.token_verifier().api_token(&token_hash(second_secret.expose_secret())).await.unwrap().is_some());
    // A prefix of an id matches no token.
    let (third, _) = kit.api_token(Grant::Agent, "third").await;
    assert!(!kit.delete_api_token(&third.id[..31]).await);
    assert!(!kit.delete_api_token("none").await);
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// Creates an agent with settings, duty and `aliases`.
pub(crate) async fn agent(kit: &Kit, aliases: &[&str]) -> Record<Value> {
    let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
    let record = kit.table.settings_writer().new_record_of(Kind::Agent, json!({ "name": "Lin" }), aliases);
    kit.table.settings_writer().set_capacity(&record.id, "Lin", 5).await.unwrap();
    kit.table.settings_writer().create_record(&record, None).await.unwrap();
    record
}

pub(crate) async fn token(kit: &Kit, grant: Grant, agent: Option<&str>) -> (ApiToken, String) {
    let new = NewApiToken { agent_id: agent.map(ToOwned::to_owned), ..NewApiToken::new(grant, "Lin") };
    let (token, secret) = kit.table.api_token_writer().create_access_token(new).await.unwrap().unwrap();
    (token, token_hash(secret.expose_secret()))
}

#[tokio::test]
async fn limits_of_every_role_are_read_as_they_were_written() {
    let kit = Kit::start().await;
    let named = AppIds::Named(set(&["wx1", "wx2"]));
    for grant in [
        Grant::Admin,
        Grant::Agent,
        Grant::Supervisor { group_ids: set(&[]) },
        Grant::Supervisor { group_ids: set(&["g1", "g2"]) },
        Grant::Integrator { scopes: Scope::ALL.into(), app_ids: AppIds::All },
        Grant::Integrator { scopes: [Scope::Webhooks].into(), app_ids: named },
        Grant::Integrator { scopes: [].into(), app_ids: AppIds::Named(set(&[])) },
    ] {
        let expires_at = Some(kit.now() + SignedDuration::from_hours(1));
        let new = NewApiToken { expires_at, ..NewApiToken::new(grant, "Lin") };
        let (token, secret) = kit.table.api_token_writer().create_access_token(new).await.unwrap().unwrap();
        let found = kit.table.token_verifier().api_token(&token_hash(secret.expose_secret())).await.unwrap();
        assert_eq!(found, Some(token));
    }
}

#[tokio::test]
async fn token_is_expired_from_its_end_on() {
    let kit = Kit::start().await;
    let expires_at = Some(kit.now() + SignedDuration::from_secs(60));
    let new = NewApiToken { expires_at, ..NewApiToken::new(Grant::Agent, "Lin") };
    let (token, _) = kit.table.api_token_writer().create_access_token(new).await.unwrap().unwrap();
    for (seconds, expired) in [(59, false), (60, true), (61, true)] {
        assert_eq!(token.is_expired(kit.now() + SignedDuration::from_secs(seconds)), expired, "{seconds}");
    }
}

#[tokio::test]
async fn last_use_is_written_once_an_hour() {
    let kit = Kit::start().await;
    let (_, hash) = token(&kit, Grant::Agent, None).await;
    let begin = kit.now();
    let use_it = async || {
        let token = kit.table.token_verifier().api_token(&hash).await.unwrap().unwrap();
        kit.table.token_verifier().record_token_use(&token, &hash).await.unwrap();
        let item = kit.items_of("access").await.remove(0);
        item["last_used_at"].as_n().unwrap().parse::<i64>().unwrap() - begin.as_millisecond()
    };
    for (minutes, expected) in [(0, 0), (30, 0), (29, 0), (1, 60), (59, 60), (200, 319)] {
        kit.advance(SignedDuration::from_mins(minutes));
        assert_eq!(use_it().await, expected * 60_000, "{minutes}");
    }
}

#[tokio::test]
async fn use_of_a_deleted_token_writes_nothing() {
    let kit = Kit::start().await;
    let (token, hash) = token(&kit, Grant::Agent, None).await;
    assert!(kit.delete_api_token(&token.id).await);
    kit.table.token_verifier().record_token_use(&token, &hash).await.unwrap();
    assert_eq!(kit.items().await, []);
}

#[tokio::test]
async fn rotated_token_keeps_its_id_and_ends_its_old_secret() {
    let kit = Kit::start().await;
    let agent = agent(&kit, &[]).await;
    let (old, old_hash) = token(&kit, Grant::Supervisor { group_ids: set(&["g1"]) }, Some(&agent.id)).await;
    let (new, secret) = kit.table.api_token_writer().rotate_api_token(&old.id).await.unwrap().unwrap();
    assert_eq!(new, old);
    assert_eq!(kit.table.token_verifier().api_token(&old_hash).await.unwrap(), None);
    let found = kit.table.token_verifier().api_token(&token_hash(secret.expose_secret())).await.unwrap();
    assert_eq!(found, Some(new));
    assert_eq!(kit.table.api_token_writer().api_tokens(None, 10).await.unwrap().items, std::slice::from_ref(&old));
    assert!(kit.table.api_token_writer().rotate_api_token("0000").await.unwrap().is_none());

    // Deleting the agent also ends the rotated token.
    assert_eq!(kit.table.api_token_writer().delete_agent(&agent, BOOTSTRAP).await.unwrap(), AgentEnd::Ended);
    assert_eq!(kit.items().await, []);
}

#[tokio::test]
async fn token_for_an_agent_who_is_not_active_is_not_created() {
    let kit = Kit::start().await;
    let new = NewApiToken { agent_id: Some("a0123456789ab".to_owned()), ..NewApiToken::new(Grant::Agent, "Lin") };
    assert!(kit.table.api_token_writer().create_access_token(new).await.unwrap().is_none());
    assert_eq!(kit.items().await, []);
}

#[tokio::test]
async fn agent_token_whose_answer_was_lost_is_valid() {
    let kit = Kit::start().await;
    let agent = agent(&kit, &[]).await;
    kit.wire.fail("TransactWriteItems", 1, &Fault::LostAnswer);
    let (_, hash) = token(&kit, Grant::Agent, Some(&agent.id)).await;
    assert!(kit.table.token_verifier().api_token(&hash).await.unwrap().is_some());
    assert_eq!(kit.table.api_token_writer().count_agent_tokens(&agent.id).await.unwrap(), 1);
}

#[tokio::test]
async fn deleted_agent_ends_all_tokens_in_one_transaction() {
    let kit = Kit::start().await;
    let (own, own_hash) = token(&kit, Grant::Agent, None).await;
    let agent = agent(&kit, &["lin", &format!("{TOKEN_ALIAS}{}", own.id)]).await;
    let mut hashes = vec![own_hash];
    for _ in 0..AGENT_TOKENS_MAX {
        hashes.push(token(&kit, Grant::Agent, Some(&agent.id)).await.1);
    }
    let (other, other_hash) = token(&kit, Grant::Agent, None).await;
    let before = kit.wire.calls("TransactWriteItems");
    assert_eq!(kit.table.api_token_writer().delete_agent(&agent, BOOTSTRAP).await.unwrap(), AgentEnd::Ended);
    assert_eq!(kit.wire.calls("TransactWriteItems"), before + 1);
    for hash in &hashes {
        assert_eq!(kit.table.token_verifier().api_token(hash).await.unwrap(), None);
    }
    assert_eq!(kit.table.token_verifier().api_token(&other_hash).await.unwrap(), Some(other));
    assert_eq!(kit.items().await.len(), 1);
}

#[tokio::test]
async fn agent_with_conversations_keeps_tokens_and_settings() {
    let kit = Kit::start().await;
    let agent = agent(&kit, &[]).await;
    let (_, hash) = token(&kit, Grant::Agent, Some(&agent.id)).await;
    let key = |name: &str| AttributeValue::S(name.to_owned());
    let load = kit.client.update_item().table_name(&kit.name).key("pk", key(&format!("agent#{}", agent.id)));
    let load =
        load.key("sk", key("duty")).update_expression("SET #load = :one").expression_attribute_names("#load", "load");
    load.expression_attribute_values(":one", AttributeValue::N("1".to_owned())).send().await.unwrap();
    let before = kit.items().await;
    assert_eq!(kit.table.api_token_writer().delete_agent(&agent, BOOTSTRAP).await.unwrap(), AgentEnd::HasConversations);
    let disabled = kit
        .table
        .api_token_writer()
        .disable_agent(&agent, json!({ "disabled": true }), Vec::new(), BOOTSTRAP)
        .await
        .unwrap();
    assert_eq!(disabled.1, AgentEnd::HasConversations);
    assert_eq!(kit.items().await, before);
    assert!(kit.table.token_verifier().api_token(&hash).await.unwrap().is_some());
}

#[tokio::test]
async fn disabled_agent_has_no_tokens_and_no_duty() {
    let kit = Kit::start().await;
    let agent = agent(&kit, &["lin"]).await;
    let (_, hash) = token(&kit, Grant::Agent, Some(&agent.id)).await;
    assert!(kit.table.token_verifier().agent_is_active(&agent.id).await.unwrap());
    let settings = json!({ "name": "Lin", "disabled": true });
    let (record, end) =
        kit.table.api_token_writer().disable_agent(&agent, settings, agent.aliases.clone(), BOOTSTRAP).await.unwrap();
    assert_eq!(end, AgentEnd::Ended);
    let record = record.unwrap();
    assert_eq!(kit.table.token_verifier().api_token(&hash).await.unwrap(), None);
    assert!(!kit.table.token_verifier().agent_is_active(&agent.id).await.unwrap());
    let kept = kit.table.settings().record_of(Kind::Agent, &agent.id).await.unwrap().unwrap();
    assert_eq!((kept.settings, kept.version), (record.settings, record.version));
    // A concurrent change is not overwritten.
    let stale = kit.table.api_token_writer().disable_agent(&agent, json!({}), Vec::new(), BOOTSTRAP).await;
    assert!(matches!(stale, Err(StoreError::Conflict)), "{stale:?}");
}

#[tokio::test]
async fn bootstrap_is_retired_only_while_another_admin_token_is_valid() {
    let kit = Kit::start().await;
    let (hash, other) = (token_hash("bootstrap"), token_hash("another"));
    token(&kit, Grant::Agent, None).await;
    let expires_at = Some(kit.now() + SignedDuration::from_secs(60));
    let new = NewApiToken { expires_at, ..NewApiToken::new(Grant::Admin, "Chen") };
    kit.table.api_token_writer().create_access_token(new).await.unwrap().unwrap();
    kit.advance(SignedDuration::from_secs(60));
    assert!(!kit.table.api_token_writer().retire_bootstrap(&hash).await.unwrap(), "the only admin token has expired");
    assert!(!kit.table.token_verifier().bootstrap_is_retired(&hash).await.unwrap());

    let (first, _) = token(&kit, Grant::Admin, None).await;
    assert!(kit.table.api_token_writer().retire_bootstrap(&hash).await.unwrap());
    assert!(kit.table.token_verifier().bootstrap_is_retired(&hash).await.unwrap());
    assert!(
        !kit.table.token_verifier().bootstrap_is_retired(&other).await.unwrap(),
        "the token of another deployment is not affected"
    );

    // Once the bootstrap token is retired, the last admin token cannot be deleted.
    assert_eq!(kit.table.api_token_writer().delete_access_token(&first.id, &hash).await.unwrap(), TokenEnd::LastAdmin);
    assert_eq!(kit.table.api_token_writer().delete_access_token("0000", &hash).await.unwrap(), TokenEnd::NotFound);
    token(&kit, Grant::Admin, None).await;
    assert_eq!(kit.table.api_token_writer().delete_access_token(&first.id, &hash).await.unwrap(), TokenEnd::Deleted);
}
