//! What a person says to a visitor, and what WeChat makes of it.

use futures_util::future::join_all;
use local::{Fault, TableFault};
use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Chat, fields, problem, text};
use crate::support::{ADMIN, Answer, World};

const APP: &str = "wx0000000000000d01";
const SEND: &str = "/cgi-bin/message/custom/send";

/// What the phone shows and what is kept after everything that repeats a send has had its time.
async fn much_later(chat: &Chat<'_>) -> (usize, Vec<Value>) {
    chat.world.minutes(2).await;
    chat.world.advance(3600);
    chat.world.minutes(1).await;
    (chat.visitor.phone().await.len(), chat.messages().await)
}

async fn sim_fault(chat: &Chat<'_>, mut fault: Value) {
    if fault.get("path").is_none() {
        fault["path"] = json!(SEND);
    }
    chat.world.sim_fault(&fault).await;
}

#[tokio::test]
async fn a_text_arrives_as_it_was_written() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    for (number, content) in [
        "您好,请问有什么可以帮您?",
        "一行\n两行\r\n\t三行",
        "👩‍👩‍👧‍👦 🇨🇳 👍🏽 𠮷",
        r#"<a href="http://example.com" data-miniprogram-appid="wx0000000000000d01">去看看</a>"#,
        r#"他说:"好" \ / ' & < > %00 \u4f60 \n"#,
        " 前后有空格 ",
        "\u{2028}\u{feff}零\u{200b}宽",
        "x",
    ]
    .into_iter()
    .enumerate()
    {
        let chat = world.chat(&binding, &format!("o-{number}")).await;
        let sent = chat.say(content).await.expect(201);
        assert_eq!((&sent.body["state"], &sent.body["text"]["content"]), (&json!("sent"), &json!(content)));
        assert_eq!((&sent.body["direction"], &sent.body["type"]), (&json!("out"), &json!("text")));
        assert_eq!((&sent.body["cid"], &sent.body["author"]["role"]), (&json!(chat.cid), &json!("admin")));
        assert_eq!(chat.visitor.phone_texts().await, [content]);
        assert_eq!(chat.message(&sent.text("id")).await, sent.body);
    }
}

#[tokio::test]
async fn a_long_text_goes_out_in_parts_that_are_whole_characters_and_in_order() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let alphabet: String = ('a'..='z').cycle().take(2048).collect();
    for (number, (content, parts)) in [
        (alphabet.clone(), 1),
        (format!("{alphabet}终"), 2),
        ("客服".repeat(500), 2),
        (format!("x{}", "服".repeat(1500)), 3),
        (format!("ab{}", "🙂".repeat(1500)), 3),
        (format!("{}一二三四五六七八九十", "字".repeat(3400)), 5),
    ]
    .into_iter()
    .enumerate()
    {
        let chat = world.chat(&binding, &format!("o-{number}")).await;
        assert_eq!(chat.say(&content).await.expect(201).body["state"], "sent");
        let received = chat.visitor.phone_texts().await;
        assert_eq!(received.len(), parts, "{number}");
        assert!(received.iter().all(|part| part.len() <= 2048), "{number}");
        assert_eq!(received.concat(), content, "{number}");
        let kept = chat.messages().await;
        assert_eq!((kept.len(), &kept[1]["text"]["content"]), (2, &json!(content)), "it is one message");
    }
}

#[tokio::test]
async fn what_cannot_be_a_message_is_refused_by_field_and_not_kept() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    let link = |field: &str, value: Value| {
        let mut link = json!({ "title": "T", "description": "D", "url": "https://example.com/" });
        link[field] = value;
        json!({ "type": "link", "link": link })
    };
    for (message, expected) in [
        (text(""), "text.content"),
        (text(" \n\t"), "text.content"),
        (text(&"服".repeat(3414)), "text.content"),
        (json!({ "type": "text" }), "text"),
        (json!({ "type": "text", "text": { "content": "x" }, "image": { "media_id": "x" } }), "text"),
        (json!({ "type": "text", "text": {} }), "text.content"),
        (json!({ "type": "text", "text": { "content": 5 } }), "text.content"),
        (json!({ "type": "text", "text": { "content": "x", "bold": true } }), "text.bold"),
        (json!({ "type": "image", "image": {} }), "image"),
        (json!({ "type": "image", "image": { "media_id": "x", "url": "https://example.com/a.png" } }), "image"),
        (json!({ "type": "image", "image": { "media_id": "x".repeat(2049) } }), "image"),
        (link("title", json!("")), "link.title"),
        (link("title", json!("题".repeat(171))), "link.title"),
        (link("description", json!("题".repeat(171))), "link.description"),
        (link("url", json!("javascript:alert(1)")), "link.url"),
        (link("url", json!("example.com")), "link.url"),
        (link("url", json!("")), "link.url"),
        (link("thumb_url", json!("data:image/png;base64,AAAA")), "link.thumb_url"),
        (json!({ "type": "miniprogrampage", "miniprogrampage": {} }), "miniprogrampage"),
        (json!({ "type": "miniprogrampage" }), "type"),
        (json!({ "type": "voice" }), "type"),
        (json!({ "text": { "content": "x" } }), "type"),
    ] {
        let answer = chat.post(&message).await;
        assert_eq!((problem(&answer).0, fields(&answer)), (422, vec![expected]), "{message}");
    }
    assert_eq!(world.items("outbound").await, Vec::<Value>::new());
    assert_eq!(world.sim_calls(SEND).await, 0);
    // Five messages are all that WeChat grants in answer to one, and just that is still taken.
    chat.say(&"服".repeat(3410)).await.expect(201);
}

#[tokio::test]
async fn an_image_and_a_link_arrive() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    let address = format!("{}/phone/cover.png", world.bundle.wechat_url());
    let by_url = chat.post(&json!({ "type": "image", "image": { "url": address } })).await.expect(201);
    assert_eq!((&by_url.body["state"], &by_url.body["image"]["url"]), (&json!("sent"), &json!(address)));
    let media_id = by_url.body["image"]["media_id"].as_str().unwrap();
    chat.post(&json!({ "type": "image", "image": { "media_id": media_id } })).await.expect(201);
    let link = json!({
        "title": "云南咖啡 \"特价\"", "description": "第一行\n第二行", "url": "https://example.com/a?b=c&d=%E4%BD%A0",
        "thumb_url": "https://example.com/t.png",
    });
    chat.post(&json!({ "type": "link", "link": link })).await.expect(201);

    let phone = chat.visitor.phone().await;
    assert_eq!(phone.len(), 3);
    assert_eq!((&phone[0]["image"]["media_id"], &phone[1]["image"]["media_id"]), (&json!(media_id), &json!(media_id)));
    assert_eq!(phone[2]["link"], link);
    // The picture on the phone is the one at the address.
    let shown = phone[0]["image"]["url"].as_str().unwrap().strip_prefix(world.bundle.wechat_url()).unwrap();
    assert_eq!(world.sim_get(shown).await.expect(200).raw, world.sim_get("/phone/cover.png").await.expect(200).raw);
    assert_eq!(world.sim_calls("/cgi-bin/media/upload").await, 1);
}

#[tokio::test]
async fn an_image_that_wechat_has_no_more_is_uploaded_again_where_its_address_is_known() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    let address = format!("{}/phone/cover.png", world.bundle.wechat_url());
    chat.post(&json!({ "type": "image", "image": { "url": address } })).await.expect(201);
    sim_fault(&chat, json!({ "errcode": 40007 })).await;
    chat.post(&json!({ "type": "image", "image": { "url": address } })).await.expect(201);
    assert_eq!(world.sim_calls("/cgi-bin/media/upload").await, 2);
    let unknown = chat.post(&json!({ "type": "image", "image": { "media_id": "unknown" } })).await;
    assert_eq!(problem(&unknown), (502, "wechat.invalid_media", Some(40007)));
    assert_eq!(chat.visitor.phone().await.len(), 2);
}

/// The problem of a send that failed: a message of its id is kept as failed, for the same reason.
async fn failed(chat: &Chat<'_>, answer: &Answer, expected: (u16, &str, Option<i64>)) -> Value {
    assert_eq!(problem(answer), expected);
    let kept = chat.message(&answer.text("message_id")).await;
    assert_eq!(kept["state"], "failed");
    assert_eq!((&kept["failure"]["code"], &kept["failure"]["detail"]), (&answer.body["code"], &answer.body["detail"]));
    assert_eq!(kept["failure"]["errcode"], json!(expected.2));
    kept
}

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

#[tokio::test]
async fn a_request_that_is_repeated_under_its_key_is_carried_out_once() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    let first = chat.post_once("k-1", &text("一次")).await.expect(201);
    world.advance(3600);
    let second = chat.post_once("k-1", &text("一次")).await.expect(201);
    assert_eq!(second.body, first.body);
    assert_eq!(chat.visitor.phone_texts().await, ["一次"]);

    let other = chat.post_once("k-1", &text("另一句")).await;
    assert_eq!(problem(&other), (422, "idempotency.key_reused", None));
    chat.post_once("k-2", &text("一次")).await.expect(201);
    // The key belongs to its caller and its conversation.
    let agent = world.access_token("agent").await;
    let request = world
        .request(Some(&agent), Method::POST, &chat.messages_path(), Some(&text("我的")))
        .header("idempotency-key", "k-1");
    assert_eq!(request.send().await.unwrap().status(), 201);
    let next_door = world.chat(&binding, "o-2").await;
    next_door.post_once("k-1", &text("隔壁")).await.expect(201);
    assert_eq!(chat.visitor.phone_texts().await, ["一次", "一次", "我的"]);
    assert_eq!(next_door.visitor.phone_texts().await, ["隔壁"]);

    // It is remembered for a day.
    world.advance(24 * 3600);
    chat.post_once("k-1", &text("第二天")).await.expect(201);
}

#[tokio::test]
async fn the_repetition_of_a_refused_request_is_refused_for_the_same_reason() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    sim_fault(&chat, json!({ "errcode": 48001 })).await;
    let first = chat.post_once("k-1", &text("一次")).await;
    failed(&chat, &first, (502, "wechat.not_permitted", Some(48001))).await;
    assert_eq!(chat.post_once("k-1", &text("一次")).await.raw, first.raw);
    assert_eq!(world.sim_calls(SEND).await, 1);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    for key in [String::new(), "k".repeat(256), "键".to_owned()] {
        let request = world.request(Some(ADMIN), Method::POST, &chat.messages_path(), Some(&text("x")));
        let value = reqwest::header::HeaderValue::from_bytes(key.as_bytes()).unwrap();
        let answer = request.header("idempotency-key", value).send().await.unwrap();
        assert_eq!(answer.status(), 422, "{key}");
        assert!(answer.text().await.unwrap().contains("Idempotency-Key"), "{key}");
    }
    chat.post_once(&"k".repeat(255), &text("x")).await.expect(201);
    assert_eq!(chat.visitor.phone().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_requests_at_once_under_one_key_are_one_text() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    for round in 0..5 {
        let chat = world.chat(&binding, &format!("o-{round}")).await;
        let message = text("十次");
        let answers = join_all((0..10).map(|_| chat.post_once("k", &message))).await;
        for answer in &answers {
            assert!(matches!(answer.status, 201 | 202), "{}", answer.raw);
            assert_eq!(answer.body["id"], answers[0].body["id"]);
        }
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count().min(1), 1, "one of them sent it");
        assert_eq!(much_later(&chat).await.0, 1);
        assert_eq!(chat.messages().await.len(), 2);
    }
}

#[tokio::test]
async fn a_function_killed_at_any_point_of_a_send_sends_at_most_once_and_the_repetition_learns_it() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    for awaits in 0.. {
        let chat = world.chat(&binding, &format!("o-{awaits}")).await;
        let kills = world.bundle.kills("DeskApi").unwrap();
        world.bundle.kill_next("DeskApi", awaits).unwrap();
        let first = chat.post_once("k", &text("一次")).await;
        let killed = world.bundle.kills("DeskApi").unwrap() > kills;
        assert_eq!(first.status, if killed { 500 } else { 201 }, "{awaits}: {}", first.raw);
        let second = chat.post_once("k", &text("一次")).await;
        assert!(matches!(second.status, 201 | 202), "{awaits}: {}", second.raw);
        let (phone, kept) = much_later(&chat).await;
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
async fn a_database_whose_answer_is_lost_makes_neither_two_texts_nor_a_wrong_answer() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    for (number, (operation, key)) in
        [("TransactWriteItems", None), ("TransactWriteItems", Some("k")), ("UpdateItem", None)].into_iter().enumerate()
    {
        let content = format!("第 {number} 句");
        world.bundle.table_faults().add(TableFault::new(Fault::CloseAfter).function("DeskApi").operation(operation));
        let answer = match key {
            Some(key) => chat.post_once(key, &text(&content)).await,
            None => chat.say(&content).await,
        };
        assert_eq!(world.bundle.table_faults().left(), 0, "{operation}");
        assert!(matches!(answer.status, 201 | 202), "{operation}: {}", answer.raw);
    }
    assert_eq!(much_later(&chat).await.0, 3);
    assert_eq!(chat.visitor.phone_texts().await, ["第 0 句", "第 1 句", "第 2 句"]);
    assert_eq!(chat.messages().await.len(), 4);
}

#[tokio::test]
async fn the_outcome_of_a_send_is_told_even_if_it_cannot_be_written_down() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    // The first transaction puts the message down, the next would settle it.
    world.bundle.table_faults().add(
        TableFault::new(Fault::InternalError).function("DeskApi").operation("TransactWriteItems").skip(1).times(9),
    );
    let answer = chat.say("一次").await.expect(201);
    assert_eq!(answer.body["state"], "sent");
    world.bundle.table_faults().clear();
    let (phone, kept) = much_later(&chat).await;
    assert_eq!((phone, &kept[1]["state"]), (1, &json!("unknown")), "nobody is told sent when it was not written so");
}

#[tokio::test]
async fn what_the_database_did_not_take_is_a_503_and_never_sent() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    for fault in [Fault::Throttle, Fault::InternalError, Fault::CloseBefore] {
        for operation in ["GetItem", "TransactWriteItems"] {
            let faults = world.bundle.table_faults();
            faults.add(TableFault::new(fault).function("DeskApi").operation(operation).times(50));
            let answer = chat.say("您好").await;
            assert_eq!(problem(&answer), (503, "unavailable", None), "{fault:?} {operation}");
            faults.clear();
        }
    }
    assert_eq!(much_later(&chat).await.0, 0);
}

#[tokio::test]
async fn what_the_database_took_goes_out_and_nobody_is_told_otherwise() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    for (number, fault) in
        [Fault::Throttle, Fault::InternalError, Fault::CloseBefore, Fault::CloseAfter].into_iter().enumerate()
    {
        let chat = world.chat(&binding, &format!("o-{number}")).await;
        let faults = world.bundle.table_faults();
        // The message is put down, and then it cannot be claimed.
        faults.add(TableFault::new(fault).function("DeskApi").operation("UpdateItem").times(50));
        let answer = chat.say("您好").await.expect(202);
        assert_eq!(answer.body["state"], "pending", "{fault:?}");
        faults.clear();
        let (phone, kept) = much_later(&chat).await;
        assert_eq!((kept.len(), &kept[1]["id"]), (2, &answer.body["id"]), "{fault:?}");
        // If it was claimed after all, whoever claimed it is gone, and nobody knows what they did.
        let expected = if fault == Fault::CloseAfter { (0, "unknown") } else { (1, "sent") };
        assert_eq!((phone, kept[1]["state"].as_str().unwrap()), expected, "{fault:?}");
    }
}

#[tokio::test]
async fn the_visitor_sees_that_somebody_is_typing() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.chat(&binding, "o-1").await;
    let path = format!("/api/conversations/{}/typing", chat.cid);
    let shown = async || {
        let path = format!("/sim/visitors/o-1/messages?app_id={APP}");
        world.sim_get(&path).await.expect(200).body["typing"].as_bool().unwrap()
    };
    world.post(&path, &json!({ "typing": true })).await.expect(204);
    assert!(shown().await);
    // 45081: WeChat shows it already.
    world.post(&path, &json!({ "typing": true })).await.expect(204);
    assert_eq!(world.sim_calls("/cgi-bin/message/custom/typing").await, 2);
    world.post(&path, &json!({ "typing": false })).await.expect(204);
    assert!(!shown().await);
    // 45080: nothing was said for half a minute.
    world.advance(31);
    world.post(&path, &json!({ "typing": true })).await.expect(204);
    assert!(!shown().await);

    sim_fault(&chat, json!({ "path": "/cgi-bin/message/custom/typing", "errcode": 48001 })).await;
    assert_eq!(
        problem(&world.post(&path, &json!({ "typing": true })).await),
        (502, "wechat.not_permitted", Some(48001))
    );
    for wrong in [json!({}), json!({ "typing": "yes" }), json!({ "typing": true, "x": 1 })] {
        assert_eq!(problem(&world.post(&path, &wrong).await).0, 422, "{wrong}");
    }
}
