//! A text for which no reply is left in WeChat's quota is held until the visitor's next message; its outcome is stored.

use jiff::SignedDuration;
use serde_json::json;
use store::{Claimed, CommitOutcome, MessageState, NewOutbound, Settled, Settlement, Thread};

use crate::support::{Decision, Kit, failure, outbound, visitor};

const HOLD: SignedDuration = SignedDuration::from_hours(72);

/// Holds a text as a send does, and records it in the visitor.
async fn hold_text(kit: &Kit, thread: &Thread, id: &str) -> NewOutbound {
    let new = NewOutbound {
        held: Some((failure("quota.exhausted"), kit.now() + HOLD)),
        ..outbound(thread, id, &format!("held {id}"))
    };
    let mut decision = Decision::of(&kit.table, thread).await.says(new.clone());
    decision.visitor.held.push(id.to_owned());
    assert_eq!(decision.write(&kit.table).await.unwrap(), CommitOutcome::Written(None));
    new
}

/// The visitor's next message releases the held texts as one send.
async fn releases(kit: &Kit, thread: &Thread, ids: &[&str], by: &str) -> Decision {
    let mut decision = Decision::of(&kit.table, thread).await.says(outbound(thread, by, "all of it"));
    decision.visitor.held.retain(|id| !ids.contains(&id.as_str()));
    decision.visitor.last_seen_at = Some(kit.now());
    decision.released = ids.iter().map(|id| ((*id).to_owned(), by.to_owned())).collect();
    decision
}

#[tokio::test]
async fn held_text_cannot_be_claimed() {
    let kit = Kit::start().await;
    let new = hold_text(&kit, &visitor(), "1772352000-r1").await;
    let kept = kit.message(&visitor(), &new.id).await;
    assert_eq!((kept.state, &kept.failure), (MessageState::Held, &Some(failure("quota.exhausted"))));
    assert_eq!(serde_json::to_value(&kept).unwrap(), serde_json::to_value(new.message(kit.now())).unwrap());
    let Claimed::Not(message) = kit.table.sends().claim(&visitor(), &new.id).await.unwrap() else { panic!("claimed") };
    assert_eq!(message.state, MessageState::Held);
    assert!(kit.table.threads().pending_since(&visitor(), "1772352000-m1").await.unwrap().is_empty());
}

#[tokio::test]
async fn held_text_is_due_at_its_expiry() {
    let kit = Kit::start().await;
    let new = hold_text(&kit, &visitor(), "1772352000-r1").await;
    kit.advance(HOLD - SignedDuration::from_millis(1));
    assert!(kit.overdue().await.is_empty());
    kit.advance(SignedDuration::from_millis(1));
    assert_eq!(kit.overdue().await, [new.id.as_str()]);
}

#[tokio::test]
async fn next_message_releases_held_texts() {
    let kit = Kit::start().await;
    let ids = ["1772352000-r1", "1772352000-r2", "1772352000-r3"];
    for id in ids {
        hold_text(&kit, &visitor(), id).await;
    }
    let decision = releases(&kit, &visitor(), &ids[..2], "1772352060-rx").await;
    assert_eq!(decision.write(&kit.table).await.unwrap(), CommitOutcome::Written(None));
    for id in &ids[..2] {
        let kept = kit.message(&visitor(), id).await;
        assert_eq!((kept.state, kept.failure.is_none()), (MessageState::Released, true));
        assert_eq!(kept.released_as.as_deref(), Some("1772352060-rx"));
        let shown = serde_json::to_value(&kept).unwrap();
        assert_eq!((&shown["state"], &shown["released_as"]), (&json!("released"), &json!("1772352060-rx")));
    }
    assert_eq!(kit.message(&visitor(), ids[2]).await.state, MessageState::Held);
    assert_eq!(kit.message(&visitor(), "1772352060-rx").await.state, MessageState::Pending);
    assert_eq!(kit.table.threads().visitor(&visitor()).await.unwrap().held, [ids[2]]);
    // A released text is neither due nor sent on its own.
    kit.advance(HOLD * 2);
    assert_eq!(kit.overdue().await, ["1772352060-rx", ids[2]]);
    assert!(matches!(kit.table.sends().claim(&visitor(), ids[0]).await.unwrap(), Claimed::Not(_)));
}

#[tokio::test]
async fn release_of_a_text_that_is_not_held_is_refused() {
    let kit = Kit::start().await;
    hold_text(&kit, &visitor(), "1772352000-r1").await;
    let sent = kit.pending(&visitor(), "hello").await;
    let twice = releases(&kit, &visitor(), &["1772352000-r1"], "1772352060-rx").await;
    assert_eq!(twice.write(&kit.table).await.unwrap(), CommitOutcome::Written(None));
    for (id, by) in [("1772352000-r1", "1772352060-ry"), (sent.as_str(), "1772352060-rz"), ("gone", "1772352060-rz")] {
        kit.advance(SignedDuration::from_secs(1));
        kit.refused(&releases(&kit, &visitor(), &[id], by).await, &CommitOutcome::Conflict).await;
    }
    assert_eq!(kit.message(&visitor(), "1772352000-r1").await.released_as.as_deref(), Some("1772352060-rx"));
}

/// Settles a held text on its own, with the visitor as currently stored.
async fn ends(kit: &Kit, id: &str, waited_too_long: bool) -> Settlement {
    let message = kit.message(&visitor(), id).await;
    let seen = kit.table.threads().visitor(&visitor()).await.unwrap();
    let mut after = seen.clone();
    after.held.retain(|held| held != id);
    let failure = waited_too_long.then(|| failure("quota.expired"));
    let state = if failure.is_some() { MessageState::Failed } else { MessageState::Cancelled };
    kit.table.sends().end_held(&message, state, failure.as_ref(), (&seen, &after)).await.unwrap()
}

#[tokio::test]
async fn held_text_ends_cancelled_or_failed() {
    let kit = Kit::start().await;
    for (id, too_long, state) in
        [("1772352000-r1", false, MessageState::Cancelled), ("1772352000-r2", true, MessageState::Failed)]
    {
        hold_text(&kit, &visitor(), id).await;
        let Settlement::Kept(told) = ends(&kit, id, too_long).await else { panic!("not kept") };
        let kept = kit.message(&visitor(), id).await;
        let why = too_long.then(|| failure("quota.expired"));
        for message in [*told, kept] {
            assert_eq!((message.state, &message.failure), (state, &why));
        }
        assert!(kit.table.threads().visitor(&visitor()).await.unwrap().held.is_empty());
        kit.advance(HOLD * 2);
        assert!(kit.overdue().await.is_empty());
        // A settled text is neither settled again nor sent.
        let before = kit.items().await;
        assert!(matches!(ends(&kit, id, !too_long).await, Settlement::TooLate));
        assert_eq!(kit.items().await, before);
        let late = releases(&kit, &visitor(), &[id], "1772352060-rx").await;
        kit.refused(&late, &CommitOutcome::Conflict).await;
    }
}

#[tokio::test]
async fn cancellation_with_a_stale_visitor_is_refused() {
    let kit = Kit::start().await;
    let new = hold_text(&kit, &visitor(), "1772352000-r1").await;
    let seen = kit.table.threads().visitor(&visitor()).await.unwrap();
    hold_text(&kit, &visitor(), "1772352000-r2").await;
    let before = kit.items().await;
    let message = kit.message(&visitor(), &new.id).await;
    let stale = kit.table.sends().end_held(&message, MessageState::Cancelled, None, (&seen, &seen)).await.unwrap();
    assert!(matches!(stale, Settlement::VisitorChanged), "{stale:?}");
    assert_eq!(kit.items().await, before);
    assert!(matches!(ends(&kit, &new.id, false).await, Settlement::Kept(_)));
    assert_eq!(kit.table.threads().visitor(&visitor()).await.unwrap().held, ["1772352000-r2"]);
}

#[tokio::test]
async fn cancellation_of_a_released_text_is_refused() {
    let kit = Kit::start().await;
    let new = hold_text(&kit, &visitor(), "1772352000-r1").await;
    let seen = kit.message(&visitor(), &new.id).await;
    let releases = releases(&kit, &visitor(), &[&new.id], "1772352060-rx").await;
    assert_eq!(releases.write(&kit.table).await.unwrap(), CommitOutcome::Written(None));
    let known = kit.table.threads().visitor(&visitor()).await.unwrap();
    let late = kit.table.sends().end_held(&seen, MessageState::Cancelled, None, (&known, &known)).await.unwrap();
    assert!(matches!(late, Settlement::TooLate), "{late:?}");
    assert_eq!(kit.message(&visitor(), &new.id).await.state, MessageState::Released);
}

#[tokio::test]
async fn refused_send_is_held_like_an_unsent_one() {
    let kit = Kit::start().await;
    let id = kit.pending(&visitor(), "hello").await;
    let Claimed::Ours(claim) = kit.table.sends().claim(&visitor(), &id).await.unwrap() else { panic!("not ours") };
    let seen = kit.table.threads().visitor(&visitor()).await.unwrap();
    let mut after = seen.clone();
    after.held.push(id.clone());
    let settled = Settled::Held(kit.now() + HOLD, failure("wechat.window"));
    let Settlement::Kept(told) = kit.table.sends().settle(&claim, &settled, 0, Some((&seen, &after))).await.unwrap()
    else {
        panic!("not kept")
    };
    assert_eq!((told.state, told.failure), (MessageState::Held, Some(failure("wechat.window"))));
    assert_eq!(kit.message(&visitor(), &id).await.state, MessageState::Held);
    kit.advance(HOLD - SignedDuration::from_millis(1));
    assert!(kit.overdue().await.is_empty());
    let decision = releases(&kit, &visitor(), &[&id], "1772352060-rx").await;
    assert_eq!(decision.write(&kit.table).await.unwrap(), CommitOutcome::Written(None));
    assert_eq!(kit.message(&visitor(), &id).await.state, MessageState::Released);
}
