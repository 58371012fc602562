//! One valid admin token is left, whatever ends at once.

use desk::policy::Grant;
use serde_json::json;
use store::{AgentEnd, Kind, StoreError, TokenEnd, token_hash};

use crate::access::{agent, token};
use crate::support::Kit;

/// How often each race is run.
const ROUNDS: usize = 10;

fn bootstrap() -> String {
    token_hash("bootstrap")
}

async fn admins(kit: &Kit) -> usize {
    let tokens = kit.table.api_token_writer().api_tokens(None, 100).await.unwrap().items;
    tokens.iter().filter(|token| token.grant == Grant::Admin).count()
}

#[tokio::test]
async fn last_two_admin_tokens_deleted_at_once_leave_one() {
    for _ in 0..ROUNDS {
        let kit = Kit::start().await;
        let ((one, _), (two, _)) = (token(&kit, Grant::Admin, None).await, token(&kit, Grant::Admin, None).await);
        assert!(kit.table.api_token_writer().retire_bootstrap(&bootstrap()).await.unwrap());
        let (hash, writer) = (bootstrap(), kit.table.api_token_writer());
        let (first, second) =
            tokio::join!(writer.delete_access_token(&one.id, &hash), writer.delete_access_token(&two.id, &hash),);
        for end in [&first, &second] {
            let is_known = matches!(end, Ok(TokenEnd::Deleted | TokenEnd::LastAdmin) | Err(StoreError::Conflict));
            assert!(is_known, "{end:?}");
        }
        assert_eq!(admins(&kit).await, 1, "{first:?} {second:?}");
    }
}

#[tokio::test]
async fn bootstrap_is_not_retired_while_the_only_admin_token_is_deleted() {
    for _ in 0..ROUNDS {
        let kit = Kit::start().await;
        let (only, _) = token(&kit, Grant::Admin, None).await;
        let (hash, writer) = (bootstrap(), kit.table.api_token_writer());
        let (deleted, retired) =
            tokio::join!(writer.delete_access_token(&only.id, &hash), writer.retire_bootstrap(&hash));
        let is_retired = kit.table.token_verifier().bootstrap_is_retired(&hash).await.unwrap();
        assert!(!is_retired || admins(&kit).await == 1, "{deleted:?} {retired:?}");
    }
}

#[tokio::test]
async fn agent_with_the_last_admin_token_is_neither_deleted_nor_disabled() {
    let kit = Kit::start().await;
    let lin = agent(&kit, &[]).await;
    token(&kit, Grant::Admin, Some(&lin.id)).await;
    let hash = bootstrap();
    assert!(kit.table.api_token_writer().retire_bootstrap(&hash).await.unwrap());
    let before = kit.items().await;
    assert_eq!(kit.table.api_token_writer().delete_agent(&lin, &hash).await.unwrap(), AgentEnd::LastAdmin);
    let disabled =
        kit.table.api_token_writer().disable_agent(&lin, json!({ "disabled": true }), Vec::new(), &hash).await.unwrap();
    assert_eq!(disabled.1, AgentEnd::LastAdmin);
    assert_eq!(kit.items().await, before);

    token(&kit, Grant::Admin, None).await;
    assert_eq!(kit.table.api_token_writer().delete_agent(&lin, &hash).await.unwrap(), AgentEnd::Ended);
    assert!(kit.table.settings().record_of(Kind::Agent, &lin.id).await.unwrap().is_none());
}

#[tokio::test]
async fn agent_and_admin_token_that_end_at_once_leave_one_admin_token() {
    for _ in 0..ROUNDS {
        let kit = Kit::start().await;
        let lin = agent(&kit, &[]).await;
        token(&kit, Grant::Admin, Some(&lin.id)).await;
        let (other, _) = token(&kit, Grant::Admin, None).await;
        let (hash, writer) = (bootstrap(), kit.table.api_token_writer());
        assert!(kit.table.api_token_writer().retire_bootstrap(&hash).await.unwrap());
        let (agent_end, token_end) =
            tokio::join!(writer.delete_agent(&lin, &hash), writer.delete_access_token(&other.id, &hash));
        assert_eq!(admins(&kit).await, 1, "{agent_end:?} {token_end:?}");
    }
}
