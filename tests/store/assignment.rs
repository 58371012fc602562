//! Automatic and manual assignment never exceed an agent's capacity.

use desk::staff::AgentStatus;
use jiff::SignedDuration;
use store::{Assign, CommitOutcome, HEARTBEAT_LIFE, Thread};

use crate::support::{APP_ID, Decision, Kit, staff::assigned, visitor};

const A_MILLISECOND: SignedDuration = SignedDuration::from_millis(1);

/// A decision that assigns a new conversation to an agent.
async fn assign_new(kit: &Kit, number: u32, agent: &str, assign: Assign) -> Decision {
    let message = kit.receive_text(&Thread::new(APP_ID, format!("oVisitor{number}")), 0, 1).await;
    Decision::about(&kit.table, &message).await.to(assigned(agent, kit.now())).by(assign).event("conversation.assigned")
}

#[tokio::test]
async fn automatic_assignment_within_the_expected_load_succeeds() {
    let kit = Kit::start().await;
    kit.online("a1", 3).await;
    for load in 0..3 {
        kit.advance(SignedDuration::from_secs(1));
        kit.written(assign_new(&kit, load, "a1", Assign::Auto { at_most: Some(load) }).await).await;
        let duty = kit.duty("a1").await;
        assert_eq!((duty.load, duty.last_assigned_at), (load + 1, Some(kit.now())));
    }
    kit.refused(&assign_new(&kit, 3, "a1", Assign::Auto { at_most: Some(3) }).await, &CommitOutcome::AgentUnavailable)
        .await;
}

#[tokio::test]
async fn automatic_assignment_above_the_expected_load_is_refused() {
    let kit = Kit::start().await;
    kit.online("a1", 3).await;
    kit.written(assign_new(&kit, 0, "a1", Assign::Manual).await).await;
    kit.refused(&assign_new(&kit, 1, "a1", Assign::Auto { at_most: Some(0) }).await, &CommitOutcome::AgentUnavailable)
        .await;
    kit.written(assign_new(&kit, 2, "a1", Assign::Auto { at_most: Some(1) }).await).await;
    // A load below the expected one is accepted.
    kit.written(assign_new(&kit, 3, "a1", Assign::Auto { at_most: Some(u32::MAX) }).await).await;
}

#[tokio::test]
async fn automatic_assignment_without_an_expected_load_needs_capacity_only() {
    let kit = Kit::start().await;
    kit.online("a1", 2).await;
    for number in 0..2 {
        kit.written(assign_new(&kit, number, "a1", Assign::Auto { at_most: None }).await).await;
    }
    kit.refused(&assign_new(&kit, 2, "a1", Assign::Auto { at_most: None }).await, &CommitOutcome::AgentUnavailable)
        .await;
    kit.online("a2", 2).await;
    kit.table.duty_writer().set_status("a2", AgentStatus::Busy, None).await.unwrap();
    kit.refused(&assign_new(&kit, 3, "a2", Assign::Auto { at_most: None }).await, &CommitOutcome::AgentUnavailable)
        .await;
    kit.table.duty_writer().set_status("a2", AgentStatus::Online, None).await.unwrap();
    kit.advance(HEARTBEAT_LIFE);
    kit.refused(&assign_new(&kit, 4, "a2", Assign::Auto { at_most: None }).await, &CommitOutcome::AgentUnavailable)
        .await;
}

#[tokio::test]
async fn automatic_assignment_needs_an_online_and_present_agent() {
    let kit = Kit::start().await;
    kit.online("a1", 3).await;
    for (number, status) in [(0, AgentStatus::Busy), (1, AgentStatus::Away), (2, AgentStatus::Offline)] {
        kit.table.duty_writer().set_status("a1", status, None).await.unwrap();
        kit.refused(
            &assign_new(&kit, number, "a1", Assign::Auto { at_most: Some(0) }).await,
            &CommitOutcome::AgentUnavailable,
        )
        .await;
    }
    kit.table.duty_writer().set_status("a1", AgentStatus::Online, None).await.unwrap();
    kit.advance(HEARTBEAT_LIFE);
    kit.refused(&assign_new(&kit, 3, "a1", Assign::Auto { at_most: Some(0) }).await, &CommitOutcome::AgentUnavailable)
        .await;
    kit.table.duty_writer().heartbeat("a1").await.unwrap();
    kit.advance(HEARTBEAT_LIFE - A_MILLISECOND);
    kit.written(assign_new(&kit, 4, "a1", Assign::Auto { at_most: Some(0) }).await).await;
}

#[tokio::test]
async fn manual_assignment_succeeds_up_to_the_capacity() {
    let kit = Kit::start().await;
    kit.online("a1", 3).await;
    for (number, status) in [(0, AgentStatus::Online), (1, AgentStatus::Busy), (2, AgentStatus::Away)] {
        kit.table.duty_writer().set_status("a1", status, None).await.unwrap();
        kit.advance(HEARTBEAT_LIFE * 2);
        kit.written(assign_new(&kit, number, "a1", Assign::Manual).await).await;
    }
    kit.refused(&assign_new(&kit, 3, "a1", Assign::Manual).await, &CommitOutcome::AgentUnavailable).await;
    kit.table.settings_writer().set_capacity("a1", "Lin", 4).await.unwrap();
    kit.table.duty_writer().set_status("a1", AgentStatus::Offline, None).await.unwrap();
    kit.refused(&assign_new(&kit, 4, "a1", Assign::Manual).await, &CommitOutcome::AgentUnavailable).await;
    kit.table.duty_writer().set_status("a1", AgentStatus::Away, None).await.unwrap();
    kit.written(assign_new(&kit, 5, "a1", Assign::Manual).await).await;
    assert_eq!((kit.load("a1").await, kit.duty("a1").await.last_assigned_at), (4, Some(kit.now())));
}

#[tokio::test]
async fn assignment_to_an_unknown_agent_is_refused() {
    let kit = Kit::start().await;
    for (number, assign) in [(0, Assign::Manual), (1, Assign::Auto { at_most: Some(0) })] {
        kit.refused(&assign_new(&kit, number, "unknown", assign).await, &CommitOutcome::AgentUnavailable).await;
    }
    kit.online("a1", 1).await;
    assert!(kit.table.settings_writer().end_duty("a1").await.unwrap());
    kit.refused(&assign_new(&kit, 2, "a1", Assign::Manual).await, &CommitOutcome::AgentUnavailable).await;
}

#[tokio::test]
async fn capacity_below_the_load_keeps_conversations_and_refuses_more() {
    let kit = Kit::start().await;
    kit.online("a1", 3).await;
    let first = kit.written(assign_new(&kit, 0, "a1", Assign::Manual).await).await;
    kit.written(assign_new(&kit, 1, "a1", Assign::Manual).await).await;
    kit.table.settings_writer().set_capacity("a1", "Lin", 1).await.unwrap();
    assert_eq!((kit.load("a1").await, kit.assigned_to("a1").await.len()), (2, 2));
    kit.refused(&assign_new(&kit, 2, "a1", Assign::Manual).await, &CommitOutcome::AgentUnavailable).await;
    kit.refused(&assign_new(&kit, 3, "a1", Assign::Auto { at_most: Some(2) }).await, &CommitOutcome::AgentUnavailable)
        .await;
    kit.written(Decision::on(&kit.table, &first.cid).await.closed()).await;
    kit.refused(&assign_new(&kit, 4, "a1", Assign::Auto { at_most: Some(1) }).await, &CommitOutcome::AgentUnavailable)
        .await;
}

#[tokio::test]
async fn changed_conversation_is_reported_before_a_full_agent() {
    let kit = Kit::start().await;
    kit.online("a1", 1).await;
    let opened = kit.opened(&visitor(), 0, 1).await;
    let stale = Decision::on(&kit.table, &opened.cid).await.to(assigned("a1", kit.now()));
    kit.written(Decision::on(&kit.table, &opened.cid).await.event("conversation.noted")).await;
    kit.written(assign_new(&kit, 0, "a1", Assign::Manual).await).await;
    // If only the full agent were reported, the caller would try the next agent for a stale conversation.
    kit.refused(&stale, &CommitOutcome::Conflict).await;
    let anew = Decision::on(&kit.table, &opened.cid).await.to(assigned("a1", kit.now()));
    kit.refused(&anew, &CommitOutcome::AgentUnavailable).await;
}

#[tokio::test]
async fn transfer_needs_capacity_of_the_new_agent_and_frees_the_old_one() {
    let kit = Kit::start().await;
    kit.online("a1", 1).await;
    kit.online("a2", 1).await;
    let one = kit.written(assign_new(&kit, 0, "a1", Assign::Manual).await).await;
    let two = kit.written(assign_new(&kit, 1, "a2", Assign::Manual).await).await;
    kit.refused(
        &Decision::on(&kit.table, &one.cid).await.to(assigned("a2", kit.now())),
        &CommitOutcome::AgentUnavailable,
    )
    .await;
    kit.written(Decision::on(&kit.table, &two.cid).await.closed()).await;
    kit.written(Decision::on(&kit.table, &one.cid).await.to(assigned("a2", kit.now()))).await;
    assert_eq!((kit.load("a1").await, kit.load("a2").await), (0, 1));
    assert!(kit.assigned_to("a1").await.is_empty());
    assert_eq!(kit.assigned_to("a2").await, [one.cid.as_str()]);
    // The conversation is assigned to the new agent only.
    assert_eq!(kit.conversation(&one.cid).await.assignee(), Some("a2"));
}
