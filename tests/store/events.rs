//! Each change of a conversation is an event; a conversation's events are numbered without gaps.

use aws_sdk_dynamodb::types::AttributeValue;
use desk::conversation::EventKind;
use jiff::SignedDuration;
use serde_json::json;
use store::{CommitOutcome, Event, NewEvent, StoreError, Thread};

use crate::{
    cursors::encode,
    support::{APP_ID, Decision, Kit, concurrently, decision::event_kind, s, visitor},
};

async fn all(kit: &Kit, cid: &str, limit: i32) -> Vec<Event> {
    let mut events = Vec::new();
    let mut cursor = None;
    loop {
        let page = kit.table.conversations().events(cid, cursor.as_deref(), limit).await.unwrap();
        assert!(page.items.len() <= usize::try_from(limit).unwrap());
        events.extend(page.items);
        cursor = page.cursor;
        if cursor.is_none() {
            return events;
        }
    }
}

fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.seq).collect()
}

#[tokio::test]
async fn events_are_read_as_they_were_written() {
    let kit = Kit::start().await;
    let message = kit.receive_text(&visitor(), 0, 1).await;
    let mut opens = Decision::about(&kit.table, &message).await;
    let data = json!({ "trail": [{ "level": 1, "because": "没有人" }], "n": 7 });
    opens.events =
        vec![NewEvent::new(EventKind::Created, data.clone()), NewEvent::new(event_kind("message.joined"), json!(null))];
    let begin = kit.now();
    let opened = kit.written(opens).await;
    assert_eq!(opened.seq, 2);
    kit.advance(SignedDuration::from_mins(1));
    // A decision without events uses no number.
    assert_eq!(kit.written(Decision::on(&kit.table, &opened.cid).await).await.seq, 2);
    kit.written(Decision::on(&kit.table, &opened.cid).await.closed().event("conversation.closed")).await;

    let event = |seq, kind: &str, at, data| Event { seq, kind: event_kind(kind), at, data };
    assert_eq!(
        all(&kit, &opened.cid, 10).await,
        [
            event(1, "conversation.created", begin, data),
            event(2, "message.joined", begin, json!(null)),
            event(3, "conversation.closed", kit.now(), json!(null)),
        ]
    );
    let shown = serde_json::to_value(&all(&kit, &opened.cid, 10).await[2]).unwrap();
    assert_eq!(shown, json!({ "seq": 3, "type": "conversation.closed", "at": "2026-03-01T08:01:00Z", "data": null }));
}

#[tokio::test]
async fn stream_image_of_an_event_names_the_visitor() {
    let kit = Kit::start().await;
    let opened = kit.opened(&visitor(), 0, 1).await;
    kit.written(Decision::on(&kit.table, &opened.cid).await.event("conversation.noted")).await;
    let item = kit.items_of("event").await.remove(0);
    let told = ["cid", "app_id", "openid", "type"].map(|name| s(&item, name));
    assert_eq!(told, [opened.cid.as_str(), APP_ID, visitor().openid.as_str(), "conversation.noted"]);
}

#[tokio::test]
async fn events_of_one_decision_are_one_item() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    for count in [2, 1, 3] {
        let mut decision = Decision::on(&kit.table, &cid).await;
        for _ in 0..count {
            decision = decision.event("conversation.noted");
        }
        kit.written(decision).await;
    }
    kit.written(Decision::on(&kit.table, &cid).await).await;
    let items = kit.items_of("event").await;
    let keys: Vec<_> = items.iter().map(|item| (s(item, "sk"), item.contains_key("more"))).collect();
    assert_eq!(keys, [(1, true), (3, false), (4, true)].map(|(seq, more)| (format!("event#{seq:010}"), more)));
    // The same from the stream's images, whose attributes are texts.
    let mut streamed = Vec::new();
    for item in &items {
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().or(value.as_n()).ok()).map(String::as_str);
        streamed.extend(Event::from_image(text).unwrap());
    }
    assert_eq!(streamed, all(&kit, &cid, 10).await);
    assert_eq!(numbers(&streamed), [1, 2, 3, 4, 5, 6]);
    assert_eq!(Event::from_image(|_| None), None);
    assert_eq!(Event::from_image(|name| (name == "kind").then_some("event")), None, "unreadable");
}

#[tokio::test]
async fn events_of_an_earlier_version_are_read() {
    let kit = Kit::start().await;
    let opens = Decision::about(&kit.table, &kit.receive_text(&visitor(), 0, 1).await).await;
    let cid = kit.written(opens.event("conversation.created").event("conversation.assigned")).await.cid;
    let written = all(&kit, &cid, 10).await;
    // Earlier versions wrote an item for each event.
    let mut item = kit.items_of("event").await.remove(0);
    item.remove("more");
    kit.write(item.clone()).await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    item.insert("sk".to_owned(), text("event#0000000002"));
    item.insert("seq".to_owned(), AttributeValue::N("2".to_owned()));
    item.insert("type".to_owned(), text("conversation.assigned"));
    kit.write(item).await;
    for limit in [1, 2, 10] {
        assert_eq!(all(&kit, &cid, limit).await, written, "by {limit}");
    }
    kit.written(Decision::on(&kit.table, &cid).await.event("conversation.noted").event("conversation.noted")).await;
    for limit in [1, 2, 3, 10] {
        assert_eq!(numbers(&all(&kit, &cid, limit).await), [1, 2, 3, 4], "by {limit}");
    }
    // A cursor of an earlier version is the number of the last event.
    for (cursor, rest) in [("0000000001", vec![2, 3, 4]), ("0000000002", vec![3, 4]), ("0000000004", vec![])] {
        let cursor = encode(cursor.as_bytes());
        let page = kit.table.conversations().events(&cid, Some(&cursor), 10).await.unwrap();
        assert_eq!(numbers(&page.items), rest);
    }
}

#[tokio::test]
async fn events_are_paged_in_order() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    let mut expected = 0;
    for count in [1, 3, 0, 5, 2, 1] {
        let mut decision = Decision::on(&kit.table, &cid).await;
        for _ in 0..count {
            decision = decision.event("conversation.noted");
        }
        expected += count;
        assert_eq!(kit.written(decision).await.seq, expected);
    }
    for limit in [1, 2, 5, 12, 100] {
        assert_eq!(numbers(&all(&kit, &cid, limit).await), (1..=expected).collect::<Vec<_>>(), "by {limit}");
    }
    assert!(all(&kit, "c-that-is-not-there", 10).await.is_empty());
}

#[tokio::test]
async fn refused_decision_leaves_no_event_and_no_gap() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    let stale = Decision::on(&kit.table, &cid).await.event("conversation.lost").event("conversation.lost");
    kit.written(Decision::on(&kit.table, &cid).await.event("conversation.noted")).await;
    kit.refused(&stale, &CommitOutcome::Conflict).await;
    kit.written(Decision::on(&kit.table, &cid).await.event("conversation.noted")).await;
    let events = all(&kit, &cid, 10).await;
    assert_eq!(numbers(&events), [1, 2]);
    assert!(events.iter().all(|event| event.kind == event_kind("conversation.noted")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_of_concurrent_decisions_have_no_gap() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    concurrently(24, |number| {
        let (table, cid) = (kit.table.clone(), cid.clone());
        async move {
            loop {
                let mut decision = Decision::on(&table, &cid).await;
                for _ in 0..=number % 3 {
                    decision = decision.event("conversation.noted");
                }
                match decision.write(&table).await.unwrap() {
                    CommitOutcome::Written(_) => return,
                    CommitOutcome::Conflict => {}
                    other => panic!("{other:?}"),
                }
            }
        }
    })
    .await;
    // Eight writers of one, two and three events each.
    assert_eq!(numbers(&all(&kit, &cid, 100).await), (1..=48).collect::<Vec<_>>());
    assert_eq!(kit.conversation(&cid).await.seq, 48);
}

#[tokio::test]
async fn events_are_numbered_within_each_conversation() {
    let kit = Kit::start().await;
    let one = kit.opened(&visitor(), 0, 1).await.cid;
    let two = kit.opened(&Thread::new(APP_ID, "oAnother"), 0, 1).await.cid;
    for cid in [&one, &two, &one] {
        kit.written(Decision::on(&kit.table, cid).await.event("conversation.noted")).await;
    }
    assert_eq!(numbers(&all(&kit, &one, 10).await), [1, 2]);
    assert_eq!(numbers(&all(&kit, &two, 10).await), [1]);
}

#[tokio::test]
async fn invalid_cursor_of_events_is_refused() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    let before = kit.wire.calls("Query");
    let garbage = ["", "!", "a", "fg", "5ri45qCH"].map(str::to_owned);
    let not_ours = ["x", "-", "1-", "-1", "1-2", "+1", "1-1-1", "99999999999999999999"];
    for cursor in garbage.into_iter().chain(not_ours.map(|text| encode(text.as_bytes()))) {
        let page = kit.table.conversations().events(&cid, Some(&cursor), 10).await;
        assert!(matches!(page, Err(StoreError::Cursor)), "{cursor}: {page:?}");
    }
    assert_eq!(kit.wire.calls("Query"), before);
}
