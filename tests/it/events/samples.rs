//! Writes the samples: events in the forms that API Gateway, DynamoDB Streams and EventBridge Scheduler give them to
//! functions, with invented credentials. Everything in them is fixed, so that they are the same each time.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use local::{Fault, TableFault};
use reqwest::Url;
use serde_json::{Map, Value, json};

use crate::support::push::{Push, full, padded, sign, text_document};
use crate::support::{ADMIN, Binding, World, inserted};

/// The mini program of the samples and its push credentials, all of them invented.
pub(super) const APP: &str = "wx00000000000000a1";
const TOKEN: &str = "SampleToken2026";
const KEY: &str = "SampleKeySampleKeySampleKeySampleKeySample9";
const PREVIOUS_KEY: &str = "BeforeKeyBeforeKeyBeforeKeyBeforeKeyBefore9";

/// The visitor.
pub(super) const OPENID: &str = "oSAMPLE-visitor-000000000001";

/// The automatic reply.
pub(super) const HELLO: &str = "您好，已收到您的消息。";

pub(super) const SESSION_FROM: &str =
    "sobot|小王|https://thirdwx.qlogo.example/0|{\"page\":\"item\",\"item_id\":\"7\"}|partnerid=member-7";

/// What stands in a sample for a robot's id, which nobody can foretell.
pub(super) const ROBOT: &str = "r00000000000a";

/// What the robot of the samples answers to the text.
pub(super) const ANSWER: &str = "请告诉我订单号。";

/// What stands in a sample for the address of the simulated WeChat, which differs from run to run.
const WECHAT: &str = "{{wechat}}";

const BEGINNING: i64 = 1_772_438_400;
const HOST: &str = "kefu.example.com";

/// The binding of the samples, as a bundle without any other knows it.
pub(super) async fn bind_unverified(world: &World) -> Binding {
    let body = json!({
        "name": "示例小程序", "app_id": APP, "app_secret": "0123456789abcdef0123456789abcdef", "token": TOKEN,
        "encoding_aes_key": PREVIOUS_KEY, "auto_reply": HELLO,
    });
    world.post("/api/bindings", &body).await.expect(201);
    world.patch(&format!("/api/bindings/{APP}"), &json!({ "encoding_aes_key": KEY })).await.expect(200);
    binding()
}

/// The same, known to the simulated WeChat too.
pub(super) async fn bind(world: &World) -> Binding {
    let binding = bind_unverified(world).await;
    let console = json!({
        "app_id": APP, "token": TOKEN, "encoding_aes_key": KEY, "check": false,
        "callback_url": format!("{}/callback/{APP}", world.bundle.api_url()),
    });
    world.sim_post("/sim/mini-programs", &console).await.expect(200);
    binding
}

/// Gives the binding a robot that knows the text; its id.
pub(super) async fn with_robot(world: &World) -> String {
    let robot = world.faq(&[("order", "我想问一下订单", ANSWER)]).await;
    let reception = json!({ "reception": { "mode": "robot_first", "robot_id": robot } });
    world.patch(&format!("/api/bindings/{APP}"), &reception).await.expect(200);
    robot
}

fn binding() -> Binding {
    Binding {
        app_id: APP.to_owned(),
        token: TOKEN.to_owned(),
        key: KEY.to_owned(),
        callback_url: format!("https://{HOST}/callback/{APP}"),
    }
}

/// A sample with the address of a running simulated WeChat in it.
pub(super) fn at(world: &World, sample: &Value) -> Value {
    serde_json::from_str(&sample.to_string().replace(WECHAT, world.bundle.wechat_url())).unwrap()
}

/// All samples, named `function/case`.
pub(super) async fn all() -> Vec<(String, Value)> {
    let tick = json!({ "tick": "minute" });
    let (inbound, pending, cid) = records().await;
    let mut samples = vec![
        ("callback-verify/verify", check(&sign(&[TOKEN, "1772438400", "1514711492"]))),
        ("callback-verify/wrong-signature", check("f464b24fc39322e44b38aa78f5edd27bd1441696")),
        ("reception/inbound", inbound),
        ("reception/tick", tick.clone()),
        ("robot/turn", turn().await),
        ("delivery/pending", pending),
        ("delivery/tick", tick.clone()),
        ("token-refresh/tick", tick),
        ("card-send/card", card(&cid)),
        ("access/admin", authorizer(&format!("Bearer {ADMIN}"))),
        ("access/unknown", authorizer("Bearer nobody-knows-this-one")),
        ("access/not-bearer", authorizer("Basic YWRtaW46YWRtaW4=")),
    ];
    samples.extend(pushes());
    samples.extend(api(&cid));
    samples.into_iter().map(|(name, event)| (name.to_owned(), event)).collect()
}

// ------------------------------------------------------------------------------------------------------------ streams

/// The records that a text and its reply make in the table of a bundle, and the conversation they belong to.
async fn records() -> (Value, Value, String) {
    let world = World::start().await;
    bind(&world).await;
    world.bundle.invoke("MessageIngress", push(&text())).await.unwrap();
    let inbound = inserted(&world.items("inbound").await);
    // The reply is put down, and whoever would send it is stopped.
    let stopped = TableFault::new(Fault::InternalError).function("Reception").operation("UpdateItem").times(100);
    world.bundle.table_faults().add(stopped);
    world.bundle.invoke("Reception", inbound.clone()).await.unwrap();
    let pending = world.items("outbound").await;
    let cid = pending[0]["cid"]["S"].as_str().unwrap().to_owned();
    (inbound, inserted(&pending), cid)
}

/// The record of a conversation that waits for its robot.
async fn turn() -> Value {
    let world = World::start().await;
    bind(&world).await;
    let robot = with_robot(&world).await;
    world.bundle.invoke("MessageIngress", push(&text())).await.unwrap();
    let inbound = inserted(&world.items("inbound").await);
    world.bundle.invoke("Reception", inbound).await.unwrap();
    let waiting = inserted(&world.items("conversation").await);
    serde_json::from_str(&waiting.to_string().replace(&robot, ROBOT)).unwrap()
}

// ------------------------------------------------------------------------------------------------------------- pushes

/// The body of a push: what comes before the type, and after it.
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

fn text() -> Push {
    of_text(0, "你好，我想问一下订单")
}

fn pushes() -> Vec<(&'static str, Value)> {
    let ours = binding();
    let safe = |second, kind: &str, fields: &str| push(&Push::new(&ours, &document(second, kind, fields)));
    let in_json = |document: Value| {
        let xml = Push::new(&ours, &document.to_string());
        let body = String::from_utf8(xml.body.clone()).unwrap();
        let encrypted = body.split("<Encrypt><![CDATA[").nth(1).unwrap().split(']').next().unwrap();
        let body = json!({ "ToUserName": "gh_0a1b2c3d4e5f", "Encrypt": encrypted }).to_string();
        push(&Push { content_type: "application/json".to_owned(), ..xml.with_body(body) })
    };
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
    let head = |second: i64, kind: &str| json!({ "ToUserName": "gh_0a1b2c3d4e5f", "FromUserName": OPENID, "CreateTime": BEGINNING + second, "MsgType": kind });
    let with = |mut head: Value, fields: Value| {
        fields.as_object().unwrap().iter().for_each(|(name, value)| head[name] = value.clone());
        head
    };
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
        (
            "message-ingress/json-text",
            in_json(with(head(7, "text"), json!({ "Content": "JSON 里的话", "MsgId": 24_567_890_123_456_796_u64 }))),
        ),
        (
            "message-ingress/json-enter",
            in_json(with(head(8, "event"), json!({ "Event": "user_enter_tempsession", "SessionFrom": SESSION_FROM }))),
        ),
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
    samples.extend(refused());
    samples
}

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
    let nobody = "wx00000000000000ff";
    unbound["rawPath"] = json!(format!("/callback/{nobody}"));
    unbound["requestContext"]["http"]["path"] = unbound["rawPath"].clone();
    unbound["pathParameters"]["app_id"] = json!(nobody);
    let url_signature = right.parameter("signature").to_owned();
    vec![
        ("message-ingress/flipped-bit", push(&right.clone().with_body(flipped))),
        ("message-ingress/url-signature", push(&right.clone().with("msg_signature", &url_signature))),
        (
            "message-ingress/plaintext",
            push(&right.clone().without("msg_signature").without("encrypt_type").with_body(inner.clone())),
        ),
        ("message-ingress/wrong-appid", push(&Push::sealing(&ours, &padded(full(inner.as_bytes(), nobody))))),
        ("message-ingress/bad-padding", push(&Push::sealing(&ours, &spoiled))),
        (
            "message-ingress/doctype",
            push(&Push::new(&ours, &format!("<!DOCTYPE xml [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>{inner}"))),
        ),
        ("message-ingress/not-bound", unbound),
    ]
}

/// A push as API Gateway hands it over.
fn push(push: &Push) -> Value {
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
fn check(signature: &str) -> Value {
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

// ---------------------------------------------------------------------------------------------------------------- API

fn api(cid: &str) -> Vec<(&'static str, Value)> {
    let admin = json!({ "role": "admin", "token_id": "admin", "name": "" });
    let agent = json!({ "role": "agent", "token_id": "0123456789abcdef0123456789abcdef", "name": "小王" });
    let call = |caller: &Value, method, path: &str, body: Option<Value>| {
        let request = Request {
            method,
            route: "/api/{proxy+}",
            path: format!("/api/{path}"),
            parameters: vec![("proxy", path)],
            query: Vec::new(),
            content_type: body.as_ref().map(|_| "application/json".to_owned()),
            body: body.map(|body| body.to_string()),
            agent: "curl/8.5.0",
            lambda: Some(caller.clone()),
        };
        let mut event = request.event();
        event["routeKey"] = json!("ANY /api/{proxy+}");
        event["requestContext"]["routeKey"] = event["routeKey"].clone();
        event
    };
    let binding = format!("bindings/{APP}");
    let conversation = format!("conversations/{cid}");
    let messages = format!("{conversation}/messages");
    let say = |kind: &str, content: Value| json!({ "type": kind, kind: content });
    let link = json!({ "title": "订单", "description": "您的订单", "url": "https://shop.example/orders/7", "thumb_url": "https://shop.example/7.png" });
    let create =
        json!({ "name": "另一个", "app_id": "wx00000000000000b2", "app_secret": "fedcba9876543210fedcba9876543210" });
    let weekly = json!([{ "days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "18:00" }]);
    let calendar = json!({
        "name": "工作日", "weekly": weekly, "holidays": [{ "date": "2026-10-01", "name": "国庆节" }],
        "make_up_days": [{ "date": "2026-10-10", "name": "国庆调休" }],
    });
    let reception = json!({ "reception": { "greeting": "欢迎光临。", "idle": { "close_after_minutes": 30 } } });
    let simulation =
        json!({ "app_id": APP, "session_from": SESSION_FROM, "text": "转人工", "at": "2026-03-02T08:00:00Z" });
    let levels = json!([{ "action_type": "to_group", "deci_id": "e8b6a1c0", "option_id": "3", "spill_id": "7" }]);
    let fields = json!({ "nickname": "小王", "partnerid": "member-7", "transfer_action": levels });
    vec![
        ("desk-api/openapi", call(&agent, "GET", "openapi.json", None)),
        ("desk-api/create-binding", call(&admin, "POST", "bindings", Some(create))),
        ("desk-api/list-bindings", call(&admin, "GET", "bindings", None)),
        ("desk-api/agent-lists-bindings", call(&agent, "GET", "bindings", None)),
        ("desk-api/read-binding", call(&admin, "GET", &binding, None)),
        (
            "desk-api/change-binding",
            call(&admin, "PATCH", &binding, Some(json!({ "name": "改了名", "auto_reply": null }))),
        ),
        ("desk-api/binding-health", call(&admin, "GET", &format!("{binding}/health"), None)),
        ("desk-api/visitor-messages", call(&admin, "GET", &format!("{binding}/visitors/{OPENID}/messages"), None)),
        ("desk-api/list-conversations", call(&agent, "GET", "conversations", None)),
        ("desk-api/read-conversation", call(&agent, "GET", &conversation, None)),
        ("desk-api/list-messages", call(&agent, "GET", &messages, None)),
        (
            "desk-api/say-text",
            call(&agent, "POST", &messages, Some(say("text", json!({ "content": "您好，我是小王" })))),
        ),
        ("desk-api/say-link", call(&agent, "POST", &messages, Some(say("link", link)))),
        ("desk-api/me", call(&agent, "GET", "me", None)),
        ("desk-api/come-online", call(&agent, "PUT", "agents/me/status", Some(json!({ "status": "online" })))),
        ("desk-api/heartbeat", call(&agent, "POST", "agents/me/heartbeat", None)),
        ("desk-api/claim", call(&agent, "POST", &format!("{conversation}/claim"), Some(json!({})))),
        ("desk-api/accept", call(&agent, "POST", &format!("{conversation}/accept"), None)),
        ("desk-api/list-events", call(&agent, "GET", &format!("{conversation}/events"), None)),
        (
            "desk-api/create-agent",
            call(&admin, "POST", "agents", Some(json!({ "name": "小李", "capacity": 5, "aliases": ["8a3f2e51"] }))),
        ),
        (
            "desk-api/create-group",
            call(
                &admin,
                "POST",
                "groups",
                Some(json!({ "name": "售后", "aliases": ["e8b6a1c0"], "after_hours": "queue" })),
            ),
        ),
        ("desk-api/list-groups", call(&admin, "GET", "groups", None)),
        ("desk-api/create-calendar", call(&admin, "POST", "calendars", Some(calendar))),
        ("desk-api/create-robot", call(&admin, "POST", "robots", Some(json!({ "name": "小助手", "kind": "faq" })))),
        ("desk-api/change-reception", call(&admin, "PATCH", &binding, Some(reception))),
        ("desk-api/read-visitor", call(&admin, "GET", &format!("{binding}/visitors/{OPENID}"), None)),
        ("desk-api/simulate", call(&agent, "POST", "routing/simulate", Some(simulation))),
        ("desk-api/build-session-from", call(&agent, "POST", "session-from/build", Some(fields))),
        (
            "desk-api/parse-session-from",
            call(&agent, "POST", "session-from/parse", Some(json!({ "text": SESSION_FROM }))),
        ),
        ("desk-api/typing", call(&agent, "POST", &format!("{conversation}/typing"), Some(json!({ "typing": true })))),
        ("desk-api/close-conversation", call(&agent, "POST", &format!("{conversation}/close"), None)),
        (
            "desk-api/create-access-token",
            call(&admin, "POST", "access-tokens", Some(json!({ "role": "agent", "name": "小王" }))),
        ),
        ("desk-api/list-access-tokens", call(&admin, "GET", "access-tokens", None)),
        ("desk-api/delete-binding", call(&admin, "DELETE", "bindings/wx00000000000000b2", None)),
    ]
}

fn card(cid: &str) -> Value {
    let body = json!({
        "cid": cid,
        "msgType": 26,
        "miniPage": {
            "headimg": "https://shop.example/logo.png", "name": "示例小程序", "thumbUrl": format!("{WECHAT}/phone/cover.png"),
            "title": "云南小粒咖啡豆 250 克", "pagepath": "pages/item/item?id=7", "thumbMediaId": "",
        },
    });
    let request = Request {
        method: "POST",
        route: "/api/conversations/{cid}/cards",
        path: format!("/api/conversations/{cid}/cards"),
        parameters: vec![("cid", cid)],
        query: Vec::new(),
        content_type: Some("application/json".to_owned()),
        body: Some(body.to_string()),
        agent: "curl/8.5.0",
        lambda: Some(json!({ "role": "agent", "token_id": "0123456789abcdef0123456789abcdef", "name": "小王" })),
    };
    request.event()
}

/// What the authorizer is asked about a request with this header.
fn authorizer(header: &str) -> Value {
    let request = Request {
        method: "GET",
        route: "/api/{proxy+}",
        path: "/api/bindings".to_owned(),
        parameters: vec![("proxy", "bindings")],
        query: Vec::new(),
        content_type: None,
        body: None,
        agent: "curl/8.5.0",
        lambda: None,
    };
    let mut event = request.event();
    event["headers"]["authorization"] = json!(header);
    event["type"] = json!("REQUEST");
    event["routeArn"] = json!("arn:aws:execute-api:us-east-1:000000000000:a1b2c3d4e5/$default/GET/api/bindings");
    event["identitySource"] = json!([header]);
    for absent in ["body", "isBase64Encoded"] {
        event.as_object_mut().unwrap().remove(absent);
    }
    event
}

/// An HTTP request, to become an event of payload format 2.0 (API Gateway developer guide, "Create AWS Lambda proxy
/// integrations for HTTP APIs").
struct Request<'a> {
    method: &'static str,
    route: &'static str,
    path: String,
    parameters: Vec<(&'static str, &'a str)>,
    query: Vec<(String, String)>,
    content_type: Option<String>,
    body: Option<String>,
    agent: &'static str,
    lambda: Option<Value>,
}

impl Request<'_> {
    fn event(self) -> Value {
        let route = format!("{} {}", self.method, self.route);
        let mut headers = json!({
            "accept": "*/*", "host": HOST, "user-agent": self.agent, "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443", "x-forwarded-proto": "https",
        });
        if let Some(content_type) = &self.content_type {
            headers["content-type"] = json!(content_type);
        }
        if let Some(body) = &self.body {
            headers["content-length"] = json!(body.len().to_string());
        }
        let mut url = Url::parse("https://kefu.example.com").unwrap();
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        let mut context = json!({
            "accountId": "000000000000", "apiId": "a1b2c3d4e5", "domainName": HOST, "domainPrefix": "kefu",
            "http": {
                "method": self.method, "path": self.path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": self.agent,
            },
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": route, "stage": "$default",
            "time": "02/Mar/2026:08:00:00 +0000", "timeEpoch": BEGINNING * 1000,
        });
        if let Some(lambda) = self.lambda {
            context["authorizer"] = json!({ "lambda": lambda });
        }
        let mut event = json!({
            "version": "2.0", "routeKey": route, "rawPath": self.path, "rawQueryString": url.query().unwrap_or_default(),
            "headers": headers, "requestContext": context, "isBase64Encoded": false,
        });
        let texts = |pairs: &mut dyn Iterator<Item = (String, String)>| -> Map<String, Value> {
            pairs.map(|(name, value)| (name, json!(value))).collect()
        };
        if !self.query.is_empty() {
            event["queryStringParameters"] = json!(texts(&mut self.query.into_iter()));
        }
        let mut parameters = self.parameters.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        event["pathParameters"] = json!(texts(&mut parameters));
        if let Some(body) = self.body {
            event["body"] = json!(body);
        }
        event
    }
}
