//! The length of a queue is counted in the transaction that changes it.

use aws_sdk_dynamodb::types::AttributeValue;
use desk::conversation::ClosedBy;
use jiff::SignedDuration;
use store::{CommitOutcome, Queue, ShareLength, Stage, Thread, queue_share};

use crate::support::{
    APP_ID, Decision, Kit, cancelled,
    staff::{group, queued},
};

/// A decision by which a new conversation joins a queue.
async fn joining(kit: &Kit, number: u32, queue: &Queue) -> Decision {
    let opened = kit.opened(&Thread::new(APP_ID, format!("oVisitor{number}")), 0, number).await;
    let since = kit.now() + SignedDuration::from_millis(i64::from(number));
    Decision::on(&kit.table, &opened.cid).await.to(queued(queue, &opened, since))
}

async fn joins(kit: &Kit, number: u32, queue: &Queue) -> String {
    kit.written(joining(kit, number, queue).await).await.cid
}

async fn length(kit: &Kit, queue: &Queue) -> u32 {
    kit.table.queues().length(queue).await.unwrap().entries
}

#[tokio::test]
async fn length_follows_arrivals_moves_and_departures() {
    let kit = Kit::start().await;
    let (one, two) = (group("g1"), group("g2"));
    assert_eq!(length(&kit, &one).await, 0);
    let mut cids = Vec::new();
    for number in 0..3 {
        cids.push(joins(&kit, number, &one).await);
    }
    // The first check counts; then the length is one read.
    for _ in 0..2 {
        assert_eq!((length(&kit, &one).await, length(&kit, &two).await), (3, 0));
        assert_eq!(kit.table.due_checks().count_queue(&one).await.unwrap().len(), 3);
    }
    let queries = kit.wire.calls("Query");
    assert_eq!(length(&kit, &one).await, 3);
    assert_eq!(kit.wire.calls("Query"), queries + 1);

    let moving = kit.conversation(&cids[0]).await;
    kit.written(Decision::on(&kit.table, &cids[0]).await.to(queued(&two, &moving, kit.now()))).await;
    assert_eq!((length(&kit, &one).await, length(&kit, &two).await), (2, 1));
    // Another place in the same queue.
    let later = kit.now() + SignedDuration::from_secs(9);
    kit.written(Decision::on(&kit.table, &cids[0]).await.to(queued(&two, &moving, later))).await;
    assert_eq!(length(&kit, &two).await, 1);
    for cid in &cids {
        kit.written(Decision::on(&kit.table, cid).await.to(Stage::Closed { by: ClosedBy::Visitor })).await;
    }
    assert_eq!((length(&kit, &one).await, length(&kit, &two).await), (0, 0));
    assert!(kit.table.due_checks().count_queue(&one).await.unwrap().is_empty());
}

#[tokio::test]
async fn full_queue_is_a_conflict() {
    let kit = Kit::start().await;
    let queue = group("g1");
    for number in 0..2 {
        let joining = joining(&kit, number, &queue).await.limited_to(2, 0);
        kit.written(joining).await;
    }
    let third = joining(&kit, 2, &queue).await.limited_to(2, 0);
    kit.refused(&third, &CommitOutcome::Conflict).await;
    // A conversation keeps its place in a queue that became full, and may change it.
    let first = kit.waiting(&queue).await.remove(0);
    let waits = kit.conversation(&first).await;
    let moved = Decision::on(&kit.table, &first).await.to(queued(&queue, &waits, kit.now()));
    kit.written(moved.limited_to(1, 0)).await;
    kit.written(Decision::on(&kit.table, &first).await.closed()).await;
    // What was read before the departure leaves no room; what is read now does.
    kit.refused(&third, &CommitOutcome::Conflict).await;
    let departed = kit.table.queues().length(&queue).await.unwrap().departed;
    kit.written(third.limited_to(2, departed)).await;
    assert_eq!(kit.waiting(&queue).await.len(), 2);
}

#[tokio::test]
async fn left_messages_are_not_counted() {
    let kit = Kit::start().await;
    kit.written(joining(&kit, 0, &Queue::LeftMessages).await).await;
    assert!(kit.items_of("watch").await.is_empty());
}

#[tokio::test]
async fn queue_of_an_earlier_version_is_counted_by_the_first_check() {
    let kit = Kit::start().await;
    let queue = group("g1");
    for number in 0..3 {
        joins(&kit, number, &queue).await;
    }
    let mut watch = kit.items_of("watch").await.remove(0);
    for name in ["joined", "counted_at"] {
        watch.remove(name);
    }
    kit.write(watch).await;
    assert_eq!(length(&kit, &queue).await, 3);
    // Nothing is known about what joined before.
    let cid = kit.waiting(&queue).await.remove(0);
    kit.written(Decision::on(&kit.table, &cid).await.closed()).await;
    assert_eq!(length(&kit, &queue).await, 2);
    assert!(!kit.table.due_checks().count_queue(&queue).await.unwrap().is_empty());
    let watch = kit.items_of("watch").await.remove(0);
    assert_eq!(watch["joined"], AttributeValue::N("3".to_owned()), "of which one has left");
    let queries = kit.wire.calls("Query");
    assert_eq!(length(&kit, &queue).await, 2);
    assert_eq!(kit.wire.calls("Query"), queries + 1);
}

#[tokio::test]
async fn wrong_length_is_corrected_by_the_next_check() {
    let kit = Kit::start().await;
    let queue = group("g1");
    joins(&kit, 0, &queue).await;
    kit.table.due_checks().count_queue(&queue).await.unwrap();
    for wrong in ["7", "-3"] {
        let mut watch = kit.items_of("watch").await.remove(0);
        watch.insert("joined".to_owned(), AttributeValue::N(wrong.to_owned()));
        kit.write(watch).await;
        assert!(!kit.table.due_checks().count_queue(&queue).await.unwrap().is_empty());
        assert_eq!(length(&kit, &queue).await, 1);
    }
}

#[tokio::test]
async fn conflict_at_the_length_alone_is_written_again() {
    let kit = Kit::start().await;
    let queue = group("g1");
    // The conversation, its entry and the watch.
    let joining = joining(&kit, 0, &queue).await;
    kit.wire.fail("TransactWriteItems", 2, &cancelled(&["None", "None", "TransactionConflict"]));
    let before = kit.wire.calls("TransactWriteItems");
    kit.written(joining).await;
    assert_eq!(kit.wire.calls("TransactWriteItems"), before + 3);
    assert_eq!(length(&kit, &queue).await, 1);

    let leaving = Decision::on(&kit.table, &kit.waiting(&queue).await[0]).await.closed();
    kit.wire.fail("TransactWriteItems", 1, &cancelled(&["TransactionConflict", "None", "None", "TransactionConflict"]));
    kit.refused(&leaving, &CommitOutcome::Conflict).await;
}

#[tokio::test]
async fn full_share_of_a_mini_program_is_a_conflict() {
    let kit = Kit::start().await;
    let queue = group("g1");
    let share = |entries, departed| Some(ShareLength { entries, departed });
    for number in 0..2 {
        kit.written(joining(&kit, number, &queue).await.limited_to(10, 0).sharing(share(2, 0))).await;
    }
    let third = joining(&kit, 2, &queue).await.limited_to(10, 0).sharing(share(2, 0));
    kit.refused(&third, &CommitOutcome::Conflict).await;
    let first = kit.waiting(&queue).await.remove(0);
    kit.written(Decision::on(&kit.table, &first).await.closed()).await;
    kit.refused(&third, &CommitOutcome::Conflict).await;
    let length = kit.table.queues().length(&queue).await.unwrap();
    assert_eq!(length.of_mini_programs[&queue_share(APP_ID)], ShareLength { entries: 1, departed: 1 });
    assert_eq!(length.share_of(APP_ID), None, "no other uses the queue");
    assert_eq!(length.share_of("wx00000000000000b1"), Some(ShareLength::default()));
    kit.written(third.limited_to(10, 1).sharing(share(2, 1))).await;
}

#[tokio::test]
async fn wrong_share_is_corrected_by_the_next_check() {
    let kit = Kit::start().await;
    let queue = group("g1");
    for number in 0..3 {
        joins(&kit, number, &queue).await;
    }
    let of =
        |length: store::QueueLength| length.of_mini_programs.into_iter().map(|(id, of)| (id, of.entries)).collect();
    for (app_id, wrong) in [(APP_ID, "7"), ("wx00000000000000b1", "4")] {
        let mut watch = kit.items_of("watch").await.remove(0);
        watch.insert(format!("of-{}", queue_share(app_id)), AttributeValue::N(wrong.to_owned()));
        kit.write(watch).await;
        kit.table.due_checks().count_queue(&queue).await.unwrap();
        let found: Vec<(String, u32)> = of(kit.table.queues().length(&queue).await.unwrap());
        let own = queue_share(APP_ID);
        assert!(found.contains(&(own.clone(), 3)), "{found:?}");
        assert!(found.iter().all(|(share, entries)| *share == own || *entries == 0), "{found:?}");
    }
}
