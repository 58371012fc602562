//! A hundred concurrent claims.

use std::collections::BTreeSet;

use conversations::{HandoffError, HandoffResult};
use desk::staff::{Agent, AgentStatus};
use futures_util::future::join_all;
use serde_json::json;
use store::{NewInbound, Thread};

use crate::world::{Desk, bind, desk, from, silent_reception, store_record};

const APP: &str = "wx0000000000000001";

/// An agent with this capacity; offline at first.
pub(crate) async fn on_duty(desk: &Desk, number: u32, capacity: u32) -> String {
    let id = format!("a{number:012x}");
    store_record(desk, &id, from::<Agent>(json!({ "name": id, "capacity": capacity })), Vec::new()).await;
    desk.table.settings_writer().set_capacity(&id, &id, capacity).await.unwrap();
    id
}

/// A visitor writes, and the message is processed. Returns its conversation.
pub(crate) async fn writes(desk: &Desk, app_id: &str, number: u32) -> String {
    let thread = Thread::new(app_id, format!("oVisitor{number:04}"));
    let new = NewInbound {
        thread: thread.clone(),
        create_time: desk.table.clock().now().as_second(),
        identity: format!("m{number}"),
        kind: "text".to_owned(),
        content: json!({ "content": "在吗" }),
    };
    desk.table.inbox().receive(&new).await.unwrap();
    let kept = desk.table.threads().thread_messages(&thread, None, 10).await.unwrap().items.remove(0);
    let message = store::InboundRef {
        thread: kept.thread,
        id: kept.id,
        kind: kept.kind,
        content: kept.content,
        created_at: kept.created_at,
        received_at: kept.created_at,
    };
    Box::pin(desk.conversations.receive(&message)).await.unwrap();
    desk.table.threads().visitor(&thread).await.unwrap().open_cid.unwrap()
}

/// An agent claims a conversation by a request of the API, which reads the conversation first.
pub(crate) async fn claim(desk: &Desk, cid: &str, agent: &str) -> store::Result<HandoffResult> {
    let conversation = desk.conversations.conversation(cid).await?.unwrap();
    Box::pin(desk.actions.claim(conversation, agent)).await
}

#[tokio::test]
async fn agent_with_capacity_three_gets_three_of_a_hundred_concurrent_claims() {
    let (database, _clock, desk) = desk(1);
    bind(&desk, APP, &silent_reception()).await;
    let agent = on_duty(&desk, 1, 3).await;
    desk.actions.set_status(&agent, AgentStatus::Online, None).await.unwrap();
    let mut cids = Vec::new();
    for number in 0..100 {
        cids.push(writes(&desk, APP, number).await);
    }
    database.take_turns(true);
    let claims = join_all(cids.iter().map(|cid| claim(&desk, cid, &agent))).await;
    let (got, refused): (Vec<_>, Vec<_>) = claims.into_iter().map(Result::unwrap).partition(Result::is_ok);
    assert_eq!(got.len(), 3);
    assert!(refused.into_iter().all(|refused| matches!(refused, Err(HandoffError::AgentFull { .. }))));
    let has: BTreeSet<String> = desk.table.staff().assigned_to(&agent, 200).await.unwrap().into_iter().collect();
    assert_eq!(has, got.into_iter().map(|got| got.unwrap().conversation.cid).collect());
    assert_eq!(desk.table.staff().duty(&agent).await.unwrap().unwrap().load, 3);
    for conversation in desk.table.conversations().conversations_of(&cids).await.unwrap() {
        assert_eq!(conversation.assignee(), has.contains(&conversation.cid).then_some(agent.as_str()));
    }
}

#[tokio::test]
async fn one_of_a_hundred_concurrent_claims_succeeds_and_the_others_name_the_assignee() {
    let (database, _clock, desk) = desk(2);
    bind(&desk, APP, &silent_reception()).await;
    let mut agents = Vec::new();
    for number in 1..=100 {
        let agent = on_duty(&desk, number, 1).await;
        desk.actions.set_status(&agent, AgentStatus::Online, None).await.unwrap();
        agents.push(agent);
    }
    let cid = writes(&desk, APP, 1).await;
    database.take_turns(true);
    let claims = join_all(agents.iter().map(|agent| claim(&desk, &cid, agent))).await;
    let (got, refused): (Vec<_>, Vec<_>) = claims.into_iter().map(Result::unwrap).partition(Result::is_ok);
    let [Ok(got)] = got.as_slice() else { panic!("{} have it", got.len()) };
    let winner = got.conversation.assignee().unwrap().to_owned();
    let taken = HandoffError::Taken { agent_id: winner.clone(), name: winner.clone() };
    assert!(refused.iter().all(|refused| refused.as_ref() == Err(&taken)));
    for duty in desk.table.staff().duties(&agents).await.unwrap() {
        assert_eq!(duty.load, u32::from(duty.agent_id == winner));
    }
}
