//! Requests of the workbench and of integrators.

use serde_json::{Value, json};

use super::request::Request;
use super::{APP, OPENID, SESSION_FROM, WECHAT};

fn admin() -> Value {
    json!({ "role": "admin", "token_id": "admin", "name": "" })
}

fn agent() -> Value {
    json!({ "role": "agent", "token_id": "0123456789abcdef0123456789abcdef", "name": "小王" })
}

/// A request to `desk-api` with the authorizer's context of `caller`.
fn call(caller: &Value, method: &'static str, path: &str, body: Option<Value>) -> Value {
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
}

/// All samples of `desk-api`.
pub(super) fn api(cid: &str) -> Vec<(&'static str, Value)> {
    let mut samples = conversations(cid);
    samples.extend(settings());
    samples.extend(tokens());
    samples.extend(audit());
    samples
}

/// Visitors, conversations and the agent's own status.
fn conversations(cid: &str) -> Vec<(&'static str, Value)> {
    let binding = format!("bindings/{APP}");
    let conversation = format!("conversations/{cid}");
    let messages = format!("{conversation}/messages");
    let say = |kind: &str, content: Value| json!({ "type": kind, kind: content });
    let link = json!({ "title": "订单", "description": "您的订单", "url": "https://shop.example/orders/7", "thumb_url": "https://shop.example/7.png" });
    vec![
        ("desk-api/visitor-messages", call(&admin(), "GET", &format!("{binding}/visitors/{OPENID}/messages"), None)),
        ("desk-api/list-conversations", call(&agent(), "GET", "conversations", None)),
        ("desk-api/read-conversation", call(&agent(), "GET", &conversation, None)),
        ("desk-api/list-messages", call(&agent(), "GET", &messages, None)),
        (
            "desk-api/say-text",
            call(&agent(), "POST", &messages, Some(say("text", json!({ "content": "您好，我是小王" })))),
        ),
        ("desk-api/message-media", call(&agent(), "GET", &format!("{messages}/1772438400-m1/media"), None)),
        ("desk-api/say-link", call(&agent(), "POST", &messages, Some(say("link", link)))),
        ("desk-api/me", call(&agent(), "GET", "me", None)),
        ("desk-api/come-online", call(&agent(), "PUT", "agents/me/status", Some(json!({ "status": "online" })))),
        ("desk-api/heartbeat", call(&agent(), "POST", "agents/me/heartbeat", None)),
        ("desk-api/claim", call(&agent(), "POST", &format!("{conversation}/claim"), Some(json!({})))),
        ("desk-api/accept", call(&agent(), "POST", &format!("{conversation}/accept"), None)),
        ("desk-api/list-events", call(&agent(), "GET", &format!("{conversation}/events"), None)),
        ("desk-api/read-visitor", call(&admin(), "GET", &format!("{binding}/visitors/{OPENID}"), None)),
        ("desk-api/typing", call(&agent(), "POST", &format!("{conversation}/typing"), Some(json!({ "typing": true })))),
        ("desk-api/close-conversation", call(&agent(), "POST", &format!("{conversation}/close"), None)),
    ]
}

/// The audit log, the block, the export and the erasure of a visitor.
fn audit() -> Vec<(&'static str, Value)> {
    let visitor = format!("bindings/{APP}/visitors/{OPENID}");
    vec![
        ("desk-api/list-audit", call(&admin(), "GET", "audit", None)),
        (
            "desk-api/block-visitor",
            call(&admin(), "PATCH", &visitor, Some(json!({ "blocked": { "until": null, "reason": "辱骂客服" } }))),
        ),
        (
            "desk-api/note-visitor",
            call(&agent(), "POST", &format!("{visitor}/notes"), Some(json!({ "text": "三次要求退款" }))),
        ),
        ("desk-api/export-visitor", call(&admin(), "GET", &format!("{visitor}/export"), None)),
        ("desk-api/erase-visitor", call(&admin(), "DELETE", &visitor, None)),
    ]
}

/// Bindings, settings, tokens and routing.
fn settings() -> Vec<(&'static str, Value)> {
    let binding = format!("bindings/{APP}");
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
    let frames = json!({ "items": [{ "name": "订单", "url": "https://shop.example/orders" }] });
    let greeting =
        json!({ "scope": "all", "title": "问候", "shortcut": "hi", "content": "您好{visitor}，我是{agent}。" });
    let levels = json!([{ "action_type": "to_group", "deci_id": "e8b6a1c0", "option_id": "3", "spill_id": "7" }]);
    let fields = json!({ "nickname": "小王", "partnerid": "member-7", "transfer_action": levels });
    vec![
        ("desk-api/openapi", call(&agent(), "GET", "openapi.json", None)),
        ("desk-api/create-binding", call(&admin(), "POST", "bindings", Some(create))),
        ("desk-api/list-bindings", call(&admin(), "GET", "bindings", None)),
        ("desk-api/agent-lists-bindings", call(&agent(), "GET", "bindings", None)),
        ("desk-api/read-binding", call(&admin(), "GET", &binding, None)),
        (
            "desk-api/change-binding",
            call(&admin(), "PATCH", &binding, Some(json!({ "name": "改了名", "auto_reply": null }))),
        ),
        ("desk-api/binding-health", call(&admin(), "GET", &format!("{binding}/health"), None)),
        (
            "desk-api/create-agent",
            call(&admin(), "POST", "agents", Some(json!({ "name": "小李", "capacity": 5, "aliases": ["8a3f2e51"] }))),
        ),
        (
            "desk-api/create-group",
            call(
                &admin(),
                "POST",
                "groups",
                Some(json!({ "name": "售后", "aliases": ["e8b6a1c0"], "after_hours": "queue" })),
            ),
        ),
        ("desk-api/list-groups", call(&admin(), "GET", "groups", None)),
        ("desk-api/create-calendar", call(&admin(), "POST", "calendars", Some(calendar))),
        ("desk-api/create-robot", call(&admin(), "POST", "robots", Some(json!({ "name": "小助手", "kind": "faq" })))),
        ("desk-api/change-reception", call(&admin(), "PATCH", &binding, Some(reception))),
        ("desk-api/replace-frames", call(&admin(), "PUT", "frames", Some(frames))),
        ("desk-api/list-frames", call(&agent(), "GET", "frames", None)),
        ("desk-api/create-quick-reply", call(&admin(), "POST", "quick-replies", Some(greeting))),
        ("desk-api/list-quick-replies", call(&agent(), "GET", "quick-replies", None)),
        ("desk-api/simulate", call(&agent(), "POST", "routing/simulate", Some(simulation))),
        ("desk-api/build-session-from", call(&agent(), "POST", "session-from/build", Some(fields))),
        (
            "desk-api/parse-session-from",
            call(&agent(), "POST", "session-from/parse", Some(json!({ "text": SESSION_FROM }))),
        ),
        ("desk-api/delete-binding", call(&admin(), "DELETE", "bindings/wx00000000000000b2", None)),
    ]
}

/// Access tokens, signing in and sessions.
fn tokens() -> Vec<(&'static str, Value)> {
    vec![
        (
            "desk-api/create-access-token",
            call(&admin(), "POST", "access-tokens", Some(json!({ "role": "agent", "name": "小王" }))),
        ),
        ("desk-api/list-access-tokens", call(&admin(), "GET", "access-tokens", None)),
        ("desk-api/create-sign-in-code", call(&admin(), "POST", "access-tokens/bootstrap/sign-in-code", None)),
        ("desk-api/sign-in", sign_in()),
        ("desk-api/create-realtime-ticket", call(&agent(), "POST", "realtime/ticket", None)),
        ("desk-api/list-sessions", call(&agent(), "GET", "sessions", None)),
    ]
}

/// A browser that signs in, without a token.
fn sign_in() -> Value {
    let body = json!({ "code": "0000000000000000000000000000000000000000000" });
    let request = Request {
        method: "POST",
        route: "/api/sign-in",
        path: "/api/sign-in".to_owned(),
        parameters: Vec::new(),
        query: Vec::new(),
        content_type: Some("application/json".to_owned()),
        body: Some(body.to_string()),
        agent: "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0",
        lambda: None,
    };
    request.event()
}

pub(super) fn card(cid: &str) -> Value {
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

/// The authorizer event of a request with this header.
pub(super) fn authorizer(header: &str) -> Value {
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
