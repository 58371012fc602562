//! The stored state of visitors, and which of them are the same person.

use jiff::SignedDuration;
use store::{Claimed, CommitOutcome, MessageState, NewOutbound, Profile, Settled, Thread, Visitor};
use wechat::session_from::SignatureVersion;

use crate::support::{APP_ID, Decision, Kit, OPENID, ledger_of, outbound, s, visitor};

/// Writes a visitor without concurrent changes.
async fn write(kit: &Kit, thread: &Thread, change: impl FnOnce(&mut Visitor)) {
    let mut decision = Decision::of(&kit.table, thread).await;
    change(&mut decision.visitor);
    assert_eq!(decision.write(&kit.table).await.unwrap(), CommitOutcome::Written(None));
}

#[tokio::test]
async fn visitor_is_read_as_written() {
    let kit = Kit::start().await;
    let now = kit.now();
    let profile = Profile {
        nickname: Some("林 🙂".to_owned()),
        avatar: Some("https://example.com/a.png".to_owned()),
        partnerid: Some("p-1".to_owned()),
        partnerid_verified: true,
        partnerid_signer: Some("s1".to_owned()),
        signature_version: Some(SignatureVersion::V2),
        unionid: Some("o6_bmasdasdsad6_2sgVt7hMZOPfL".to_owned()),
        robotid: Some("r1".to_owned()),
        customer_code: Some("m-1".to_owned()),
        params: [("订单".to_owned(), "A|1".to_owned())].into(),
        customer_fields: [("vip".to_owned(), "3".to_owned())].into(),
    };
    write(&kit, &visitor(), |visitor| {
        visitor.open_cid = Some("c1".to_owned());
        visitor.session_from = Some("来自订单页 🛒".to_owned());
        visitor.session_from_at = Some(now);
        visitor.first_seen_at = Some(now);
        visitor.last_seen_at = Some(now + SignedDuration::from_millis(1));
        visitor.greeted_at = Some(now);
        visitor.profile = profile.clone();
        visitor.ledger = ledger_of(5);
        visitor.held = vec!["1772352000-r1".to_owned(), "1772352000-r2".to_owned()];
        visitor.last_agent = Some(("a1".to_owned(), now));
    })
    .await;
    let read = kit.table.threads().visitor(&visitor()).await.unwrap();
    assert_eq!((read.open_cid.as_deref(), read.session_from.as_deref()), (Some("c1"), Some("来自订单页 🛒")));
    assert_eq!((read.session_from_at, read.first_seen_at, read.greeted_at), (Some(now), Some(now), Some(now)));
    assert_eq!(read.last_seen_at, Some(now + SignedDuration::from_millis(1)));
    assert_eq!((read.profile, read.ledger), (profile, ledger_of(5)));
    assert_eq!((read.held.len(), read.last_agent), (2, Some(("a1".to_owned(), now))));
    let item = kit.items_of("visitor").await.remove(0);
    assert_eq!(["app_id", "openid"].map(|name| s(&item, name)), [APP_ID, OPENID]);
}

#[tokio::test]
async fn concurrent_change_of_a_visitor_is_refused() {
    let kit = Kit::start().await;
    let [mut one, mut two] = [Decision::of(&kit.table, &visitor()).await, Decision::of(&kit.table, &visitor()).await];
    one.visitor.profile.nickname = Some("one".to_owned());
    two.visitor.session_from = Some("two".to_owned());
    // Both decisions have read a new visitor.
    assert_eq!(one.write(&kit.table).await.unwrap(), CommitOutcome::Written(None));
    kit.refused(&two, &CommitOutcome::Conflict).await;
    kit.refused(&one, &CommitOutcome::Conflict).await;
    write(&kit, &visitor(), |visitor| visitor.session_from = Some("two".to_owned())).await;
    let kept = kit.table.threads().visitor(&visitor()).await.unwrap();
    assert_eq!((kept.profile.nickname.as_deref(), kept.session_from.as_deref()), (Some("one"), Some("two")));
}

#[tokio::test]
async fn visitor_of_another_version_is_read() {
    let kit = Kit::start().await;
    write(&kit, &visitor(), |visitor| visitor.open_cid = Some("c1".to_owned())).await;
    let mut item = kit.items_of("visitor").await.remove(0);
    let data = aws_sdk_dynamodb::types::AttributeValue::S(r#"{"open_cid":"c1","of_a_later_version":1}"#.to_owned());
    item.insert("data".to_owned(), data);
    kit.write(item).await;
    let read = kit.table.threads().visitor(&visitor()).await.unwrap();
    assert_eq!((read.open_cid.as_deref(), read.held.len(), read.profile), (Some("c1"), 0, Profile::default()));
}

#[tokio::test]
async fn visitors_are_read_together() {
    let kit = Kit::start().await;
    let threads: Vec<_> = (0..3).map(|number| Thread::new(APP_ID, format!("oVisitor{number}"))).collect();
    for thread in &threads[..2] {
        write(&kit, thread, |visitor| visitor.session_from = Some(thread.openid.clone())).await;
    }
    // As a page of conversations requests them: one visitor several times, and one unknown visitor.
    let asked: Vec<_> = [0, 1, 0, 2, 1].map(|number: usize| threads[number].clone()).into();
    let read = kit.table.threads().visitors(&asked).await.unwrap();
    assert_eq!(read.len(), 2);
    for (thread, visitor) in &read {
        assert_eq!(visitor.session_from.as_ref(), Some(&thread.openid));
        assert_eq!(visitor, &kit.table.threads().visitor(thread).await.unwrap());
    }
    assert!(kit.table.threads().visitors(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn visitors_with_one_verified_partnerid_are_one_person() {
    let kit = Kit::start().await;
    let threads = [visitor(), Thread::new("wxfedcba9876543210", "oElsewhere"), Thread::new(APP_ID, "oAnother")];
    for (thread, partnerid) in threads.iter().zip(["13800138000", "13800138000", "138001380000"]) {
        // Twice, as for a visitor who enters twice.
        for session_from in ["one", "two"] {
            let mut decision = Decision::of(&kit.table, thread).await.proving(partnerid);
            decision.visitor.session_from = Some(session_from.to_owned());
            assert_eq!(decision.write(&kit.table).await.unwrap(), CommitOutcome::Written(None));
        }
    }
    let mut found = kit.person("13800138000").await;
    found.sort_by(|one, other| other.app_id.cmp(&one.app_id));
    let mut expected = threads[..2].to_vec();
    expected.sort_by(|one, other| other.app_id.cmp(&one.app_id));
    assert_eq!(found, expected);
    assert_eq!(kit.person("138001380000").await, threads[2..]);
    assert!(kit.person("1380013800").await.is_empty());
    // A `partnerid` may be a telephone number, so it does not appear in a key.
    let keys = kit.items().await.into_iter().map(|item| s(&item, "pk") + &s(&item, "sk"));
    assert!(!keys.collect::<String>().contains("138001380"));
}

#[tokio::test]
async fn visitor_with_another_partnerid_leaves_the_person() {
    let kit = Kit::start().await;
    let prove = async |partnerid: &str| {
        let decision = Decision::of(&kit.table, &visitor()).await.proving(partnerid);
        assert_eq!(decision.write(&kit.table).await.unwrap(), CommitOutcome::Written(None));
    };
    prove("p-1").await;
    prove("p-2").await;
    assert!(kit.person("p-1").await.is_empty());
    assert_eq!(kit.person("p-2").await, [visitor()]);
    write(&kit, &visitor(), |visitor| visitor.profile.partnerid_verified = false).await;
    assert!(kit.person("p-2").await.is_empty());
}

#[tokio::test]
async fn refused_decision_links_no_person() {
    let kit = Kit::start().await;
    let mut stale = Decision::of(&kit.table, &visitor()).await.proving("p-1");
    write(&kit, &visitor(), |visitor| visitor.session_from = Some("meanwhile".to_owned())).await;
    stale.visitor.session_from = Some("late".to_owned());
    kit.refused(&stale, &CommitOutcome::Conflict).await;
    assert!(kit.person("p-1").await.is_empty());
}

#[tokio::test]
async fn partnerid_of_any_length_is_a_person() {
    let kit = Kit::start().await;
    for partnerid in ["", "客".repeat(100).as_str(), "x".repeat(5000).as_str(), "visitor#"] {
        let thread = Thread::new(APP_ID, format!("o{}", partnerid.len()));
        let decision = Decision::of(&kit.table, &thread).await.proving(partnerid);
        assert_eq!(decision.write(&kit.table).await.unwrap(), CommitOutcome::Written(None));
        assert_eq!(kit.person(partnerid).await, [thread]);
    }
}

/// Stores a reply of this visitor with its reservation and returns its id.
async fn reserved(kit: &Kit) -> String {
    let id = NewOutbound::fresh_id(kit.now());
    let mut decision = Decision::of(&kit.table, &visitor()).await;
    decision.visitor.ledger.reserve(&id, 1, 0, kit.now()).unwrap();
    decision.sends.push(outbound(&visitor(), &id, "hello"));
    decision.write(&kit.table).await.unwrap();
    id
}

async fn send(kit: &Kit, id: &str) {
    let Claimed::Ours(claim) = kit.table.sends().claim(&visitor(), id).await.unwrap() else { panic!("not ours") };
    kit.table.sends().settle(&claim, &Settled::Sent, 1, None).await.unwrap();
}

#[tokio::test]
async fn visitor_is_read_with_the_messages_in_flight() {
    let kit = Kit::start().await;
    let in_flight = async || {
        let (read, messages) = kit.table.threads().visitor_with_sends(&visitor()).await.unwrap();
        assert_eq!(read, kit.table.threads().visitor(&visitor()).await.unwrap());
        let mut messages: Vec<_> = messages.into_iter().map(|message| (message.id, message.state)).collect();
        messages.sort_by_key(|(id, _)| id.clone());
        messages
    };
    assert_eq!(in_flight().await, [], "the visitor was never seen");
    kit.receive_text(&visitor(), 0, 1).await;
    assert_eq!(in_flight().await, [], "the first message is not processed");
    write(&kit, &visitor(), |visitor| visitor.ledger.record_message(kit.now(), kit.now())).await;
    assert_eq!(in_flight().await, []);

    let (sent, pending) = (reserved(&kit).await, reserved(&kit).await);
    send(&kit, &sent).await;
    let both = [(sent.clone(), MessageState::Sent), (pending.clone(), MessageState::Pending)];
    assert_eq!(in_flight().await, both);
    // A message that is not in flight is left out, and one that is older than the newest messages is not.
    for second in 1..=9 {
        kit.receive_text(&visitor(), second, 1 + u32::try_from(second).unwrap()).await;
    }
    assert_eq!(in_flight().await, both);

    // One that cannot be read keeps its reservation and does not fail the decision.
    let mut unreadable = kit.items_of("outbound").await.remove(0);
    unreadable.insert("state".to_owned(), aws_sdk_dynamodb::types::AttributeValue::S("later".to_owned()));
    let of_unreadable = s(&unreadable, "sk");
    kit.write(unreadable).await;
    let readable = both.into_iter().filter(|(id, _)| !of_unreadable.ends_with(id.as_str()));
    assert_eq!(in_flight().await, readable.collect::<Vec<_>>());
}
