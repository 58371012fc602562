//! Decisions that meet other writers.

use conversations::{Actor, HandoffError, HandoffResult, TransferTarget};
use desk::{conversation::EventKind, settings::IDLE_MAX, staff::AgentStatus};
use jiff::SignedDuration;

use crate::{
    claims::{claim, on_duty, writes},
    operations::tick,
    support::run::{Fault, Faults, Run, live},
    world::{Desk, bind, desk, silent_reception},
};

const APP: &str = "wx0000000000000001";

/// A person closes a conversation by a request of the API, which reads the conversation first.
async fn close(desk: &Desk, cid: &str, by: Actor<'_>) -> store::Result<HandoffResult> {
    let conversation = desk.conversations.conversation(cid).await?.unwrap();
    Box::pin(desk.actions.close(conversation, by, None)).await
}

#[tokio::test]
async fn agent_close_of_a_conversation_that_is_reassigned_meanwhile_is_refused() {
    let mut refused = 0;
    for pause in 0..12 {
        let (_database, _clock, desk) = desk(u64::from(pause));
        bind(&desk, APP, &silent_reception()).await;
        let (first, second) = (on_duty(&desk, 1, 3).await, on_duty(&desk, 2, 3).await);
        desk.actions.set_status(&first, AgentStatus::Online, None).await.unwrap();
        desk.actions.set_status(&second, AgentStatus::Online, None).await.unwrap();
        let cid = writes(&desk, APP, 1).await;
        claim(&desk, &cid, &first).await.unwrap().unwrap();
        let run = Run::new(Faults { pauses_after: Some(pause), ..Faults::NONE });
        let to = TransferTarget::Agent(second.clone());
        let (closed, transferred) = tokio::join!(
            async {
                let closed = live(run.clone(), close(&desk, &cid, Actor::Agent(&first))).await;
                run.is_over();
                closed.unwrap().unwrap()
            },
            run.meanwhile(async {
                let conversation = desk.conversations.conversation(&cid).await.unwrap().unwrap();
                Box::pin(desk.actions.transfer(conversation, &to, None, Actor::Admin)).await
            }),
        );
        match (closed, transferred.unwrap()) {
            (Ok(_), Err(HandoffError::Closed)) => {}
            (Err(HandoffError::Taken { agent_id, .. }), Ok(_)) => {
                assert_eq!(agent_id, second);
                assert_eq!(
                    desk.table.conversations().conversation(&cid).await.unwrap().unwrap().assignee(),
                    Some(second.as_str())
                );
                refused += 1;
            }
            other => panic!("paused after {pause} requests: {other:?}"),
        }
    }
    assert!(refused > 0, "no pause was between the reads and the write of the close");
}

#[tokio::test]
async fn admin_close_of_an_agents_conversation_is_recorded_as_the_admins() {
    let (_database, _clock, desk) = desk(3);
    bind(&desk, APP, &silent_reception()).await;
    let agent = on_duty(&desk, 1, 3).await;
    let cid = writes(&desk, APP, 1).await;
    desk.actions.set_status(&agent, AgentStatus::Online, None).await.unwrap();
    claim(&desk, &cid, &agent).await.unwrap().unwrap();
    close(&desk, &cid, Actor::Admin).await.unwrap().unwrap();
    let events = desk.table.conversations().events(&cid, None, 100).await.unwrap().items;
    let closed = events.last().unwrap();
    assert_eq!((&closed.kind, &closed.data["by"]), (&EventKind::Closed, &"admin".into()));
    assert_eq!(closed.data["agent_id"], agent.as_str());
}

#[tokio::test]
async fn due_conversation_whose_every_attempt_meets_another_writer_counts_as_failed() {
    let (_database, clock, desk) = desk(4);
    let mut reception = silent_reception();
    reception.idle.close_after_minutes = 5;
    bind(&desk, APP, &reception).await;
    let agent = on_duty(&desk, 1, 3).await;
    desk.actions.set_status(&agent, AgentStatus::Online, None).await.unwrap();
    let cid = writes(&desk, APP, 1).await;
    claim(&desk, &cid, &agent).await.unwrap().unwrap();
    // The agent says nothing, so that the conversation ends after the longest time.
    for _ in 0..IDLE_MAX {
        clock.advance(SignedDuration::from_mins(1));
        desk.table.duty_writer().heartbeat(&agent).await.unwrap();
    }
    let run = Run::new(Faults { fault: Some((0, Fault::AlwaysContended)), ..Faults::NONE });
    let report = live(run, Box::pin(tick(&desk))).await.unwrap().unwrap();
    assert_eq!((report.looked_at, report.failed), (1, 1));
    assert!(desk.table.conversations().conversation(&cid).await.unwrap().unwrap().is_open());

    let report = Box::pin(tick(&desk)).await.unwrap();
    assert_eq!((report.looked_at, report.failed), (1, 0));
    assert!(!desk.table.conversations().conversation(&cid).await.unwrap().unwrap().is_open());
}
