//! What WeChat refuses, and what nobody knows the outcome of.

use serde_json::json;

use super::{APP, SEND, failed, much_later, sim_fault};
use crate::support::World;

#[tokio::test]
async fn after_48_hours_a_reply_is_held_and_that_is_told_in_words() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    // Two seconds for clocks that differ.
    world.advance(48 * 3600 - 3);
    chat.say("还来得及").await.expect(201);
    world.advance(3);
    let late = chat.say("来不及了").await.expect(202);
    assert_eq!((&late.body["state"], &late.body["text"]["content"]), (&json!("held"), &json!("来不及了")));
    assert_eq!(late.body["failure"]["code"], "quota.window_closed");
    assert!(late.body["failure"]["detail"].as_str().unwrap().contains("48 hours"), "{}", late.raw);
    assert_eq!(world.sim_calls(SEND).await, 1, "what WeChat would refuse is not even tried");
    assert_eq!(much_later(&chat).await.0, 1, "nor later");
    chat.visitor.text("在").await;
    world.settle().await;
    chat.say("又可以了").await.expect(201);
    assert_eq!(chat.visitor.phone_texts().await, ["还来得及", "来不及了", "又可以了"]);
}

#[tokio::test]
async fn the_sixth_answer_to_one_message_is_held_and_that_is_told_in_words() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    for number in 1..=5 {
        chat.say(&format!("第 {number} 条")).await.expect(201);
    }
    let sixth = chat.say("第 6 条").await.expect(202);
    assert_eq!((&sixth.body["state"], &sixth.body["failure"]["code"]), (&json!("held"), &json!("quota.exhausted")));
    assert!(sixth.body["failure"]["detail"].as_str().unwrap().contains("five"), "{}", sixth.raw);
    assert_eq!((chat.visitor.phone().await.len(), world.sim_calls(SEND).await), (5, 5));
    chat.visitor.text("再问").await;
    world.settle().await;
    chat.say("第 7 条").await.expect(201);
    assert_eq!(chat.visitor.phone_texts().await[5..], ["第 6 条", "第 7 条"]);
}

#[tokio::test]
async fn a_long_text_that_meets_the_quota_says_how_much_of_it_arrived() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    let content = "长".repeat(2200);
    // WeChat counts what Kefu does not know of: two parts arrive, and the third is refused.
    sim_fault(&chat, json!({ "wait_ms": 0, "times": 2 })).await;
    sim_fault(&chat, json!({ "errcode": 45047 })).await;
    let cut = chat.say(&content).await;
    let kept = failed(&chat, &cut, (409, "wechat.reply_limit_reached", Some(45047))).await;
    assert_eq!(kept["text"]["content"], content.as_str());
    assert!(cut.text("detail").contains("2 of 4 parts were sent"), "{}", cut.raw);
    let phone = chat.visitor.phone_texts().await;
    assert_eq!((phone.len(), phone.concat()), (2, "长".repeat(2 * 682)));

    // Where Kefu knows that the replies do not suffice, nothing of it goes out: it is held as a whole.
    chat.visitor.text("再问").await;
    world.settle().await;
    for _ in 0..2 {
        chat.say("先说几句").await.expect(201);
    }
    let whole = chat.say(&content).await.expect(202);
    assert_eq!(whole.body["state"], "held");
    assert_eq!(chat.visitor.phone().await.len(), 4);
    chat.visitor.says("再问").await;
    assert_eq!(chat.visitor.phone_texts().await[4..].concat(), content);
}

#[tokio::test]
async fn a_long_text_whose_middle_is_lost_is_neither_repeated_nor_gone_on_with() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    // The first part goes out, the second does too but nobody hears of it.
    sim_fault(&chat, json!({ "wait_ms": 0 })).await;
    sim_fault(&chat, json!({ "break_off": "after" })).await;
    let answer = chat.say(&"长".repeat(1500)).await.expect(202);
    assert_eq!(answer.body["state"], "unknown");
    let detail = answer.body["failure"]["detail"].as_str().unwrap();
    assert!(detail.contains("1 of 3 parts were sent"), "{detail}");
    let (phone, kept) = much_later(&chat).await;
    assert_eq!((phone, &kept[1]["state"]), (2, &json!("unknown")));
}

#[tokio::test]
async fn each_refusal_of_wechat_reaches_the_caller_with_its_code_and_words() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
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
        let answer = chat.say("您好").await;
        failed(&chat, &answer, (502, code, Some(errcode))).await;
    }
    assert_eq!(much_later(&chat).await.0, 0);
}

#[tokio::test]
async fn a_send_whose_outcome_nobody_knows_is_unknown_and_never_repeated() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    // What happens, and whether the text is on the phone all the same.
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
        let chat = world.chat(&binding, &format!("o-{number}")).await;
        let before = world.sim_calls(SEND).await;
        sim_fault(&chat, fault.clone()).await;
        let answer = chat.say("只说一次").await.expect(202);
        assert_eq!(
            (&answer.body["state"], &answer.body["failure"]["code"]),
            (&json!("unknown"), &json!(code)),
            "{fault}"
        );
        let (phone, kept) = much_later(&chat).await;
        assert_eq!((phone, &kept[1]["state"]), (arrived, &json!("unknown")), "{fault}");
        assert_eq!(world.sim_calls(SEND).await - before, 1, "{fault}");
    }
}

#[tokio::test]
async fn a_refused_access_token_is_renewed_and_the_text_sent_once() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    for errcode in [40001, 40014, 42001] {
        world.forget_calls().await;
        let path = format!("/sim/mini-programs/{APP}/expire-tokens");
        world.sim_post(&path, &json!({ "errcode": errcode })).await.expect(200);
        chat.say(&format!("{errcode}")).await.expect(201);
        assert_eq!((world.token_calls().await, world.sim_calls(SEND).await), (1, 2), "{errcode}");
    }
    assert_eq!(chat.visitor.phone_texts().await, ["40001", "40014", "42001"]);

    world.forget_calls().await;
    sim_fault(&chat, json!({ "errcode": 40001, "times": 2 })).await;
    let answer = chat.say("不行").await;
    failed(&chat, &answer, (502, "wechat.access_token_rejected", Some(40001))).await;
    assert_eq!((world.token_calls().await, world.sim_calls(SEND).await), (1, 2), "renewed once, not for ever");
}
