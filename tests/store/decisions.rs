//! A decision is written atomically or not at all.

use desk::{
    routing::{Level, Plan, Target},
    staff::AfterHours,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use store::{
    CommitOutcome, InboundRef, MessageState, NewOutbound, OVERDUE_AFTER, PENDING_GRACE, RobotStage, Stage, Thread,
    Visitor,
};

use crate::support::{
    APP_ID, BEGIN, Decision, Kit, OPENID, event, outbound, reply, staff::assigned, text_message, visitor,
};

/// Reception's decision about a message, with the automatic reply.
async fn answered(kit: &Kit, message: &InboundRef) -> Decision {
    let decision = Decision::about(&kit.table, message).await;
    let answer = reply(message, &decision.cid());
    decision.event("conversation.created").says(answer)
}

#[tokio::test]
async fn first_message_opens_a_conversation() {
    let kit = Kit::start().await;
    let thread = visitor();
    let message = kit.receive_text(&thread, 5, 1).await;
    let cid = thread.cid(&message.id);
    assert_eq!(kit.table.threads().visitor(&thread).await.unwrap(), Visitor::default());
    kit.advance(SignedDuration::from_secs(6));
    let written = kit.written(Decision::about(&kit.table, &message).await).await;

    let conversation = kit.conversation(&cid).await;
    assert_eq!(conversation, written, "the returned conversation equals the stored one");
    assert_eq!(conversation.cid, cid);
    assert_eq!((conversation.app_id.as_str(), conversation.openid.as_str()), (APP_ID, OPENID));
    assert_eq!(conversation.thread(), thread);
    assert_eq!((&conversation.stage, conversation.is_open()), (&Stage::Unassigned, true));
    assert_eq!((conversation.created_at, conversation.active_at), (kit.now(), kit.now()));
    assert_eq!(conversation.last_message_at, Timestamp::from_second(BEGIN + 5).unwrap());
    assert_eq!((conversation.answered_at, conversation.closed_at, conversation.warned_at), (None, None, None));
    assert_eq!((conversation.assignee(), conversation.waiting(), conversation.seq), (None, None, 0));

    let known = kit.table.threads().visitor(&thread).await.unwrap();
    assert_eq!(known.open_cid.as_ref(), Some(&cid));
    assert_eq!(kit.message(&thread, &message.id).await.cid, Some(cid));
    kit.advance(SignedDuration::from_hours(1));
    assert!(kit.overdue_messages().await.is_empty());
}

#[tokio::test]
async fn next_message_joins_the_open_conversation() {
    let kit = Kit::start().await;
    let thread = visitor();
    let first = kit.opened(&thread, 0, 1).await;
    kit.advance(SignedDuration::from_secs(91));
    let second = kit.receive_text(&thread, 90, 2).await;
    let joined = kit.written(Decision::about(&kit.table, &second).await).await;

    assert_eq!(kit.conversation(&first.cid).await, joined);
    assert_eq!(joined.last_message_at, Timestamp::from_second(BEGIN + 90).unwrap());
    assert_eq!((joined.created_at, joined.active_at), (first.created_at, kit.now()));
    assert_eq!(kit.message(&thread, &second.id).await.cid, Some(first.cid));
    assert_eq!(kit.items_of("conversation").await.len(), 1);
}

#[tokio::test]
async fn joining_message_clears_the_idle_warning() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    let mut warned = Decision::on(&kit.table, &cid).await;
    warned.after.as_mut().unwrap().warned_at = Some(kit.now());
    assert_eq!(kit.written(warned).await.warned_at, Some(kit.now()));
    let message = kit.receive_text(&visitor(), 1, 2).await;
    assert_eq!(kit.written(Decision::about(&kit.table, &message).await).await.warned_at, None);
}

#[tokio::test]
async fn event_is_processed_without_a_conversation() {
    let kit = Kit::start().await;
    let thread = visitor();
    let entered = kit.receive(event(&thread, 0, "eenter.1", json!({ "session_from": "from=cart" }))).await;
    let mut decision = Decision::of(&kit.table, &thread).await;
    decision.message = Some(entered.clone());
    decision.visitor.session_from = Some("from=cart".to_owned());
    assert_eq!(decision.write(&kit.table).await.unwrap(), CommitOutcome::Written(None));
    kit.refused(&decision, &CommitOutcome::AlreadyProcessed).await;

    let known = kit.table.threads().visitor(&thread).await.unwrap();
    assert_eq!((known.open_cid, known.session_from.as_deref()), (None, Some("from=cart")));
    assert_eq!(kit.message(&thread, &entered.id).await.cid, None);
    assert!(kit.items_of("conversation").await.is_empty());
    kit.advance(SignedDuration::from_hours(1));
    assert!(kit.overdue_messages().await.is_empty());
}

#[tokio::test]
async fn sends_are_written_with_the_decision() {
    let kit = Kit::start().await;
    let thread = visitor();
    let message = kit.receive_text(&thread, 0, 1).await;
    let mut decision = answered(&kit, &message).await;
    let second = NewOutbound { ai: true, ..outbound(&thread, "1772352000-rz", "and more") };
    decision.sends.push(second);
    kit.written(decision.clone()).await;

    for said in &decision.sends {
        let kept = kit.message(&thread, &said.id).await;
        assert_eq!((kept.state, kept.content, kept.ai), (MessageState::Pending, said.content.clone(), said.ai));
        assert_eq!((kept.author.as_ref(), kept.cid.as_ref()), (Some(&said.author), said.cid.as_ref()));
    }
    kit.advance(PENDING_GRACE);
    assert_eq!(kit.overdue().await, decision.sends.iter().map(|said| said.id.as_str()).collect::<Vec<_>>());
}

#[tokio::test]
async fn second_processing_of_a_message_changes_nothing() {
    let kit = Kit::start().await;
    let message = kit.receive_text(&visitor(), 0, 1).await;
    let decision = answered(&kit, &message).await;
    kit.written(decision.clone()).await;

    kit.advance(SignedDuration::from_secs(30));
    kit.refused(&decision, &CommitOutcome::AlreadyProcessed).await;
    // The repeated function has read the conversation that its first run opened.
    let again = answered(&kit, &message).await;
    assert!(again.before.is_some());
    kit.refused(&again, &CommitOutcome::AlreadyProcessed).await;
}

#[tokio::test]
async fn decision_about_an_unstored_message_is_refused() {
    let kit = Kit::start().await;
    let kept = kit.receive_text(&visitor(), 0, 1).await;
    let strange = InboundRef { id: "1772352000-m2".to_owned(), ..kept };
    kit.refused(&answered(&kit, &strange).await, &CommitOutcome::AlreadyProcessed).await;
}

#[tokio::test]
async fn stale_decision_writes_nothing() {
    let kit = Kit::start().await;
    let thread = visitor();
    let [early, late] = [kit.receive_text(&thread, 0, 1).await, kit.receive_text(&thread, 2, 3).await];
    let opens = answered(&kit, &late).await;
    let conversation = kit.written(Decision::about(&kit.table, &early).await).await;
    // A concurrent decision has opened one.
    kit.refused(&opens, &CommitOutcome::Conflict).await;

    let joins = answered(&kit, &late).await;
    kit.online("a1", 5).await;
    let taken = Decision::on(&kit.table, &conversation.cid).await.to(assigned("a1", kit.now()));
    kit.written(taken).await;
    // A concurrent decision has written the conversation but not the visitor.
    kit.refused(&joins, &CommitOutcome::Conflict).await;

    kit.advance(SignedDuration::from_secs(1));
    let mut joins = answered(&kit, &late).await;
    assert_ne!(joins.visitor, joins.seen);
    let mut elsewhere = Decision::of(&kit.table, &thread).await;
    elsewhere.visitor.profile.nickname = Some("林".to_owned());
    assert_eq!(elsewhere.write(&kit.table).await.unwrap(), CommitOutcome::Written(None));
    // A concurrent decision has written the visitor but not the conversation.
    kit.refused(&joins, &CommitOutcome::Conflict).await;

    // The conversation was closed in the meantime: the message cannot join it, and it is not opened again.
    joins = answered(&kit, &late).await;
    kit.written(Decision::on(&kit.table, &conversation.cid).await.closed()).await;
    kit.refused(&joins, &CommitOutcome::Conflict).await;
    let mut again = answered(&kit, &late).await;
    again.after.as_mut().unwrap().cid.clone_from(&conversation.cid);
    kit.refused(&again, &CommitOutcome::Conflict).await;

    // A decision from a fresh read succeeds.
    let opened = kit.written(answered(&kit, &late).await).await;
    assert_eq!(opened.cid, thread.cid(&late.id));
}

#[tokio::test]
async fn decision_does_not_recreate_a_deleted_conversation() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    let decision = Decision::on(&kit.table, &cid).await.event("conversation.idle");
    let item = kit.items_of("conversation").await.remove(0);
    let delete = kit.client.delete_item().table_name(&kit.name);
    delete.key("pk", item["pk"].clone()).key("sk", item["sk"].clone()).send().await.unwrap();
    kit.refused(&decision, &CommitOutcome::Conflict).await;
}

#[tokio::test]
async fn existing_message_id_stops_the_decision() {
    let kit = Kit::start().await;
    let message = kit.receive_text(&visitor(), 0, 1).await;
    let decision = answered(&kit, &message).await;
    kit.store_outbound(&decision.sends[0], None).await.unwrap();
    kit.refused(&decision, &CommitOutcome::Conflict).await;
}

#[tokio::test]
async fn refused_decision_leaves_the_message_unprocessed() {
    let kit = Kit::start().await;
    let message = kit.receive_text(&visitor(), 0, 1).await;
    let decision = answered(&kit, &message).await;
    kit.store_outbound(&decision.sends[0], None).await.unwrap();
    kit.refused(&decision, &CommitOutcome::Conflict).await;
    kit.advance(OVERDUE_AFTER);
    assert_eq!(kit.overdue_messages().await, [message.id]);
}

#[tokio::test]
async fn decisions_about_different_visitors_do_not_conflict() {
    let kit = Kit::start().await;
    let another = Thread::new(APP_ID, "oAnother");
    let [one, two] = [kit.receive_text(&visitor(), 0, 1).await, kit.receive_text(&another, 0, 1).await];
    let decisions = [answered(&kit, &one).await, answered(&kit, &two).await];
    for decision in decisions {
        kit.written(decision).await;
    }
    assert_eq!(kit.items_of("visitor").await.len(), 2);
    assert_eq!(kit.items_of("conversation").await.len(), 2);
}

#[tokio::test]
async fn complete_conversation_is_read_as_it_was_written() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    let mut decision = Decision::on(&kit.table, &cid).await.to(Stage::Robot(Box::new(RobotStage {
        plan: Some(Plan::new(vec![Level::from(Target::Group("g2".to_owned()))], None, AfterHours::LeaveMessage)),
        planned_at: Some(kit.now()),
        robot_id: "r0123456789ab".to_owned(),
        turn: Some(store::Turn {
            messages: vec!["1772352000-m1".to_owned(), "1772352001-m2".to_owned()],
            since: kit.now(),
            answering_until: Some(kit.now() + SignedDuration::from_secs(30)),
        }),
        misses: 2,
        last_question: "退款多久到账？".to_owned(),
        repeats: 1,
        offered: vec!["q1".to_owned(), "q2".to_owned()],
    })));
    let after = decision.after.as_mut().unwrap();
    after.plan = Some(Plan::new(vec![Level::from(Target::Group("g1".to_owned()))], None, AfterHours::Queue));
    after.summary = json!({ "text": "退款 🙂" });
    (after.answered_at, after.next_check_at) = (Some(kit.now()), Some(kit.now() + SignedDuration::from_mins(5)));
    let wanted = after.clone();
    let written = kit.written(decision).await;
    let kept = kit.conversation(&cid).await;
    assert_eq!(kept, written);
    assert_eq!((kept.stage, kept.plan, kept.summary), (wanted.stage, wanted.plan, wanted.summary));
    assert_eq!((kept.answered_at, kept.next_check_at), (wanted.answered_at, wanted.next_check_at));
}

#[test]
fn conversation_id_is_derived_from_the_first_message() {
    let thread = visitor();
    assert_eq!(thread.cid("1772352000-m1"), thread.cid("1772352000-m1"));
    assert_ne!(thread.cid("1772352000-m1"), thread.cid("1772352000-m2"));
    assert_ne!(thread.cid("1772352000-m1"), Thread::new(APP_ID, "oAnother").cid("1772352000-m1"));
    assert_ne!(thread.cid("1772352000-m1"), Thread::new("wxfedcba9876543210", OPENID).cid("1772352000-m1"));
    // Parts that concatenate to the same text give different ids.
    assert_ne!(Thread::new("wx1", "2o").uid(), Thread::new("wx12", "o").uid());
}

#[tokio::test]
async fn processed_message_is_received_as_a_duplicate() {
    let kit = Kit::start().await;
    kit.opened(&visitor(), 0, 1).await;
    assert_eq!(kit.table.inbox().receive(&text_message(&visitor(), 0, 1)).await.unwrap(), store::Receipt::Duplicate);
}
