//! Refusals by WeChat and sends with unknown outcome.

use futures_util::future::join_all;
use serde_json::json;

use super::{APP, SEND, failed, sim_fault, states_after_all_retries};
use crate::open_conversation::fields;
use crate::support::World;

#[tokio::test]
async fn text_after_48_hours_is_held_with_a_reason() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    // Two seconds of clock difference.
    world.advance(48 * 3600 - 3);
    chat.send_text("还来得及").await.expect(201);
    world.advance(3);
    let late = chat.send_text("来不及了").await.expect(202);
    assert_eq!((&late.body["state"], &late.body["text"]["content"]), (&json!("held"), &json!("来不及了")));
    assert_eq!(late.body["failure"]["code"], "quota.window_closed");
    assert!(late.body["failure"]["detail"].as_str().unwrap().contains("48 hours"), "{}", late.raw);
    assert_eq!(world.sim_calls(SEND).await, 1, "what WeChat would refuse is not even tried");
    assert_eq!(states_after_all_retries(&chat).await.0, 1, "no later retry");
    chat.visitor.text("在").await;
    world.settle().await;
    chat.send_text("又可以了").await.expect(201);
    assert_eq!(chat.visitor.received_texts().await, ["还来得及", "来不及了", "又可以了"]);
}

#[tokio::test]
async fn sixth_text_is_held_with_a_reason() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    for number in 1..=5 {
        chat.send_text(&format!("第 {number} 条")).await.expect(201);
    }
    let sixth = chat.send_text("第 6 条").await.expect(202);
    assert_eq!((&sixth.body["state"], &sixth.body["failure"]["code"]), (&json!("held"), &json!("quota.exhausted")));
    assert!(sixth.body["failure"]["detail"].as_str().unwrap().contains("five"), "{}", sixth.raw);
    assert_eq!((chat.visitor.received().await.len(), world.sim_calls(SEND).await), (5, 5));
    chat.visitor.text("再问").await;
    world.settle().await;
    chat.send_text("第 7 条").await.expect(201);
    assert_eq!(chat.visitor.received_texts().await[5..], ["第 6 条", "第 7 条"]);
}

#[tokio::test]
async fn partly_refused_long_text_reports_the_sent_parts() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let content = "长".repeat(2200);
    // WeChat has counted a reply that Kefu has not: two parts arrive, the third is refused.
    sim_fault(&chat, json!({ "wait_ms": 0, "times": 2 })).await;
    sim_fault(&chat, json!({ "errcode": 45047 })).await;
    let cut = chat.send_text(&content).await;
    assert_eq!((cut.status, &cut.body["state"], &cut.body["text"]["content"]), (202, &json!("held"), &json!(content)));
    let detail = cut.body["failure"]["detail"].as_str().unwrap();
    assert!(detail.contains("2 of 4 parts were sent"), "{}", cut.raw);
    let phone = chat.visitor.received_texts().await;
    assert_eq!((phone.len(), phone.concat()), (2, "长".repeat(2 * 682)));

    // The next message releases the rest.
    chat.visitor.writes("再问").await;
    let phone = chat.visitor.received_texts().await;
    assert_eq!((phone.len(), phone.concat()), (4, content.clone()));
    assert_eq!(chat.message(&cut.text("id")).await["state"], "released");

    // If the ledger shows too few replies, the whole text is held.
    chat.visitor.text("再问").await;
    world.settle().await;
    for _ in 0..2 {
        chat.send_text("先说几句").await.expect(201);
    }
    let whole = chat.send_text(&content).await.expect(202);
    assert_eq!(whole.body["state"], "held");
    assert_eq!(chat.visitor.received().await.len(), 6);
    chat.visitor.writes("再问").await;
    assert_eq!(chat.visitor.received_texts().await[6..].concat(), content);
}

#[tokio::test]
async fn long_text_with_a_lost_part_stops_and_is_not_repeated() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    // Both parts are sent, but the answer to the second is lost.
    sim_fault(&chat, json!({ "wait_ms": 0 })).await;
    sim_fault(&chat, json!({ "break_off": "after" })).await;
    let answer = chat.send_text(&"长".repeat(1500)).await.expect(202);
    assert_eq!(answer.body["state"], "unknown");
    let detail = answer.body["failure"]["detail"].as_str().unwrap();
    assert!(detail.contains("1 of 3 parts were sent"), "{detail}");
    let (phone, kept) = states_after_all_retries(&chat).await;
    assert_eq!((phone, &kept[1]["state"]), (2, &json!("unknown")));
}

#[tokio::test]
async fn wechat_refusals_reach_the_caller_with_code_and_detail() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    for (errcode, code) in [
        (48001, "wechat.not_permitted"),
        (48004, "wechat.account_restricted"),
        (45009, "wechat.daily_quota_used"),
        (45011, "wechat.rate_limited"),
        (61007, "wechat.permission_not_granted"),
        (987_654, "wechat.refused"),
    ] {
        sim_fault(&chat, json!({ "errcode": errcode, "errmsg": "planted errmsg" })).await;
        let answer = chat.send_text("您好").await;
        failed(&chat, &answer, (502, code, Some(errcode))).await;
    }
    assert_eq!(states_after_all_retries(&chat).await.0, 0);
}

#[tokio::test]
async fn refusals_for_what_the_caller_sends_or_for_the_visitor_are_no_gateway_errors() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    for (errcode, status, code, named) in [
        (45002, 422, "wechat.text_too_long", Some("text.content")),
        (40033, 422, "wechat.request_invalid", None),
        (47001, 422, "wechat.request_invalid", None),
        (45162, 422, "wechat.message_type_not_permitted", None),
        (40003, 409, "wechat.invalid_openid", None),
        (43004, 409, "wechat.visitor_unreachable", None),
        (48002, 409, "wechat.visitor_unreachable", None),
        (70000, 409, "wechat.visitor_unreachable", None),
    ] {
        sim_fault(&chat, json!({ "errcode": errcode })).await;
        let answer = chat.send_text("您好").await;
        failed(&chat, &answer, (status, code, Some(errcode))).await;
        match named {
            Some(field) => assert_eq!(fields(&answer), [field], "{errcode}"),
            None => assert_eq!(answer.body.get("errors"), None, "{errcode}"),
        }
    }
}

#[tokio::test]
async fn twelve_replies_at_once_are_each_sent_or_held() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let texts: Vec<_> = (1..=12).map(|number| format!("第 {number} 条")).collect();
    let answers = join_all(texts.iter().map(|text| chat.send_text(text))).await;
    let states = |state: &str| answers.iter().filter(|answer| answer.body["state"] == state).count();
    let all: Vec<_> = answers.iter().map(|answer| &answer.raw).collect();
    assert_eq!((states("sent"), states("held")), (5, 7), "{all:?}");
    assert_eq!(chat.visitor.received().await.len(), 5);
    chat.visitor.writes("在吗").await;
    let shown = chat.visitor.received_texts().await.join("\n");
    assert!(texts.iter().all(|text| shown.lines().any(|line| line == text)), "{shown}");
}

#[tokio::test]
async fn send_with_lost_answer_is_unknown_and_not_repeated() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    // The fault, and whether the text reaches the phone.
    let cases = [
        (json!({ "break_off": "after" }), "wechat.broken_off", 1),
        (json!({ "break_off": "before" }), "wechat.broken_off", 0),
        (json!({ "errcode": -1 }), "wechat.busy", 0),
        (json!({ "html": true }), "wechat.answer_unreadable", 0),
        (json!({ "body": "ok" }), "wechat.answer_unreadable", 0),
        (json!({ "body": "{\"errmsg\":\"ok\"}" }), "wechat.answer_unreadable", 0),
        (json!({ "wait_ms": 5500, "wait": "after" }), "wechat.timed_out", 1),
    ];
    for (number, (fault, code, arrived)) in cases.into_iter().enumerate() {
        let chat = world.open_conversation(&binding, &format!("o-{number}")).await;
        let before = world.sim_calls(SEND).await;
        sim_fault(&chat, fault.clone()).await;
        let answer = chat.send_text("只说一次").await.expect(202);
        assert_eq!(
            (&answer.body["state"], &answer.body["failure"]["code"]),
            (&json!("unknown"), &json!(code)),
            "{fault}"
        );
        let (phone, kept) = states_after_all_retries(&chat).await;
        assert_eq!((phone, &kept[1]["state"]), (arrived, &json!("unknown")), "{fault}");
        assert_eq!(world.sim_calls(SEND).await - before, 1, "{fault}");
    }
}

#[tokio::test]
async fn refused_access_token_is_renewed_and_the_text_is_sent_once() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    for errcode in [40001, 40014, 42001] {
        world.reset_wechat_calls().await;
        let path = format!("/sim/mini-programs/{APP}/expire-tokens");
        world.sim_post(&path, &json!({ "errcode": errcode })).await.expect(200);
        chat.send_text(&format!("{errcode}")).await.expect(201);
        assert_eq!((world.token_calls().await, world.sim_calls(SEND).await), (1, 2), "{errcode}");
    }
    assert_eq!(chat.visitor.received_texts().await, ["40001", "40014", "42001"]);

    world.reset_wechat_calls().await;
    sim_fault(&chat, json!({ "errcode": 40001, "times": 2 })).await;
    let answer = chat.send_text("不行").await;
    failed(&chat, &answer, (502, "wechat.access_token_rejected", Some(40001))).await;
    assert_eq!((world.token_calls().await, world.sim_calls(SEND).await), (1, 2), "renewed once, not for ever");
}
