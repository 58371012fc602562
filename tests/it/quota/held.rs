//! A text that WeChat grants no reply for is held: shown as held, never as sent, taken back or forgotten in time.

use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Chat, problem, text};
use crate::support::{ADMIN, Answer, World};

const APP: &str = "wx0000000000005421";

/// A conversation whose five replies are used.
async fn used_up<'a>(world: &'a World, binding: &'a crate::support::Binding) -> Chat<'a> {
    let chat = world.chat(binding, "o-1").await;
    for number in 1..=5 {
        chat.say(&format!("第 {number} 条")).await.expect(201);
    }
    chat
}

async fn take_back(chat: &Chat<'_>, id: &str) -> Answer {
    chat.world.delete(&format!("{}/{id}", chat.messages_path())).await
}

/// Whether a text is held, as everybody sees it.
async fn is_held(chat: &Chat<'_>, answer: &Answer, code: &str) {
    assert_eq!((answer.status, &answer.body["state"]), (202, &json!("held")), "{}", answer.raw);
    assert_eq!(answer.body["failure"]["code"], code, "{}", answer.raw);
    assert!(!answer.body["failure"]["detail"].as_str().unwrap().is_empty());
    let kept = chat.message(&answer.text("id")).await;
    assert_eq!((&kept["state"], &kept["failure"]), (&json!("held"), &answer.body["failure"]));
}

#[tokio::test]
async fn the_sixth_text_is_held_and_stays_so() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = used_up(&world, &binding).await;
    let sixth = chat.say("第 6 条").await;
    is_held(&chat, &sixth, "quota.exhausted").await;
    let conversation = world.shown(&chat.cid).await;
    assert_eq!((&conversation["held"], &conversation["quota"]["replies_left"]), (&json!(1), &json!(0)));
    // It is not sent by anything but the visitor's next message.
    world.advance(60);
    chat.visitor.enter("").await;
    world.settle().await;
    world.minutes(5).await;
    world.a_while().await;
    assert_eq!(chat.visitor.phone().await.len(), 5);
    assert_eq!(world.sim_calls("/cgi-bin/message/custom/send").await, 5, "nor was it tried");
    assert_eq!(chat.message(&sixth.text("id")).await["state"], "held");
}

#[tokio::test]
async fn a_text_after_48_hours_is_held() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    world.advance(48 * 3600 - 3);
    chat.say("来得及").await.expect(201);
    world.advance(1);
    let late = chat.say("来不及").await;
    is_held(&chat, &late, "quota.window_closed").await;
    assert_eq!(world.shown(&chat.cid).await["quota"]["window_ends_at"], Value::Null);
    assert_eq!(chat.visitor.phone_texts().await, ["来得及"]);
}

#[tokio::test]
async fn what_wechat_refuses_for_want_of_replies_is_held_too() {
    for (errcode, code) in [(45015, "wechat.reply_window_closed"), (45047, "wechat.reply_limit_reached")] {
        let world = World::start().await;
        let binding = world.bind(APP).await;
        let chat = world.chat(&binding, "o-1").await;
        world.sim_fault(&json!({ "path": "/cgi-bin/message/custom/send", "errcode": errcode })).await;
        let answer = chat.say("您好").await;
        is_held(&chat, &answer, code).await;
        assert_eq!(answer.body["failure"]["errcode"], errcode);
        // WeChat knows better: what comes next is not even tried.
        let quota = &world.shown(&chat.cid).await["quota"];
        assert_eq!(quota["replies_left"], 0, "{quota}");
        let next = chat.say("还有").await;
        assert_eq!((next.status, &next.body["state"]), (202, &json!("held")));
        assert_eq!(world.sim_calls("/cgi-bin/message/custom/send").await, 1);
        chat.visitor.says("在吗").await;
        assert_eq!(chat.visitor.phone_texts().await, ["您好\n还有"], "{errcode}");
    }
}

#[tokio::test]
async fn other_kinds_of_messages_cannot_wait() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = used_up(&world, &binding).await;
    let link = json!({ "type": "link", "link": { "title": "T", "url": "https://example.com/" } });
    let kept = chat.messages().await.len();
    assert_eq!(problem(&chat.post(&link).await), (409, "quota.exhausted", None));
    assert_eq!(problem(&chat.card(&chat.card_with("media")).await).0, 409);
    world.advance(48 * 3600);
    assert_eq!(problem(&chat.post(&link).await), (409, "quota.window_closed", None));
    assert_eq!(chat.messages().await.len(), kept, "nothing was put down");
    assert_eq!(chat.visitor.phone().await.len(), 5);
}

#[tokio::test]
async fn a_held_text_can_be_taken_back_and_nothing_else_can() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = used_up(&world, &binding).await;
    let (one, two) = (chat.say("说错了").await.text("id"), chat.say("这句要发").await.text("id"));
    let taken = take_back(&chat, &one).await.expect(200);
    assert_eq!((&taken.body["id"], &taken.body["state"]), (&json!(one), &json!("cancelled")));
    assert_eq!(problem(&take_back(&chat, &one).await), (409, "message.not_held", None));
    assert_eq!(world.shown(&chat.cid).await["held"], 1);
    let sent = chat.messages().await[1]["id"].as_str().unwrap().to_owned();
    assert_eq!(problem(&take_back(&chat, &sent).await), (409, "message.not_held", None));
    assert_eq!(problem(&take_back(&chat, "none").await).0, 404);
    // From another conversation it is not to be seen.
    let next_door = world.chat(&binding, "o-2").await;
    assert_eq!(problem(&take_back(&next_door, &two).await).0, 404);
    chat.visitor.says("在吗").await;
    assert_eq!(chat.visitor.phone_texts().await[5..], ["这句要发"]);
    assert_eq!(chat.message(&one).await["state"], "cancelled");
    assert_eq!(problem(&take_back(&chat, &two).await), (409, "message.not_held", None));

    // An agent may, too.
    for _ in 0..4 {
        chat.say("再说").await.expect(201);
    }
    let held = chat.say("还有").await.text("id");
    let agent = world.access_token("agent").await;
    let path = format!("{}/{held}", chat.messages_path());
    world.call(Some(&agent), Method::DELETE, &path, None).await.expect(200);
    world.call(Some(ADMIN), Method::GET, &path, None).await.expect(405);
}

#[tokio::test]
async fn a_held_text_is_given_up_after_three_days() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = used_up(&world, &binding).await;
    let held = chat.say("等你").await.text("id");
    world.advance(72 * 3600 - 60);
    world.tick("Delivery").await;
    assert_eq!(chat.message(&held).await["state"], "held");
    world.advance(61);
    world.tick("Delivery").await;
    let kept = chat.message(&held).await;
    assert_eq!((&kept["state"], &kept["failure"]["code"]), (&json!("failed"), &json!("quota.hold_expired")));
    assert_eq!(world.shown(&chat.cid).await["held"], 0);
    chat.visitor.says("在吗").await;
    assert_eq!(chat.visitor.phone().await.len(), 5, "it is not sent any more");
}

#[tokio::test]
async fn twenty_texts_may_wait_and_no_more() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = used_up(&world, &binding).await;
    for number in 1..=20 {
        assert_eq!(chat.say(&format!("等 {number}")).await.body["state"], "held", "{number}");
    }
    assert_eq!(problem(&chat.say("等 21").await), (409, "quota.too_many_held", None));
    chat.visitor.says("在吗").await;
    let expected: Vec<String> = (1..=20).map(|number| format!("等 {number}")).collect();
    assert_eq!(chat.visitor.phone_texts().await[5..], [expected.join("\n")]);
    let states: Vec<_> = chat.messages().await.iter().map(|message| message["state"].clone()).collect();
    assert_eq!(states.iter().filter(|state| *state == "released").count(), 20);
}

#[tokio::test]
async fn a_request_that_is_repeated_holds_one_text() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = used_up(&world, &binding).await;
    let first = chat.post_once("k-1", &text("一次")).await;
    let second = chat.post_once("k-1", &text("一次")).await;
    assert_eq!((first.status, second.status, &first.body), (202, 202, &second.body));
    chat.visitor.says("在吗").await;
    assert_eq!(chat.visitor.phone_texts().await[5..], ["一次"]);
    // Even now: the answer tells what has become of it.
    let third = chat.post_once("k-1", &text("一次")).await.expect(200);
    assert_eq!((&third.body["id"], &third.body["state"]), (&first.body["id"], &json!("released")));
    assert_eq!(chat.visitor.phone().await.len(), 6);
}
