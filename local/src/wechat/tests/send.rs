use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{APP, Bench, OPENID, OTHER};

const SEND: &str = "/cgi-bin/message/custom/send";
const TYPING: &str = "/cgi-bin/message/custom/typing";

fn message(msgtype: &str, content: Value) -> Value {
    let mut message = json!({ "touser": OPENID, "msgtype": msgtype });
    message[msgtype] = content;
    message
}

#[tokio::test]
async fn sent_message_is_on_the_phone_unchanged() {
    let bench = Bench::ready().await;
    bench.perform("text", json!({ "content": "在吗" })).await;
    let token = bench.token().await;
    let words = "第一行\n第二行 <b>&\u{1f600}";
    let mut said = message("text", json!({ "content": words }));
    said["aimsgcontext"] = json!({ "is_ai_msg": 1 });
    assert_eq!(bench.call(SEND, &token, said).await, 0);
    let link = json!({ "title": "T", "description": "D", "url": "https://example.com/p", "thumb_url": "" });
    assert_eq!(bench.call(SEND, &token, message("link", link.clone())).await, 0);
    let received = bench.received().await;
    assert_eq!(received.len(), 2);
    assert_eq!(received[0]["text"]["content"], words);
    assert_eq!((&received[0]["direction"], &received[0]["is_ai_msg"]), (&json!("received"), &json!(true)));
    assert_eq!((&received[1]["link"], received[1].get("is_ai_msg")), (&link, None));
}

#[tokio::test]
async fn refused_send_has_wechats_errcode_and_does_not_reach_the_phone() {
    let bench = Bench::ready().await;
    bench.perform("text", json!({ "content": "在吗" })).await;
    let token = bench.token().await;
    let cases = [
        (45002, message("text", json!({ "content": "信".repeat(683) }))),
        (44004, message("text", json!({ "content": "" }))),
        (40007, message("image", json!({ "media_id": "none" }))),
        (40007, message("miniprogrampage", json!({ "title": "T", "pagepath": "p", "thumb_media_id": "none" }))),
        (
            40013,
            message(
                "miniprogrampage",
                json!({ "title": "T", "pagepath": "p", "appid": OTHER, "thumb_media_id": "none" }),
            ),
        ),
        (40165, message("miniprogrampage", json!({ "title": "T", "thumb_media_id": "none" }))),
        (40097, message("link", json!({ "title": "T", "url": "ftp://example.com" }))),
        (45162, message("news", json!({ "articles": [] }))),
        (40008, json!({ "touser": OPENID })),
        (40003, json!({ "touser": "oSTRANGER", "msgtype": "text", "text": { "content": "x" } })),
        (47001, json!("text")),
    ];
    for (errcode, body) in cases {
        assert_eq!(bench.call(SEND, &token, body.clone()).await, errcode, "{body}");
    }
    assert_eq!(bench.call("/cgi-bin/message/custom/business/send", &token, json!({})).await, 40101);
    assert!(bench.received().await.is_empty());
    let longest = message("text", json!({ "content": "a".repeat(2048) }));
    assert_eq!(bench.call(SEND, &token, longest).await, 0);
}

#[tokio::test]
async fn unicode_escape_is_refused_except_for_control_characters() {
    let bench = Bench::ready().await;
    bench.perform("text", json!({ "content": "在吗" })).await;
    let url = bench.url(&format!("{SEND}?access_token={}", bench.token().await));
    let cases = [(r"\u4f60\u597d", 40033), (r"\u003ca\u003e", 40033), (r"a\\u4f60", 0), (r"\u001b\n", 0)];
    for (content, errcode) in cases {
        let body = format!(r#"{{"touser":"{OPENID}","msgtype":"text","text":{{"content":"{content}"}}}}"#);
        let answer: Value = bench.http.post(&url).body(body).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["errcode"], errcode, "{content}");
    }
}

#[tokio::test]
async fn send_beyond_the_quota_returns_45047_or_45015() {
    let bench = Bench::ready().await;
    let token = bench.token().await;
    assert_eq!(bench.send_text_to_visitor(&token).await, 40003);
    bench.perform("enter", json!({ "session_from": "item" })).await;
    assert_eq!(
        [
            bench.send_text_to_visitor(&token).await,
            bench.send_text_to_visitor(&token).await,
            bench.send_text_to_visitor(&token).await
        ],
        [0, 0, 45047]
    );
    bench.advance(SignedDuration::from_secs(60));
    assert_eq!(bench.send_text_to_visitor(&token).await, 45015);
    bench.perform("text", json!({ "content": "在吗" })).await;
    for _ in 0..5 {
        assert_eq!(bench.send_text_to_visitor(&token).await, 0);
    }
    assert_eq!(bench.send_text_to_visitor(&token).await, 45047);
    assert_eq!(bench.received().await.len(), 7);
}

#[tokio::test]
async fn send_to_a_visitor_of_another_mini_program_is_refused() {
    let bench = Bench::ready().await;
    bench.perform("text", json!({ "content": "在吗" })).await;
    let other = super::text(&bench.stable(OTHER, "s").await["access_token"]);
    assert_eq!(bench.send_text_to_visitor(&other).await, 40003);
}

#[tokio::test]
async fn typing_ends_after_15_seconds_or_with_a_message() {
    let bench = Bench::ready().await;
    let token = bench.token().await;
    let typing = |command: &str| json!({ "touser": OPENID, "command": command });
    let shown = async || bench.get(&format!("/sim/visitors/{OPENID}/messages?app_id={APP}")).await["typing"].clone();
    bench.perform("text", json!({ "content": "在吗" })).await;
    assert_eq!(bench.call(TYPING, &token, typing("Sleeping")).await, 45072);
    assert_eq!(bench.call(TYPING, &token, typing("Typing")).await, 0);
    assert_eq!(shown().await, true);
    assert_eq!(bench.call(TYPING, &token, typing("Typing")).await, 45081);
    bench.advance(SignedDuration::from_secs(15));
    assert_eq!(shown().await, false);
    assert_eq!(bench.call(TYPING, &token, typing("Typing")).await, 0);
    assert_eq!(bench.call(TYPING, &token, typing("CancelTyping")).await, 0);
    assert_eq!(shown().await, false);
    assert_eq!(bench.call(TYPING, &token, typing("Typing")).await, 0);
    assert_eq!(bench.send_text_to_visitor(&token).await, 0);
    assert_eq!(shown().await, false);
    bench.advance(SignedDuration::from_secs(31));
    assert_eq!(bench.call(TYPING, &token, typing("Typing")).await, 45080);
}
