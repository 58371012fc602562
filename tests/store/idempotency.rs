//! Repeated requests with the same `Idempotency-Key` create one message.

use jiff::SignedDuration;
use store::{CommitOutcome, EarlierRequest, IdempotentRequest, NewOutbound, StoreError};

use crate::support::{
    Decision, Fault, Kit, concurrently, ledger_of, outbound, store_outbound as store_message, visitor,
};

fn idempotent_request(caller: &str, route: &str, key: &str, fingerprint: &str) -> IdempotentRequest {
    IdempotentRequest {
        scope: [caller.to_owned(), route.to_owned(), key.to_owned()],
        fingerprint: fingerprint.to_owned(),
    }
}

async fn store_outbound(kit: &Kit, text: &str, idempotency: &IdempotentRequest) -> (String, EarlierRequest) {
    let new = outbound(&visitor(), &NewOutbound::fresh_id(kit.now()), text);
    (new.id.clone(), kit.store_outbound(&new, Some(idempotency)).await.unwrap())
}

#[tokio::test]
async fn repeated_request_returns_the_first_message() {
    let kit = Kit::start().await;
    let key = idempotent_request("agent", "messages", "k1", "f1");
    let (id, first) = store_outbound(&kit, "hello", &key).await;
    assert_eq!(first, EarlierRequest::None);
    let before = kit.items().await;
    kit.advance(SignedDuration::from_mins(1));
    let (_, second) = store_outbound(&kit, "hello", &key).await;
    assert_eq!(second, EarlierRequest::Found { id });
    assert_eq!(kit.items().await, before);
}

#[tokio::test]
async fn other_content_under_the_same_key_is_refused() {
    let kit = Kit::start().await;
    store_outbound(&kit, "hello", &idempotent_request("agent", "messages", "k1", "f1")).await;
    let before = kit.items().await;
    let (_, other) = store_outbound(&kit, "good bye", &idempotent_request("agent", "messages", "k1", "f2")).await;
    assert_eq!(other, EarlierRequest::KeyReused);
    assert_eq!(kit.items().await, before);
}

#[tokio::test]
async fn key_is_scoped_to_caller_and_route() {
    let kit = Kit::start().await;
    let scopes = [
        ("agent", "messages", "k1"),
        ("agent", "messages", "k2"),
        ("agent", "cards", "k1"),
        ("admin", "messages", "k1"),
        // The same letters, split differently.
        ("agentm", "essages", "k1"),
        ("agent", "messagesk", "1"),
    ];
    for (caller, route, key) in scopes {
        let (_, put) = store_outbound(&kit, "hello", &idempotent_request(caller, route, key, "f1")).await;
        assert_eq!(put, EarlierRequest::None, "{caller} {route} {key}");
    }
    assert_eq!(kit.thread(&visitor()).await.len(), scopes.len());
}

#[tokio::test]
async fn key_expires_after_a_day() {
    let kit = Kit::start().await;
    let key = idempotent_request("agent", "messages", "k1", "f1");
    let (id, _) = store_outbound(&kit, "hello", &key).await;
    kit.advance(SignedDuration::from_hours(24) - SignedDuration::from_millis(1));
    assert_eq!(store_outbound(&kit, "hello", &key).await.1, EarlierRequest::Found { id });
    kit.advance(SignedDuration::from_millis(1));
    // The record still exists: TTL deletes late.
    assert_eq!(kit.items_of("idempotency").await.len(), 1);
    let (id, again) = store_outbound(&kit, "another day", &idempotent_request("agent", "messages", "k1", "f2")).await;
    assert_eq!(again, EarlierRequest::None);
    // From now on the key belongs to the new request.
    kit.advance(SignedDuration::from_hours(1));
    assert_eq!(
        store_outbound(&kit, "another day", &idempotent_request("agent", "messages", "k1", "f2")).await.1,
        EarlierRequest::Found { id }
    );
}

#[tokio::test]
async fn idempotency_record_has_a_ttl() {
    let kit = Kit::start().await;
    store_outbound(&kit, "hello", &idempotent_request("agent", "messages", "k1", "f1")).await;
    let record = kit.items_of("idempotency").await.remove(0);
    let end = (kit.now() + SignedDuration::from_hours(24)).as_second();
    assert_eq!(record["ttl"].as_n().unwrap(), &end.to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_twenty_concurrent_requests_creates_the_message() {
    let kit = Kit::start().await;
    for round in 0..5 {
        let key = idempotent_request("agent", "messages", &format!("k{round}"), "f1");
        let at = kit.now();
        let put = concurrently(20, |_| {
            let (table, key) = (kit.table.clone(), key.clone());
            async move {
                let new = outbound(&visitor(), &NewOutbound::fresh_id(at), "hello");
                (new.id.clone(), store_message(&table, &new, Some(&key)).await.unwrap())
            }
        });
        let put = put.await;
        let made: Vec<_> =
            put.iter().filter(|(_, put)| *put == EarlierRequest::None).map(|(id, _)| id.clone()).collect();
        let [made] = &made[..] else { panic!("round {round}: {put:?}") };
        let before = EarlierRequest::Found { id: made.clone() };
        assert_eq!(put.iter().filter(|(_, put)| *put == before).count(), 19, "round {round}");
    }
    assert_eq!(kit.thread(&visitor()).await.len(), 5);
}

#[tokio::test]
async fn lost_answer_writes_the_message_once() {
    let kit = Kit::start().await;
    kit.wire.fail("TransactWriteItems", 1, &Fault::LostAnswer);
    // The stored message is this request's own: it is sent, not reported as an earlier one.
    let (_, put) = store_outbound(&kit, "hello", &idempotent_request("agent", "messages", "k1", "f1")).await;
    assert_eq!(put, EarlierRequest::None);
    assert_eq!(kit.thread(&visitor()).await.len(), 1);
}

#[tokio::test]
async fn existing_message_id_writes_no_idempotency_record() {
    let kit = Kit::start().await;
    let new = outbound(&visitor(), "1772352000-r1", "hello");
    let key = idempotent_request("agent", "messages", "k1", "f1");
    kit.store_outbound(&new, Some(&key)).await.unwrap();
    let before = kit.items().await;

    let elsewhere = kit.store_outbound(&new, Some(&idempotent_request("agent", "messages", "k2", "f1"))).await;
    assert!(matches!(elsewhere, Err(StoreError::Conflict)), "{elsewhere:?}");
    kit.advance(SignedDuration::from_hours(25));
    // The key's record has expired and must not be mistaken for this request's.
    let other = outbound(&visitor(), "1772352000-r1", "good bye");
    let after = kit.store_outbound(&other, Some(&idempotent_request("agent", "messages", "k1", "f2"))).await;
    assert!(matches!(after, Err(StoreError::Conflict)), "{after:?}");
    assert_eq!(kit.items().await, before);
}

#[tokio::test]
async fn used_key_stops_the_whole_decision() {
    let kit = Kit::start().await;
    let key = idempotent_request("agent", "messages", "k1", "f1");
    store_outbound(&kit, "hello", &key).await;
    let mut decision = Decision::of(&kit.table, &visitor()).await.says(outbound(&visitor(), "1772352000-r1", "again"));
    decision.visitor.ledger = ledger_of(4);
    decision.idempotency = Some(key.clone());
    kit.refused(&decision, &CommitOutcome::DuplicateRequest).await;
    // The used key takes precedence over other conflicts, so that the caller learns the first request's result.
    let other = outbound(&visitor(), "1772352000-r1", "in the way");
    kit.store_outbound(&other, None).await.unwrap();
    kit.refused(&decision, &CommitOutcome::DuplicateRequest).await;
}

#[tokio::test]
async fn key_of_a_decision_without_sends_is_stored() {
    let kit = Kit::start().await;
    let mut decision = Decision::of(&kit.table, &visitor()).await;
    decision.idempotency = Some(idempotent_request("agent", "close", "k1", "f1"));
    assert_eq!(decision.write(&kit.table).await.unwrap(), CommitOutcome::Written(None));
    kit.refused(&decision, &CommitOutcome::DuplicateRequest).await;
}
