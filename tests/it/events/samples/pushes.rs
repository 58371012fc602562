//! Pushes from WeChat.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::request::Request;
use super::{APP, BEGINNING, OPENID, PREVIOUS_KEY, SESSION_FROM, binding};
use crate::support::Binding;
use crate::support::push::{Push, full, padded, text_document};

/// The XML document of a push.
fn document(second: i64, kind: &str, fields: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName>\n<FromUserName><![CDATA[{OPENID}]]></FromUserName>\n\
         <CreateTime>{}</CreateTime>\n<MsgType><![CDATA[{kind}]]></MsgType>\n{fields}\n</xml>",
        BEGINNING + second
    )
}

fn of_text(second: i64, content: &str) -> Push {
    let msg_id = 24_567_890_123_456_789 + second.unsigned_abs();
    Push::new(&binding(), &text_document(OPENID, BEGINNING + second, msg_id, content))
}

pub(super) fn text() -> Push {
    of_text(0, "你好，我想问一下订单")
}

/// All samples of `message-ingress`.
pub(super) fn pushes() -> Vec<(&'static str, Value)> {
    let ours = binding();
    let safe = |second, kind: &str, fields: &str| push(&Push::new(&ours, &document(second, kind, fields)));
    let enter = format!(
        "<Event><![CDATA[user_enter_tempsession]]></Event>\n<SessionFrom><![CDATA[{SESSION_FROM}]]></SessionFrom>"
    );
    let card = "<MsgId>24567890123456791</MsgId>\n<Title><![CDATA[云南小粒咖啡豆 250 克]]></Title>\n\
                <AppId><![CDATA[wx00000000000000a1]]></AppId>\n<PagePath><![CDATA[pages/item/item?id=7]]></PagePath>\n\
                <ThumbUrl><![CDATA[https://mmbiz.qpic.example/thumb]]></ThumbUrl>\n<ThumbMediaId><![CDATA[thumb-1]]></ThumbMediaId>";
    let image = "<PicUrl><![CDATA[https://mmbiz.qpic.example/mmbiz_jpg/0]]></PicUrl>\n<MediaId><![CDATA[media-1]]></MediaId>\n\
                 <MsgId>24567890123456790</MsgId>";
    let voice =
        "<MediaId><![CDATA[media-2]]></MediaId>\n<Format><![CDATA[amr]]></Format>\n<MsgId>24567890123456792</MsgId>";
    let debug = "<Event><![CDATA[debug_demo]]></Event>\n<debug_str><![CDATA[hello world]]></debug_str>";
    let plain = "<xml><MsgId>24567890123456802</MsgId><Content>a &amp; b</Content><MsgType>text</MsgType>\
                 <CreateTime>1772438413</CreateTime><FromUserName>oSAMPLE-visitor-000000000001</FromUserName></xml>";
    let compatible = of_text(6, "兼容模式");
    let beside = text_document(OPENID, BEGINNING + 6, 24_567_890_123_456_795, "兼容模式");
    let body = String::from_utf8(compatible.body.clone()).unwrap();
    let compatible = compatible.with_body(body.replace("</xml>", beside.split("</ToUserName>").nth(1).unwrap()));
    let mut encoded = push(&of_text(9, "base64"));
    encoded["body"] = json!(BASE64_STANDARD.encode(encoded["body"].as_str().unwrap()));
    encoded["isBase64Encoded"] = json!(true);
    let before = Binding { key: PREVIOUS_KEY.to_owned(), ..ours.clone() };
    let mut samples = vec![
        ("message-ingress/text", push(&text())),
        ("message-ingress/enter", safe(1, "event", &enter)),
        ("message-ingress/image", safe(2, "image", image)),
        ("message-ingress/card", safe(3, "miniprogrampage", card)),
        ("message-ingress/voice", safe(4, "voice", voice)),
        ("message-ingress/unknown-event", safe(5, "event", debug)),
        ("message-ingress/compatible", push(&compatible)),
        ("message-ingress/base64-body", encoded),
        ("message-ingress/emoji", push(&of_text(10, "😀👨‍👩‍👧‍👦🇨🇳 𠮷 <b>&\"'"))),
        ("message-ingress/empty-text", push(&of_text(11, ""))),
        (
            "message-ingress/large-msg-id",
            push(&Push::new(&ours, &text_document(OPENID, BEGINNING + 12, u64::MAX, "18446744073709551615"))),
        ),
        ("message-ingress/without-cdata", push(&Push::new(&ours, plain))),
        (
            "message-ingress/previous-key",
            push(&Push::new(
                &before,
                &text_document(OPENID, BEGINNING + 14, 24_567_890_123_456_803, "under the key before"),
            )),
        ),
    ];
    samples.extend(json_pushes());
    samples.extend(refused());
    samples
}

/// A push of a binding that receives JSON.
fn in_json(document: &Value) -> Value {
    let xml = Push::new(&binding(), &document.to_string());
    let body = String::from_utf8(xml.body.clone()).unwrap();
    let encrypted = body.split("<Encrypt><![CDATA[").nth(1).unwrap().split(']').next().unwrap();
    let body = json!({ "ToUserName": "gh_0a1b2c3d4e5f", "Encrypt": encrypted }).to_string();
    push(&Push { content_type: "application/json".to_owned(), ..xml.with_body(body) })
}

fn json_pushes() -> Vec<(&'static str, Value)> {
    let text = json!({
        "ToUserName": "gh_0a1b2c3d4e5f", "FromUserName": OPENID, "CreateTime": BEGINNING + 7, "MsgType": "text",
        "Content": "JSON 里的话", "MsgId": 24_567_890_123_456_796_u64,
    });
    let enter = json!({
        "ToUserName": "gh_0a1b2c3d4e5f", "FromUserName": OPENID, "CreateTime": BEGINNING + 8, "MsgType": "event",
        "Event": "user_enter_tempsession", "SessionFrom": SESSION_FROM,
    });
    vec![("message-ingress/json-text", in_json(&text)), ("message-ingress/json-enter", in_json(&enter))]
}

/// Pushes that `message-ingress` refuses.
fn refused() -> Vec<(&'static str, Value)> {
    let ours = binding();
    let right = of_text(60, "refused");
    let inner = text_document(OPENID, BEGINNING + 60, 1, "refused");
    let mut spoiled = padded(full(inner.as_bytes(), APP));
    *spoiled.last_mut().unwrap() = 33;
    let flipped = String::from_utf8(right.body.clone()).unwrap();
    let at = flipped.find("Encrypt").unwrap() + 40;
    let flipped =
        format!("{}{}{}", &flipped[..at], if flipped[at..].starts_with('A') { 'B' } else { 'A' }, &flipped[at + 1..]);
    let mut unbound = push(&right);
    let unbound_app = "wx00000000000000ff";
    unbound["rawPath"] = json!(format!("/callback/{unbound_app}"));
    unbound["requestContext"]["http"]["path"] = unbound["rawPath"].clone();
    unbound["pathParameters"]["app_id"] = json!(unbound_app);
    let url_signature = right.parameter("signature").to_owned();
    vec![
        ("message-ingress/flipped-bit", push(&right.clone().with_body(flipped))),
        ("message-ingress/url-signature", push(&right.clone().with("msg_signature", &url_signature))),
        (
            "message-ingress/plaintext",
            push(&right.clone().without("msg_signature").without("encrypt_type").with_body(inner.clone())),
        ),
        ("message-ingress/wrong-appid", push(&Push::sealing(&ours, &padded(full(inner.as_bytes(), unbound_app))))),
        ("message-ingress/bad-padding", push(&Push::sealing(&ours, &spoiled))),
        (
            "message-ingress/doctype",
            push(&Push::new(&ours, &format!("<!DOCTYPE xml [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>{inner}"))),
        ),
        ("message-ingress/not-bound", unbound),
    ]
}

/// A push as an API Gateway event.
pub(super) fn push(push: &Push) -> Value {
    let push = push.clone().with("openid", OPENID);
    let body = String::from_utf8(push.body.clone()).unwrap();
    let request = Request {
        method: "POST",
        route: "/callback/{app_id}",
        path: format!("/callback/{APP}"),
        parameters: vec![("app_id", APP)],
        query: push.query,
        content_type: Some(push.content_type),
        body: Some(body),
        agent: "Mozilla/4.0",
        lambda: None,
    };
    request.event()
}

/// WeChat's check of a callback.
pub(super) fn check(signature: &str) -> Value {
    let query = [
        ("signature", signature),
        ("echostr", "4375120948345356249"),
        ("timestamp", "1772438400"),
        ("nonce", "1514711492"),
    ];
    let request = Request {
        method: "GET",
        route: "/callback/{app_id}",
        path: format!("/callback/{APP}"),
        parameters: vec![("app_id", APP)],
        query: query.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        content_type: None,
        body: None,
        agent: "Mozilla/4.0",
        lambda: None,
    };
    request.event()
}
