//! Messages are listed in the order of their arrival, also across pages.

use jiff::{SignedDuration, Timestamp};
use store::{Conversation, Message, MessageOrder, NewOutbound, Thread};

use crate::support::{BEGIN, Kit, outbound, text_message, visitor};

/// Pages of this length, and what they list. A conversation is listed from its end as well, which has to give the reverse.
async fn paged(kit: &Kit, limit: i32, of: Option<&Conversation>) -> Vec<String> {
    let texts = paged_in(kit, limit, of, MessageOrder::OldestFirst).await;
    if of.is_some() {
        let mut from_the_end = paged_in(kit, limit, of, MessageOrder::NewestFirst).await;
        from_the_end.reverse();
        assert_eq!(from_the_end, texts, "from the end by {limit}");
    }
    texts
}

async fn paged_in(kit: &Kit, limit: i32, of: Option<&Conversation>, order: MessageOrder) -> Vec<String> {
    let (mut texts, mut cursor) = (Vec::new(), None);
    loop {
        let threads = kit.table.threads();
        let page = match of {
            Some(conversation) => threads.conversation_messages(conversation, order, cursor.as_deref(), limit).await,
            None => threads.thread_messages(&visitor(), cursor.as_deref(), limit).await,
        };
        let page = page.unwrap();
        assert!(page.items.len() <= usize::try_from(limit).unwrap(), "by {limit}");
        texts.extend(page.items.iter().map(text));
        cursor = page.cursor;
        if cursor.is_none() {
            return texts;
        }
    }
}

fn text(message: &Message) -> String {
    message.content["content"].as_str().unwrap().to_owned()
}

async fn replies(kit: &Kit, text: &str) {
    kit.pending(&visitor(), text).await;
}

/// Receives a text that WeChat dates this many seconds from now.
async fn receives(kit: &Kit, shift: i64, number: u32) {
    let second = kit.now().as_second() - BEGIN + shift;
    kit.table.inbox().receive(&text_message(&visitor(), second, number)).await.unwrap();
}

#[tokio::test]
async fn second_question_of_the_same_second_follows_the_reply() {
    let kit = Kit::start().await;
    receives(&kit, 0, 1).await;
    kit.advance(SignedDuration::from_millis(300));
    replies(&kit, "answer").await;
    kit.advance(SignedDuration::from_millis(300));
    receives(&kit, 0, 2).await;
    for limit in [1, 2, 3, 10] {
        assert_eq!(paged(&kit, limit, None).await, ["text 1", "answer", "text 2"], "by {limit}");
    }
    let last = kit.table.threads().last_messages(&visitor(), 10).await.unwrap();
    assert_eq!(last.iter().map(text).collect::<Vec<_>>(), ["text 2", "answer", "text 1"]);
    assert_eq!(last[0].received_at, Some(kit.now()));
    assert_eq!(last[0].created_at, Timestamp::from_second(BEGIN).unwrap());
}

#[tokio::test]
async fn late_and_early_pushes_are_listed_where_they_arrived() {
    let kit = Kit::start().await;
    let mut expected = Vec::new();
    // WeChat's clock is behind, ahead, or the push came again after a failure.
    for (number, shift) in (0..).zip([0, -7, 3, -15, 15, 1, -60, 60, 0, -2, 2, -100, 100]) {
        kit.advance(SignedDuration::from_millis(900));
        receives(&kit, shift, number).await;
        kit.advance(SignedDuration::from_millis(800));
        replies(&kit, &format!("answer {number}")).await;
        expected.extend([format!("text {number}"), format!("answer {number}")]);
    }
    for limit in [1, 2, 3, 7, 25, 26, 100] {
        assert_eq!(paged(&kit, limit, None).await, expected, "by {limit}");
    }
}

#[tokio::test]
async fn long_thread_is_listed_once_and_in_order() {
    let kit = Kit::start().await;
    let mut expected = Vec::new();
    for number in 0..120 {
        kit.advance(SignedDuration::from_millis(if number % 40 == 0 { 600_000 } else { 700 }));
        receives(&kit, i64::from(number % 5) - 2, number).await;
        expected.push(format!("text {number}"));
    }
    for limit in [1, 10, 50, 119, 120] {
        assert_eq!(paged(&kit, limit, None).await, expected, "by {limit}");
    }
    let before = kit.wire.calls("Query");
    assert_eq!(paged(&kit, 100, None).await.len(), 120);
    assert_eq!(kit.wire.calls("Query") - before, 2, "a page is one query");
}

#[tokio::test]
async fn conversations_pages_end_though_the_thread_goes_on() {
    let kit = Kit::start().await;
    let first = kit.opened(&visitor(), 0, 1).await;
    // A long thread after the conversation, none of it the conversation's.
    for number in 2..150 {
        kit.advance(SignedDuration::from_secs(2));
        receives(&kit, 0, number).await;
    }
    for limit in [1, 5, 100] {
        assert_eq!(paged(&kit, limit, Some(&first)).await, ["text 1"], "by {limit}");
    }
}

#[tokio::test]
async fn reply_with_the_second_of_its_message_is_listed_when_it_was_written() {
    let kit = Kit::start().await;
    let thread: Thread = visitor();
    let first = kit.receive_text(&thread, 0, 1).await;
    kit.advance(SignedDuration::from_secs(20));
    receives(&kit, 0, 2).await;
    kit.advance(SignedDuration::from_secs(20));
    let id = NewOutbound::derived_message_id(0, "reply", &thread, &first.id, first.created_at);
    kit.store_outbound(&outbound(&thread, &id, "late"), None).await.unwrap();
    for limit in [1, 2, 3] {
        assert_eq!(paged(&kit, limit, None).await, ["text 1", "text 2", "late"], "by {limit}");
    }
}

#[tokio::test]
async fn message_far_from_its_second_is_listed_within_two_minutes_of_it() {
    let kit = Kit::start().await;
    receives(&kit, -3600, 1).await;
    receives(&kit, 0, 2).await;
    kit.advance(SignedDuration::from_secs(1));
    receives(&kit, -3600, 3).await;
    for limit in [1, 2, 3] {
        assert_eq!(paged(&kit, limit, None).await, ["text 1", "text 3", "text 2"], "by {limit}");
    }
}
