use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::{APP, Answer, Bench, Callback, KEY, OPENID, Seen, TOKEN};
use crate::wechat::crypto::{self, Key};
use crate::wechat::document::Format;

/// A simulator with a callback that returns these answers after the verification.
async fn pushing(format: &str, answers: impl IntoIterator<Item = Answer>) -> (Bench, Callback) {
    let bench = Bench::ready().await;
    let callback = Callback::start(answers).await;
    let submitted = submit(&bench, &callback, json!({ "format": format, "check": false })).await;
    assert_eq!(submitted["verified"], false);
    (bench, callback)
}

async fn submit(bench: &Bench, callback: &Callback, more: Value) -> Value {
    let mut body = json!({ "app_id": APP, "original_id": "gh_0a1b2c3d4e5f", "callback_url": callback.url,
        "token": TOKEN, "encoding_aes_key": KEY });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    bench.post("/sim/mini-programs", body).await
}

/// Verifies and decrypts a push.
fn read(seen: &Seen, format: Format) -> String {
    let of = |name: &str| seen.query[name].as_str();
    assert_eq!((of("openid"), of("encrypt_type")), (OPENID, "aes"));
    assert_eq!(crypto::signature(&[TOKEN, of("timestamp"), of("nonce")]), of("signature"));
    assert_eq!(format.field(&seen.body, "ToUserName").unwrap(), "gh_0a1b2c3d4e5f");
    let encrypted = format.field(&seen.body, "Encrypt").unwrap();
    assert_eq!(crypto::signature(&[TOKEN, of("timestamp"), of("nonce"), &encrypted]), of("msg_signature"));
    let (message, app_id) = crypto::decrypt(&Key::from_text(KEY).unwrap(), &encrypted).unwrap();
    assert_eq!(app_id, APP);
    message
}

#[tokio::test]
async fn submission_with_a_wrong_echostr_is_not_stored() {
    let bench = Bench::ready().await;
    for wrong in [
        Answer::With(403, String::new()),
        Answer::With(200, "\"1\"".to_owned()),
        Answer::Redirect,
        Answer::After(Duration::from_secs(2)),
    ] {
        let callback = Callback::start([wrong]).await;
        let answer = submit(&bench, &callback, json!({})).await;
        assert_eq!((&answer["verified"], &answer["callback_url"]), (&json!(false), &Value::Null));
    }
    let callback = Callback::start([]).await;
    assert_eq!(submit(&bench, &callback, json!({})).await["verified"], true);
    let seen = callback.seen.lock().unwrap()[0].query.clone();
    assert_eq!(crypto::signature(&[TOKEN, &seen["timestamp"], &seen["nonce"]]), seen["signature"]);
    assert!(seen["echostr"].bytes().all(|byte| byte.is_ascii_digit()));
    for (field, wrong) in [
        ("token", "ab"),
        ("token", "a-b"),
        ("encoding_aes_key", "short"),
        ("callback_url", "ftp://x"),
        ("app_id", "wx1"),
    ] {
        assert_eq!(submit(&bench, &callback, json!({ field: wrong })).await["status"], 422, "{field}");
    }
}

#[tokio::test]
async fn every_action_is_pushed_in_both_formats() {
    for (name, format) in [("xml", Format::Xml), ("json", Format::Json)] {
        let (bench, callback) = pushing(name, []).await;
        let words = "在吗？\u{1f600} <b>]]></b> & \"x\"";
        bench.perform("enter", json!({ "session_from": "sobot|小林||{\"a\":1}" })).await;
        bench.perform("text", json!({ "content": words })).await;
        bench.perform("image", json!({ "pic_url": "https://example.com/p.png" })).await;
        bench.perform("card", json!({ "title": "T", "pagepath": "pages/i?id=7", "thumb_url": "" })).await;
        bench.perform("raw", json!({ "fields": { "MsgType": "voice", "Format": "amr" } })).await;
        let raw = match format {
            Format::Xml => "<xml><MsgType>event</MsgType></xml>",
            Format::Json => "{\"MsgType\":\"event\"}",
        };
        bench.perform("raw", json!({ "document": raw })).await;
        let read: Vec<String> = callback.pushes().iter().map(|seen| read(seen, format)).collect();
        let field = |at: usize, name: &str| format.field(&read[at], name);
        let is = |at: usize, name: &str, value: &str| assert_eq!(field(at, name).as_deref(), Some(value), "{name}");
        for at in 0..5 {
            is(at, "FromUserName", OPENID);
            is(at, "CreateTime", "1750000000");
            assert_eq!(field(at, "MsgId").is_some(), at != 0);
        }
        is(0, "Event", "user_enter_tempsession");
        is(0, "SessionFrom", "sobot|小林||{\"a\":1}");
        is(1, "MsgType", "text");
        match format {
            Format::Xml => assert!(read[1].contains("<![CDATA[在吗？\u{1f600} <b>]]]]><![CDATA[></b> & \"x\"]]>")),
            Format::Json => is(1, "Content", words),
        }
        is(2, "PicUrl", "https://example.com/p.png");
        is(3, "PagePath", "pages/i?id=7");
        is(3, "AppId", APP);
        is(3, "ThumbMediaId", "");
        is(4, "Format", "amr");
        assert_eq!(read[5], raw);
        assert!(field(1, "MsgId").unwrap().parse::<u64>().unwrap() > 1 << 53);
    }
}

#[tokio::test]
async fn retry_of_a_push_has_the_same_message_and_a_new_encryption() {
    let refusals =
        [Answer::With(500, String::new()), Answer::With(200, "ok".to_owned()), Answer::After(Duration::from_secs(2))];
    let (bench, callback) = pushing("xml", refusals).await;
    let answer = bench.perform("text", json!({ "content": "在吗" })).await;
    assert_eq!(answer["delivered"], true);
    let attempts = answer["attempts"].as_array().unwrap();
    let told: Vec<_> =
        attempts.iter().map(|attempt| (attempt["status"].as_u64(), attempt["error"].is_null())).collect();
    assert_eq!(told, [(Some(500), false), (Some(200), false), (None, false), (Some(200), true)]);
    let pushes = callback.pushes();
    let distinct = |of: &dyn Fn(&Seen) -> String| pushes.iter().map(of).collect::<HashSet<_>>().len();
    assert_eq!(distinct(&|seen| read(seen, Format::Xml)), 1);
    assert_eq!((distinct(&|seen| seen.body.clone()), distinct(&|seen| seen.query["nonce"].clone())), (4, 4));
    assert!(read(&pushes[0], Format::Xml).contains(&format!("<MsgId>{}</MsgId>", answer["msg_id"].as_str().unwrap())));
}

#[tokio::test]
async fn push_is_retried_three_times() {
    let (bench, callback) = pushing("json", vec![Answer::With(503, "success".to_owned()); 9]).await;
    let answer = bench.perform("text", json!({ "content": "在吗" })).await;
    assert_eq!((&answer["delivered"], callback.pushes().len()), (&json!(false), 4));
}

#[tokio::test]
async fn empty_body_success_and_signed_reply_are_accepted_and_forged_reply_is_not() {
    let reply = |token: &str| {
        let message = "<xml><ToUserName>o</ToUserName><MsgType><![CDATA[transfer_customer_service]]></MsgType></xml>";
        let sealed = crypto::encrypt(&Key::from_text(KEY).unwrap(), [1; 16], message, APP);
        let signed = crypto::signature(&[token, "1750000000", "7", &sealed]);
        format!(
            "<xml><Encrypt>{sealed}</Encrypt><MsgSignature>{signed}</MsgSignature><TimeStamp>1750000000</TimeStamp><Nonce>7</Nonce></xml>"
        )
    };
    for (body, delivered) in
        [(String::new(), true), (reply(TOKEN), true), (reply("forged"), false), ("success\n".to_owned(), false)]
    {
        let (bench, _callback) = pushing("xml", vec![Answer::With(200, body); 4]).await;
        assert_eq!(bench.perform("text", json!({ "content": "在吗" })).await["delivered"], delivered);
    }
}

#[tokio::test]
async fn push_can_be_delivered_several_times_at_once() {
    let (bench, callback) = pushing("xml", []).await;
    let body =
        json!({ "content": "在吗", "msg_id": "49d72d67_1555684067", "create_time": 1_555_684_067, "deliveries": 4 });
    let answer = bench.perform("text", body).await;
    assert_eq!((answer["attempts"].as_array().unwrap().len(), &answer["delivered"]), (4, &json!(true)));
    let pushes: HashSet<String> = callback.pushes().iter().map(|seen| read(seen, Format::Xml)).collect();
    assert_eq!(pushes.len(), 1);
    let document = pushes.into_iter().next().unwrap();
    assert!(document.contains("<CreateTime>1555684067</CreateTime>") && document.contains("[49d72d67_1555684067]"));
}

#[tokio::test]
async fn plain_and_compatible_mode_push_plain_fields() {
    let (bench, callback) = pushing("xml", []).await;
    submit(&bench, &callback, json!({ "mode": "compatible", "check": false })).await;
    bench.perform("text", json!({ "content": "在吗" })).await;
    submit(&bench, &callback, json!({ "mode": "plain", "check": false, "format": "json" })).await;
    bench.perform("text", json!({ "content": "在吗" })).await;
    let pushes = callback.pushes();
    assert_eq!(
        Format::Xml.field(&pushes[0].body, "Content"),
        Format::Xml.field(&read(&pushes[0], Format::Xml), "Content")
    );
    assert_eq!(Format::Json.field(&pushes[1].body, "Content").as_deref(), Some("在吗"));
    assert!(!pushes[1].query.contains_key("msg_signature"));
}

#[tokio::test]
async fn action_without_push_configuration_is_not_delivered() {
    let bench = Bench::ready().await;
    let answer = bench.perform("text", json!({ "content": "在吗" })).await;
    assert_eq!((&answer["delivered"], &answer["attempts"]), (&json!(false), &json!([])));
    let unknown = bench
        .post(&format!("/sim/visitors/{OPENID}/text"), json!({ "app_id": "wx00000000000000c3", "content": "x" }))
        .await;
    assert_eq!((&unknown["status"], &unknown["code"]), (&json!(404), &json!("unknown_mini_program")));
    assert_eq!(bench.perform("wave", json!({})).await["status"], 422);
}
