//! A decision of reception's is applied at once or not at all.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use store::{
    Applied, ConversationState, InboundRef, MessageState, NewInbound, PENDING_GRACE, Step, StoreError, Thread,
};

use crate::support::{APP_ID, BEGIN, Fault, Kit, OPENID, at_once, event, join, open, reply, s, text_message, visitor};

#[tokio::test]
async fn a_first_message_opens_a_conversation() {
    let kit = Kit::start().await;
    let thread = visitor();
    let message = kit.arrived(&thread, 5, 1).await;
    let cid = thread.cid(&message.id);
    assert!(kit.table.visitor(&thread).await.unwrap().is_none());
    kit.later(SignedDuration::from_secs(6));
    assert_eq!(kit.table.apply(&open(&message, &cid)).await.unwrap(), Applied::Now);

    let conversation = kit.table.conversation(&cid).await.unwrap().unwrap();
    assert_eq!(conversation.cid, cid);
    assert_eq!(conversation.uid, thread.uid());
    assert_eq!((conversation.app_id.as_str(), conversation.openid.as_str()), (APP_ID, OPENID));
    assert_eq!(conversation.thread(), thread);
    assert_eq!(conversation.state, ConversationState::Open);
    assert!(!conversation.answered);
    assert_eq!(conversation.created_at, kit.now());
    assert_eq!(conversation.last_message_at, Timestamp::from_second(BEGIN + 5).unwrap());
    assert_eq!(conversation.closed_at, None);

    let known = kit.table.visitor(&thread).await.unwrap().unwrap();
    assert_eq!(known.open_cid.as_deref(), Some(cid.as_str()));
    assert_eq!(kit.message(&thread, &message.id).await.cid, Some(cid));
    kit.later(SignedDuration::from_hours(1));
    assert!(kit.left_behind().await.is_empty());
}

#[tokio::test]
async fn the_next_message_joins_it() {
    let kit = Kit::start().await;
    let thread = visitor();
    let cid = kit.opened(&thread, 0, 1).await.cid;
    let second = kit.arrived(&thread, 90, 2).await;
    assert_eq!(kit.table.apply(&join(&second, &cid)).await.unwrap(), Applied::Now);

    let conversation = kit.table.conversation(&cid).await.unwrap().unwrap();
    assert_eq!(conversation.last_message_at, Timestamp::from_second(BEGIN + 90).unwrap());
    assert_eq!(conversation.created_at, kit.now());
    assert_eq!(kit.message(&thread, &second.id).await.cid, Some(cid));
    assert_eq!(kit.items_of("conversation").await.len(), 1);
}

#[tokio::test]
async fn an_event_is_done_with_and_opens_nothing() {
    let kit = Kit::start().await;
    let thread = visitor();
    let entered = kit.keep(event(&thread, 0, "eenter.1", json!({ "session_from": "from=cart" }))).await;
    let step = Step { message: &entered, conversation: None, reply: None };
    assert_eq!(kit.table.apply(&step).await.unwrap(), Applied::Now);
    assert_eq!(kit.table.apply(&step).await.unwrap(), Applied::Before);

    let known = kit.table.visitor(&thread).await.unwrap().unwrap();
    assert_eq!((known.open_cid, known.session_from.as_deref()), (None, Some("from=cart")));
    assert_eq!(kit.message(&thread, &entered.id).await.cid, None);
    assert!(kit.items_of("conversation").await.is_empty());
    kit.later(SignedDuration::from_hours(1));
    assert!(kit.left_behind().await.is_empty());
}

#[tokio::test]
async fn the_last_session_from_is_kept_and_an_event_leaves_the_conversation_open() {
    let kit = Kit::start().await;
    let thread = visitor();
    let cid = kit.opened(&thread, 0, 1).await.cid;
    for (second, from) in [(1, "from=cart"), (2, "from=order")] {
        let entered = kit.keep(event(&thread, second, "eenter.1", json!({ "session_from": from }))).await;
        kit.table.apply(&Step { message: &entered, conversation: None, reply: None }).await.unwrap();
    }
    let text = kit.arrived(&thread, 3, 2).await;
    kit.table.apply(&join(&text, &cid)).await.unwrap();
    let known = kit.table.visitor(&thread).await.unwrap().unwrap();
    assert_eq!(known.session_from.as_deref(), Some("from=order"));
    assert_eq!(known.open_cid, Some(cid));
}

#[tokio::test]
async fn the_reply_is_put_down_with_the_step() {
    let kit = Kit::start().await;
    let thread = visitor();
    let message = kit.arrived(&thread, 0, 1).await;
    let cid = thread.cid(&message.id);
    let answer = reply(&message, &cid);
    let step = Step { reply: Some(answer.clone()), ..open(&message, &cid) };
    assert_eq!(kit.table.apply(&step).await.unwrap(), Applied::Now);

    let put_down = kit.message(&thread, &answer.id).await;
    assert_eq!(put_down.state, MessageState::Pending);
    assert_eq!(put_down.content, answer.content);
    assert_eq!(put_down.author, Some(answer.author));
    assert_eq!(put_down.cid, Some(cid));
    kit.later(PENDING_GRACE);
    assert_eq!(kit.overdue().await, [answer.id]);
}

#[tokio::test]
async fn a_second_application_changes_nothing() {
    let kit = Kit::start().await;
    let thread = visitor();
    let message = kit.arrived(&thread, 0, 1).await;
    let cid = thread.cid(&message.id);
    let step = Step { reply: Some(reply(&message, &cid)), ..open(&message, &cid) };
    kit.table.apply(&step).await.unwrap();
    let before = kit.items().await;

    kit.later(SignedDuration::from_secs(30));
    assert_eq!(kit.table.apply(&step).await.unwrap(), Applied::Before);
    // The function that runs again has read the conversation that it opened itself.
    let again = Step { reply: Some(reply(&message, &cid)), ..join(&message, &cid) };
    assert_eq!(kit.table.apply(&again).await.unwrap(), Applied::Before);
    assert_eq!(kit.items().await, before);
}

/// Applies a step whose decision is out of date: a conflict, and nothing of it is written.
async fn conflicts(kit: &Kit, step: Step<'_>) {
    let before = kit.items().await;
    let refused = kit.table.apply(&step).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    assert_eq!(kit.items().await, before);
}

#[tokio::test]
async fn a_decision_that_is_out_of_date_writes_nothing() {
    let kit = Kit::start().await;
    let thread = visitor();
    let early = kit.arrived(&thread, 0, 1).await;
    // Joined before anything was opened.
    conflicts(&kit, Step { reply: Some(reply(&early, "c1")), ..join(&early, "c1") }).await;

    let conversation = kit.opened(&thread, 1, 2).await;
    let cid = conversation.cid.clone();
    let late = kit.arrived(&thread, 2, 3).await;
    let other = thread.cid(&late.id);
    // Somebody else has opened one meanwhile.
    conflicts(&kit, Step { reply: Some(reply(&late, &other)), ..open(&late, &other) }).await;
    // The visitor's open conversation is another one.
    conflicts(&kit, Step { reply: Some(reply(&late, &other)), ..join(&late, &other) }).await;
    let strange = kit.opened(&Thread::new(APP_ID, "oAnother"), 0, 1).await;
    conflicts(&kit, Step { reply: Some(reply(&late, &strange.cid)), ..join(&late, &strange.cid) }).await;

    assert!(kit.table.close_conversation(&conversation).await.unwrap());
    // It was closed meanwhile.
    conflicts(&kit, Step { reply: Some(reply(&late, &cid)), ..join(&late, &cid) }).await;
    // It was opened before, by a message that is still there.
    conflicts(&kit, Step { reply: Some(reply(&late, &cid)), ..open(&late, &cid) }).await;
    // After all that, deciding anew succeeds.
    let step = Step { reply: Some(reply(&late, &other)), ..open(&late, &other) };
    assert_eq!(kit.table.apply(&step).await.unwrap(), Applied::Now);
}

#[tokio::test]
async fn a_conversation_that_is_closed_but_still_named_by_the_visitor_takes_no_message() {
    let kit = Kit::start().await;
    let thread = visitor();
    let conversation = kit.opened(&thread, 0, 1).await;
    let named = kit.items_of("visitor").await.remove(0);
    kit.table.close_conversation(&conversation).await.unwrap();
    kit.write(named).await;
    let message = kit.arrived(&thread, 1, 2).await;
    conflicts(&kit, join(&message, &conversation.cid)).await;
}

#[tokio::test]
async fn a_reply_that_exists_stops_the_step() {
    let kit = Kit::start().await;
    let message = kit.arrived(&visitor(), 0, 1).await;
    let answer = reply(&message, "c1");
    kit.table.put_down(&answer, None).await.unwrap();
    conflicts(&kit, Step { reply: Some(answer.clone()), ..open(&message, "c1") }).await;
    conflicts(&kit, Step { message: &message, conversation: None, reply: Some(answer) }).await;
}

#[tokio::test]
async fn a_message_that_nobody_kept_is_not_processed() {
    let kit = Kit::start().await;
    let kept = kit.arrived(&visitor(), 0, 1).await;
    let before = kit.items().await;
    let strange = InboundRef { id: "1772352000-m2".to_owned(), ..kept };
    let step = Step { reply: Some(reply(&strange, "c1")), ..open(&strange, "c1") };
    assert_eq!(kit.table.apply(&step).await.unwrap(), Applied::Before);
    assert_eq!(kit.items().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_first_messages_at_once_open_one_conversation() {
    let kit = Kit::start().await;
    for round in 0..30 {
        let thread = Thread::new(APP_ID, format!("oVisitor{round}"));
        let messages = [kit.arrived(&thread, 0, 1).await, kit.arrived(&thread, 0, 2).await];
        let applied = at_once(2, |number| {
            let (table, message) = (kit.table.clone(), messages[number].clone());
            async move {
                let cid = message.thread.cid(&message.id);
                table.apply(&open(&message, &cid)).await
            }
        });
        let applied = applied.await;
        let won = applied.iter().position(|applied| matches!(applied, Ok(Applied::Now))).unwrap();
        assert!(matches!(applied[1 - won], Err(StoreError::Conflict)), "round {round}: {applied:?}");

        let cid = kit.table.visitor(&thread).await.unwrap().unwrap().open_cid.unwrap();
        assert_eq!(cid, thread.cid(&messages[won].id));
        let lost = &messages[1 - won];
        assert!(kit.table.conversation(&thread.cid(&lost.id)).await.unwrap().is_none());
        assert_eq!(kit.message(&thread, &lost.id).await.cid, None);
        assert_eq!(kit.table.apply(&join(lost, &cid)).await.unwrap(), Applied::Now);
        assert!(kit.thread(&thread).await.iter().all(|message| message.cid.as_ref() == Some(&cid)));
    }
    assert_eq!(kit.items_of("conversation").await.len(), 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_message_that_two_functions_process_at_once_is_answered_once() {
    let kit = Kit::start().await;
    for round in 0..30 {
        let thread = Thread::new(APP_ID, format!("oVisitor{round}"));
        let message = kit.arrived(&thread, 0, 1).await;
        let applied = at_once(2, |_| {
            let (table, message) = (kit.table.clone(), message.clone());
            async move {
                let cid = message.thread.cid(&message.id);
                table.apply(&Step { reply: Some(reply(&message, &cid)), ..open(&message, &cid) }).await
            }
        });
        let applied = applied.await;
        let now = applied.iter().filter(|applied| matches!(applied, Ok(Applied::Now))).count();
        let after = applied.iter().filter(|applied| matches!(applied, Ok(Applied::Before) | Err(StoreError::Conflict)));
        assert_eq!((now, after.count()), (1, 1), "round {round}: {applied:?}");
        assert_eq!(kit.thread(&thread).await.len(), 2, "the message and its reply");
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_applies_the_step_once() {
    let kit = Kit::start().await;
    let message = kit.arrived(&visitor(), 0, 1).await;
    kit.wire.fail("TransactWriteItems", 1, &Fault::LostAnswer);
    let step = Step { reply: Some(reply(&message, "c1")), ..open(&message, "c1") };
    // DynamoDB knows the second try by its ClientRequestToken; an emulator that does not says that it was done before.
    let applied = kit.table.apply(&step).await.unwrap();
    assert!(matches!(applied, Applied::Now | Applied::Before));
    assert_eq!(kit.wire.calls("TransactWriteItems"), 2);
    assert_eq!(kit.thread(&visitor()).await.len(), 2);
    let items = kit.items_of("conversation").await;
    assert_eq!(items[0]["seq"].as_n().unwrap(), "1");
}

/// A cancelled transaction as DynamoDB words it.
fn cancelled(reasons: &[&str]) -> Fault {
    let reasons: Vec<_> = reasons.iter().map(|code| json!({ "Code": code })).collect();
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    Fault::Answer(400, json!({ "__type": kind, "message": "cancelled", "CancellationReasons": reasons }).to_string())
}

#[tokio::test]
async fn a_conflict_between_transactions_is_decided_again() {
    let kit = Kit::start().await;
    let message = kit.arrived(&visitor(), 0, 1).await;
    let attempt = async |reasons: &[&str]| {
        kit.wire.fail("TransactWriteItems", 1, &cancelled(reasons));
        kit.table.apply(&open(&message, "c1")).await
    };
    let conflict = attempt(&["None", "TransactionConflict", "None"]).await;
    assert!(matches!(conflict, Err(StoreError::Conflict)), "{conflict:?}");
    // Another function holds the message itself; whether it gets through is not known yet.
    let conflict = attempt(&["TransactionConflict", "TransactionConflict", "None"]).await;
    assert!(matches!(conflict, Err(StoreError::Conflict)), "{conflict:?}");
    let before = attempt(&["ConditionalCheckFailed", "TransactionConflict", "None"]).await;
    assert_eq!(before.unwrap(), Applied::Before);
    kit.wire.fail("TransactWriteItems", 2, &cancelled(&["None", "ThrottlingError", "None"]));
    let throttled = attempt(&["None", "ThrottlingError", "None"]).await;
    assert!(matches!(throttled, Err(StoreError::Unavailable { .. })), "{throttled:?}");
}

#[test]
fn a_step_names_its_conversation_by_the_message_that_opens_it() {
    let thread = visitor();
    assert_eq!(thread.cid("1772352000-m1"), thread.cid("1772352000-m1"));
    assert_ne!(thread.cid("1772352000-m1"), thread.cid("1772352000-m2"));
    assert_ne!(thread.cid("1772352000-m1"), Thread::new(APP_ID, "oAnother").cid("1772352000-m1"));
    assert_ne!(thread.cid("1772352000-m1"), Thread::new("wxfedcba9876543210", OPENID).cid("1772352000-m1"));
    // Parts that run together to the same text are told apart.
    assert_ne!(Thread::new("wx1", "2o").uid(), Thread::new("wx12", "o").uid());
}

#[tokio::test]
async fn session_from_of_a_message_counts_too_and_other_types_do_not() {
    let kit = Kit::start().await;
    let thread = visitor();
    let kept = async |second, content| {
        let message = kit.keep(NewInbound { content, ..text_message(&thread, second, 1) }).await;
        kit.table.apply(&Step { message: &message, conversation: None, reply: None }).await.unwrap();
        kit.table.visitor(&thread).await.unwrap().unwrap().session_from
    };
    assert_eq!(kept(0, json!({ "session_from": 7 })).await, None);
    assert_eq!(kept(1, json!({ "session_from": "来自订单页 🛒" })).await.as_deref(), Some("来自订单页 🛒"));
    let visitor = kit.items_of("visitor").await.remove(0);
    assert_eq!(s(&visitor, "uid"), thread.uid());
}
