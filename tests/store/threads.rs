//! The messages between one visitor and one mini program, in order.

use jiff::SignedDuration;
use serde_json::json;
use store::{Claimed, MessageState, MessageState as State, NewOutbound, Settled, Thread};

use crate::support::{APP_ID, BEGIN, Kit, outbound, text_message, visitor};

#[tokio::test]
async fn thread_is_paged_oldest_first() {
    let kit = Kit::start().await;
    let thread = visitor();
    for number in [4, 1, 3, 0, 2] {
        kit.receive_text(&thread, i64::from(number), number).await;
    }
    for limit in [1, 2, 5, 6] {
        let mut texts = Vec::new();
        let mut cursor = None;
        loop {
            let page = kit.table.threads().thread_messages(&thread, cursor.as_deref(), limit).await.unwrap();
            texts.extend(page.items.into_iter().map(|message| message.content["content"].clone()));
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(texts, ["text 0", "text 1", "text 2", "text 3", "text 4"], "by {limit}");
    }
}

#[tokio::test]
async fn messages_are_read_in_the_order_asked_for() {
    let kit = Kit::start().await;
    let thread = visitor();
    let mut ids = Vec::new();
    for number in 0..4 {
        ids.push(kit.receive_text(&thread, i64::from(number), number).await.id);
    }
    let another = kit.receive_text(&Thread::new(APP_ID, "oAnother"), 0, 9).await.id;
    let asked = [2, 0, 3, 0].map(|place: usize| ids[place].clone());
    let asked = [&asked[..], &[another, "0000000000-r0".to_owned()]].concat();
    let read: Vec<_> =
        kit.table.threads().messages_of(&thread, &asked).await.unwrap().into_iter().map(|one| one.id).collect();
    assert_eq!(read, [2, 0, 3].map(|place: usize| ids[place].clone()));
    assert!(kit.table.threads().messages_of(&thread, &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn reads_by_id_are_consistent() {
    let kit = Kit::start().await;
    let ids = [kit.pending(&visitor(), "one").await, kit.pending(&visitor(), "two").await];
    let Claimed::Ours(claim) = kit.table.sends().claim(&visitor(), &ids[0]).await.unwrap() else { panic!("not ours") };
    kit.table.sends().settle(&claim, &Settled::Sent, 1, None).await.unwrap();
    let read = kit.table.threads().messages_of(&visitor(), &ids).await.unwrap();
    assert_eq!(read.iter().map(|one| one.state).collect::<Vec<_>>(), [MessageState::Sent, MessageState::Pending]);
}

#[tokio::test]
async fn pending_since_a_message_includes_its_replies() {
    let kit = Kit::start().await;
    let thread = visitor();
    let before = kit.pending(&thread, "from before").await;
    kit.advance(SignedDuration::from_secs(5));
    let message = kit.receive_text(&thread, 5, 1).await;
    // After the message within the same second, and later.
    let mut expected = Vec::new();
    for (order, at) in [(0, 5), (1, 5), (0, 8)] {
        let at = jiff::Timestamp::from_second(BEGIN + at).unwrap();
        expected.push(NewOutbound::derived_message_id(order, "prompt", &thread, &message.id, at));
    }
    for id in &expected {
        kit.store_outbound(&outbound(&thread, id, "said"), None).await.unwrap();
    }
    kit.table.inbox().receive(&text_message(&thread, 7, 2)).await.unwrap();
    let since = async || kit.table.threads().pending_since(&thread, &message.id).await.unwrap();
    assert_eq!(since().await, expected);
    assert!(!since().await.contains(&before));
    kit.table.sends().claim(&thread, &expected[1]).await.unwrap();
    assert_eq!(since().await, [expected[0].clone(), expected[2].clone()]);
    assert!(kit.table.threads().pending_since(&Thread::new(APP_ID, "oAnother"), &message.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn every_message_state_is_read_as_it_was_written() {
    let kit = Kit::start().await;
    let id = kit.pending(&visitor(), "hello").await;
    let item = kit.items_of("outbound").await.remove(0);
    let states = [
        (State::Received, "received"),
        (State::Pending, "pending"),
        (State::Sending, "sending"),
        (State::Sent, "sent"),
        (State::Failed, "failed"),
        (State::Unknown, "unknown"),
        (State::Held, "held"),
        (State::Released, "released"),
        (State::Cancelled, "cancelled"),
    ];
    for (state, name) in states {
        let mut item = item.clone();
        item.insert("state".to_owned(), aws_sdk_dynamodb::types::AttributeValue::S(name.to_owned()));
        kit.write(item).await;
        let message = kit.message(&visitor(), &id).await;
        assert_eq!((message.state, serde_json::to_value(&message).unwrap()["state"].clone()), (state, json!(name)));
    }
}

#[tokio::test]
async fn ai_label_is_stored() {
    let kit = Kit::start().await;
    for (ai, shown) in [(true, json!(true)), (false, json!(null))] {
        let id = NewOutbound::fresh_id(kit.now());
        kit.store_outbound(&NewOutbound { ai, ..outbound(&visitor(), &id, "hello") }, None).await.unwrap();
        let message = kit.message(&visitor(), &id).await;
        assert_eq!((message.ai, &serde_json::to_value(&message).unwrap()["ai_generated"]), (ai, &shown));
    }
}
