//! Of two concurrent decisions one is written, and the other is made again.

use store::{Assign, CommitOutcome, MessageState, Queue, Stage, StoreError, Table, Thread};

use crate::support::{
    APP_ID, Decision, Fault, Kit, backend, cancelled, concurrently, reply,
    staff::{assigned, group, queued},
    visitor,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_first_messages_open_one_conversation() {
    let kit = Kit::start().await;
    for round in 0..30 {
        let thread = Thread::new(APP_ID, format!("oVisitor{round}"));
        let messages = [kit.receive_text(&thread, 0, 1).await, kit.receive_text(&thread, 0, 2).await];
        // Both have read the visitor before either has written.
        let decisions =
            [Decision::about(&kit.table, &messages[0]).await, Decision::about(&kit.table, &messages[1]).await];
        let written = concurrently(2, |number| {
            let (table, decision) = (kit.table.clone(), decisions[number].clone());
            async move { decision.write(&table).await.unwrap() }
        });
        let written = written.await;
        let won = written.iter().position(|written| matches!(written, CommitOutcome::Written(_))).unwrap();
        assert_eq!(written[1 - won], CommitOutcome::Conflict, "round {round}");

        let cid = kit.table.threads().visitor(&thread).await.unwrap().open_cid.unwrap();
        assert_eq!(cid, thread.cid(&messages[won].id));
        let lost = &messages[1 - won];
        assert!(kit.table.conversations().conversation(&thread.cid(&lost.id)).await.unwrap().is_none());
        assert_eq!(kit.message(&thread, &lost.id).await.cid, None);
        kit.written(Decision::about(&kit.table, lost).await).await;
        assert!(kit.thread(&thread).await.iter().all(|message| message.cid.as_ref() == Some(&cid)));
    }
    assert_eq!(kit.items_of("conversation").await.len(), 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_processing_of_a_message_answers_once() {
    let kit = Kit::start().await;
    for round in 0..30 {
        let thread = Thread::new(APP_ID, format!("oVisitor{round}"));
        let message = kit.receive_text(&thread, 0, 1).await;
        let written = concurrently(2, |_| {
            let (table, message) = (kit.table.clone(), message.clone());
            async move {
                let decision = Decision::about(&table, &message).await;
                let answer = reply(&message, &decision.cid());
                decision.says(answer).write(&table).await.unwrap()
            }
        });
        let written = written.await;
        let now = written.iter().filter(|written| matches!(written, CommitOutcome::Written(_))).count();
        let after = written
            .iter()
            .filter(|written| matches!(written, CommitOutcome::AlreadyProcessed | CommitOutcome::Conflict));
        assert_eq!((now, after.count()), (1, 1), "round {round}: {written:?}");
        assert_eq!(kit.thread(&thread).await.len(), 2, "the message and its reply");
    }
}

/// Assigns a conversation to an agent as the callers do: read, decide, write, and repeat after a change.
/// Returns `false` if the agent has no capacity.
async fn assigns(table: Table, cid: String, agent: &'static str) -> bool {
    loop {
        let duty = table.staff().duty(agent).await.unwrap().unwrap();
        if duty.load >= duty.capacity {
            return false;
        }
        let now = table.clock().now();
        let decision = Decision::on(&table, &cid).await.to(assigned(agent, now)).event("conversation.assigned");
        match decision.by(Assign::Auto { at_most: Some(duty.load) }).write(&table).await.unwrap() {
            CommitOutcome::Written(_) => return true,
            CommitOutcome::AgentUnavailable | CommitOutcome::Conflict => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_of_a_hundred_concurrent_claims_succeed_at_capacity_three() {
    let kit = Kit::start().await;
    // An external server gets one request at a time, so more concurrency would only wait.
    let crowd = if backend::is_external() { 15 } else { 100 };
    kit.online("a1", 3).await;
    let queue = group("g1");
    let mut cids = Vec::new();
    for number in 0..crowd {
        let opened = kit.opened(&Thread::new(APP_ID, format!("oVisitor{number}")), 0, 1).await;
        kit.written(Decision::on(&kit.table, &opened.cid).await.to(queued(&queue, &opened, kit.now()))).await;
        cids.push(opened.cid);
    }
    let taken = concurrently(crowd, |number| assigns(kit.table.clone(), cids[number].clone(), "a1")).await;
    let mut taken: Vec<_> = cids.iter().zip(&taken).filter(|(_, taken)| **taken).map(|(cid, _)| cid.clone()).collect();
    assert_eq!(taken.len(), 3);
    assert_eq!(kit.load("a1").await, 3);
    let mut has = kit.assigned_to("a1").await;
    has.sort();
    taken.sort();
    assert_eq!(has, taken);
    for cid in &taken {
        assert_eq!(kit.conversation(cid).await.assignee(), Some("a1"));
    }
    // The conversations that were not assigned still wait, and no others do.
    let mut rest: Vec<_> = cids.into_iter().filter(|cid| !taken.contains(cid)).collect();
    let mut waiting = kit.waiting(&queue).await;
    rest.sort();
    waiting.sort();
    assert_eq!(waiting, rest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_twenty_agents_gets_the_conversation() {
    let kit = Kit::start().await;
    let agents: Vec<String> = (0..20).map(|number| format!("a{number:02}")).collect();
    for agent in &agents {
        kit.online(agent, 5).await;
    }
    for round in 0..5 {
        let thread = Thread::new(APP_ID, format!("oVisitor{round}"));
        let opened = kit.opened(&thread, 0, 1).await;
        let queue = Queue::Agent("a00".to_owned());
        kit.written(Decision::on(&kit.table, &opened.cid).await.to(queued(&queue, &opened, kit.now()))).await;
        let seen = Decision::on(&kit.table, &opened.cid).await;
        let written = concurrently(20, |number| {
            let (table, seen) = (kit.table.clone(), seen.clone());
            let stage = assigned(&agents[number], kit.now());
            async move { seen.to(stage).write(&table).await.unwrap() }
        });
        let written = written.await;
        let winners: Vec<_> = (0..20)
            .filter(|number| matches!(written[*number], CommitOutcome::Written(_)))
            .map(|number| &agents[number])
            .collect();
        let [winner] = winners[..] else { panic!("round {round}: {winners:?}") };
        assert_eq!(written.iter().filter(|written| **written == CommitOutcome::Conflict).count(), 19);
        assert_eq!(kit.conversation(&opened.cid).await.assignee(), Some(winner.as_str()));
        assert!(kit.waiting(&queue).await.is_empty());
    }
    let duties = kit.table.staff().duties(&agents).await.unwrap();
    let loads: u32 = duties.iter().map(|duty| duty.load).sum();
    let listed: usize = duties.iter().map(|duty| duty.conversations.len()).sum();
    assert_eq!((loads, listed), (5, 5));
}

#[tokio::test]
async fn lost_answer_writes_the_decision_once() {
    let kit = Kit::start().await;
    kit.online("a1", 5).await;
    let message = kit.receive_text(&visitor(), 0, 1).await;
    let decision = Decision::about(&kit.table, &message).await.to(assigned("a1", kit.now()));
    let decision = decision.event("conversation.created").says(reply(&message, &visitor().cid(&message.id)));
    kit.wire.fail("TransactWriteItems", 1, &Fault::LostAnswer);
    // DynamoDB recognises the retry by its ClientRequestToken; an emulator that does not reports an earlier processing.
    let written = decision.write(&kit.table).await.unwrap();
    assert!(matches!(written, CommitOutcome::Written(_) | CommitOutcome::AlreadyProcessed));
    assert_eq!(kit.wire.calls("TransactWriteItems"), 2);
    assert_eq!(kit.thread(&visitor()).await.len(), 2);
    assert_eq!(kit.load("a1").await, 1);
    assert_eq!((kit.items_of("event").await.len(), kit.conversation(&decision.cid()).await.seq), (1, 1));
}

#[tokio::test]
async fn transaction_conflict_returns_conflict() {
    let kit = Kit::start().await;
    let message = kit.receive_text(&visitor(), 0, 1).await;
    let decision = Decision::about(&kit.table, &message).await;
    let attempt = async |reasons: &[&str]| {
        kit.wire.fail("TransactWriteItems", 1, &cancelled(reasons));
        decision.write(&kit.table).await
    };
    let conflict = attempt(&["None", "TransactionConflict", "None"]).await;
    assert_eq!(conflict.unwrap(), CommitOutcome::Conflict);
    // Another transaction contains the message; whether it will succeed is not known yet.
    let conflict = attempt(&["TransactionConflict", "TransactionConflict", "None"]).await;
    assert_eq!(conflict.unwrap(), CommitOutcome::Conflict);
    let before = attempt(&["ConditionalCheckFailed", "TransactionConflict", "None"]).await;
    assert_eq!(before.unwrap(), CommitOutcome::AlreadyProcessed);
    kit.wire.fail("TransactWriteItems", 2, &cancelled(&["None", "ThrottlingError", "None"]));
    let throttled = attempt(&["None", "ThrottlingError", "None"]).await;
    assert!(
        matches!(&throttled, Err(StoreError::Throttled { code, .. }) if code == "ThrottlingError"),
        "{throttled:?}"
    );
    let too_large = attempt(&["ValidationError", "TransactionConflict", "None"]).await;
    assert!(matches!(&too_large, Err(StoreError::Rejected { code, .. }) if code == "ValidationError"), "{too_large:?}");
}

#[tokio::test]
async fn transaction_conflict_on_the_agent_returns_agent_unavailable() {
    let kit = Kit::start().await;
    kit.online("a1", 1).await;
    let opened = kit.opened(&visitor(), 0, 1).await;
    let decision = Decision::on(&kit.table, &opened.cid).await.to(assigned("a1", kit.now()));
    // The conversation and the agent.
    for (reasons, expected) in [
        (["None", "TransactionConflict"], CommitOutcome::AgentUnavailable),
        (["None", "ConditionalCheckFailed"], CommitOutcome::AgentUnavailable),
        (["TransactionConflict", "None"], CommitOutcome::Conflict),
        (["ConditionalCheckFailed", "TransactionConflict"], CommitOutcome::Conflict),
    ] {
        kit.wire.fail("TransactWriteItems", 1, &cancelled(&reasons));
        assert_eq!(decision.write(&kit.table).await.unwrap(), expected, "{reasons:?}");
    }
    kit.written(decision).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_close_and_join_leave_no_message_in_a_closed_conversation() {
    let kit = Kit::start().await;
    for round in 0..20 {
        let thread = Thread::new(APP_ID, format!("oVisitor{round}"));
        let first = kit.opened(&thread, 0, 1).await;
        let message = kit.receive_text(&thread, 1, 2).await;
        let [closes, joins] =
            [Decision::on(&kit.table, &first.cid).await.closed(), Decision::about(&kit.table, &message).await];
        let written = concurrently(2, |number| {
            let (table, decision) = (kit.table.clone(), [closes.clone(), joins.clone()][number].clone());
            async move { matches!(decision.write(&table).await.unwrap(), CommitOutcome::Written(_)) }
        });
        let [ended, came_in] = written.await[..] else { unreachable!() };
        assert!(ended != came_in, "round {round}: either the close or the message is written");
        let kept = kit.message(&thread, &message.id).await;
        assert_eq!((kept.cid.is_some(), kept.state), (came_in, MessageState::Received));
        assert_eq!(matches!(kit.conversation(&first.cid).await.stage, Stage::Closed { .. }), ended);
        assert_eq!(kit.table.threads().visitor(&thread).await.unwrap().open_cid.is_none(), ended);
    }
}

#[tokio::test]
async fn decision_of_one_write_needs_no_transaction() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    let mut seen = Decision::on(&kit.table, &cid).await;
    seen.after.as_mut().unwrap().next_check_at = Some(kit.now());
    let before = kit.wire.calls("TransactWriteItems");
    kit.written(seen.clone()).await;
    kit.refused(&seen, &CommitOutcome::Conflict).await;
    assert_eq!(kit.wire.calls("TransactWriteItems"), before, "a transaction costs twice as much");
    // Another transaction contains the item during all attempts.
    kit.wire.fail("PutItem", 3, &Fault::error("TransactionConflictException"));
    let anew = Decision::on(&kit.table, &cid).await;
    assert_eq!(anew.write(&kit.table).await.unwrap(), CommitOutcome::Conflict);
    kit.wire.fail("PutItem", 3, &Fault::error("ThrottlingException"));
    let throttled = anew.write(&kit.table).await;
    assert!(matches!(throttled, Err(StoreError::Throttled { .. })), "{throttled:?}");
}
