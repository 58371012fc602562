//! What fails at a tick is postponed, so that it does not use up the next ones.

use desk::staff::AgentStatus;
use jiff::SignedDuration;
use store::{GRACE, HEARTBEAT_LIFE, PENDING_GRACE};

use crate::support::{Decision, Kit, s, visitor};

/// The delays after the first and later failures, in minutes.
const DELAYS: [i64; 9] = [1, 2, 4, 8, 16, 32, 60, 60, 60];

const A_MILLISECOND: SignedDuration = SignedDuration::from_millis(1);

async fn due_agents(kit: &Kit) -> Vec<String> {
    let due = kit.table.due_checks().agents_to_check(100).await.unwrap();
    due.into_iter().map(|duty| duty.agent_id).collect()
}

async fn due_conversations(kit: &Kit) -> Vec<String> {
    let mut due = Vec::new();
    for shard in 0..store::DUE_SHARDS {
        due.extend(kit.table.due_checks().due_conversations(shard, 100).await.unwrap());
    }
    due.into_iter().map(|conversation| conversation.cid).collect()
}

#[tokio::test]
async fn failing_agent_check_is_postponed_from_a_minute_to_an_hour() {
    let kit = Kit::start().await;
    kit.online("a1", 2).await;
    kit.advance(HEARTBEAT_LIFE + GRACE);
    for minutes in DELAYS {
        assert_eq!(due_agents(&kit).await, ["a1"]);
        kit.table.due_checks().postpone_agent_check("a1").await.unwrap();
        kit.advance(SignedDuration::from_mins(minutes) - A_MILLISECOND);
        assert!(due_agents(&kit).await.is_empty(), "before {minutes} minutes");
        kit.advance(A_MILLISECOND);
    }
    assert_eq!(due_agents(&kit).await, ["a1"]);
}

#[tokio::test]
async fn change_of_status_ends_the_delay_of_an_agent_check() {
    let kit = Kit::start().await;
    kit.online("a1", 2).await;
    kit.advance(HEARTBEAT_LIFE + GRACE);
    for minutes in &DELAYS[..5] {
        kit.table.due_checks().postpone_agent_check("a1").await.unwrap();
        kit.advance(SignedDuration::from_mins(*minutes));
    }
    // The sixth failure: the check would be due in 32 minutes.
    kit.table.due_checks().postpone_agent_check("a1").await.unwrap();
    kit.table.duty_writer().set_status("a1", AgentStatus::Online, None).await.unwrap();
    assert!(!kit.items_of("duty").await[0].contains_key("failures"));
    kit.advance(HEARTBEAT_LIFE + GRACE);
    assert_eq!(due_agents(&kit).await, ["a1"]);
    // The first failure since: a minute.
    kit.table.due_checks().postpone_agent_check("a1").await.unwrap();
    kit.advance(SignedDuration::from_mins(1));
    assert_eq!(due_agents(&kit).await, ["a1"]);
}

#[tokio::test]
async fn agent_that_is_not_due_or_unknown_is_not_postponed() {
    let kit = Kit::start().await;
    kit.online("a1", 2).await;
    let before = kit.items().await;
    kit.table.due_checks().postpone_agent_check("a1").await.unwrap();
    kit.table.due_checks().postpone_agent_check("unknown").await.unwrap();
    assert_eq!(kit.items().await, before);
}

#[tokio::test]
async fn change_of_a_conversation_ends_its_delay() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    let mut decision = Decision::on(&kit.table, &cid).await;
    decision.after.as_mut().unwrap().next_check_at = Some(kit.now());
    kit.written(decision).await;
    for minutes in DELAYS {
        assert_eq!(due_conversations(&kit).await, [cid.as_str()]);
        kit.table.due_checks().postpone_conversation(&cid).await.unwrap();
        kit.advance(SignedDuration::from_mins(minutes) - A_MILLISECOND);
        assert!(due_conversations(&kit).await.is_empty(), "before {minutes} minutes");
        kit.advance(A_MILLISECOND);
    }
    kit.table.due_checks().postpone_conversation(&cid).await.unwrap();
    kit.written(Decision::on(&kit.table, &cid).await).await;
    assert_eq!(due_conversations(&kit).await, [cid.as_str()]);
    assert!(!kit.items_of("conversation").await[0].contains_key("failures"));
}

#[tokio::test]
async fn failing_send_is_postponed_until_it_is_claimed() {
    let kit = Kit::start().await;
    let id = kit.pending(&visitor(), "hello").await;
    kit.advance(PENDING_GRACE);
    for minutes in DELAYS {
        assert_eq!(kit.overdue().await, [id.as_str()]);
        let message = kit.message(&visitor(), &id).await;
        kit.table.overdue_outbound().postpone_send(&message).await.unwrap();
        kit.advance(SignedDuration::from_mins(minutes) - A_MILLISECOND);
        assert!(kit.overdue().await.is_empty(), "before {minutes} minutes");
        kit.advance(A_MILLISECOND);
    }
    // Once a sender has it, its lease decides.
    let message = kit.message(&visitor(), &id).await;
    kit.table.sends().claim(&visitor(), &id).await.unwrap();
    let leased = s(&kit.items_of("outbound").await[0], "due_sk");
    kit.table.overdue_outbound().postpone_send(&message).await.unwrap();
    assert_eq!(s(&kit.items_of("outbound").await[0], "due_sk"), leased);
}
