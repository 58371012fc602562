//! A visitor's conversations, of which at most one is open, and their messages.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use desk::conversation::ClosedBy;
use jiff::SignedDuration;
use serde_json::json;
use store::{Conversation, Message, MessageOrder, NewOutbound, Stage, Thread};

use crate::support::{APP_ID, BEGIN, Decision, Kit, OPENID, outbound, s, visitor};

async fn all(kit: &Kit, limit: i32) -> Vec<Conversation> {
    let mut listed = Vec::new();
    let mut cursor = None;
    loop {
        let page = kit.table.lists().conversations(cursor.as_deref(), limit).await.unwrap();
        assert!(page.items.len() <= usize::try_from(limit).unwrap());
        listed.extend(page.items);
        cursor = page.cursor;
        if cursor.is_none() {
            return listed;
        }
    }
}

async fn messages(kit: &Kit, conversation: &Conversation, limit: i32) -> Vec<Message> {
    let mut listed = Vec::new();
    let mut cursor = None;
    loop {
        let page = kit
            .table
            .threads()
            .conversation_messages(conversation, MessageOrder::OldestFirst, cursor.as_deref(), limit)
            .await
            .unwrap();
        listed.extend(page.items);
        cursor = page.cursor;
        if cursor.is_none() {
            return listed;
        }
    }
}

async fn closed(kit: &Kit, cid: &str) -> Conversation {
    kit.written(Decision::on(&kit.table, cid).await.closed()).await
}

#[tokio::test]
async fn conversations_are_paged_newest_first() {
    let kit = Kit::start().await;
    let mut cids = Vec::new();
    for number in 0..7 {
        kit.advance(SignedDuration::from_secs(1));
        let thread = Thread::new(APP_ID, format!("oVisitor{number}"));
        cids.push(kit.opened(&thread, 0, 1).await.cid);
    }
    // A change of a conversation does not change its place in the list.
    closed(&kit, &cids[2]).await;
    cids.reverse();
    for limit in [1, 2, 3, 7, 50] {
        let listed: Vec<_> = all(&kit, limit).await.into_iter().map(|conversation| conversation.cid).collect();
        assert_eq!(listed, cids, "by {limit}");
    }
}

#[tokio::test]
async fn conversations_of_earlier_versions_are_listed_among_the_others() {
    let kit = Kit::start().await;
    let mut cids = Vec::new();
    for number in 0..6 {
        kit.advance(SignedDuration::from_secs(1));
        cids.push(kit.opened(&Thread::new(APP_ID, format!("oVisitor{number}")), 0, 1).await.cid);
    }
    cids.reverse();
    // Earlier versions had one partition for all.
    let earlier = |cid: &String| cids.iter().position(|listed| listed == cid).unwrap() % 2 == 0;
    for mut item in kit.items_of("conversation").await {
        if earlier(&s(&item, "cid")) {
            item.insert("lists_pk".to_owned(), AttributeValue::S("conversations".to_owned()));
            kit.write(item).await;
        }
    }
    for limit in [1, 2, 5, 6] {
        let listed: Vec<_> = all(&kit, limit).await.into_iter().map(|conversation| conversation.cid).collect();
        assert_eq!(listed, cids, "by {limit}");
    }
    // So was a cursor: the whole key of the index.
    let third = kit.conversation(&cids[2]).await;
    let opened = format!("{:013}#{}", third.created_at.as_millisecond(), third.cid);
    let cursor = BASE64_URL_SAFE_NO_PAD.encode(format!("conversation#{}\nconversation\n{opened}", third.cid));
    let rest = kit.table.lists().conversations(Some(&cursor), 10).await.unwrap().items;
    assert_eq!(
        rest.iter().map(|conversation| &conversation.cid).collect::<Vec<_>>(),
        cids[3..].iter().collect::<Vec<_>>()
    );
    // A conversation of an earlier version leaves the old partition when it is written again.
    closed(&kit, &cids[0]).await;
    let item = kit.items_of("conversation").await.into_iter().find(|item| s(item, "cid") == cids[0]).unwrap();
    assert!(s(&item, "lists_pk").starts_with("conversations#"), "{item:?}");
}

#[tokio::test]
async fn conversations_of_one_millisecond_are_all_listed() {
    let kit = Kit::start().await;
    for number in 0..5 {
        kit.opened(&Thread::new(APP_ID, format!("oVisitor{number}")), 0, 1).await;
    }
    let mut cids: Vec<_> = all(&kit, 2).await.into_iter().map(|conversation| conversation.cid).collect();
    cids.sort();
    cids.dedup();
    assert_eq!(cids.len(), 5);
}

#[tokio::test]
async fn conversations_are_read_in_the_order_asked_for() {
    let kit = Kit::start().await;
    let mut cids = Vec::new();
    for number in 0..3 {
        cids.push(kit.opened(&Thread::new(APP_ID, format!("oVisitor{number}")), 0, 1).await.cid);
    }
    cids.reverse();
    let asked = [&cids[..1], &["c-that-is-not-there".to_owned()], &cids[1..], &cids[..1]].concat();
    let read: Vec<_> = kit.table.conversations().conversations_of(&asked).await.unwrap();
    assert_eq!(read.iter().map(|conversation| &conversation.cid).collect::<Vec<_>>(), cids.iter().collect::<Vec<_>>());
    assert_eq!(read[0], kit.conversation(&cids[0]).await);
}

#[tokio::test]
async fn messages_of_a_conversation_exclude_those_of_others() {
    let kit = Kit::start().await;
    let thread = visitor();
    let first = kit.opened(&thread, 0, 1).await;
    let joined = kit.receive_text(&thread, 1, 2).await;
    kit.written(Decision::about(&kit.table, &joined).await).await;
    let answer = NewOutbound { cid: Some(first.cid.clone()), ..outbound(&thread, "1772352001-r1", "an answer") };
    kit.store_outbound(&answer, None).await.unwrap();
    // No conversation: sent before the first one was opened.
    let greeting = NewOutbound { cid: None, ..outbound(&thread, "1772352002-r1", "welcome") };
    kit.store_outbound(&greeting, None).await.unwrap();
    let first = closed(&kit, &first.cid).await;
    let second = kit.opened(&thread, 3, 3).await;
    // Not yet processed by reception, so in no conversation.
    kit.receive_text(&thread, 4, 4).await;
    // A late message that sorts before the second conversation's first one, and a message of another visitor.
    let late = kit.receive_text(&thread, 2, 5).await;
    let second = {
        let joined = kit.written(Decision::about(&kit.table, &late).await).await;
        assert_eq!(joined.cid, second.cid);
        kit.conversation(&second.cid).await
    };
    assert_eq!(second.last_message_at.as_second(), BEGIN + 3, "a late message does not become the last one");
    kit.opened(&Thread::new(APP_ID, "oAnother"), 0, 1).await;

    for limit in [1, 2, 100] {
        let shown = async |conversation| {
            let shown = messages(&kit, conversation, limit).await;
            assert!(shown.iter().all(|message| message.cid.as_ref() == Some(&conversation.cid)));
            shown.into_iter().map(|message| message.content["content"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(shown(&first).await, ["text 1", "text 2", "an answer"], "by {limit}");
        assert_eq!(shown(&second).await, ["text 5", "text 3"], "by {limit}");
    }
    assert_eq!(kit.thread(&thread).await.len(), 7);
}

#[tokio::test]
async fn message_after_closing_opens_a_new_conversation() {
    let kit = Kit::start().await;
    let thread = visitor();
    let first = kit.opened(&thread, 0, 1).await;
    kit.advance(SignedDuration::from_mins(10));
    let told = closed(&kit, &first.cid).await;
    let kept = kit.conversation(&first.cid).await;
    assert_eq!(told, kept);
    assert_eq!((kept.is_open(), kept.closed_at), (false, Some(kit.now())));
    assert_eq!(kept.stage, Stage::Closed { by: ClosedBy::Agent });
    assert_eq!(kit.table.threads().visitor(&thread).await.unwrap().open_cid, None);

    let next = kit.opened(&thread, 700, 2).await;
    assert_ne!(next.cid, first.cid);
    assert_eq!(kit.table.threads().visitor(&thread).await.unwrap().open_cid, Some(next.cid));
    let open = all(&kit, 10).await.into_iter().filter(Conversation::is_open).count();
    assert_eq!(open, 1);
}

#[tokio::test]
async fn second_close_of_a_conversation_is_refused() {
    let kit = Kit::start().await;
    let first = kit.opened(&visitor(), 0, 1).await;
    let again = Decision::on(&kit.table, &first.cid).await.closed();
    closed(&kit, &first.cid).await;
    kit.opened(&visitor(), 1, 2).await;
    kit.advance(SignedDuration::from_mins(1));
    // In particular, it does not clear the visitor's open conversation.
    kit.refused(&again, &store::CommitOutcome::Conflict).await;
}

#[tokio::test]
async fn answered_at_stays_after_the_first_answer() {
    let kit = Kit::start().await;
    let first = kit.opened(&visitor(), 0, 1).await;
    let answered_at = Some(kit.now());
    let mut decision = Decision::on(&kit.table, &first.cid).await.event("conversation.answered");
    decision.after.as_mut().unwrap().answered_at = answered_at;
    kit.written(decision).await;
    let message = kit.receive_text(&visitor(), 1, 2).await;
    kit.advance(SignedDuration::from_mins(1));
    assert_eq!(kit.written(Decision::about(&kit.table, &message).await).await.answered_at, answered_at);
    // `answered_at` is separate for each conversation.
    closed(&kit, &first.cid).await;
    assert_eq!(kit.opened(&visitor(), 2, 3).await.answered_at, None);
}

#[tokio::test]
async fn reads_of_missing_items_return_nothing_and_write_nothing() {
    let kit = Kit::start().await;
    assert!(kit.table.conversations().conversation("c1").await.unwrap().is_none());
    assert_eq!(kit.table.threads().visitor(&visitor()).await.unwrap(), store::Visitor::default());
    assert!(kit.thread(&visitor()).await.is_empty());
    assert!(kit.items().await.is_empty());
}

#[tokio::test]
async fn conversation_of_a_later_version_is_an_error() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    let mut item = kit.items_of("conversation").await.remove(0);
    assert_eq!(s(&item, "cid"), cid);
    let mut data: serde_json::Value = serde_json::from_str(&s(&item, "data")).unwrap();
    // An item of an earlier version, without the attributes added since.
    for later in ["answered_at", "warned_at", "look_at", "closed_at", "plan", "summary"] {
        data.as_object_mut().unwrap().remove(later);
    }
    let mut put = async |data: &serde_json::Value| {
        item.insert("data".to_owned(), aws_sdk_dynamodb::types::AttributeValue::S(data.to_string()));
        kit.write(item.clone()).await;
    };
    put(&data).await;
    let read = kit.conversation(&cid).await;
    assert_eq!((read.app_id.as_str(), read.openid.as_str(), read.plan), (APP_ID, OPENID, None));
    data["stage"] = json!({ "name": "of a later version" });
    put(&data).await;
    let read = kit.table.conversations().conversation(&cid).await;
    assert!(
        matches!(&read, Err(store::StoreError::Corrupt { item: "conversation", what, .. }) if what == "data"),
        "{read:?}"
    );
}
