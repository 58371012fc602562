//! The minute tick checks every nonempty queue, and stops checking an empty one after a while.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use store::{DueItem, DueKind, QUEUE_CHECKED_FOR, Queue};

use crate::support::{Kit, staff::group};

const A_MILLISECOND: SignedDuration = SignedDuration::from_millis(1);

/// The delay until the first check of a joined queue, short enough for the next minute tick.
const SOON: SignedDuration = SignedDuration::from_secs(45);

async fn due_queues(kit: &Kit) -> Vec<Queue> {
    let queue = |item| match item {
        DueItem::Queue(queue) => queue,
        other => panic!("{other:?}"),
    };
    kit.due(DueKind::Queue).await.into_iter().map(queue).collect()
}

/// The tick reads the queue, which is empty, and schedules its next check.
async fn found_empty(kit: &Kit) {
    kit.table.due_checks().reschedule_queue_check(&group("g1"), Some(kit.now())).await.unwrap();
}

#[tokio::test]
async fn joined_queue_is_due_within_a_minute() {
    let kit = Kit::start().await;
    kit.passes_through(&group("g1")).await;
    kit.advance(SOON - A_MILLISECOND);
    assert!(due_queues(&kit).await.is_empty());
    // Later arrivals do not postpone the check.
    kit.passes_through(&group("g1")).await;
    kit.advance(A_MILLISECOND);
    assert_eq!(due_queues(&kit).await, [group("g1")]);
}

#[tokio::test]
async fn nonempty_queue_stays_scheduled() {
    let kit = Kit::start().await;
    kit.passes_through(&group("g1")).await;
    // Long after the last arrival.
    for _ in 0..20 {
        kit.advance(SignedDuration::from_mins(1));
        assert_eq!(due_queues(&kit).await, [group("g1")]);
        kit.table.due_checks().reschedule_queue_check(&group("g1"), None).await.unwrap();
        assert!(due_queues(&kit).await.is_empty(), "a queue is checked once per tick");
        kit.advance(SOON - A_MILLISECOND);
        assert!(due_queues(&kit).await.is_empty());
    }
}

#[tokio::test]
async fn empty_queue_is_unscheduled_after_the_quiet_time() {
    let kit = Kit::start().await;
    kit.passes_through(&group("g1")).await;
    kit.advance(QUEUE_CHECKED_FOR);
    found_empty(&kit).await;
    kit.advance(SOON);
    assert_eq!(due_queues(&kit).await, [group("g1")], "the last arrival is not long ago");
    found_empty(&kit).await;
    kit.advance(SignedDuration::from_hours(24));
    assert!(due_queues(&kit).await.is_empty());
    // An unscheduled queue is not scheduled again by a check.
    kit.table.due_checks().reschedule_queue_check(&group("g1"), None).await.unwrap();
    found_empty(&kit).await;
    kit.advance(SignedDuration::from_hours(24));
    assert!(due_queues(&kit).await.is_empty());

    kit.passes_through(&group("g1")).await;
    kit.advance(SOON);
    assert_eq!(due_queues(&kit).await, [group("g1")]);
}

#[tokio::test]
async fn arrival_during_a_check_keeps_the_queue_scheduled() {
    let kit = Kit::start().await;
    kit.passes_through(&group("g1")).await;
    kit.advance(SignedDuration::from_hours(1));
    assert_eq!(due_queues(&kit).await, [group("g1")]);
    // The tick finds the queue empty, a visitor joins and leaves, and then the tick continues.
    kit.passes_through(&group("g1")).await;
    found_empty(&kit).await;
    kit.advance(SOON);
    assert_eq!(due_queues(&kit).await, [group("g1")]);
    // The reverse order: the tick has unscheduled the queue before.
    kit.advance(SignedDuration::from_hours(1));
    found_empty(&kit).await;
    kit.passes_through(&group("g1")).await;
    kit.advance(SOON);
    assert_eq!(due_queues(&kit).await, [group("g1")]);
}

#[tokio::test]
async fn slow_tick_does_not_unschedule_a_queue_by_the_time_at_which_it_writes() {
    let kit = Kit::start().await;
    kit.passes_through(&group("g1")).await;
    kit.advance(QUEUE_CHECKED_FOR);
    let found_at = kit.now();
    // An entry of the same minute is written while the tick routes what waited in the queue.
    kit.advance(SignedDuration::from_mins(2));
    kit.table.due_checks().reschedule_queue_check(&group("g1"), Some(found_at)).await.unwrap();
    kit.advance(SOON);
    assert_eq!(due_queues(&kit).await, [group("g1")]);
}

#[tokio::test]
async fn unexpected_queue_is_never_due() {
    let kit = Kit::start().await;
    for found_empty in [Some(kit.now()), None] {
        kit.table.due_checks().reschedule_queue_check(&group("g1"), found_empty).await.unwrap();
    }
    assert!(kit.items().await.is_empty());
}

#[tokio::test]
async fn unreadable_watch_does_not_block_others() {
    let kit = Kit::start().await;
    for queue in ["g1", "g2"] {
        kit.passes_through(&group(queue)).await;
        kit.advance(A_MILLISECOND);
    }
    let mut item = kit.items_of("watch").await.remove(0);
    item.insert("pk".to_owned(), AttributeValue::S("watch#of a later version".to_owned()));
    kit.write(item).await;
    kit.advance(SOON);
    assert_eq!(kit.due_keys(DueKind::Queue).await.len(), 3);
    assert_eq!(due_queues(&kit).await.len(), 2);
    // It is also postponed, so that it does not fill every tick.
    assert_eq!(kit.due_keys(DueKind::Queue).await.len(), 2);
}
