//! How long each item is kept: its `ttl`, in seconds since 1970.

use jiff::{SignedDuration, Timestamp};
use store::{NewOutbound, Retention, RetentionPeriod, Stage};

use crate::support::{Decision, Item, Kit, outbound, s, visitor};

fn days(days: u32) -> RetentionPeriod {
    RetentionPeriod::of_days(days).unwrap()
}

fn ttl(item: &Item) -> Option<i64> {
    item.get("ttl").map(|ttl| ttl.as_n().unwrap().parse().unwrap())
}

fn after(from: Timestamp, days: i64) -> i64 {
    from.as_second() + days * 86_400
}

async fn kit(retention: Retention) -> Kit {
    let kit = Kit::start().await;
    Kit { table: kit.table.clone().with_retention(retention), ..kit }
}

/// A kit with another period for each kind of item.
async fn kit_with_periods() -> Kit {
    kit(Retention { messages: days(31), conversations: days(62), visitors: days(93), audit: days(124) }).await
}

/// The `ttl` of the only item of a kind.
async fn ttl_of(kit: &Kit, kind: &str) -> Option<i64> {
    let items = kit.items_of(kind).await;
    assert_eq!(items.len(), 1, "{kind}: {items:?}");
    ttl(&items[0])
}

#[tokio::test]
async fn message_expires_after_it_was_stored() {
    let kit = kit_with_periods().await;
    // The time of WeChat's clock does not count.
    let message = kit.receive_text(&visitor(), -86_400, 1).await;
    let pending = NewOutbound::fresh_id(kit.now());
    kit.store_outbound(&outbound(&visitor(), &pending, "hello"), None).await.unwrap();
    assert_eq!(ttl_of(&kit, "inbound").await, Some(after(kit.now(), 31)));
    assert_eq!(ttl_of(&kit, "outbound").await, Some(after(kit.now(), 31)));
    let stored = kit.now();
    kit.advance(SignedDuration::from_hours(1));
    kit.written(Decision::about(&kit.table, &message).await).await;
    kit.table.sends().claim(&visitor(), &pending).await.unwrap();
    assert_eq!(ttl_of(&kit, "inbound").await, Some(after(stored, 31)), "processing does not change it");
    assert_eq!(ttl_of(&kit, "outbound").await, Some(after(stored, 31)), "sending does not change it");
}

#[tokio::test]
async fn conversation_and_its_link_expire_after_it_was_closed() {
    let kit = kit_with_periods().await;
    let message = kit.receive_text(&visitor(), 0, 1).await;
    let opened = kit.written(Decision::about(&kit.table, &message).await.event("conversation.created")).await;
    let begin = kit.now();
    for kind in ["conversation", "visitor_conversation", "visitor"] {
        assert_eq!(ttl_of(&kit, kind).await, None, "{kind} of an open conversation");
    }
    assert_eq!(ttl_of(&kit, "event").await, Some(after(begin, 62)));
    kit.advance(SignedDuration::from_hours(24 * 50));
    kit.written(Decision::on(&kit.table, &opened.cid).await.closed().event("conversation.closed")).await;
    for kind in ["conversation", "visitor_conversation"] {
        assert_eq!(ttl_of(&kit, kind).await, Some(after(kit.now(), 62)), "{kind}");
    }
    assert_eq!(ttl_of(&kit, "visitor").await, Some(after(begin, 93)), "from when the visitor last wrote");
    let events = kit.items_of("event").await;
    assert_eq!(events.iter().map(ttl).collect::<Vec<_>>(), [Some(after(begin, 62)), Some(after(kit.now(), 62))]);
}

#[tokio::test]
async fn link_of_a_visitor_names_each_of_their_conversations() {
    let kit = kit_with_periods().await;
    let mut cids = Vec::new();
    for number in 1..=3 {
        let opened = kit.opened(&visitor(), i64::from(number), number).await;
        kit.advance(SignedDuration::from_secs(1));
        kit.written(Decision::on(&kit.table, &opened.cid).await.closed()).await;
        cids.push(opened.cid);
    }
    let links = kit.items_of("visitor_conversation").await;
    assert_eq!(links.iter().map(|link| s(link, "cid")).collect::<Vec<_>>(), cids);
}

#[tokio::test]
async fn link_that_an_earlier_version_did_not_write_is_written_when_the_conversation_is_closed() {
    let kit = kit_with_periods().await;
    let opened = kit.opened(&visitor(), 0, 1).await;
    let link = kit.items_of("visitor_conversation").await.remove(0);
    let delete = kit.client.delete_item().table_name(&kit.name).key("pk", link["pk"].clone());
    delete.key("sk", link["sk"].clone()).send().await.unwrap();
    kit.written(Decision::on(&kit.table, &opened.cid).await.closed()).await;
    assert_eq!(s(&kit.items_of("visitor_conversation").await[0], "cid"), opened.cid);
}

#[tokio::test]
async fn link_to_a_person_is_renewed_before_it_expires_earlier_than_its_visitor() {
    let kit = kit_with_periods().await;
    let message = kit.receive_text(&visitor(), 0, 1).await;
    let opened = kit.written(Decision::about(&kit.table, &message).await.proving("p-1")).await;
    let linked = kit.now();
    for number in 2..=4 {
        kit.advance(SignedDuration::from_hours(24 * 14 + 23));
        let message = kit.receive_text(&visitor(), i64::from(number), number).await;
        kit.written(Decision::about(&kit.table, &message).await.to(Stage::Unassigned)).await;
        let expected = if number == 4 { kit.now() } else { linked };
        assert_eq!(ttl_of(&kit, "person").await, Some(after(expected, 93 + 30)), "message {number}");
    }
    kit.written(Decision::on(&kit.table, &opened.cid).await.closed()).await;
    let (person, visitor) = (ttl_of(&kit, "person").await, ttl_of(&kit, "visitor").await);
    assert!(person >= visitor && visitor.is_some(), "{person:?} {visitor:?}");
}

#[tokio::test]
async fn nothing_of_a_visitor_expires_if_it_is_kept_for_ever() {
    let forever = RetentionPeriod::FOREVER;
    let kit = kit(Retention { messages: forever, conversations: forever, visitors: forever, audit: forever }).await;
    let message = kit.receive_text(&visitor(), 0, 1).await;
    let opened = kit.written(Decision::about(&kit.table, &message).await.proving("p-1").event("conversation.created"));
    let opened = opened.await;
    let pending = NewOutbound::fresh_id(kit.now());
    kit.store_outbound(&outbound(&visitor(), &pending, "hello"), None).await.unwrap();
    kit.written(Decision::on(&kit.table, &opened.cid).await.closed().event("conversation.closed")).await;
    let items = kit.items().await;
    assert!(items.len() >= 8, "{items:?}");
    for item in items {
        assert_eq!(ttl(&item), None, "{item:?}");
    }
}
