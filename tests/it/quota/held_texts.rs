//! Texts without quota are held: shown as held, cancelled or expired.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::open_conversation::{OpenConversation, problem, text};
use crate::support::{ADMIN, Answer, World};

const APP: &str = "wx0000000000005421";

/// A conversation whose five replies are used.
async fn conversation_without_replies_left<'a>(
    world: &'a World,
    binding: &'a crate::support::Binding,
) -> OpenConversation<'a> {
    let chat = world.open_conversation(binding, "o-1").await;
    for number in 1..=5 {
        chat.send_text(&format!("第 {number} 条")).await.expect(201);
    }
    chat
}

async fn cancel(chat: &OpenConversation<'_>, id: &str) -> Answer {
    chat.world.delete(&format!("{}/{id}", chat.messages_path())).await
}

/// The answer and the stored message show the text as held.
async fn assert_held(chat: &OpenConversation<'_>, answer: &Answer, code: &str) {
    assert_eq!((answer.status, &answer.body["state"]), (202, &json!("held")), "{}", answer.raw);
    assert_eq!(answer.body["failure"]["code"], code, "{}", answer.raw);
    assert!(!answer.body["failure"]["detail"].as_str().unwrap().is_empty());
    let kept = chat.message(&answer.text("id")).await;
    assert_eq!((&kept["state"], &kept["failure"]), (&json!("held"), &answer.body["failure"]));
    let [until, stored] = [&answer.body, &kept].map(|message| message["held_until"].as_str().unwrap()[..19].to_owned());
    assert_eq!(until, stored);
}

#[tokio::test]
async fn sixth_text_is_held_until_the_visitors_next_message() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = conversation_without_replies_left(&world, &binding).await;
    let sixth = chat.send_text("第 6 条").await;
    assert_held(&chat, &sixth, "quota.exhausted").await;
    let conversation = world.conversation(&chat.cid).await;
    assert_eq!((&conversation["held"], &conversation["quota"]["replies_left"]), (&json!(1), &json!(0)));
    // Only the visitor's next message releases it.
    world.advance(60);
    chat.visitor.enter("").await;
    world.settle().await;
    world.run_minutes(5).await;
    world.run_half_an_hour().await;
    assert_eq!(chat.visitor.received().await.len(), 5);
    assert_eq!(world.sim_calls("/cgi-bin/message/custom/send").await, 5, "no call was made");
    assert_eq!(chat.message(&sixth.text("id")).await["state"], "held");
}

#[tokio::test]
async fn text_after_48_hours_is_held() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    world.advance(48 * 3600 - 3);
    chat.send_text("来得及").await.expect(201);
    world.advance(1);
    let late = chat.send_text("来不及").await;
    assert_held(&chat, &late, "quota.window_closed").await;
    assert_eq!(world.conversation(&chat.cid).await["quota"]["window_ends_at"], Value::Null);
    assert_eq!(chat.visitor.received_texts().await, ["来得及"]);
}

#[tokio::test]
async fn text_refused_by_wechat_for_quota_is_held() {
    for (errcode, code) in [(45015, "wechat.reply_window_closed"), (45047, "wechat.reply_limit_reached")] {
        let world = World::start().await;
        let binding = world.bind(APP).await;
        let chat = world.open_conversation(&binding, "o-1").await;
        world.sim_fault(&json!({ "path": "/cgi-bin/message/custom/send", "errcode": errcode })).await;
        let answer = chat.send_text("您好").await;
        assert_held(&chat, &answer, code).await;
        assert_eq!(answer.body["failure"]["errcode"], errcode);
        // The ledger follows WeChat: the next text is held without a call.
        let quota = &world.conversation(&chat.cid).await["quota"];
        assert_eq!(quota["replies_left"], 0, "{quota}");
        let next = chat.send_text("还有").await;
        assert_eq!((next.status, &next.body["state"]), (202, &json!("held")));
        assert_eq!(world.sim_calls("/cgi-bin/message/custom/send").await, 1);
        chat.visitor.writes("在吗").await;
        assert_eq!(chat.visitor.received_texts().await, ["您好\n还有"], "{errcode}");
    }
}

#[tokio::test]
async fn non_text_messages_without_quota_are_refused() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = conversation_without_replies_left(&world, &binding).await;
    let link = json!({ "type": "link", "link": { "title": "T", "url": "https://example.com/" } });
    let kept = chat.messages().await.len();
    assert_eq!(problem(&chat.post(&link).await), (409, "quota.exhausted", None));
    assert_eq!(problem(&chat.send_card(&chat.card_with_media_id("media")).await).0, 409);
    world.advance(48 * 3600);
    assert_eq!(problem(&chat.post(&link).await), (409, "quota.window_closed", None));
    assert_eq!(chat.messages().await.len(), kept, "nothing was stored");
    assert_eq!(chat.visitor.received().await.len(), 5);
}

#[tokio::test]
async fn only_held_texts_can_be_cancelled() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = conversation_without_replies_left(&world, &binding).await;
    let (one, two) = (chat.send_text("说错了").await.text("id"), chat.send_text("这句要发").await.text("id"));
    let taken = cancel(&chat, &one).await.expect(200);
    assert_eq!((&taken.body["id"], &taken.body["state"]), (&json!(one), &json!("cancelled")));
    assert_eq!(problem(&cancel(&chat, &one).await), (409, "message.not_held", None));
    assert_eq!(world.conversation(&chat.cid).await["held"], 1);
    let sent = chat.messages().await[1]["id"].as_str().unwrap().to_owned();
    assert_eq!(problem(&cancel(&chat, &sent).await), (409, "message.not_held", None));
    assert_eq!(problem(&cancel(&chat, "none").await).0, 404);
    // It is not visible from another conversation.
    let other_conversation = world.open_conversation(&binding, "o-2").await;
    assert_eq!(problem(&cancel(&other_conversation, &two).await).0, 404);
    chat.visitor.writes("在吗").await;
    assert_eq!(chat.visitor.received_texts().await[5..], ["这句要发"]);
    assert_eq!(chat.message(&one).await["state"], "cancelled");
    assert_eq!(problem(&cancel(&chat, &two).await), (409, "message.not_held", None));

    // The same with an agent's token.
    for _ in 0..4 {
        chat.send_text("再说").await.expect(201);
    }
    let held = chat.send_text("还有").await.text("id");
    let agent = world.access_token("agent").await;
    let claim = format!("/api/conversations/{}/claim", chat.cid);
    world.call(Some(&agent), Method::POST, &claim, None).await.expect(200);
    let path = format!("{}/{held}", chat.messages_path());
    world.call(Some(&agent), Method::DELETE, &path, None).await.expect(200);
    world.call(Some(ADMIN), Method::GET, &path, None).await.expect(405);
}

#[tokio::test]
async fn held_text_fails_after_three_days() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = conversation_without_replies_left(&world, &binding).await;
    let held = chat.send_text("等你").await.text("id");
    let kept = chat.message(&held).await;
    let [written, until] = ["created_at", "held_until"].map(|name| kept[name].as_str().unwrap().parse().unwrap());
    assert_eq!(Timestamp::duration_until(written, until), SignedDuration::from_hours(72));
    world.advance(72 * 3600 - 60);
    world.tick("Reception").await;
    assert_eq!(chat.message(&held).await["state"], "held");
    world.advance(61);
    world.tick("Reception").await;
    let kept = chat.message(&held).await;
    assert_eq!((&kept["state"], &kept["failure"]["code"]), (&json!("failed"), &json!("quota.hold_expired")));
    assert_eq!(kept["held_until"], Value::Null);
    assert_eq!(world.conversation(&chat.cid).await["held"], 0);
    chat.visitor.writes("在吗").await;
    assert_eq!(chat.visitor.received().await.len(), 5, "it is not sent");
}

#[tokio::test]
async fn twenty_first_held_text_is_refused() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = conversation_without_replies_left(&world, &binding).await;
    for number in 1..=20 {
        assert_eq!(chat.send_text(&format!("等 {number}")).await.body["state"], "held", "{number}");
    }
    assert_eq!(problem(&chat.send_text("等 21").await), (409, "quota.too_many_held", None));
    chat.visitor.writes("在吗").await;
    let expected: Vec<String> = (1..=20).map(|number| format!("等 {number}")).collect();
    assert_eq!(chat.visitor.received_texts().await[5..], [expected.join("\n")]);
    let states: Vec<_> = chat.messages().await.iter().map(|message| message["state"].clone()).collect();
    assert_eq!(states.iter().filter(|state| *state == "released").count(), 20);
}

#[tokio::test]
async fn repeated_request_holds_one_text() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = conversation_without_replies_left(&world, &binding).await;
    let first = chat.post_once("k-1", &text("一次")).await;
    let second = chat.post_once("k-1", &text("一次")).await;
    assert_eq!((first.status, second.status, &first.body), (202, 202, &second.body));
    chat.visitor.writes("在吗").await;
    assert_eq!(chat.visitor.received_texts().await[5..], ["一次"]);
    // A later repetition returns the current state.
    let third = chat.post_once("k-1", &text("一次")).await.expect(200);
    assert_eq!((&third.body["id"], &third.body["state"]), (&first.body["id"], &json!("released")));
    assert_eq!(chat.visitor.received().await.len(), 6);
}
