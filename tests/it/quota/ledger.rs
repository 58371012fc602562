//! Kefu's own count beside WeChat's: never more, and told before anything is sent.

use local::{Fault, TableFault};
use serde_json::{Value, json};

use crate::desk::Chat;
use crate::support::{Visitor, World};

const APP: &str = "wx0000000000005423";
const SEND: &str = "/cgi-bin/message/custom/send";

/// What the conversation shows: replies left, those that may be left, and the window's end.
async fn quota(chat: &Chat<'_>) -> (u64, u64, Value) {
    let quota = chat.world.shown(&chat.cid).await["quota"].clone();
    let number = |name: &str| quota[name].as_u64().unwrap();
    (number("replies_left"), number("maybe"), quota["window_ends_at"].clone())
}

#[track_caller]
fn never_more(kefu: u64, wechat: u64, when: &str) {
    assert!(kefu <= wechat, "{when}: Kefu counts {kefu}, WeChat {wechat}");
}

#[tokio::test]
async fn it_counts_as_wechat_counts() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    // Two seconds less than WeChat's 48 hours: clocks differ.
    let ends = json!("2026-03-04T07:59:58Z");
    assert_eq!(quota(&chat).await, (5, 0, ends.clone()));
    world.advance(5);
    for left in (0..5).rev() {
        chat.say("说").await.expect(201);
        assert_eq!((quota(&chat).await, chat.visitor.granted().await), ((left, 0, ends.clone()), left));
    }
    chat.visitor.says("再问").await;
    assert_eq!(quota(&chat).await, (5, 0, json!("2026-03-04T08:00:08Z")));
    // A text in three parts takes three.
    world.advance(5);
    chat.say(&"长".repeat(1500)).await.expect(201);
    assert_eq!((quota(&chat).await.0, chat.visitor.granted().await), (2, 2));
    let profile = world.get(&format!("/api/bindings/{APP}/visitors/o-1")).await.expect(200).body;
    assert_eq!(profile["quota"]["replies_left"], 2);
    world.advance(48 * 3600);
    assert_eq!(quota(&chat).await, (0, 0, Value::Null));
}

#[tokio::test]
async fn entering_grants_two_for_a_minute() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    world.receive(&binding, json!({ "greeting": "欢迎。" })).await;
    let visitor = world.visitor(&binding, "o-1");
    let left = async |visitor: &Visitor<'_>| {
        let path = format!("/api/bindings/{APP}/visitors/{}", visitor.openid);
        world.get(&path).await.expect(200).body["quota"]["replies_left"].as_u64().unwrap()
    };
    visitor.comes("").await;
    assert_eq!(visitor.phone_texts().await, ["欢迎。"]);
    assert_eq!((left(&visitor).await, visitor.granted().await), (1, 1));
    world.advance(58);
    never_more(left(&visitor).await, visitor.granted().await, "at the end of the minute");
    world.advance(2);
    assert_eq!((left(&visitor).await, visitor.granted().await), (0, 0));
    // The greeting of a visitor whose minute is over before anybody looks is not tried.
    let late = world.visitor(&binding, "o-2");
    late.enter("").await;
    world.advance(90);
    world.settle().await;
    assert_eq!((late.phone().await.len(), world.sim_calls(SEND).await), (0, 1));
}

#[tokio::test]
async fn what_was_refused_for_another_reason_is_given_back() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    world.advance(5);
    for errcode in [45011, 48001, 40003] {
        world.sim_fault(&json!({ "path": SEND, "errcode": errcode })).await;
        assert_eq!(chat.say("说").await.status, 502);
        assert_eq!((quota(&chat).await.0, chat.visitor.granted().await), (5, 5), "{errcode}");
    }
    // What may have arrived counts as if it had.
    for (moment, granted) in [("before", 5), ("after", 4)] {
        world.sim_fault(&json!({ "path": SEND, "break_off": moment })).await;
        chat.say("说").await.expect(202);
        assert_eq!(chat.visitor.granted().await, granted);
    }
    assert_eq!(quota(&chat).await.0, 3);
}

#[tokio::test]
async fn it_learns_from_wechats_refusal_until_the_visitors_next_message() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    for errcode in [45047, 45015] {
        world.advance(5);
        world.sim_fault(&json!({ "path": SEND, "errcode": errcode })).await;
        let held = chat.say("说").await.expect(202);
        assert_eq!(quota(&chat).await.0, 0, "{errcode}");
        world.delete(&format!("{}/{}", chat.messages_path(), held.text("id"))).await.expect(200);
        world.advance(60);
        assert_eq!(quota(&chat).await.0, 0);
        chat.visitor.says("喂").await;
        assert_eq!(quota(&chat).await.0, 5, "{errcode}");
    }
}

#[tokio::test]
async fn a_reply_that_was_put_off_for_a_quarter_of_an_hour_still_counts_when_it_arrives() {
    let world = World::start().await;
    let binding = world.bind_replying(APP, "稍等。").await;
    let chat = world.chat(&binding, "o-1").await;
    // The conversation's own automatic reply has gone; the one to the next message is put off again and again.
    chat.say("我来答").await.expect(201);
    let visitor = world.visitor(&binding, "o-2");
    world.sim_fault(&json!({ "path": SEND, "errcode": 45011, "times": 5 })).await;
    visitor.text("在吗").await;
    world.settle().await;
    let cid = visitor.cid().await;
    let mut asked_again = false;
    for minute in 1..=25 {
        world.minutes(1).await;
        if visitor.phone().await.is_empty() && minute == 15 {
            // A quarter of an hour is as long as a reservation lasts that nobody renews.
            world.advance(10);
            visitor.text("还在吗").await;
            asked_again = true;
        }
        let kefu = world.shown(&cid).await["quota"]["replies_left"].as_u64().unwrap();
        never_more(kefu, visitor.granted().await, &format!("minute {minute}"));
    }
    assert!(asked_again && visitor.phone().await.len() == 2);
}

#[tokio::test]
async fn a_text_that_nobody_took_over_for_a_while_counts_when_it_goes_out() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    let faults = world.bundle.table_faults();
    // It is put down, and then it cannot be claimed; no tick comes.
    faults.add(TableFault::new(Fault::InternalError).function("DeskApi").operation("UpdateItem").times(50));
    assert_eq!(chat.say("晚到").await.expect(202).body["state"], "pending");
    faults.clear();
    world.settle().await;
    world.advance(20 * 60);
    chat.visitor.says("在吗").await;
    assert_eq!(chat.visitor.granted().await, 5);
    world.tick("Delivery").await;
    assert_eq!(chat.visitor.phone_texts().await, ["晚到"]);
    assert_eq!((quota(&chat).await.0, chat.visitor.granted().await), (4, 4));

    // Where WeChat grants nothing any more when somebody looks at last, it waits like any other.
    faults.add(TableFault::new(Fault::InternalError).function("DeskApi").operation("UpdateItem").times(50));
    chat.say("太晚").await.expect(202);
    faults.clear();
    world.settle().await;
    world.advance(49 * 3600);
    let calls = world.sim_calls(SEND).await;
    world.tick("Delivery").await;
    assert_eq!(chat.messages().await.last().unwrap()["state"], "held");
    assert_eq!(world.sim_calls(SEND).await, calls);
    chat.visitor.says("在吗").await;
    assert_eq!(chat.visitor.phone_texts().await, ["晚到", "太晚"]);
}

#[tokio::test]
async fn messages_that_come_late_and_out_of_order_do_not_make_it_boast() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    world.advance(5);
    for _ in 0..3 {
        chat.say("说").await.expect(201);
    }
    // WeChat has it already, Kefu has not looked yet: WeChat grants more, Kefu does not know.
    world.advance(5);
    chat.visitor.text("再问").await;
    assert_eq!((quota(&chat).await.0, chat.visitor.granted().await), (2, 5));
    // What is said meanwhile counts against the new five.
    for _ in 0..2 {
        chat.say("说").await.expect(201);
    }
    assert_eq!((quota(&chat).await.0, chat.visitor.granted().await), (0, 3));
    world.settle().await;
    let (left, maybe, _) = quota(&chat).await;
    never_more(left, chat.visitor.granted().await, "after the message was seen");
    assert!(left + maybe >= 3, "{left} and {maybe}: nor does it hide what is granted");
    // An older message that was delivered late grants nothing anew.
    let now = world.now().as_second();
    chat.visitor.does("text", json!({ "content": "迟到", "create_time": now - 300 })).await;
    world.settle().await;
    never_more(quota(&chat).await.0, chat.visitor.granted().await, "after a late one");
}
