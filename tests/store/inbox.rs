//! Each push is stored once, and no stored push stays unprocessed.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use store::{Direction, DueItem, DueKind, MessageState, NewInbound, OVERDUE_AFTER, Receipt, StoreError, Thread};

use crate::support::{APP_ID, BEGIN, Decision, Fault, Kit, OPENID, concurrently, event, text_message, visitor};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_concurrent_deliveries_store_one_message() {
    const ROUNDS: u32 = 200;
    let kit = Kit::start().await;
    for round in 0..ROUNDS {
        let receipts = concurrently(4, |_| {
            let table = kit.table.clone();
            async move { table.inbox().receive(&text_message(&visitor(), i64::from(round), round)).await.unwrap() }
        });
        let mut receipts = receipts.await;
        receipts.sort_by_key(|receipt| *receipt == Receipt::Duplicate);
        assert_eq!(
            receipts,
            [Receipt::Stored, Receipt::Duplicate, Receipt::Duplicate, Receipt::Duplicate],
            "round {round}"
        );
    }
    assert_eq!(kit.items().await.len(), ROUNDS as usize);
}

#[tokio::test]
async fn message_is_read_as_it_was_received() {
    let kit = Kit::start().await;
    let thread = visitor();
    let content =
        json!({ "content": "在吗? 🙂", "session_from": "", "nested": { "n": 18_446_744_073_709_551_615_u64 } });
    let new = NewInbound { content: content.clone(), ..text_message(&thread, 7, 1) };
    assert_eq!(kit.table.inbox().receive(&new).await.unwrap(), Receipt::Stored);

    let [message] = &kit.thread(&thread).await[..] else { panic!("one message") };
    assert_eq!(message.thread, thread);
    assert_eq!(message.direction, Direction::In);
    assert_eq!(message.kind, "text");
    assert_eq!(message.content, content);
    assert_eq!(message.created_at, Timestamp::from_second(BEGIN + 7).unwrap());
    assert_eq!(message.state, MessageState::Received);
    assert_eq!(message.cid, None);
    assert_eq!(kit.message(&thread, &message.id).await.content, content);
    assert!(kit.table.threads().message(&thread, "0000000000-m1").await.unwrap().is_none());
}

#[tokio::test]
async fn second_delivery_changes_nothing() {
    let kit = Kit::start().await;
    let first = text_message(&visitor(), 0, 1);
    kit.table.inbox().receive(&first).await.unwrap();
    let before = kit.items().await;

    kit.advance(SignedDuration::from_secs(5));
    let again = NewInbound { content: json!({ "content": "other" }), kind: "raw".to_owned(), ..first };
    assert_eq!(kit.table.inbox().receive(&again).await.unwrap(), Receipt::Duplicate);
    assert_eq!(kit.items().await, before);
}

#[tokio::test]
async fn second_delivery_of_a_processed_message_is_a_duplicate() {
    let kit = Kit::start().await;
    let thread = visitor();
    kit.opened(&thread, 0, 1).await;
    assert_eq!(kit.table.inbox().receive(&text_message(&thread, 0, 1)).await.unwrap(), Receipt::Duplicate);
    kit.advance(SignedDuration::from_hours(1));
    assert!(kit.overdue_messages().await.is_empty());
}

#[tokio::test]
async fn same_msg_id_of_two_visitors_is_two_messages() {
    let kit = Kit::start().await;
    let others = [
        Thread::new(APP_ID, "oAnother"),
        Thread::new("wxfedcba9876543210", OPENID),
        // An openid of which another one is a prefix.
        Thread::new(APP_ID, format!("{OPENID}0")),
    ];
    for thread in [visitor()].iter().chain(&others) {
        assert_eq!(
            kit.table.inbox().receive(&text_message(thread, 0, 1)).await.unwrap(),
            Receipt::Stored,
            "{thread:?}"
        );
        assert_eq!(kit.thread(thread).await.len(), 1, "{thread:?}");
    }
    assert_eq!(kit.items().await.len(), 4);
}

#[tokio::test]
async fn event_is_identified_by_second_and_identity() {
    let kit = Kit::start().await;
    let thread = visitor();
    let receive = async |second, identity: &str| {
        kit.table.inbox().receive(&event(&thread, second, identity, json!({ "event": "e" }))).await.unwrap()
    };
    assert_eq!(receive(0, "euser_enter_tempsession.aa").await, Receipt::Stored);
    assert_eq!(receive(0, "euser_enter_tempsession.aa").await, Receipt::Duplicate, "a second delivery");
    assert_eq!(receive(0, "euser_enter_tempsession.bb").await, Receipt::Stored, "other fields");
    assert_eq!(receive(0, "ekf_create_session.aa").await, Receipt::Stored, "another event");
    assert_eq!(receive(1, "euser_enter_tempsession.aa").await, Receipt::Stored, "another second");
    assert_eq!(kit.thread(&thread).await.len(), 4);
}

#[tokio::test]
async fn lost_answer_stores_the_message_once() {
    let kit = Kit::start().await;
    kit.wire.fail("PutItem", 1, &Fault::LostAnswer);
    // The SDK's retry found the item; WeChat gets `success` in both cases.
    assert_eq!(kit.table.inbox().receive(&text_message(&visitor(), 0, 1)).await.unwrap(), Receipt::Duplicate);
    assert_eq!(kit.wire.calls("PutItem"), 2);
    assert_eq!(kit.items().await.len(), 1);
}

#[tokio::test]
async fn throttled_table_stores_nothing_until_the_redelivery() {
    let kit = Kit::start().await;
    let new = text_message(&visitor(), 0, 1);
    kit.wire.fail("PutItem", 3, &Fault::error("ProvisionedThroughputExceededException"));
    let error = kit.table.inbox().receive(&new).await.unwrap_err();
    let StoreError::Throttled { service, code, .. } = error else { panic!("{error:?}") };
    assert_eq!((service, code.as_str()), ("DynamoDB", "ProvisionedThroughputExceededException"));
    assert!(kit.items().await.is_empty());
    assert_eq!(kit.table.inbox().receive(&new).await.unwrap(), Receipt::Stored);
}

#[tokio::test]
async fn delivery_during_processing_is_a_duplicate() {
    let kit = Kit::start().await;
    let new = text_message(&visitor(), 0, 1);
    kit.table.inbox().receive(&new).await.unwrap();
    // DynamoDB refuses a write to an item in a running transaction. The SDK's second attempt finds the message.
    kit.wire.fail("PutItem", 1, &Fault::error("TransactionConflictException"));
    assert_eq!(kit.table.inbox().receive(&new).await.unwrap(), Receipt::Duplicate);
}

#[tokio::test]
async fn unprocessed_message_is_due_after_a_minute() {
    let kit = Kit::start().await;
    let message = kit.receive_text(&visitor(), 0, 1).await;
    kit.advance(OVERDUE_AFTER - SignedDuration::from_millis(1));
    assert!(kit.overdue_messages().await.is_empty());

    kit.advance(SignedDuration::from_millis(1));
    assert_eq!(kit.overdue_messages().await, [message.id.as_str()]);

    kit.written(Decision::about(&kit.table, &message).await).await;
    assert!(kit.overdue_messages().await.is_empty());
}

#[tokio::test]
async fn due_messages_equal_the_stream_image_and_come_oldest_first() {
    let kit = Kit::start().await;
    let thread = visitor();
    // WeChat's create times are in another order than the times of receipt.
    for (second, number) in [(30, 1), (20, 2), (10, 3)] {
        kit.table.inbox().receive(&text_message(&thread, second, number)).await.unwrap();
        kit.advance(SignedDuration::from_secs(1));
    }
    kit.advance(OVERDUE_AFTER);
    let due = kit.due(DueKind::Message).await;
    let [DueItem::Message(first), DueItem::Message(second), DueItem::Message(_)] = &due[..] else { panic!("{due:?}") };
    assert_eq!(first.content["content"], "text 1");
    assert_eq!(second.content["content"], "text 2");
    assert_eq!(first.thread, thread);
    assert_eq!(first.kind, "text");
    assert_eq!(first.created_at, Timestamp::from_second(BEGIN + 30).unwrap());
}

#[tokio::test]
async fn failing_message_is_postponed_from_a_minute_to_an_hour() {
    let kit = Kit::start().await;
    let message = kit.receive_text(&visitor(), 0, 1).await;
    kit.advance(OVERDUE_AFTER);
    for minutes in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        assert_eq!(kit.overdue_messages().await, [message.id.as_str()]);
        let key = kit.due_keys(DueKind::Message).await.remove(0);
        kit.table.due_checks().postpone(&key).await.unwrap();
        kit.advance(SignedDuration::from_mins(minutes) - SignedDuration::from_millis(1));
        assert!(kit.overdue_messages().await.is_empty(), "before {minutes} minutes");
        kit.advance(SignedDuration::from_millis(1));
    }
    assert_eq!(kit.overdue_messages().await, [message.id.as_str()]);
    // Once it is processed, it is no longer due.
    kit.written(Decision::about(&kit.table, &message).await).await;
    assert!(!kit.items_of("inbound").await[0].contains_key("attempts"));
}

#[tokio::test]
async fn processed_or_missing_message_is_not_postponed() {
    let kit = Kit::start().await;
    let message = kit.receive_text(&visitor(), 0, 1).await;
    kit.advance(OVERDUE_AFTER);
    let key = kit.due_keys(DueKind::Message).await.remove(0);
    kit.written(Decision::about(&kit.table, &message).await).await;
    let before = kit.items().await;
    kit.table.due_checks().postpone(&key).await.unwrap();
    assert_eq!(kit.items().await, before);
    let other = Kit::start().await;
    other.table.due_checks().postpone(&key).await.unwrap();
    assert!(other.items().await.is_empty());
}
