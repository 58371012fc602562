//! Ids sort in the order of the messages and fit into a key, whatever WeChat sends.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::json;
use store::{MessageOrder, NewInbound, NewOutbound, Receipt, Thread};

use crate::support::{APP_ID, BEGIN, Decision, Kit, event, outbound, reply, text_message, visitor};

fn said(order: usize, thread: &Thread, because_of: &str, at: Timestamp) -> String {
    NewOutbound::derived_message_id(order, "greeting", thread, because_of, at)
}

/// DynamoDB's limit for a sort key, less the prefix that the table puts before an id, in bytes.
const LONGEST: usize = 1024 - "message#".len();

#[tokio::test]
async fn ids_of_one_second_sort_as_events_messages_replies() {
    let kit = Kit::start().await;
    let thread = visitor();
    let second = Timestamp::from_second(BEGIN + 1).unwrap();
    for id in [NewOutbound::fresh_id(second), said(0, &thread, "1772352001-m1", second)] {
        kit.store_outbound(&outbound(&thread, &id, "reply"), None).await.unwrap();
    }
    // The longest id of each kind.
    for number in [u32::MAX, 0] {
        kit.table.inbox().receive(&text_message(&thread, 1, number)).await.unwrap();
    }
    for identity in ["ezzzz.zz", "eAAAA.00", "e_"] {
        kit.table.inbox().receive(&event(&thread, 1, identity, json!({ "content": "event" }))).await.unwrap();
    }
    kit.table.inbox().receive(&text_message(&thread, 2, 7)).await.unwrap();
    kit.table.inbox().receive(&text_message(&thread, 0, 8)).await.unwrap();
    let told: Vec<_> =
        kit.thread(&thread).await.into_iter().map(|message| message.content["content"].clone()).collect();
    assert_eq!(told, ["text 8", "event", "event", "event", "text 0", "text 4294967295", "reply", "reply", "text 7"]);
}

#[tokio::test]
async fn create_times_sort_in_order() {
    let kit = Kit::start().await;
    let thread = visitor();
    let times = [i64::MIN, -1, 0, 1, 999_999_999, 1_000_000_000, BEGIN, 9_999_999_998, 9_999_999_999];
    for (place, create_time) in times.into_iter().enumerate().rev() {
        // In a key, a time before 1970 counts as the first second of 1970.
        let new = NewInbound { create_time, identity: format!("m{place:020}"), ..text_message(&thread, 0, 1) };
        let new = NewInbound { content: json!({ "content": create_time }), ..new };
        assert_eq!(kit.table.inbox().receive(&new).await.unwrap(), Receipt::Stored, "{create_time}");
    }
    let told: Vec<_> = kit.thread(&thread).await.iter().map(|message| message.content["content"].as_i64()).collect();
    assert_eq!(told, times.map(Some));
}

#[tokio::test]
async fn create_time_out_of_range_uses_the_time_of_receipt() {
    let kit = Kit::start().await;
    let new = NewInbound { create_time: i64::MAX, ..text_message(&visitor(), 0, 1) };
    assert_eq!(kit.table.inbox().receive(&new).await.unwrap(), Receipt::Stored);
    assert_eq!(kit.table.inbox().receive(&new).await.unwrap(), Receipt::Duplicate);
    assert_eq!(kit.thread(&visitor()).await[0].created_at, kit.now());
}

fn strange_openids() -> Vec<String> {
    let mut openids: Vec<String> = [
        "",
        " ",
        "#",
        "##",
        "o#p",
        "\0",
        "\n",
        "message#",
        "visitor",
        "~",
        "\u{10ffff}",
        "访客",
        "👩‍👩‍👧",
        "sha256-",
        "null",
        "../..",
        "oA",
        "oa",
    ]
    .map(str::to_owned)
    .into();
    // Around the longest openid that is stored unhashed, with one or more bytes per character, and far longer.
    openids.extend([127, 128, 129, 2047, 2048, 2049, 60_000].map(|length| "o".repeat(length)));
    openids.extend([42, 43, 682, 683, 20_000].map(|length| "访".repeat(length)));
    openids.extend(["o".repeat(128) + "#", "o".repeat(128) + "p"]);
    openids
}

#[tokio::test]
async fn every_openid_has_its_own_thread() {
    let kit = Kit::start().await;
    let openids = strange_openids();
    for openid in &openids {
        let thread = Thread::new(APP_ID, openid);
        let message = kit.receive_text(&thread, 0, 1).await;
        assert_eq!(message.thread, thread);
        let decision = Decision::about(&kit.table, &message).await;
        let answer = reply(&message, &decision.cid());
        let conversation = kit.written(decision.event("conversation.created").says(answer)).await;
        assert_eq!(conversation.thread(), thread);
        assert_eq!(kit.table.threads().visitors(std::slice::from_ref(&thread)).await.unwrap()[0].0, thread);
        assert_eq!(
            kit.table
                .threads()
                .conversation_messages(&conversation, MessageOrder::OldestFirst, None, 10)
                .await
                .unwrap()
                .items
                .len(),
            2
        );
    }
    let uids: BTreeSet<_> = openids.iter().map(|openid| Thread::new(APP_ID, openid).uid()).collect();
    assert_eq!(uids.len(), openids.len());
    assert_eq!(kit.items_of("conversation").await.len(), openids.len());
}

#[tokio::test]
async fn longest_identity_fits_the_key() {
    let kit = Kit::start().await;
    let thread = visitor();
    // The `wechat` crate limits an event's identity to 100 characters.
    let longest = format!("e{}", "x".repeat(99));
    for second in 0..3 {
        kit.table.inbox().receive(&event(&thread, second, &longest, json!({}))).await.unwrap();
    }
    // Its cursor is accepted as well.
    let first = kit.table.threads().thread_messages(&thread, None, 1).await.unwrap();
    let rest = kit.table.threads().thread_messages(&thread, first.cursor.as_deref(), 10).await.unwrap();
    assert_eq!((first.items.len(), rest.items.len()), (1, 2));
}

#[test]
fn outbound_ids_sort_behind_inbound_ids_and_fit_the_key() {
    let identity = prop_oneof!["m[0-9]{20}", "m[A-Za-z0-9_.-]{1,64}", "e[A-Za-z0-9_.-]{1,99}"];
    let openid = prop_oneof![".{0,40}", "\\PC{0,200}"];
    TestRunner::default()
        .run(&(identity, openid, 0_i64..9_999_999_999), |(identity, openid, second)| {
            let at = Timestamp::from_second(second).unwrap();
            let thread = Thread::new(APP_ID, openid);
            // The id of a message of that second; the tests above check the stored form.
            let message = format!("{second:010}-{identity}");
            for id in [said(0, &thread, &message, at), said(99, &thread, &message, at), NewOutbound::fresh_id(at)] {
                prop_assert!(message < id, "{message} {id}");
                let next_second = format!("{:010}-", second + 1);
                prop_assert!(id < next_second);
                prop_assert!(id.len() <= LONGEST && id.is_ascii());
            }
            let answer = said(0, &thread, &message, at);
            prop_assert_eq!(&answer, &said(0, &thread, &message, at));
            let other = Thread::new(APP_ID, format!("{}x", thread.openid));
            prop_assert_ne!(&answer, &said(0, &other, &message, at));
            prop_assert_ne!(&answer, &NewOutbound::derived_message_id(0, "queued", &thread, &message, at));
            prop_assert!(answer < said(1, &thread, &message, at), "ids derived from one cause keep their order");
            let (uid, cid) = (thread.uid(), thread.cid(&message));
            prop_assert!(uid.starts_with('u') && cid.starts_with('c'));
            let well_formed = |id: &String| id.len() == 33 && id[1..].bytes().all(|byte| byte.is_ascii_hexdigit());
            prop_assert!([uid, cid].iter().all(well_formed));
            Ok(())
        })
        .unwrap();
}

#[test]
fn ids_of_one_moment_differ() {
    let at = Timestamp::from_second(BEGIN).unwrap();
    let ids: BTreeSet<_> = (0..1000).map(|_| NewOutbound::fresh_id(at)).collect();
    assert_eq!(ids.len(), 1000);
}
