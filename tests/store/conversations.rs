//! A visitor's conversations, one open at most, and what was said in each.

use jiff::SignedDuration;
use store::{Applied, Conversation, ConversationState, Message, StoreError, Thread};

use crate::support::{APP_ID, Fault, Kit, join, open, outbound, visitor};

async fn all(kit: &Kit, limit: i32) -> Vec<Conversation> {
    let mut listed = Vec::new();
    let mut cursor = None;
    loop {
        let page = kit.table.conversations(cursor.as_deref(), limit).await.unwrap();
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
        let page = kit.table.conversation_messages(conversation, cursor.as_deref(), limit).await.unwrap();
        listed.extend(page.items);
        cursor = page.cursor;
        if cursor.is_none() {
            return listed;
        }
    }
}

#[tokio::test]
async fn conversations_are_listed_newest_first_page_by_page() {
    let kit = Kit::start().await;
    let mut cids = Vec::new();
    for number in 0..7 {
        kit.later(SignedDuration::from_secs(1));
        let thread = Thread::new(APP_ID, format!("oVisitor{number}"));
        cids.push(kit.opened(&thread, 0, 1).await.cid);
    }
    cids.reverse();
    for limit in [1, 2, 3, 7, 50] {
        let listed: Vec<_> = all(&kit, limit).await.into_iter().map(|conversation| conversation.cid).collect();
        assert_eq!(listed, cids, "by {limit}");
    }
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
async fn a_conversation_shows_its_own_messages_only() {
    let kit = Kit::start().await;
    let thread = visitor();
    let first = kit.opened(&thread, 0, 1).await;
    let joined = kit.arrived(&thread, 1, 2).await;
    kit.table.apply(&join(&joined, &first.cid)).await.unwrap();
    let mut answer = outbound(&thread, "1772352001-r1", "an answer");
    answer.cid.clone_from(&first.cid);
    kit.table.put_down(&answer, None).await.unwrap();
    kit.table.close_conversation(&first).await.unwrap();
    let second = kit.opened(&thread, 3, 3).await;
    // Not yet seen by reception, so of no conversation yet.
    kit.arrived(&thread, 4, 4).await;
    // Late, and put before the second conversation's first message; and another visitor's.
    let late = kit.arrived(&thread, 2, 5).await;
    kit.table.apply(&join(&late, &second.cid)).await.unwrap();
    let second = kit.table.conversation(&second.cid).await.unwrap().unwrap();
    assert_eq!(second.last_message_at.as_second(), crate::support::BEGIN + 3, "the late one is not the last");
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
    assert_eq!(kit.thread(&thread).await.len(), 6);
}

#[tokio::test]
async fn a_thread_is_paged_oldest_first() {
    let kit = Kit::start().await;
    let thread = visitor();
    for number in [4, 1, 3, 0, 2] {
        kit.arrived(&thread, i64::from(number), number).await;
    }
    for limit in [1, 2, 5, 6] {
        let mut texts = Vec::new();
        let mut cursor = None;
        loop {
            let page = kit.table.thread_messages(&thread, cursor.as_deref(), limit).await.unwrap();
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
async fn closing_frees_the_visitor_and_their_next_message_opens_another() {
    let kit = Kit::start().await;
    let thread = visitor();
    let first = kit.opened(&thread, 0, 1).await;
    kit.later(SignedDuration::from_mins(10));
    assert!(kit.table.close_conversation(&first).await.unwrap());
    let closed = kit.table.conversation(&first.cid).await.unwrap().unwrap();
    assert_eq!((closed.state, closed.closed_at), (ConversationState::Closed, Some(kit.now())));
    assert_eq!(kit.table.visitor(&thread).await.unwrap().unwrap().open_cid, None);

    let next = kit.arrived(&thread, 700, 2).await;
    let cid = thread.cid(&next.id);
    assert_eq!(kit.table.apply(&open(&next, &cid)).await.unwrap(), Applied::Now);
    assert_ne!(cid, first.cid);
    assert_eq!(kit.table.visitor(&thread).await.unwrap().unwrap().open_cid, Some(cid));
    let open = all(&kit, 10).await.into_iter().filter(|found| found.state == ConversationState::Open).count();
    assert_eq!(open, 1);
}

#[tokio::test]
async fn a_closed_conversation_is_closed_once() {
    let kit = Kit::start().await;
    let first = kit.opened(&visitor(), 0, 1).await;
    assert!(kit.table.close_conversation(&first).await.unwrap());
    kit.opened(&visitor(), 1, 2).await;
    let before = kit.items().await;
    kit.later(SignedDuration::from_mins(1));
    // Above all it does not free the visitor from the conversation that is open now.
    assert!(!kit.table.close_conversation(&first).await.unwrap());
    assert_eq!(kit.items().await, before);
}

#[tokio::test]
async fn a_conversation_that_the_visitor_does_not_name_is_not_half_closed() {
    let kit = Kit::start().await;
    let first = kit.opened(&visitor(), 0, 1).await;
    let mut known = kit.items_of("visitor").await.remove(0);
    known.remove("open_cid");
    kit.write(known).await;
    let before = kit.items().await;
    assert!(matches!(kit.table.close_conversation(&first).await, Err(StoreError::Conflict)));
    assert_eq!(kit.items().await, before);
}

#[tokio::test]
async fn an_answered_conversation_stays_answered() {
    let kit = Kit::start().await;
    let first = kit.opened(&visitor(), 0, 1).await;
    assert!(!first.answered);
    kit.table.mark_answered(&first).await.unwrap();
    let answered = kit.table.conversation(&first.cid).await.unwrap().unwrap();
    assert!(answered.answered);
    let before = kit.items().await;
    kit.later(SignedDuration::from_mins(1));
    kit.table.mark_answered(&first).await.unwrap();
    kit.table.mark_answered(&answered).await.unwrap();
    assert_eq!(kit.items().await, before);
    // Each conversation for itself.
    kit.table.close_conversation(&answered).await.unwrap();
    assert!(!kit.opened(&visitor(), 1, 2).await.answered);
}

#[tokio::test]
async fn an_answer_beside_a_message_that_is_being_processed_is_noted_all_the_same() {
    let kit = Kit::start().await;
    let first = kit.opened(&visitor(), 0, 1).await;
    // DynamoDB refuses a write to an item that a transaction holds: here, the visitor's next message.
    kit.wire.fail("UpdateItem", 1, &Fault::error("TransactionConflictException"));
    kit.table.mark_answered(&first).await.unwrap();
    assert!(kit.table.conversation(&first.cid).await.unwrap().unwrap().answered);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_not_made() {
    let kit = Kit::start().await;
    assert!(kit.table.conversation("c1").await.unwrap().is_none());
    assert!(kit.table.visitor(&visitor()).await.unwrap().is_none());
    assert!(kit.thread(&visitor()).await.is_empty());
    let gone = kit.opened(&visitor(), 0, 1).await;
    let item = kit.items_of("conversation").await.remove(0);
    let delete = kit.client.delete_item().table_name(&kit.name);
    delete.key("pk", item["pk"].clone()).key("sk", item["sk"].clone()).send().await.unwrap();
    kit.table.mark_answered(&gone).await.unwrap();
    assert!(kit.items_of("conversation").await.is_empty());
}

#[tokio::test]
async fn a_conversation_serialises_as_the_api_shows_it() {
    let kit = Kit::start().await;
    let shown = serde_json::to_value(kit.opened(&visitor(), 1, 1).await).unwrap();
    let cid = visitor().cid("1772352001-m00000000000000000001");
    assert_eq!(
        shown,
        serde_json::json!({
            "cid": cid,
            "uid": visitor().uid(),
            "app_id": APP_ID,
            "openid": visitor().openid,
            "state": "open",
            "answered": false,
            "created_at": "2026-03-01T08:00:00Z",
            "last_message_at": "2026-03-01T08:00:01Z",
        })
    );
}
