//! Refused bindings.

use reqwest::Method;
use serde_json::json;

use super::{APP, SECRET, asked, assert_nothing_stored};
use crate::open_conversation::{fields, problem};
use crate::support::{ADMIN, Answer, World};

#[tokio::test]
async fn refused_credentials_are_not_stored_and_the_reason_is_returned() {
    let world = World::start().await;
    let registered = json!({ "app_id": APP, "app_secret": SECRET });
    world.sim_post("/sim/mini-programs", &registered).await.expect(200);
    let lever = format!("/sim/mini-programs/{APP}");

    let mut wrong = asked(APP);
    wrong["app_secret"] = json!("wrong0123456789abcdef0123456789a");
    let refused = world.post("/api/bindings", &wrong).await;
    assert_eq!(problem(&refused), (422, "wechat.credentials_refused", Some(40125)));
    assert!(refused.text("detail").contains("AppSecret"), "{}", refused.raw);

    world.sim_call(Method::PATCH, &lever, &json!({ "whitelist": ["203.0.113.9"] })).await.expect(200);
    let refused = world.post("/api/bindings", &asked(APP)).await;
    assert_eq!(problem(&refused), (422, "wechat.ip_not_whitelisted", Some(40164)));
    assert!(refused.text("detail").contains("whitelist"), "{}", refused.raw);

    world.sim_call(Method::PATCH, &lever, &json!({ "whitelist": null, "frozen": true })).await.expect(200);
    let refused = world.post("/api/bindings", &asked(APP)).await;
    assert_eq!(problem(&refused), (422, "wechat.credentials_refused", Some(40243)));
    assert!(refused.text("detail").contains("frozen"), "{}", refused.raw);

    world.sim_settings(&json!({ "strict": true })).await;
    let refused = world.post("/api/bindings", &asked("wx0000000000000b09")).await;
    assert_eq!(problem(&refused), (422, "wechat.credentials_refused", Some(40013)));
    assert!(refused.text("detail").contains("AppID"), "{}", refused.raw);

    assert_nothing_stored(&world).await;
    world.sim_call(Method::PATCH, &lever, &json!({ "frozen": false })).await.expect(200);
    world.post("/api/bindings", &asked(APP)).await.expect(201);
}

#[tokio::test]
async fn nothing_is_stored_when_wechat_is_unavailable() {
    let world = World::start().await;
    for (mut fault, code, errcode) in [
        (json!({ "errcode": -1 }), "wechat.busy", Some(-1)),
        (json!({ "html": true }), "wechat.answer_unreadable", None),
        (json!({ "html": true, "status": 200 }), "wechat.answer_unreadable", None),
        (json!({ "body": "{\"expires_in\":7200}" }), "wechat.answer_unreadable", None),
        (json!({ "break_off": "before" }), "wechat.broken_off", None),
        (json!({ "break_off": "after" }), "wechat.broken_off", None),
        (json!({ "wait_ms": 5500 }), "wechat.timed_out", None),
    ] {
        fault["path"] = json!("/cgi-bin/stable_token");
        world.sim_fault(&fault).await;
        let answer = world.post("/api/bindings", &asked(APP)).await;
        assert_eq!(problem(&answer), (502, code, errcode), "{fault}");
        assert_nothing_stored(&world).await;
    }
    world.post("/api/bindings", &asked(APP)).await.expect(201);
}

#[tokio::test]
async fn all_invalid_fields_are_named_at_once() {
    let world = World::start().await;
    let all = json!({
        "name": " ", "app_id": "wx12345", "app_secret": "with blank", "token": "a-b", "encoding_aes_key": "short",
        "auto_reply": "长".repeat(683),
    });
    let answer = world.post("/api/bindings", &all).await;
    assert_eq!(problem(&answer), (422, "invalid", None));
    assert_eq!(fields(&answer), ["app_id", "name", "app_secret", "token", "encoding_aes_key", "auto_reply"]);

    for (field, wrong) in [
        ("app_id", json!("")),
        ("app_id", json!("WX0000000000000b01")),
        ("app_id", json!("wx0000000000000b0")),
        ("app_id", json!("wx0000000000000b011")),
        ("app_id", json!("wx0000000000000g01")),
        ("name", json!("名".repeat(61))),
        ("name", json!("a\nb")),
        ("app_secret", json!("")),
        ("app_secret", json!("x".repeat(129))),
        ("token", json!("ab")),
        ("token", json!("x".repeat(33))),
        ("encoding_aes_key", json!("x".repeat(42))),
        ("encoding_aes_key", json!("x".repeat(44))),
        ("encoding_aes_key", json!(format!("{}=", "x".repeat(42)))),
        ("auto_reply", json!("x".repeat(2049))),
    ] {
        let mut body = asked(APP);
        body[field] = wrong;
        let answer = world.post("/api/bindings", &body).await.expect(422);
        assert_eq!(fields(&answer), [field], "{}", answer.raw);
    }
    assert_eq!(world.token_calls().await, 0, "WeChat is not asked about what cannot be right");
    assert_nothing_stored(&world).await;
}

async fn raw(world: &World, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    world.request(Some(ADMIN), method, path, None).body(body).send().await
}

#[tokio::test]
async fn malformed_body_is_refused() {
    let world = World::start().await;
    for malformed in ["", "{", "name=x", "{\"name\":\"x\",}", "\u{feff}{}", "{\"name\":\"\\ud800\"}"] {
        let answer = raw(&world, Method::POST, "/api/bindings", malformed).await;
        assert_eq!(problem(&answer).0, 400, "{malformed}: {}", answer.raw);
        assert_eq!(problem(&answer).1, "malformed", "{malformed}");
    }
    assert_eq!(problem(&raw(&world, Method::POST, "/api/bindings", b"{\"name\":\"\xff\"}".to_vec()).await).0, 400);
    let twice = format!("{} {{}}", asked(APP));
    assert_eq!(problem(&raw(&world, Method::POST, "/api/bindings", twice).await).1, "malformed");
    for other in ["null", "\"text\"", "5", "{\"name\":5}"] {
        assert_eq!(raw(&world, Method::POST, "/api/bindings", other).await.status, 422, "{other}");
    }

    let mut unknown = asked(APP);
    unknown["appsecret"] = json!("planted");
    let answer = world.post("/api/bindings", &unknown).await;
    assert_eq!(problem(&answer), (422, "invalid", None));
    assert_eq!(fields(&answer), ["appsecret"]);
    assert!(!answer.raw.contains("planted"), "{}", answer.raw);

    for planted in [json!(["planted4711"]), json!({ "planted4711": 1 }), json!(47_114_711), json!(true)] {
        let mut wrong_type = asked(APP);
        wrong_type["token"] = planted.clone();
        let answer = world.post("/api/bindings", &wrong_type).await.expect(422);
        assert_eq!(fields(&answer), ["token"], "{planted}");
        assert!(!answer.raw.contains("4711"), "{}", answer.raw);
    }
    assert_nothing_stored(&world).await;
}

#[tokio::test]
async fn body_over_64_kib_is_refused() {
    let world = World::start().await;
    let body = |length: usize| {
        let mut text = asked(APP).to_string();
        text.push_str(&" ".repeat(length - text.len()));
        text
    };
    let answer = raw(&world, Method::POST, "/api/bindings", body(64 * 1024 + 1)).await;
    assert_eq!(problem(&answer), (413, "too_large", None));
    assert_nothing_stored(&world).await;
    raw(&world, Method::POST, "/api/bindings", body(64 * 1024)).await.expect(201);
}
