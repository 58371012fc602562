//! The outcome of a send is stored atomically with its effect on the visitor's quota.

use desk::quota::Ledger;
use jiff::SignedDuration;
use store::{Claim, Claimed, MessageState, PENDING_GRACE, Settled, Settlement, Visitor};

use crate::support::{Decision, Fault, Kit, cancelled, failure, ledger_of, visitor};

async fn claimed(kit: &Kit) -> Claim {
    let id = kit.pending(&visitor(), "hello").await;
    match kit.table.sends().claim(&visitor(), &id).await.unwrap() {
        Claimed::Ours(claim) => *claim,
        other => panic!("not ours: {other:?}"),
    }
}

/// The visitor as read, and the same visitor with another ledger.
async fn with_ledger(kit: &Kit, left: u32) -> (Visitor, Visitor) {
    let seen = kit.table.threads().visitor(&visitor()).await.unwrap();
    let mut after = seen.clone();
    after.ledger = ledger_of(left);
    (seen, after)
}

async fn ledger(kit: &Kit) -> Ledger {
    kit.table.threads().visitor(&visitor()).await.unwrap().ledger
}

/// Changes the visitor concurrently.
async fn change_visitor(kit: &Kit, nickname: &str) {
    let mut decision = Decision::of(&kit.table, &visitor()).await;
    decision.visitor.profile.nickname = Some(nickname.to_owned());
    decision.write(&kit.table).await.unwrap();
}

#[tokio::test]
async fn outcome_and_ledger_are_written_together() {
    let kit = Kit::start().await;
    let ends = [
        Settled::Sent,
        Settled::Failed(failure("wechat.window")),
        Settled::Unknown(failure("wechat.timeout")),
        Settled::Later(kit.now() + SignedDuration::from_mins(1), failure("wechat.busy")),
        Settled::Held(kit.now() + SignedDuration::from_hours(1), failure("wechat.window")),
    ];
    for (left, settled) in (0..).zip(ends) {
        let claim = claimed(&kit).await;
        let (seen, after) = with_ledger(&kit, left).await;
        let settlement = kit.table.sends().settle(&claim, &settled, 1, Some((&seen, &after))).await.unwrap();
        let Settlement::Kept(told) = settlement else { panic!("{settled:?}: {settlement:?}") };
        let kept = kit.message(&visitor(), &claim.message.id).await;
        let shown = |message| serde_json::to_value(message).unwrap();
        assert_eq!(shown(&*told), shown(&kept), "the returned message equals the stored one");
        assert_eq!((told.parts_sent, kept.parts_sent), (1, 1));
        assert_eq!(ledger(&kit).await, ledger_of(left), "{settled:?}");
    }
}

#[tokio::test]
async fn changed_visitor_refuses_the_settlement() {
    let kit = Kit::start().await;
    let claim = claimed(&kit).await;
    let (seen, after) = with_ledger(&kit, 3).await;
    change_visitor(&kit, "Lin").await;
    let before = kit.items().await;
    let stale = kit.table.sends().settle(&claim, &Settled::Sent, 1, Some((&seen, &after))).await.unwrap();
    assert!(matches!(stale, Settlement::VisitorChanged), "{stale:?}");
    assert_eq!(kit.items().await, before);
    // The claim is still valid.
    let (seen, after) = with_ledger(&kit, 3).await;
    let settled = kit.table.sends().settle(&claim, &Settled::Sent, 1, Some((&seen, &after))).await.unwrap();
    assert!(matches!(settled, Settlement::Kept(_)), "{settled:?}");
    let known = kit.table.threads().visitor(&visitor()).await.unwrap();
    assert_eq!((known.ledger, known.profile.nickname.as_deref()), (ledger_of(3), Some("Lin")));
}

#[tokio::test]
async fn late_settlement_does_not_change_the_ledger() {
    let kit = Kit::start().await;
    let claim = claimed(&kit).await;
    kit.advance(PENDING_GRACE);
    let (seen, after) = with_ledger(&kit, 4).await;
    let gone = kit.table.sends().give_up(&claim.message, &failure("gone"), Some((&seen, &after))).await.unwrap();
    assert!(matches!(gone, Settlement::Kept(_)), "{gone:?}");
    assert_eq!(ledger(&kit).await, ledger_of(4));

    // The first sender was slow and settles late.
    for stale in [false, true] {
        let (seen, after) = with_ledger(&kit, 2).await;
        if stale {
            change_visitor(&kit, "Lin").await;
        }
        let before = kit.items().await;
        let late = kit.table.sends().settle(&claim, &Settled::Sent, 1, Some((&seen, &after))).await.unwrap();
        assert!(matches!(late, Settlement::TooLate), "{late:?}");
        let again = kit.table.sends().give_up(&claim.message, &failure("gone"), Some((&seen, &after))).await.unwrap();
        assert!(matches!(again, Settlement::TooLate), "{again:?}");
        assert_eq!(kit.items().await, before);
    }
}

#[tokio::test]
async fn give_up_needs_an_expired_claim_and_the_visitor_as_read() {
    let kit = Kit::start().await;
    let claim = claimed(&kit).await;
    let (seen, after) = with_ledger(&kit, 4).await;
    kit.advance(PENDING_GRACE - SignedDuration::from_millis(1));
    let before = kit.items().await;
    let early = kit.table.sends().give_up(&claim.message, &failure("gone"), Some((&seen, &after))).await.unwrap();
    assert!(matches!(early, Settlement::TooLate), "{early:?}");
    assert_eq!(kit.items().await, before);

    kit.advance(SignedDuration::from_millis(1));
    change_visitor(&kit, "Lin").await;
    let stale = kit.table.sends().give_up(&claim.message, &failure("gone"), Some((&seen, &after))).await.unwrap();
    assert!(matches!(stale, Settlement::VisitorChanged), "{stale:?}");
    assert_eq!(kit.message(&visitor(), &claim.message.id).await.state, MessageState::Sending);
    let (seen, after) = with_ledger(&kit, 4).await;
    let Settlement::Kept(told) =
        kit.table.sends().give_up(&claim.message, &failure("gone"), Some((&seen, &after))).await.unwrap()
    else {
        panic!("not kept")
    };
    assert_eq!((told.state, told.failure), (MessageState::Unknown, Some(failure("gone"))));
}

#[tokio::test]
async fn transaction_conflict_returns_visitor_changed() {
    let kit = Kit::start().await;
    let claim = claimed(&kit).await;
    let (seen, after) = with_ledger(&kit, 1).await;
    let attempt = async |reasons: &[&str]| {
        kit.wire.fail("TransactWriteItems", 1, &cancelled(reasons));
        kit.table.sends().settle(&claim, &Settled::Sent, 1, Some((&seen, &after))).await.unwrap()
    };
    // Whether the send has ended is not known while another transaction contains the message.
    for reasons in [["TransactionConflict", "None"], ["None", "TransactionConflict"]] {
        let held = attempt(&reasons).await;
        assert!(matches!(held, Settlement::VisitorChanged), "{reasons:?}: {held:?}");
    }
    let ended = attempt(&["ConditionalCheckFailed", "TransactionConflict"]).await;
    assert!(matches!(ended, Settlement::TooLate), "{ended:?}");
}

#[tokio::test]
async fn lost_answer_stores_the_outcome() {
    let kit = Kit::start().await;
    let claim = claimed(&kit).await;
    let (seen, after) = with_ledger(&kit, 1).await;
    kit.wire.fail("TransactWriteItems", 1, &Fault::LostAnswer);
    // DynamoDB recognises the retry by its ClientRequestToken; an emulator that does not reports an ended send.
    let settled = kit.table.sends().settle(&claim, &Settled::Sent, 1, Some((&seen, &after))).await.unwrap();
    assert!(matches!(settled, Settlement::Kept(_) | Settlement::TooLate), "{settled:?}");
    assert_eq!(kit.message(&visitor(), &claim.message.id).await.state, MessageState::Sent);
    assert_eq!(ledger(&kit).await, ledger_of(1));
}

#[tokio::test]
async fn outcome_that_does_not_concern_the_visitor_leaves_the_visitor() {
    let kit = Kit::start().await;
    change_visitor(&kit, "Lin").await;
    let later = Settled::Later(kit.now() + SignedDuration::from_mins(1), failure("wechat.busy"));
    for (settled, state) in [(Settled::Sent, MessageState::Sent), (later, MessageState::Pending)] {
        let claim = claimed(&kit).await;
        let seen = kit.items_of("visitor").await;
        let settlement = kit.table.sends().settle(&claim, &settled, 1, None).await.unwrap();
        let Settlement::Kept(told) = settlement else { panic!("{settled:?}: {settlement:?}") };
        let kept = kit.message(&visitor(), &claim.message.id).await;
        assert_eq!((told.state, told.settled_at), (state, Some(kit.now())));
        assert_eq!((kept.state, kept.settled_at, kept.parts_sent), (state, Some(kit.now()), 1));
        assert_eq!(kit.items_of("visitor").await, seen);
    }
}

#[tokio::test]
async fn lost_answer_to_an_outcome_of_the_message_alone_is_recognised() {
    let kit = Kit::start().await;
    let later = Settled::Later(kit.now() + SignedDuration::from_mins(1), failure("wechat.busy"));
    for settled in [Settled::Sent, later] {
        let claim = claimed(&kit).await;
        kit.wire.fail("UpdateItem", 1, &Fault::LostAnswer);
        let settlement = kit.table.sends().settle(&claim, &settled, 1, None).await.unwrap();
        let Settlement::Kept(told) = settlement else { panic!("{settled:?}: {settlement:?}") };
        let kept = kit.message(&visitor(), &claim.message.id).await;
        assert_eq!((kept.state, kept.settled_at), (told.state, told.settled_at));
    }
}
