//! Due conversations, and the turns that start a robot.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use store::{Conversation, DUE_SHARDS, DueItem, DueKind, DuePartition, RobotStage, Stage, TURN_MAX, Thread, Turn};

use crate::support::{APP_ID, Decision, Kit, s, visitor};

async fn all_due(kit: &Kit) -> Vec<Conversation> {
    let conversation = |item| match item {
        DueItem::Conversation(conversation) => *conversation,
        other => panic!("{other:?}"),
    };
    kit.due(DueKind::Conversation).await.into_iter().map(conversation).collect()
}

/// Sets the time of a conversation's next check.
async fn set_next_check(kit: &Kit, cid: &str, at: Option<Timestamp>) -> Conversation {
    let mut decision = Decision::on(&kit.table, cid).await;
    decision.after.as_mut().unwrap().next_check_at = at;
    kit.written(decision).await
}

#[tokio::test]
async fn conversation_is_due_at_its_next_check() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    kit.advance(SignedDuration::from_hours(100));
    assert!(all_due(&kit).await.is_empty(), "a conversation without a next check is not due");
    let written = set_next_check(&kit, &cid, Some(kit.now() + SignedDuration::from_mins(5))).await;
    kit.advance(SignedDuration::from_mins(5) - SignedDuration::from_millis(1));
    assert!(all_due(&kit).await.is_empty());
    kit.advance(SignedDuration::from_millis(1));
    assert_eq!(all_due(&kit).await, [written]);
    set_next_check(&kit, &cid, Some(kit.now() + SignedDuration::from_mins(1))).await;
    assert!(all_due(&kit).await.is_empty());
    set_next_check(&kit, &cid, Some(kit.now())).await;
    assert_eq!(all_due(&kit).await.len(), 1);
    set_next_check(&kit, &cid, None).await;
    assert!(all_due(&kit).await.is_empty());
}

#[tokio::test]
async fn closed_conversation_is_never_due() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    set_next_check(&kit, &cid, Some(kit.now())).await;
    kit.written(Decision::on(&kit.table, &cid).await.closed()).await;
    kit.advance(SignedDuration::from_hours(1));
    assert!(all_due(&kit).await.is_empty());
    assert!(!kit.items_of("conversation").await[0].contains_key("due_sk"));
}

#[tokio::test]
async fn due_items_are_sharded_and_sorted_by_due_time() {
    let kit = Kit::start().await;
    for number in 0..256 {
        let cid = kit.opened(&Thread::new(APP_ID, format!("oVisitor{number}")), 0, 1).await.cid;
        set_next_check(&kit, &cid, Some(kit.now() + SignedDuration::from_secs(i64::from(300 - number)))).await;
    }
    kit.advance(SignedDuration::from_mins(6));
    let (checks, mut counts) = (kit.table.due_checks(), Vec::new());
    for partition in DuePartition::all().take(DUE_SHARDS.into()) {
        let keys = checks.due(&partition, None).await.unwrap();
        counts.push(keys.len());
        if let Some(first) = keys.first() {
            assert_eq!(checks.due(&partition, Some(1)).await.unwrap(), std::slice::from_ref(first));
        }
        let mut found = Vec::new();
        for key in &keys {
            let Some(DueItem::Conversation(due)) = checks.read(key).await.unwrap() else { panic!("{key:?}") };
            found.push(due.next_check_at);
        }
        assert!(found.is_sorted(), "{found:?}");
    }
    assert_eq!(counts.iter().sum::<usize>(), 256);
    assert!(counts.iter().filter(|count| **count > 0).count() > 50, "{counts:?}");
}

#[tokio::test]
async fn items_of_earlier_versions_are_still_due_and_move_when_they_are_written() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    set_next_check(&kit, &cid, Some(kit.now())).await;
    for (due_pk, found) in [("conversations#7", 1), ("conversations#8", 0), ("conversations#0", 1)] {
        let mut item = kit.items_of("conversation").await.remove(0);
        item.insert("due_pk".to_owned(), AttributeValue::S(due_pk.to_owned()));
        kit.write(item).await;
        assert_eq!(all_due(&kit).await.len(), found, "{due_pk}");
    }
    set_next_check(&kit, &cid, Some(kit.now())).await;
    assert!(s(&kit.items_of("conversation").await[0], "due_pk").starts_with("due#"));
}

#[tokio::test]
async fn item_that_was_postponed_after_it_was_listed_is_not_read() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    set_next_check(&kit, &cid, Some(kit.now())).await;
    let key = kit.due_keys(DueKind::Conversation).await.remove(0);
    set_next_check(&kit, &cid, Some(kit.now() + SignedDuration::from_mins(1))).await;
    assert!(kit.table.due_checks().read(&key).await.unwrap().is_none());
    kit.advance(SignedDuration::from_mins(1));
    assert!(kit.table.due_checks().read(&key).await.unwrap().is_some());
}

#[tokio::test]
async fn unreadable_conversation_is_postponed_by_an_hour() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    set_next_check(&kit, &cid, Some(kit.now())).await;
    let mut item = kit.items_of("conversation").await.remove(0);
    item.insert("data".to_owned(), AttributeValue::S(r#"{"stage":{"name":"of a later version"}}"#.to_owned()));
    kit.write(item).await;
    assert!(all_due(&kit).await.is_empty());
    assert!(kit.due_keys(DueKind::Conversation).await.is_empty(), "the next tick does not find it");
    // A later one retries it, when it may have been repaired.
    kit.advance(SignedDuration::from_hours(1));
    assert_eq!(kit.due_keys(DueKind::Conversation).await.len(), 1);
}

/// The stage of a conversation with a robot that has these messages to answer.
fn asked(messages: &[&str], since: Timestamp, answering_until: Option<Timestamp>) -> Stage {
    let messages = messages.iter().map(|&id| id.to_owned()).collect();
    let turn = Turn { messages, since, answering_until };
    Stage::Robot(Box::new(RobotStage { turn: Some(turn), ..RobotStage::default() }))
}

#[tokio::test]
async fn turn_attribute_tells_waiting_from_answering() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    let now = kit.now();
    let stages = [
        (asked(&["m1"], now, None), Some("waiting")),
        (asked(&["m1"], now, Some(now)), Some("answering")),
        (asked(&["m1", "m2"], now, None), Some("waiting")),
        (Stage::Robot(Box::default()), None),
        (Stage::Unassigned, None),
    ];
    for (stage, told) in stages {
        kit.written(Decision::on(&kit.table, &cid).await.to(stage)).await;
        let item = kit.items_of("conversation").await.remove(0);
        assert_eq!(item.get("turn").and_then(|turn| turn.as_s().ok()).map(String::as_str), told);
    }
}

#[test]
fn turn_sorts_messages_of_any_order() {
    let (begun, later) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(9).unwrap());
    let mut turn = Turn { answering_until: Some(later), ..Turn::new("03-m1", begun) };
    turn.join("05-m1", begun);
    assert_eq!((turn.answering_until, turn.since), (Some(later), begun), "the claim outlasts a new message");
    turn.join("05-m1", later);
    assert_eq!(turn.answering_until, None, "the claim has ended");
    let asked = turn.clone();
    // A late message sorts between the messages being answered, or before them.
    for late in ["04-m1", "01-m1", "04-m1"] {
        turn.join(late, begun);
    }
    assert_eq!(turn.messages, ["01-m1", "03-m1", "04-m1", "05-m1"]);
    let rest = turn.without(&asked.messages, later).unwrap();
    assert_eq!((rest.messages.as_slice(), rest.since), (["01-m1".to_owned(), "04-m1".to_owned()].as_slice(), later));
    assert_eq!(rest.without(&turn.messages, later), None);
    for number in 10..40 {
        turn.join(&format!("{number}-m1"), begun);
    }
    assert_eq!((turn.messages.len(), turn.messages[0].as_str()), (TURN_MAX, "20-m1"), "the newest");
}
