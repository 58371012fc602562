//! Each message is sent once, and its outcome is stored.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use serde_json::json;
use store::{
    Claim, Claimed, Message, MessageState, PENDING_GRACE, SENDING_LEASE, Settled, Settlement, StoreError, Thread,
};

use crate::support::{Fault, Kit, concurrently, failure, s, visitor};

const A_MILLISECOND: SignedDuration = SignedDuration::from_millis(1);

async fn claimed(kit: &Kit, thread: &Thread, id: &str) -> Claim {
    match kit.table.sends().claim(thread, id).await.unwrap() {
        Claimed::Ours(claim) => *claim,
        other => panic!("not ours: {other:?}"),
    }
}

async fn refused(kit: &Kit, thread: &Thread, id: &str) -> Message {
    match kit.table.sends().claim(thread, id).await.unwrap() {
        Claimed::Not(message) => *message,
        other => panic!("not refused: {other:?}"),
    }
}

/// Stores the outcome of a send. The tests of `settlement` cover its effect on the visitor.
async fn settle(kit: &Kit, claim: &Claim, settled: &Settled, parts: u32) -> Message {
    match kit.table.sends().settle(claim, settled, parts, None).await.unwrap() {
        Settlement::Kept(message) => *message,
        other => panic!("not kept: {other:?}"),
    }
}

/// Asserts that a claim has ended: it can neither settle nor record progress.
async fn is_over(kit: &Kit, claim: &Claim) {
    let settled = kit.table.sends().settle(claim, &Settled::Sent, 9, None).await.unwrap();
    assert!(matches!(settled, Settlement::TooLate), "{settled:?}");
    assert!(matches!(kit.table.sends().progress(claim, 9).await, Err(StoreError::Conflict)));
}

/// Gives up a send in progress; `true` if that succeeded.
async fn given_up(kit: &Kit, message: &Message) -> bool {
    match kit.table.sends().give_up(message, &failure("gone"), None).await.unwrap() {
        Settlement::Kept(_) => true,
        Settlement::TooLate => false,
        other @ Settlement::VisitorChanged => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_fifty_concurrent_claims_succeeds() {
    let kit = Kit::start().await;
    for round in 0..5 {
        let id = kit.pending(&visitor(), "hello").await;
        let claims = concurrently(50, |_| {
            let (table, id) = (kit.table.clone(), id.clone());
            async move { table.sends().claim(&visitor(), &id).await.unwrap() }
        });
        let mut ours = 0;
        for claim in claims.await {
            match claim {
                Claimed::Ours(claim) => {
                    ours += 1;
                    assert_eq!((claim.message.state, claim.message.attempts), (MessageState::Sending, 1));
                }
                Claimed::Not(message) => assert_eq!((message.state, message.attempts), (MessageState::Sending, 1)),
                Claimed::Missing => panic!("missing"),
            }
        }
        assert_eq!(ours, 1, "round {round}");
    }
}

#[tokio::test]
async fn claim_of_a_missing_message_is_missing() {
    let kit = Kit::start().await;
    assert!(matches!(kit.table.sends().claim(&visitor(), "1772352000-r1").await.unwrap(), Claimed::Missing));
    assert!(kit.items().await.is_empty());
}

#[tokio::test]
async fn claim_of_an_inbound_message_is_refused() {
    let kit = Kit::start().await;
    let inbound = kit.receive_text(&visitor(), 0, 1).await;
    assert_eq!(refused(&kit, &visitor(), &inbound.id).await.state, MessageState::Received);
}

#[tokio::test]
async fn claim_whose_answer_was_lost_is_granted() {
    let kit = Kit::start().await;
    let id = kit.pending(&visitor(), "hello").await;
    kit.wire.fail("UpdateItem", 1, &Fault::LostAnswer);
    let claim = claimed(&kit, &visitor(), &id).await;
    assert_eq!((claim.message.state, claim.message.attempts), (MessageState::Sending, 1));
    assert_eq!(settle(&kit, &claim, &Settled::Sent, 1).await.state, MessageState::Sent);
}

#[tokio::test]
async fn outcome_of_a_send_is_stored() {
    let kit = Kit::start().await;
    let ends = [
        (Settled::Sent, MessageState::Sent, None, 2),
        (Settled::Failed(failure("wechat.window")), MessageState::Failed, Some(failure("wechat.window")), 1),
        (Settled::Unknown(failure("wechat.timeout")), MessageState::Unknown, Some(failure("wechat.timeout")), 0),
    ];
    for (settled, state, failure, parts) in ends {
        let id = kit.pending(&visitor(), "hello").await;
        let claim = claimed(&kit, &visitor(), &id).await;
        let told = settle(&kit, &claim, &settled, parts).await;
        let kept = kit.message(&visitor(), &id).await;
        for message in [told, kept] {
            assert_eq!((message.state, message.parts_sent, &message.failure), (state, parts, &failure));
        }
        // A settled send is not sent again, and its outcome does not change.
        assert_eq!(refused(&kit, &visitor(), &id).await.state, state);
        is_over(&kit, &claim).await;
        kit.advance(SignedDuration::from_hours(1));
        assert!(!given_up(&kit, &claim.message).await);
        assert!(kit.overdue().await.is_empty());
        let kept = kit.message(&visitor(), &id).await;
        assert_eq!((kept.state, kept.parts_sent, kept.failure), (state, parts, failure));
    }
}

#[tokio::test]
async fn unsent_message_is_due_at_its_retry_time() {
    let kit = Kit::start().await;
    let id = kit.pending(&visitor(), "hello").await;
    let first = claimed(&kit, &visitor(), &id).await;
    let again = kit.now() + SignedDuration::from_mins(2);
    let waiting = settle(&kit, &first, &Settled::Later(again, failure("wechat.busy")), 1).await;
    assert_eq!((waiting.state, waiting.parts_sent), (MessageState::Pending, 1));
    assert_eq!(waiting.failure, Some(failure("wechat.busy")));

    kit.advance(SignedDuration::from_mins(2) - A_MILLISECOND);
    assert!(kit.overdue().await.is_empty());
    kit.advance(A_MILLISECOND);
    assert_eq!(kit.overdue().await, [id.as_str()]);
    // Only a send in progress can be given up.
    assert!(!given_up(&kit, &waiting).await);

    let second = claimed(&kit, &visitor(), &id).await;
    assert_eq!((second.message.attempts, second.message.parts_sent), (2, 1));
    // The first claim has ended.
    is_over(&kit, &first).await;
    let sent = settle(&kit, &second, &Settled::Sent, 2).await;
    assert_eq!((sent.state, sent.parts_sent, sent.failure), (MessageState::Sent, 2, None));
}

#[tokio::test]
async fn pending_message_is_due_after_the_grace() {
    let kit = Kit::start().await;
    let id = kit.pending(&visitor(), "hello").await;
    kit.advance(PENDING_GRACE - A_MILLISECOND);
    assert!(kit.overdue().await.is_empty());
    kit.advance(A_MILLISECOND);
    assert_eq!(kit.overdue().await, [id.as_str()]);
    let Claimed::Ours(_) = kit.table.sends().claim_due(&visitor(), &id).await.unwrap() else { panic!("not ours") };
    assert!(kit.overdue().await.is_empty());
}

#[tokio::test]
async fn send_becomes_unknown_after_its_claim() {
    let grace_after_lease = PENDING_GRACE - SENDING_LEASE;
    let later = SignedDuration::from_mins(10);
    // The claim's age after the message, and the time from the claim until the send is given up.
    let cases = [
        (SignedDuration::ZERO, PENDING_GRACE),
        (grace_after_lease, SENDING_LEASE),
        // The message would be due before the end of the claim.
        (grace_after_lease + A_MILLISECOND, SENDING_LEASE),
        (PENDING_GRACE, SENDING_LEASE),
        (later, SENDING_LEASE),
    ];
    for (age, until_given_up) in cases {
        let kit = Kit::start().await;
        let id = kit.pending(&visitor(), "hello").await;
        kit.advance(age);
        let claim = claimed(&kit, &visitor(), &id).await;
        kit.advance(until_given_up - A_MILLISECOND);
        assert!(kit.overdue().await.is_empty(), "{age}");
        assert!(!given_up(&kit, &claim.message).await, "{age}");
        assert_eq!(kit.message(&visitor(), &id).await.state, MessageState::Sending, "{age}");

        kit.advance(A_MILLISECOND);
        assert_eq!(kit.overdue().await, [id.as_str()], "{age}");
        assert!(given_up(&kit, &claim.message).await, "{age}");
        assert!(kit.overdue().await.is_empty(), "{age}");

        // The first sender was slow and settles late.
        is_over(&kit, &claim).await;
        let kept = kit.message(&visitor(), &id).await;
        assert_eq!((kept.state, kept.failure), (MessageState::Unknown, Some(failure("gone"))), "{age}");
        assert_eq!(refused(&kit, &visitor(), &id).await.state, MessageState::Unknown, "{age}");
    }
}

#[tokio::test]
async fn claim_of_a_new_message_leaves_its_due_time() {
    let kit = Kit::start().await;
    let id = kit.pending(&visitor(), "hello").await;
    let due = async || {
        let item = kit.items_of("outbound").await.remove(0);
        (s(&item, "due_pk"), s(&item, "due_sk"))
    };
    let before = due().await;
    claimed(&kit, &visitor(), &id).await;
    assert_eq!(due().await, before);
}

#[tokio::test]
async fn abandoned_claim_of_a_postponed_message_is_found_after_the_lease() {
    let kit = Kit::start().await;
    let id = kit.pending(&visitor(), "hello").await;
    let first = claimed(&kit, &visitor(), &id).await;
    let later = kit.now() + SignedDuration::from_hours(1);
    settle(&kit, &first, &Settled::Later(later, failure("wechat.busy")), 0).await;
    claimed(&kit, &visitor(), &id).await;
    kit.advance(SENDING_LEASE);
    assert_eq!(kit.overdue().await, [id.as_str()]);
}

#[tokio::test]
async fn send_that_an_earlier_version_wrote_is_claimed_and_given_up() {
    let kit = Kit::start().await;
    let id = kit.pending(&visitor(), "hello").await;
    // Earlier versions left a send to its writer for 30 seconds.
    let mut item = kit.items_of("outbound").await.remove(0);
    let due = (kit.now() + SignedDuration::from_secs(30)).as_millisecond();
    item.insert("due_sk".to_owned(), AttributeValue::S(format!("{due:013}")));
    kit.write(item).await;
    let claim = claimed(&kit, &visitor(), &id).await;
    kit.advance(SENDING_LEASE - A_MILLISECOND);
    assert!(kit.overdue().await.is_empty());
    kit.advance(A_MILLISECOND);
    assert_eq!(kit.overdue().await, [id.as_str()]);
    assert!(given_up(&kit, &claim.message).await);
}

#[tokio::test]
async fn outcome_after_the_lease_is_stored_unless_given_up() {
    let kit = Kit::start().await;
    let id = kit.pending(&visitor(), "hello").await;
    let claim = claimed(&kit, &visitor(), &id).await;
    kit.advance(SENDING_LEASE * 2);
    assert_eq!(settle(&kit, &claim, &Settled::Sent, 1).await.state, MessageState::Sent);
    assert!(!given_up(&kit, &claim.message).await);
    assert_eq!(kit.message(&visitor(), &id).await.state, MessageState::Sent);
}

#[tokio::test]
async fn progress_counts_the_sent_parts() {
    let kit = Kit::start().await;
    let id = kit.pending(&visitor(), "a long text").await;
    let claim = claimed(&kit, &visitor(), &id).await;
    for parts in [1, 2] {
        kit.table.sends().progress(&claim, parts).await.unwrap();
        let kept = kit.message(&visitor(), &id).await;
        assert_eq!((kept.parts_sent, kept.state), (parts, MessageState::Sending));
    }
    kit.advance(PENDING_GRACE);
    assert!(given_up(&kit, &claim.message).await);
    assert_eq!(kit.message(&visitor(), &id).await.parts_sent, 2);
}

#[tokio::test]
async fn overdue_sends_are_sorted_oldest_first() {
    let kit = Kit::start().await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(kit.pending(&visitor(), &format!("text {number}")).await);
        kit.advance(SignedDuration::from_secs(1));
    }
    // The first one was attempted and is now the most overdue.
    let claim = claimed(&kit, &visitor(), &ids[0]).await;
    let again = kit.now() + SignedDuration::from_mins(2);
    settle(&kit, &claim, &Settled::Later(again, failure("wechat.busy")), 0).await;
    kit.advance(SignedDuration::from_mins(3));
    ids.rotate_left(1);
    assert_eq!(kit.overdue().await, ids);
}

#[tokio::test]
async fn message_serialises_as_in_the_api() {
    let kit = Kit::start().await;
    let id = kit.pending(&visitor(), "hello").await;
    let claim = claimed(&kit, &visitor(), &id).await;
    let message = settle(&kit, &claim, &Settled::Failed(failure("wechat.window")), 0).await;
    assert_eq!(
        serde_json::to_value(&message).unwrap(),
        json!({
            "id": id,
            "direction": "out",
            "type": "text",
            "text": { "content": "hello" },
            "created_at": "2026-03-01T08:00:00Z",
            "order": format!("{:013}-{id}", message.created_at.as_millisecond()),
            "state": "failed",
            "cid": "c1",
            "author": { "role": "agent", "name": "Lin" },
            "failure": { "code": "wechat.window", "errcode": 45015, "detail": "In words." },
        })
    );
}
