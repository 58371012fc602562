//! Refusals by WeChat and sends with unknown outcome.

use serde_json::json;

use super::{APP, SEND, failed, sim_fault, states_after_all_retries};
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
    let kept = failed(&chat, &cut, (409, "wechat.reply_limit_reached", Some(45047))).await;
    assert_eq!(kept["text"]["content"], content.as_str());
    assert!(cut.text("detail").contains("2 of 4 parts were sent"), "{}", cut.raw);
    let phone = chat.visitor.received_texts().await;
    assert_eq!((phone.len(), phone.concat()), (2, "长".repeat(2 * 682)));

    // If the ledger shows too few replies, the whole text is held.
    chat.visitor.text("再问").await;
    world.settle().await;
    for _ in 0..2 {
        chat.send_text("先说几句").await.expect(201);
    }
    let whole = chat.send_text(&content).await.expect(202);
    assert_eq!(whole.body["state"], "held");
    assert_eq!(chat.visitor.received().await.len(), 4);
    chat.visitor.writes("再问").await;
    assert_eq!(chat.visitor.received_texts().await[4..].concat(), content);
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
        (40003, "wechat.invalid_openid"),
        (45002, "wechat.text_too_long"),
        (47001, "wechat.request_invalid"),
        (987_654, "wechat.refused"),
    ] {
        sim_fault(&chat, json!({ "errcode": errcode, "errmsg": "planted errmsg" })).await;
        let answer = chat.send_text("您好").await;
        failed(&chat, &answer, (502, code, Some(errcode))).await;
    }
    assert_eq!(states_after_all_retries(&chat).await.0, 0);
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
