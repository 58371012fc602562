//! A refused body names the field, not the position in the text.

use reqwest::Method;
use serde_json::json;

use crate::open_conversation::{fields, problem};
use crate::service_desk::APP;
use crate::support::{ADMIN, World};

/// The answer to a raw body: status, code and detail.
async fn refusal_of(world: &World, path: &str, body: &'static str) -> (u64, String, String) {
    let answer = world.request(Some(ADMIN), Method::POST, path, None).body(body).send().await;
    (answer.body["status"].as_u64().unwrap(), answer.text("code"), answer.raw)
}

#[tokio::test]
async fn refusal_does_not_mention_line_and_column() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let cards = world.open_conversation(&binding, "o-1").await.cards_path();
    for (path, body, expected) in [
        ("/api/groups", "{\"name\":", 400),
        ("/api/groups", "name=x", 400),
        ("/api/groups", "{\"name\": \"组\",\n \"max_queue\": }", 400),
        ("/api/access-tokens", "{\"role\": \"agent\",\n \"name\": 5}", 422),
        ("/api/access-tokens", "{\"role\": \"owner\", \"name\": \"x\"}", 422),
        ("/api/access-tokens", "{\"role\": 5, \"name\": \"x\"}", 422),
        ("/api/access-tokens", "{}", 422),
        ("/api/access-tokens", "{} {}", 400),
        (cards.as_str(), "{\"msgType\": \"x\"}", 422),
        (&cards, "{\"msgType\": }", 400),
        ("/api/session-from/build", "{\"transfer_action\": [{\"option_id\": []}]}", 422),
    ] {
        let (status, code, words) = refusal_of(&world, path, body).await;
        assert_eq!(status, expected, "{body}: {words}");
        assert_eq!(code, if expected == 400 { "malformed" } else { "invalid" }, "{body}");
        assert!(!words.contains(" line ") && !words.contains("column"), "{body}: {words}");
    }
}

#[tokio::test]
async fn missing_field_is_named() {
    let world = World::start().await;
    let robot = world.faq_robot(&[]).await;
    let questions = format!("/api/robots/{robot}/questions");
    let group = world.group(&[]).await;
    for (method, path, body, field) in [
        (Method::POST, "/api/groups", json!({}), "name"),
        (Method::POST, "/api/robots", json!({ "name": "x" }), "kind"),
        (
            Method::POST,
            "/api/robots",
            json!({ "name": "x", "kind": "chat", "base_url": "https://a.example/" }),
            "model",
        ),
        (Method::POST, "/api/robots", json!({ "kind": "faq" }), "name"),
        (Method::POST, "/api/merchants", json!({ "name": "x", "group_id": group }), "customer_code"),
        (
            Method::POST,
            "/api/calendars",
            json!({ "name": "x", "weekly": [{ "days": ["mon"], "from": "09:00" }] }),
            "weekly[0].to",
        ),
        (Method::PATCH, &format!("/api/groups/{group}"), json!({ "name": null }), "name"),
        (Method::POST, &questions, json!({ "title": "问" }), "answer"),
        (
            Method::PUT,
            &questions,
            json!({ "questions": [{ "title": "问", "answer": "答" }, { "title": "问" }] }),
            "questions[1].answer",
        ),
        (Method::PUT, &questions, json!({}), "questions"),
        (Method::POST, "/api/routing/simulate", json!({}), "app_id"),
        (Method::POST, "/api/bindings", json!({ "name": "x", "app_id": "wx0000000000000001" }), "app_secret"),
        (
            Method::POST,
            "/api/session-from/build",
            json!({ "partnerid": "u", "signature": { "ts": 1 } }),
            "signature.sig",
        ),
        (Method::POST, "/api/access-tokens", json!({ "role": "agent" }), "name"),
    ] {
        let answer = world.call(Some(ADMIN), method.clone(), path, Some(&body)).await;
        assert_eq!(problem(&answer), (422, "invalid", None), "{method} {path} {body}");
        assert_eq!(fields(&answer), [field], "{method} {path} {body}");
        assert_eq!(answer.body["errors"][0]["detail"], "is missing", "{}", answer.raw);
        assert_eq!(answer.text("detail"), format!("{field}: is missing"));
    }
}

#[tokio::test]
async fn body_that_is_not_an_object_is_refused() {
    let world = World::start().await;
    let robot = world.faq_robot(&[]).await;
    // Serde reads a struct from an array of its fields, too.
    for (path, body) in [
        ("/api/access-tokens", json!(["admin", "x", null, null, null, null, null])),
        ("/api/groups", json!(["售前"])),
        ("/api/agents", json!(["小林"])),
        ("/api/calendars", json!([])),
        (&format!("/api/robots/{robot}/questions"), json!([null, "怎么退款", [], "在订单页申请。", false])),
        ("/api/session-from/parse", json!(["sobot||"])),
        ("/api/robots", json!("faq")),
    ] {
        let answer = world.call(Some(ADMIN), Method::POST, path, Some(&body)).await;
        assert_eq!(problem(&answer), (422, "invalid", None), "{path} {body}");
        assert_eq!(fields(&answer), ["body"], "{path}");
    }
}
