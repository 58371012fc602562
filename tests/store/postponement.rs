//! What fails at a tick is postponed, so that it does not use up the next ones.

use desk::staff::AgentStatus;
use jiff::SignedDuration;
use store::{DueKind, GRACE, PENDING_GRACE};

use crate::support::{Decision, Kit, s, visitor};

/// The delays after the first and later failures, in minutes.
const DELAYS: [i64; 9] = [1, 2, 4, 8, 16, 32, 60, 60, 60];

const A_MILLISECOND: SignedDuration = SignedDuration::from_millis(1);

async fn due(kit: &Kit, kind: DueKind) -> usize {
    kit.due_keys(kind).await.len()
}

/// Postpones the only item of a kind that is due.
async fn postpone(kit: &Kit, kind: DueKind) {
    let [key] = &kit.due_keys(kind).await[..] else { panic!("not one {kind:?}") };
    kit.table.due_checks().postpone(key).await.unwrap();
}

/// Postpones an item again and again, and checks that it is due after each delay.
async fn postpone_often(kit: &Kit, kind: DueKind) {
    for minutes in DELAYS {
        postpone(kit, kind).await;
        kit.advance(SignedDuration::from_mins(minutes) - A_MILLISECOND);
        assert_eq!(due(kit, kind).await, 0, "before {minutes} minutes");
        kit.advance(A_MILLISECOND);
    }
    assert_eq!(due(kit, kind).await, 1);
}

#[tokio::test]
async fn failing_agent_check_is_postponed_from_a_minute_to_an_hour() {
    let kit = Kit::start().await;
    kit.online("a1", 2).await;
    kit.advance(GRACE);
    postpone_often(&kit, DueKind::Agent).await;
}

#[tokio::test]
async fn change_of_status_ends_the_delay_of_an_agent_check() {
    let kit = Kit::start().await;
    kit.online("a1", 2).await;
    kit.advance(GRACE);
    for minutes in &DELAYS[..5] {
        postpone(&kit, DueKind::Agent).await;
        kit.advance(SignedDuration::from_mins(*minutes));
    }
    // The sixth failure: the check would be due in 32 minutes.
    postpone(&kit, DueKind::Agent).await;
    kit.table.duty_writer().set_status("a1", AgentStatus::Online, None).await.unwrap();
    assert!(!kit.items_of("duty").await[0].contains_key("failures"));
    kit.advance(GRACE);
    // The first failure since: a minute.
    postpone(&kit, DueKind::Agent).await;
    kit.advance(SignedDuration::from_mins(1));
    assert_eq!(due(&kit, DueKind::Agent).await, 1);
}

#[tokio::test]
async fn agent_that_is_due_no_longer_or_unknown_is_not_postponed() {
    let kit = Kit::start().await;
    kit.online("a1", 2).await;
    kit.advance(GRACE);
    let key = kit.due_keys(DueKind::Agent).await.remove(0);
    kit.table.duty_writer().set_status("a1", AgentStatus::Online, None).await.unwrap();
    let before = kit.items().await;
    kit.table.due_checks().postpone(&key).await.unwrap();
    assert_eq!(kit.items().await, before);
    let other = Kit::start().await;
    other.table.due_checks().postpone(&key).await.unwrap();
    assert!(other.items().await.is_empty());
}

#[tokio::test]
async fn change_of_a_conversation_ends_its_delay() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    let mut decision = Decision::on(&kit.table, &cid).await;
    decision.after.as_mut().unwrap().next_check_at = Some(kit.now());
    kit.written(decision).await;
    postpone_often(&kit, DueKind::Conversation).await;
    postpone(&kit, DueKind::Conversation).await;
    kit.written(Decision::on(&kit.table, &cid).await).await;
    assert_eq!(due(&kit, DueKind::Conversation).await, 1);
    assert!(!kit.items_of("conversation").await[0].contains_key("failures"));
}

#[tokio::test]
async fn failing_send_is_postponed_until_it_is_claimed() {
    let kit = Kit::start().await;
    let id = kit.pending(&visitor(), "hello").await;
    kit.advance(PENDING_GRACE);
    postpone_often(&kit, DueKind::Send).await;
    // Once a sender has it, its lease decides.
    let key = kit.due_keys(DueKind::Send).await.remove(0);
    kit.table.sends().claim(&visitor(), &id).await.unwrap();
    let leased = s(&kit.items_of("outbound").await[0], "due_sk");
    kit.table.due_checks().postpone(&key).await.unwrap();
    assert_eq!(s(&kit.items_of("outbound").await[0], "due_sk"), leased);
}
