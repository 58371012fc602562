//! Due conversations, and the turns that start a robot.

use aws_sdk_dynamodb::types::AttributeValue;
use desk::conversation::AuthorRole;
use jiff::{SignedDuration, Timestamp};
use store::{Author, Conversation, DUE_SHARDS, NewOutbound, RobotStage, Stage, TURN_MAX, Thread, Turn};

use crate::support::{APP_ID, Decision, Kit, outbound, s, visitor};

async fn all_due(kit: &Kit) -> Vec<Conversation> {
    let mut due = Vec::new();
    for shard in 0..DUE_SHARDS {
        due.extend(kit.table.due_checks().due_conversations(shard, 100).await.unwrap());
    }
    due
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
async fn due_conversations_are_sharded_and_sorted_by_due_time() {
    let kit = Kit::start().await;
    for number in 0..64 {
        let cid = kit.opened(&Thread::new(APP_ID, format!("oVisitor{number}")), 0, 1).await.cid;
        set_next_check(&kit, &cid, Some(kit.now() + SignedDuration::from_secs(i64::from(100 - number)))).await;
    }
    kit.advance(SignedDuration::from_mins(2));
    let mut total = 0;
    for shard in 0..DUE_SHARDS {
        let found = kit.table.due_checks().due_conversations(shard, 100).await.unwrap();
        assert!(!found.is_empty());
        assert!(found.is_sorted_by_key(|conversation| conversation.next_check_at));
        assert_eq!(kit.table.due_checks().due_conversations(shard, 1).await.unwrap(), found[..1]);
        total += found.len();
    }
    assert_eq!(total, 64);
}

#[tokio::test]
async fn unreadable_conversation_is_postponed_and_does_not_block_others() {
    let kit = Kit::start().await;
    // Two visitors in the same shard.
    let mut cids = std::collections::BTreeMap::<String, Vec<String>>::new();
    for number in 0..9 {
        let cid = kit.opened(&Thread::new(APP_ID, format!("oVisitor{number}")), 0, 1).await.cid;
        kit.advance(SignedDuration::from_millis(1));
        set_next_check(&kit, &cid, Some(kit.now())).await;
    }
    for item in kit.items_of("conversation").await {
        cids.entry(s(&item, "due_pk")).or_default().push(s(&item, "cid"));
    }
    let (shard, pair) = cids.into_iter().find(|(_, cids)| cids.len() > 1).unwrap();
    let shard: u8 = shard.rsplit('#').next().unwrap().parse().unwrap();
    let before = kit.table.due_checks().due_conversations(shard, 100).await.unwrap();
    assert_eq!(before.len(), pair.len());
    let items = kit.items_of("conversation").await;
    let mut item = items.into_iter().find(|item| s(item, "cid") == before[0].cid).unwrap();
    item.insert("data".to_owned(), AttributeValue::S(r#"{"stage":{"name":"of a later version"}}"#.to_owned()));
    kit.write(item).await;
    assert_eq!(kit.table.due_checks().due_conversations(shard, 100).await.unwrap(), before[1..]);
    // The next tick skips it, and a later one retries it, when it may have been repaired.
    assert_eq!(kit.table.due_checks().due_conversations(shard, 1).await.unwrap(), before[1..2]);
    kit.advance(SignedDuration::from_hours(1));
    assert_eq!(kit.table.due_checks().due_conversations(shard, 100).await.unwrap(), before[1..]);
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
    turn.join("05-m1");
    assert_eq!((turn.answering_until, turn.since), (None, begun), "a new message ends the claim of the turn");
    let asked = turn.clone();
    // A late message sorts between the messages being answered, or before them.
    for late in ["04-m1", "01-m1", "04-m1"] {
        turn.join(late);
    }
    assert_eq!(turn.messages, ["01-m1", "03-m1", "04-m1", "05-m1"]);
    let rest = turn.without(&asked.messages, later).unwrap();
    assert_eq!((rest.messages.as_slice(), rest.since), (["01-m1".to_owned(), "04-m1".to_owned()].as_slice(), later));
    assert_eq!(rest.without(&turn.messages, later), None);
    for number in 10..40 {
        turn.join(&format!("{number}-m1"));
    }
    assert_eq!((turn.messages.len(), turn.messages[0].as_str()), (TURN_MAX, "20-m1"), "the newest");
}

#[tokio::test]
async fn last_said_at_counts_both_sides() {
    let kit = Kit::start().await;
    assert_eq!(kit.table.threads().last_said_at(&visitor()).await.unwrap(), None);
    let first = kit.opened(&visitor(), 3, 1).await;
    assert_eq!(kit.table.threads().last_said_at(&visitor()).await.unwrap(), Some(first.last_message_at));
    kit.advance(SignedDuration::from_secs(10));
    kit.pending(&visitor(), "hello").await;
    assert_eq!(kit.table.threads().last_said_at(&visitor()).await.unwrap(), Some(kit.now()));
    assert_eq!(kit.table.threads().last_said_at(&Thread::new(APP_ID, "oAnother")).await.unwrap(), None);
}

#[tokio::test]
async fn last_said_at_ignores_set_texts() {
    let kit = Kit::start().await;
    let first = kit.opened(&visitor(), 0, 1).await;
    // Several automatic texts in a row, such as an unanswered warning.
    for _ in 0..4 {
        kit.advance(SignedDuration::from_mins(1));
        let id = NewOutbound::fresh_id(kit.now());
        let author = Author::automatic(AuthorRole::Prompt);
        kit.store_outbound(&NewOutbound { author, ..outbound(&visitor(), &id, "Are you there?") }, None).await.unwrap();
        assert_eq!(kit.table.threads().last_said_at(&visitor()).await.unwrap(), Some(first.last_message_at));
    }
    kit.advance(SignedDuration::from_mins(1));
    kit.pending(&visitor(), "hello").await;
    assert_eq!(kit.table.threads().last_said_at(&visitor()).await.unwrap(), Some(kit.now()));
}
