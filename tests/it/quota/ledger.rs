//! The reply ledger compared with WeChat's count: never above it, and shown by the API.

use local::{Fault, TableFault};
use serde_json::{Value, json};

use crate::open_conversation::OpenConversation;
use crate::support::{Visitor, World};

const APP: &str = "wx0000000000005423";
const SEND: &str = "/cgi-bin/message/custom/send";

/// The quota of the conversation: replies left, possible further replies, end of the window.
async fn quota(chat: &OpenConversation<'_>) -> (u64, u64, Value) {
    let quota = chat.world.conversation(&chat.cid).await["quota"].clone();
    let number = |name: &str| quota[name].as_u64().unwrap();
    (number("replies_left"), number("maybe"), quota["window_ends_at"].clone())
}

#[track_caller]
fn assert_not_above_wechat(kefu: u64, wechat: u64, when: &str) {
    assert!(kefu <= wechat, "{when}: Kefu counts {kefu}, WeChat {wechat}");
}

#[tokio::test]
async fn ledger_matches_wechats_count() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    // WeChat's 48 hours less two seconds of clock difference.
    let ends = json!("2026-03-04T07:59:58Z");
    assert_eq!(quota(&chat).await, (5, 0, ends.clone()));
    world.advance(5);
    for left in (0..5).rev() {
        chat.send_text("说").await.expect(201);
        assert_eq!((quota(&chat).await, chat.visitor.replies_left_at_wechat().await), ((left, 0, ends.clone()), left));
    }
    chat.visitor.writes("再问").await;
    assert_eq!(quota(&chat).await, (5, 0, json!("2026-03-04T08:00:08Z")));
    // A text in three parts uses three replies.
    world.advance(5);
    chat.send_text(&"长".repeat(1500)).await.expect(201);
    assert_eq!((quota(&chat).await.0, chat.visitor.replies_left_at_wechat().await), (2, 2));
    let profile = world.get(&format!("/api/bindings/{APP}/visitors/o-1")).await.expect(200).body;
    assert_eq!(profile["quota"]["replies_left"], 2);
    world.advance(48 * 3600);
    assert_eq!(quota(&chat).await, (0, 0, Value::Null));
}

#[tokio::test]
async fn entering_grants_two_replies_for_a_minute() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    world.set_reception(&binding, json!({ "greeting": "欢迎。" })).await;
    let visitor = world.visitor(&binding, "o-1");
    let left = async |visitor: &Visitor<'_>| {
        let path = format!("/api/bindings/{APP}/visitors/{}", visitor.openid);
        world.get(&path).await.expect(200).body["quota"]["replies_left"].as_u64().unwrap()
    };
    visitor.enters("").await;
    assert_eq!(visitor.received_texts().await, ["欢迎。"]);
    assert_eq!((left(&visitor).await, visitor.replies_left_at_wechat().await), (1, 1));
    world.advance(58);
    assert_not_above_wechat(left(&visitor).await, visitor.replies_left_at_wechat().await, "at the end of the minute");
    world.advance(2);
    assert_eq!((left(&visitor).await, visitor.replies_left_at_wechat().await), (0, 0));
    // A greeting that is processed after the minute is not sent.
    let late = world.visitor(&binding, "o-2");
    late.enter("").await;
    world.advance(90);
    world.settle().await;
    assert_eq!((late.received().await.len(), world.sim_calls(SEND).await), (0, 1));
}

#[tokio::test]
async fn refused_send_does_not_use_quota() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    world.advance(5);
    for (errcode, status) in [(45011, 502), (48001, 502), (40003, 409)] {
        world.sim_fault(&json!({ "path": SEND, "errcode": errcode })).await;
        assert_eq!(chat.send_text("说").await.status, status);
        assert_eq!((quota(&chat).await.0, chat.visitor.replies_left_at_wechat().await), (5, 5), "{errcode}");
    }
    // A send with an unknown outcome counts as sent.
    for (moment, granted) in [("before", 5), ("after", 4)] {
        world.sim_fault(&json!({ "path": SEND, "break_off": moment })).await;
        chat.send_text("说").await.expect(202);
        assert_eq!(chat.visitor.replies_left_at_wechat().await, granted);
    }
    assert_eq!(quota(&chat).await.0, 3);
}

#[tokio::test]
async fn quota_refusal_sets_the_ledger_to_zero_until_the_next_message() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    for errcode in [45047, 45015] {
        world.advance(5);
        world.sim_fault(&json!({ "path": SEND, "errcode": errcode })).await;
        let held = chat.send_text("说").await.expect(202);
        assert_eq!(quota(&chat).await.0, 0, "{errcode}");
        world.delete(&format!("{}/{}", chat.messages_path(), held.text("id"))).await.expect(200);
        world.advance(60);
        assert_eq!(quota(&chat).await.0, 0);
        chat.visitor.writes("喂").await;
        assert_eq!(quota(&chat).await.0, 5, "{errcode}");
    }
}

#[tokio::test]
async fn reply_postponed_beyond_its_reservation_is_counted() {
    let world = World::start().await;
    let binding = world.bind_with_auto_reply(APP, "稍等。").await;
    let chat = world.open_conversation(&binding, "o-1").await;
    // The first automatic reply was sent; the next one is postponed repeatedly.
    chat.send_text("我来答").await.expect(201);
    let visitor = world.visitor(&binding, "o-2");
    world.sim_fault(&json!({ "path": SEND, "errcode": 45011, "times": 5 })).await;
    visitor.text("在吗").await;
    world.settle().await;
    let cid = visitor.cid().await;
    let mut asked_again = false;
    for minute in 1..=25 {
        world.run_minutes(1).await;
        if visitor.received().await.is_empty() && minute == 15 {
            // A reservation that is not renewed ends after 15 minutes.
            world.advance(10);
            visitor.text("还在吗").await;
            asked_again = true;
        }
        let kefu = world.conversation(&cid).await["quota"]["replies_left"].as_u64().unwrap();
        assert_not_above_wechat(kefu, visitor.replies_left_at_wechat().await, &format!("minute {minute}"));
    }
    assert!(asked_again && visitor.received().await.len() == 2);
}

#[tokio::test]
async fn pending_text_delivered_late_is_counted() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let faults = world.bundle.table_faults();
    // The message is stored but cannot be claimed, and no tick fires.
    faults.add(TableFault::new(Fault::InternalError).function("DeskApi").operation("UpdateItem").times(50));
    assert_eq!(chat.send_text("晚到").await.expect(202).body["state"], "pending");
    faults.clear();
    world.settle().await;
    world.advance(20 * 60);
    chat.visitor.writes("在吗").await;
    assert_eq!(chat.visitor.replies_left_at_wechat().await, 5);
    world.tick("Reception").await;
    assert_eq!(chat.visitor.received_texts().await, ["晚到"]);
    assert_eq!((quota(&chat).await.0, chat.visitor.replies_left_at_wechat().await), (4, 4));

    // Without replies left at the time of delivery, the text is held.
    faults.add(TableFault::new(Fault::InternalError).function("DeskApi").operation("UpdateItem").times(50));
    chat.send_text("太晚").await.expect(202);
    faults.clear();
    world.settle().await;
    world.advance(49 * 3600);
    let calls = world.sim_calls(SEND).await;
    world.tick("Reception").await;
    assert_eq!(chat.messages().await.last().unwrap()["state"], "held");
    assert_eq!(world.sim_calls(SEND).await, calls);
    chat.visitor.writes("在吗").await;
    assert_eq!(chat.visitor.received_texts().await, ["晚到", "太晚"]);
}

#[tokio::test]
async fn late_and_unordered_messages_never_overstate_the_ledger() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    world.advance(5);
    for _ in 0..3 {
        chat.send_text("说").await.expect(201);
    }
    // WeChat has counted the new message; Kefu has not processed it yet.
    world.advance(5);
    chat.visitor.text("再问").await;
    assert_eq!((quota(&chat).await.0, chat.visitor.replies_left_at_wechat().await), (2, 5));
    // Sends in between count against the new five.
    for _ in 0..2 {
        chat.send_text("说").await.expect(201);
    }
    assert_eq!((quota(&chat).await.0, chat.visitor.replies_left_at_wechat().await), (0, 3));
    world.settle().await;
    let (left, maybe, _) = quota(&chat).await;
    assert_not_above_wechat(left, chat.visitor.replies_left_at_wechat().await, "after the message was seen");
    assert!(left + maybe >= 3, "{left} and {maybe}: the possible replies are shown");
    // An older message delivered late adds no replies.
    let now = world.now().as_second();
    chat.visitor.pushes("text", json!({ "content": "迟到", "create_time": now - 300 })).await;
    world.settle().await;
    assert_not_above_wechat(quota(&chat).await.0, chat.visitor.replies_left_at_wechat().await, "after a late one");
}
