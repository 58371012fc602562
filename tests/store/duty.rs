//! Agents on duty: presence, status, heartbeats and timeouts.

use desk::staff::AgentStatus;
use jiff::SignedDuration;
use store::{DueItem, DueKind, Duty, GRACE, HEARTBEAT_LIFE, StoreError};

use crate::support::{Decision, Fault, Kit, staff::assigned, visitor};

const A_MILLISECOND: SignedDuration = SignedDuration::from_millis(1);

async fn due_agents(kit: &Kit) -> Vec<String> {
    let id = |item| match item {
        DueItem::Agent(duty) => duty.agent_id,
        other => panic!("{other:?}"),
    };
    kit.due(DueKind::Agent).await.into_iter().map(id).collect()
}

#[tokio::test]
async fn new_agent_is_offline_without_load() {
    let kit = Kit::start().await;
    assert_eq!(kit.table.staff().duty("a1").await.unwrap(), None);
    kit.table.settings_writer().set_capacity("a1", "林 Lin", 5).await.unwrap();
    let new = Duty {
        agent_id: "a1".to_owned(),
        name: "林 Lin".to_owned(),
        status: AgentStatus::Offline,
        reason: None,
        since: kit.now(),
        present_until: kit.now(),
        load: 0,
        conversations: Vec::new(),
        capacity: 5,
        last_assigned_at: None,
    };
    assert_eq!(kit.duty("a1").await, new);
    kit.advance(SignedDuration::from_hours(1));
    assert!(due_agents(&kit).await.is_empty());
}

#[tokio::test]
async fn change_of_capacity_keeps_status_and_load() {
    let kit = Kit::start().await;
    kit.online("a1", 2).await;
    kit.opened_in(&visitor(), assigned("a1", kit.now())).await;
    kit.table.duty_writer().set_status("a1", AgentStatus::Away, Some("lunch")).await.unwrap();
    let before = kit.duty("a1").await;
    kit.advance(SignedDuration::from_secs(1));
    kit.table.settings_writer().set_capacity("a1", "another name", 9).await.unwrap();
    let after = kit.duty("a1").await;
    assert_eq!(after, Duty { name: "another name".to_owned(), capacity: 9, ..before });
    assert_eq!(after.load, 1);
}

#[tokio::test]
async fn status_counts_as_a_heartbeat_and_stores_its_reason() {
    let kit = Kit::start().await;
    kit.online("a1", 2).await;
    for (status, reason) in [
        (AgentStatus::Away, Some("lunch")),
        (AgentStatus::Busy, None),
        (AgentStatus::Away, Some("培训")),
        (AgentStatus::Online, None),
    ] {
        kit.advance(SignedDuration::from_secs(7));
        let told = kit.table.duty_writer().set_status("a1", status, reason).await.unwrap();
        assert_eq!(told, kit.duty("a1").await, "the returned duty equals the stored one");
        assert_eq!((told.status, told.reason.as_deref(), told.since), (status, reason, kit.now()));
        assert_eq!(told.present_until, kit.now() + HEARTBEAT_LIFE);
    }
    kit.advance(SignedDuration::from_secs(7));
    let offline = kit.table.duty_writer().set_status("a1", AgentStatus::Offline, None).await.unwrap();
    assert_eq!((offline.status, offline.present_until), (AgentStatus::Offline, kit.now()));
}

#[tokio::test]
async fn heartbeat_extends_presence_by_its_life() {
    let kit = Kit::start().await;
    let begin = kit.now();
    kit.online("a1", 2).await;
    kit.advance(SignedDuration::from_secs(60));
    let beat = kit.table.duty_writer().heartbeat("a1").await.unwrap();
    assert_eq!(beat, kit.duty("a1").await);
    assert_eq!((beat.present_until, beat.since, beat.status), (kit.now() + HEARTBEAT_LIFE, begin, AgentStatus::Online));
    // The workbench sends a heartbeat every 30 seconds; two of them may be lost.
    assert!(HEARTBEAT_LIFE >= SignedDuration::from_secs(30) * 3);
}

#[tokio::test]
async fn heartbeat_of_an_offline_or_unknown_agent_is_refused() {
    let kit = Kit::start().await;
    assert!(matches!(kit.table.duty_writer().heartbeat("a1").await, Err(StoreError::NotFound("agent"))));
    assert!(matches!(
        kit.table.duty_writer().set_status("a1", AgentStatus::Online, None).await,
        Err(StoreError::NotFound("agent"))
    ));
    assert!(kit.items().await.is_empty());
    kit.table.settings_writer().set_capacity("a1", "Lin", 1).await.unwrap();
    let before = kit.items().await;
    // The heartbeat of a tab that was left open does not set an offline agent online.
    assert!(matches!(kit.table.duty_writer().heartbeat("a1").await, Err(StoreError::Conflict)));
    assert_eq!(kit.items().await, before);
}

#[tokio::test]
async fn heartbeat_in_conflict_with_an_assignment_is_repeated_and_never_a_refusal() {
    let kit = Kit::start().await;
    kit.online("a1", 2).await;
    let conflict = Fault::error("TransactionConflictException");
    kit.advance(SignedDuration::from_secs(30));
    kit.wire.fail("UpdateItem", 2, &conflict);
    assert_eq!(kit.table.duty_writer().heartbeat("a1").await.unwrap().present_until, kit.now() + HEARTBEAT_LIFE);
    let before = kit.items().await;
    kit.advance(SignedDuration::from_secs(30));
    kit.wire.fail("UpdateItem", 3, &conflict);
    let beat = kit.table.duty_writer().heartbeat("a1").await;
    assert!(matches!(beat, Err(StoreError::TransactionConflict)), "{beat:?}");
    kit.wire.fail("UpdateItem", 3, &conflict);
    let away = kit.table.duty_writer().set_status("a1", AgentStatus::Away, None).await;
    assert!(matches!(away, Err(StoreError::TransactionConflict)), "{away:?}");
    kit.wire.fail("DeleteItem", 3, &conflict);
    let ended = kit.table.settings_writer().end_duty("a1").await;
    assert!(matches!(ended, Err(StoreError::TransactionConflict)), "{ended:?}");
    assert_eq!(kit.items().await, before);
}

#[tokio::test]
async fn agent_times_out_after_the_grace() {
    let kit = Kit::start().await;
    let begin = kit.now();
    let online = kit.online("a1", 2).await;
    assert_eq!(online.times_out_at(), begin + GRACE);
    kit.advance(SignedDuration::from_secs(30));
    assert_eq!(kit.table.duty_writer().heartbeat("a1").await.unwrap().times_out_at(), kit.now() + GRACE);
    let away = kit.table.duty_writer().set_status("a1", AgentStatus::Away, None).await.unwrap();
    assert_eq!(away.times_out_at(), kit.now() + GRACE, "an agent who is away has not timed out");
    kit.advance(SignedDuration::from_secs(10));
    // Going offline counts from then, like a heartbeat.
    assert_eq!(
        kit.table.duty_writer().set_status("a1", AgentStatus::Offline, None).await.unwrap().times_out_at(),
        kit.now() + GRACE
    );
}

#[tokio::test]
async fn agent_check_is_due_at_the_timeout() {
    let kit = Kit::start().await;
    kit.online("a1", 2).await;
    kit.advance(GRACE - A_MILLISECOND);
    assert!(due_agents(&kit).await.is_empty());
    let beat = kit.table.duty_writer().heartbeat("a1").await.unwrap();
    kit.advance(A_MILLISECOND);
    // A heartbeat does not move the check: writing the index for each heartbeat would cost more than one early check.
    assert_eq!(due_agents(&kit).await, ["a1"]);
    kit.table.due_checks().reschedule_agent_check(&beat, false).await.unwrap();
    assert!(due_agents(&kit).await.is_empty());
    kit.advance(beat.times_out_at().duration_since(kit.now()) - A_MILLISECOND);
    assert!(due_agents(&kit).await.is_empty());
    kit.advance(A_MILLISECOND);
    assert_eq!(due_agents(&kit).await, ["a1"]);
    kit.table.due_checks().reschedule_agent_check(&kit.duty("a1").await, true).await.unwrap();
    let gone = kit.duty("a1").await;
    assert_eq!(gone, Duty { status: AgentStatus::Offline, ..beat });
    kit.advance(SignedDuration::from_hours(24));
    assert!(due_agents(&kit).await.is_empty());
    // An agent who comes back online is checked again.
    kit.table.duty_writer().set_status("a1", AgentStatus::Online, None).await.unwrap();
    kit.advance(GRACE);
    assert_eq!(due_agents(&kit).await, ["a1"]);
}

#[tokio::test]
async fn returned_agent_is_not_set_offline() {
    let kit = Kit::start().await;
    let seen = kit.online("a1", 2).await;
    kit.advance(GRACE);
    assert_eq!(due_agents(&kit).await, ["a1"]);
    kit.table.duty_writer().heartbeat("a1").await.unwrap();
    let before = kit.items().await;
    for timed_out in [true, false] {
        kit.table.due_checks().reschedule_agent_check(&seen, timed_out).await.unwrap();
        assert_eq!(kit.items().await, before, "a concurrent heartbeat prevents the change");
    }
    let seen = kit.duty("a1").await;
    kit.table.duty_writer().set_status("a1", AgentStatus::Busy, None).await.unwrap();
    let before = kit.items().await;
    for timed_out in [true, false] {
        kit.table.due_checks().reschedule_agent_check(&seen, timed_out).await.unwrap();
        assert_eq!(kit.items().await, before, "a concurrent change of status prevents the change");
    }
    kit.table
        .due_checks()
        .reschedule_agent_check(&Duty { agent_id: "unknown".to_owned(), ..seen }, true)
        .await
        .unwrap();
    assert_eq!(kit.items().await, before);
}

#[tokio::test]
async fn agent_with_a_new_conversation_is_not_set_offline() {
    let kit = Kit::start().await;
    kit.online("a1", 2).await;
    kit.advance(GRACE);
    let seen = kit.duty("a1").await;
    // Manual assignment does not require an open workbench.
    let taken = kit.opened_in(&visitor(), assigned("a1", kit.now())).await;
    let before = kit.items().await;
    kit.table.due_checks().reschedule_agent_check(&seen, true).await.unwrap();
    assert_eq!(kit.items().await, before);
    assert_eq!((due_agents(&kit).await, kit.assigned_to("a1").await), (vec!["a1".to_owned()], vec![taken.cid]));
}

#[tokio::test]
async fn timed_out_agent_has_no_reason() {
    let kit = Kit::start().await;
    kit.online("a1", 2).await;
    let away = kit.table.duty_writer().set_status("a1", AgentStatus::Away, Some("lunch")).await.unwrap();
    kit.advance(GRACE);
    kit.table.due_checks().reschedule_agent_check(&away, true).await.unwrap();
    let gone = kit.duty("a1").await;
    assert_eq!((gone.status, gone.reason), (AgentStatus::Offline, None));
}

#[tokio::test]
async fn agents_are_read_in_the_order_asked_for() {
    let kit = Kit::start().await;
    // More than one batch, with unknown agents and one duplicate.
    let mut asked = Vec::new();
    for number in (0..120).rev() {
        let agent = format!("a{number:03}");
        if number % 10 != 0 {
            kit.table.settings_writer().set_capacity(&agent, "Lin", 1).await.unwrap();
        }
        asked.push(agent);
    }
    asked.push(asked[1].clone());
    let read: Vec<_> = kit.table.staff().duties(&asked).await.unwrap().into_iter().map(|duty| duty.agent_id).collect();
    let exist: Vec<_> = asked[..120].iter().filter(|agent| !agent.ends_with('0')).cloned().collect();
    assert_eq!(read, exist);
    assert!(kit.table.staff().duties(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn duty_with_conversations_is_not_deleted() {
    let kit = Kit::start().await;
    kit.online("a1", 2).await;
    let cid = kit.opened_in(&visitor(), assigned("a1", kit.now())).await.cid;
    let before = kit.items().await;
    assert!(!kit.table.settings_writer().end_duty("a1").await.unwrap());
    assert_eq!(kit.items().await, before);
    kit.written(Decision::on(&kit.table, &cid).await.closed()).await;
    for _ in 0..2 {
        assert!(kit.table.settings_writer().end_duty("a1").await.unwrap());
        assert_eq!(kit.table.staff().duty("a1").await.unwrap(), None);
    }
    kit.advance(SignedDuration::from_hours(1));
    assert!(due_agents(&kit).await.is_empty());
}

#[tokio::test]
async fn groups_of_an_agent_follow_joins_and_leaves() {
    let kit = Kit::start().await;
    let agents = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    kit.table.settings_writer().note_members("g1", &agents(&["a1", "a2"]), &agents(&[])).await.unwrap();
    kit.table.settings_writer().note_members("g2", &agents(&["a1"]), &agents(&[])).await.unwrap();
    // Repeating a change has no effect, and an agent's conversations are not listed as groups.
    let before = kit.items().await;
    kit.table.settings_writer().note_members("g2", &agents(&["a1"]), &agents(&["a9"])).await.unwrap();
    assert_eq!(kit.items().await, before);
    kit.online("a1", 2).await;
    kit.opened_in(&visitor(), assigned("a1", kit.now())).await;
    assert_eq!(kit.table.staff().groups_of("a1").await.unwrap(), ["g1", "g2"]);
    assert_eq!(kit.table.staff().groups_of("a2").await.unwrap(), ["g1"]);
    kit.table.settings_writer().note_members("g1", &agents(&["a3"]), &agents(&["a1"])).await.unwrap();
    assert_eq!(kit.table.staff().groups_of("a1").await.unwrap(), ["g2"]);
    assert_eq!(kit.table.staff().groups_of("a3").await.unwrap(), ["g1"]);
    assert_eq!(kit.assigned_to("a1").await.len(), 1);
}
