//! Only one function at a time renews an access token, and the newest token is used.

use jiff::{SignedDuration, Timestamp};
use store::{ExposeSecret, LEASE, Lease, StoreError, StoredToken};

use crate::support::{APP_ID, Kit, concurrently, secret};

const A_MILLISECOND: SignedDuration = SignedDuration::from_millis(1);
const TWO_HOURS: SignedDuration = SignedDuration::from_hours(2);

async fn lease(kit: &Kit, app_id: &str, version: u64) -> Option<Lease> {
    kit.table.access_tokens().lease_token(app_id, version).await.unwrap()
}

async fn renew(kit: &Kit, lease: &Lease, value: &str) -> Result<u64, StoreError> {
    let expires_at = kit.now() + TWO_HOURS;
    let renew_at = expires_at - SignedDuration::from_mins(5);
    kit.table.access_tokens().renew_token(&kit.vault, lease, &secret(value), expires_at, renew_at).await
}

/// Binds a mini program and renews its token this many times.
async fn renewed(kit: &Kit, app_id: &str, times: u64) {
    for version in 0..times {
        let lease = lease(kit, app_id, version).await.unwrap();
        renew(kit, &lease, &format!("token {}", version + 1)).await.unwrap();
    }
}

async fn stored_token(kit: &Kit, app_id: &str) -> StoredToken {
    kit.table.access_tokens().token(app_id).await.unwrap().unwrap()
}

async fn value(kit: &Kit, token: &StoredToken) -> Option<String> {
    match &token.value {
        Some(sealed) => Some(kit.vault.open(sealed).await.unwrap().expose_secret().to_owned()),
        None => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_fifty_concurrent_leases_is_granted() {
    let kit = Kit::start().await;
    for version in 0..5 {
        let leases = concurrently(50, |_| {
            let table = kit.table.clone();
            async move { table.access_tokens().lease_token(APP_ID, version).await.unwrap() }
        });
        let held: Vec<Lease> = leases.await.into_iter().flatten().collect();
        let [held] = &held[..] else { panic!("{} leases", held.len()) };
        assert_eq!((held.version, held.app_id.as_str()), (version, APP_ID));
        assert_eq!(renew(&kit, held, "token").await.unwrap(), version + 1);
    }
}

#[tokio::test]
async fn first_renewal_needs_a_lease() {
    let kit = Kit::start().await;
    assert!(kit.table.access_tokens().token(APP_ID).await.unwrap().is_none());
    let first = lease(&kit, APP_ID, 0).await.unwrap();
    let nothing_yet = stored_token(&kit, APP_ID).await;
    assert!(nothing_yet.value.is_none());
    assert_eq!((nothing_yet.version, nothing_yet.failures), (0, 0));
    assert_eq!(nothing_yet.lease_until, Some(kit.now() + LEASE));

    assert_eq!(renew(&kit, &first, "token 1").await.unwrap(), 1);
    let token = stored_token(&kit, APP_ID).await;
    assert_eq!(value(&kit, &token).await.as_deref(), Some("token 1"));
    assert_eq!(token.expires_at, kit.now() + TWO_HOURS);
    assert_eq!((token.version, token.failures, token.retry_at, token.lease_until), (1, 0, None, None));
}

#[tokio::test]
async fn lease_expires() {
    let kit = Kit::start().await;
    lease(&kit, APP_ID, 0).await.unwrap();
    kit.advance(LEASE - A_MILLISECOND);
    assert!(lease(&kit, APP_ID, 0).await.is_none());
    kit.advance(A_MILLISECOND);
    assert!(lease(&kit, APP_ID, 0).await.is_some());
}

#[tokio::test]
async fn writes_under_a_lost_lease_change_nothing() {
    let kit = Kit::start().await;
    let slow = lease(&kit, APP_ID, 0).await.unwrap();
    kit.advance(LEASE);
    let quick = lease(&kit, APP_ID, 0).await.unwrap();

    let before = kit.items().await;
    assert!(matches!(renew(&kit, &slow, "token of the slow").await, Err(StoreError::Conflict)));
    kit.table.access_tokens().token_failed(&slow, kit.now() + LEASE, true).await.unwrap();
    assert_eq!(kit.items().await, before);

    renew(&kit, &quick, "token of the quick").await.unwrap();
    assert!(matches!(renew(&kit, &slow, "token of the slow").await, Err(StoreError::Conflict)));
    let token = stored_token(&kit, APP_ID).await;
    assert_eq!((value(&kit, &token).await.as_deref(), token.version), (Some("token of the quick"), 1));
}

#[tokio::test]
async fn lease_at_another_version_is_refused() {
    let kit = Kit::start().await;
    renewed(&kit, APP_ID, 2).await;
    for stale in [0, 1, 3] {
        assert!(lease(&kit, APP_ID, stale).await.is_none(), "at version {stale}");
    }
    let held = lease(&kit, APP_ID, 2).await.unwrap();
    assert_eq!((held.version, held.failures), (2, 0));
    // The old token can be read during the renewal.
    assert_eq!(value(&kit, &stored_token(&kit, APP_ID).await).await.as_deref(), Some("token 2"));
}

#[tokio::test]
async fn passing_failure_keeps_the_token_and_is_counted() {
    let kit = Kit::start().await;
    renewed(&kit, APP_ID, 1).await;
    for failures in 1..=3 {
        let held = lease(&kit, APP_ID, 1).await.unwrap();
        assert_eq!(held.failures, failures - 1);
        kit.table.access_tokens().token_failed(&held, kit.now() + SignedDuration::from_secs(15), false).await.unwrap();
        let token = stored_token(&kit, APP_ID).await;
        assert_eq!((token.failures, token.retry_at, token.lease_until), (failures, None, None));
        assert_eq!(value(&kit, &token).await.as_deref(), Some("token 1"));
        // The schedule retries at the given time.
        assert!(kit.table.token_schedule().due_tokens(10).await.unwrap().is_empty());
        kit.advance(SignedDuration::from_secs(15));
        assert_eq!(kit.table.token_schedule().due_tokens(10).await.unwrap(), [APP_ID]);
    }
    let held = lease(&kit, APP_ID, 1).await.unwrap();
    renew(&kit, &held, "token 2").await.unwrap();
    assert_eq!(stored_token(&kit, APP_ID).await.failures, 0);
    assert!(kit.table.token_schedule().due_tokens(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn refused_credentials_hold_readers_until_the_retry() {
    let kit = Kit::start().await;
    let held = lease(&kit, APP_ID, 0).await.unwrap();
    let again = kit.now() + SignedDuration::from_mins(8);
    kit.table.access_tokens().token_failed(&held, again, true).await.unwrap();
    let token = stored_token(&kit, APP_ID).await;
    assert_eq!((token.failures, token.retry_at, token.lease_until), (1, Some(again), None));
    // A later temporary failure does not unblock the readers.
    let held = lease(&kit, APP_ID, 0).await.unwrap();
    kit.table.access_tokens().token_failed(&held, again, false).await.unwrap();
    assert_eq!(stored_token(&kit, APP_ID).await.retry_at, Some(again));

    let held = lease(&kit, APP_ID, 0).await.unwrap();
    renew(&kit, &held, "token 1").await.unwrap();
    let token = stored_token(&kit, APP_ID).await;
    assert_eq!((token.failures, token.retry_at), (0, None));
}

#[tokio::test]
async fn due_tokens_are_sorted_by_due_time() {
    let kit = Kit::start().await;
    let app_ids = ["wx3", "wx1", "wx2"];
    for (number, app_id) in app_ids.iter().enumerate() {
        let held = lease(&kit, app_id, 0).await.unwrap();
        let renew_at = kit.now() + SignedDuration::from_mins(10 + i64::try_from(number).unwrap());
        let expires_at = kit.now() + TWO_HOURS;
        kit.table.access_tokens().renew_token(&kit.vault, &held, &secret("token"), expires_at, renew_at).await.unwrap();
    }
    kit.advance(SignedDuration::from_mins(10) - A_MILLISECOND);
    assert!(kit.table.token_schedule().due_tokens(10).await.unwrap().is_empty());
    kit.advance(A_MILLISECOND);
    assert_eq!(kit.table.token_schedule().due_tokens(10).await.unwrap(), ["wx3"]);
    kit.advance(SignedDuration::from_mins(2));
    assert_eq!(kit.table.token_schedule().due_tokens(10).await.unwrap(), app_ids);
    assert_eq!(kit.table.token_schedule().due_tokens(2).await.unwrap(), ["wx3", "wx1"]);
}

#[tokio::test]
async fn token_of_a_deleted_binding_is_unscheduled() {
    let kit = Kit::start().await;
    renewed(&kit, APP_ID, 1).await;
    kit.advance(TWO_HOURS);
    let held = lease(&kit, APP_ID, 1).await.unwrap();
    assert_eq!(kit.table.token_schedule().due_tokens(10).await.unwrap(), [APP_ID]);
    kit.table.access_tokens().unschedule_token(APP_ID).await.unwrap();
    assert!(kit.table.token_schedule().due_tokens(10).await.unwrap().is_empty());
    assert!(matches!(renew(&kit, &held, "late").await, Err(StoreError::Conflict)));
    kit.table.access_tokens().token_failed(&held, kit.now(), false).await.unwrap();
    assert!(kit.table.token_schedule().due_tokens(10).await.unwrap().is_empty());
    // A missing token is not created.
    kit.table.access_tokens().unschedule_token("wx2").await.unwrap();
    assert!(kit.table.access_tokens().token("wx2").await.unwrap().is_none());
}

#[tokio::test]
async fn reset_token_can_be_renewed_at_once() {
    let kit = Kit::start().await;
    renewed(&kit, APP_ID, 1).await;
    let refused = lease(&kit, APP_ID, 1).await.unwrap();
    kit.table.access_tokens().token_failed(&refused, kit.now() + SignedDuration::from_hours(1), true).await.unwrap();
    let under_way = lease(&kit, APP_ID, 1).await.unwrap();

    kit.table.access_tokens().reset_token(APP_ID).await.unwrap();
    let token = stored_token(&kit, APP_ID).await;
    assert!(token.value.is_none());
    assert_eq!((token.version, token.failures, token.retry_at), (1, 0, None));
    assert_eq!(kit.table.token_schedule().due_tokens(10).await.unwrap(), [APP_ID]);
    let held = lease(&kit, APP_ID, 1).await;
    assert!(held.is_some(), "the running renewal uses the old credentials");
    // A refusal of the old credentials does not apply to the new ones.
    kit.table.access_tokens().token_failed(&under_way, kit.now() + SignedDuration::from_hours(1), true).await.unwrap();
    assert_eq!(stored_token(&kit, APP_ID).await.retry_at, None);

    kit.table.access_tokens().reset_token("wx2").await.unwrap();
    assert!(kit.table.access_tokens().token("wx2").await.unwrap().is_none());
}

#[tokio::test]
async fn renewal_after_deletion_of_the_binding_writes_nothing() {
    let kit = Kit::start().await;
    kit.bind(APP_ID).await;
    let held = lease(&kit, APP_ID, 0).await.unwrap();
    assert!(kit.table.binding_writer().delete_binding(APP_ID).await.unwrap());
    assert!(matches!(renew(&kit, &held, "late").await, Err(StoreError::Conflict)));
    kit.table.access_tokens().token_failed(&held, kit.now(), true).await.unwrap();
    assert!(kit.items().await.is_empty());
}

#[tokio::test]
async fn tokens_of_mini_programs_are_separate() {
    let kit = Kit::start().await;
    renewed(&kit, "wx1", 1).await;
    assert!(kit.table.access_tokens().token("wx2").await.unwrap().is_none());
    assert!(lease(&kit, "wx2", 0).await.is_some());
    assert_eq!(stored_token(&kit, "wx1").await.lease_until, None::<Timestamp>);
}
