//! No duplicates: repeated requests, killed functions, lost database answers.

use futures_util::future::join_all;
use local::{Fault, TableFault};
use reqwest::Method;
use serde_json::json;

use super::{APP, SEND, failed, sim_fault, states_after_all_retries};
use crate::open_conversation::{problem, text};
use crate::support::{ADMIN, World};

#[tokio::test]
async fn repeated_request_with_the_same_key_is_executed_once() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let first = chat.post_once("k-1", &text("一次")).await.expect(201);
    world.advance(3600);
    let second = chat.post_once("k-1", &text("一次")).await.expect(201);
    assert_eq!(second.body, first.body);
    assert_eq!(chat.visitor.received_texts().await, ["一次"]);

    let other = chat.post_once("k-1", &text("另一句")).await;
    assert_eq!(problem(&other), (422, "idempotency.key_reused", None));
    chat.post_once("k-2", &text("一次")).await.expect(201);
    // A key is scoped to its caller and conversation.
    let agent = world.access_token("agent").await;
    let request = world
        .request(Some(&agent), Method::POST, &chat.messages_path(), Some(&text("我的")))
        .header("idempotency-key", "k-1");
    request.send().await.expect(201);
    let next_door = world.open_conversation(&binding, "o-2").await;
    next_door.post_once("k-1", &text("隔壁")).await.expect(201);
    assert_eq!(chat.visitor.received_texts().await, ["一次", "一次", "我的"]);
    assert_eq!(next_door.visitor.received_texts().await, ["隔壁"]);

    // A key is stored for a day.
    world.advance(24 * 3600);
    next_door.post_once("k-1", &text("第二天")).await.expect(201);
    assert_eq!(next_door.visitor.received_texts().await, ["隔壁", "第二天"]);
}

#[tokio::test]
async fn repeated_refused_request_returns_the_same_refusal() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    sim_fault(&chat, json!({ "errcode": 48001 })).await;
    let first = chat.post_once("k-1", &text("一次")).await;
    failed(&chat, &first, (502, "wechat.not_permitted", Some(48001))).await;
    assert_eq!(chat.post_once("k-1", &text("一次")).await.raw, first.raw);
    assert_eq!(world.sim_calls(SEND).await, 1);
}

#[tokio::test]
async fn invalid_idempotency_key_is_refused() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    for key in [String::new(), "k".repeat(256), "键".to_owned()] {
        let request = world.request(Some(ADMIN), Method::POST, &chat.messages_path(), Some(&text("x")));
        let answer = request.header("idempotency-key", &key).send().await.expect(422);
        assert!(answer.raw.contains("Idempotency-Key"), "{key}");
    }
    chat.post_once(&"k".repeat(255), &text("x")).await.expect(201);
    assert_eq!(chat.visitor.received().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_concurrent_requests_with_one_key_send_one_text() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    for round in 0..5 {
        let chat = world.open_conversation(&binding, &format!("o-{round}")).await;
        let message = text("十次");
        let answers = join_all((0..10).map(|_| chat.post_once("k", &message))).await;
        for answer in &answers {
            assert!(matches!(answer.status, 201 | 202), "{}", answer.raw);
            assert_eq!(answer.body["id"], answers[0].body["id"]);
        }
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count().min(1), 1, "one of them sent it");
        assert_eq!(states_after_all_retries(&chat).await.0, 1);
        assert_eq!(chat.messages().await.len(), 2);
    }
}

#[tokio::test]
async fn send_killed_at_any_await_sends_at_most_once() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    for awaits in 0.. {
        let chat = world.open_conversation(&binding, &format!("o-{awaits}")).await;
        let kills = world.bundle.kills("DeskApi").unwrap();
        world.bundle.kill_next("DeskApi", awaits).unwrap();
        let first = chat.post_once("k", &text("一次")).await;
        let killed = world.bundle.kills("DeskApi").unwrap() > kills;
        assert_eq!(first.status, if killed { 500 } else { 201 }, "{awaits}: {}", first.raw);
        let second = chat.post_once("k", &text("一次")).await;
        assert!(matches!(second.status, 201 | 202), "{awaits}: {}", second.raw);
        let (phone, kept) = states_after_all_retries(&chat).await;
        assert_eq!(kept.len(), 2, "{awaits}");
        match kept[1]["state"].as_str().unwrap() {
            "sent" => assert_eq!(phone, 1, "{awaits}"),
            "unknown" => assert!(phone <= 1, "{awaits}"),
            other => panic!("{awaits}: {other}"),
        }
        if !killed {
            assert!(awaits > 3, "it was killed at {awaits} points only");
            break;
        }
    }
}

#[tokio::test]
async fn lost_database_answer_causes_no_duplicate_and_no_wrong_answer() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    for (number, (operation, key)) in
        [("TransactWriteItems", None), ("TransactWriteItems", Some("k")), ("UpdateItem", None)].into_iter().enumerate()
    {
        let content = format!("第 {number} 句");
        world.bundle.table_faults().add(TableFault::new(Fault::CloseAfter).function("DeskApi").operation(operation));
        let answer = match key {
            Some(key) => chat.post_once(key, &text(&content)).await,
            None => chat.send_text(&content).await,
        };
        assert_eq!(world.bundle.table_faults().left(), 0, "{operation}");
        assert!(matches!(answer.status, 201 | 202), "{operation}: {}", answer.raw);
    }
    assert_eq!(states_after_all_retries(&chat).await.0, 3);
    assert_eq!(chat.visitor.received_texts().await, ["第 0 句", "第 1 句", "第 2 句"]);
    assert_eq!(chat.messages().await.len(), 4);
}

#[tokio::test]
async fn outcome_is_returned_when_it_cannot_be_stored() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    // The first update claims the message, the second would settle it.
    world
        .bundle
        .table_faults()
        .add(TableFault::new(Fault::InternalError).function("DeskApi").operation("UpdateItem").skip(1).times(50));
    let answer = chat.send_text("一次").await.expect(201);
    assert_eq!(answer.body["state"], "sent");
    world.bundle.table_faults().clear();
    let (phone, kept) = states_after_all_retries(&chat).await;
    assert_eq!((phone, &kept[1]["state"]), (1, &json!("unknown")), "not reported as sent unless stored as sent");
}

#[tokio::test]
async fn failed_first_write_returns_503_and_sends_nothing() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    for fault in [Fault::ThrottleTable, Fault::ThrottleRequests, Fault::InternalError, Fault::CloseBefore] {
        for operation in ["GetItem", "TransactWriteItems"] {
            let faults = world.bundle.table_faults();
            faults.add(TableFault::new(fault).function("DeskApi").operation(operation).times(50));
            let answer = chat.send_text("您好").await;
            assert_eq!(problem(&answer), (503, "unavailable", None), "{fault:?} {operation}");
            faults.clear();
        }
    }
    assert_eq!(states_after_all_retries(&chat).await.0, 0);
}

#[tokio::test]
async fn stored_message_is_sent_and_reported_as_pending() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    for (number, fault) in
        [Fault::ThrottleTable, Fault::InternalError, Fault::CloseBefore, Fault::CloseAfter].into_iter().enumerate()
    {
        let chat = world.open_conversation(&binding, &format!("o-{number}")).await;
        let faults = world.bundle.table_faults();
        // The message is stored but cannot be claimed.
        faults.add(TableFault::new(fault).function("DeskApi").operation("UpdateItem").times(50));
        let answer = chat.send_text("您好").await.expect(202);
        assert_eq!(answer.body["state"], "pending", "{fault:?}");
        faults.clear();
        let (phone, kept) = states_after_all_retries(&chat).await;
        assert_eq!((kept.len(), &kept[1]["id"]), (2, &answer.body["id"]), "{fault:?}");
        // If it was claimed, the claiming function is gone and the outcome is unknown.
        let expected = if fault == Fault::CloseAfter { (0, "unknown") } else { (1, "sent") };
        assert_eq!((phone, kept[1]["state"].as_str().unwrap()), expected, "{fault:?}");
    }
}
