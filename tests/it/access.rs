//! Who may call `/api`, and what they may do there.

mod acting;
pub(crate) mod fields;
mod routes;
mod tokens;
mod visibility;

use reqwest::Method;
use serde_json::{Value, json};
use store::token_hash;

use crate::open_conversation::{fields, problem, text};
use crate::support::{ADMIN, World};

const APP: &str = "wx0000000000000ac1";

/// What only admins do.
fn for_admins() -> Vec<(Method, String, Option<Value>)> {
    let binding = format!("/api/bindings/{APP}");
    let token = json!({ "role": "admin", "name": "我" });
    vec![
        (Method::GET, "/api/bindings".into(), None),
        (Method::POST, "/api/bindings".into(), Some(json!({ "name": "x" }))),
        (Method::GET, binding.clone(), None),
        (Method::PATCH, binding.clone(), Some(json!({ "name": "x" }))),
        (Method::DELETE, binding.clone(), None),
        (Method::GET, format!("{binding}/health"), None),
        (Method::GET, format!("{binding}/visitors/o-1/messages"), None),
        (Method::GET, "/api/access-tokens".into(), None),
        (Method::POST, "/api/access-tokens".into(), Some(token)),
        (Method::DELETE, "/api/access-tokens/00000000000000000000000000000000".into(), None),
        (Method::POST, format!("{binding}/session-from-secret"), None),
        (Method::POST, "/api/groups".into(), Some(json!({ "name": "组" }))),
        (Method::GET, "/api/calendars".into(), None),
        (Method::POST, "/api/agents".into(), Some(json!({ "name": "小王" }))),
        (Method::PATCH, "/api/agents/a000000000000".into(), Some(json!({ "capacity": 100 }))),
        (Method::DELETE, "/api/agents/a000000000000".into(), None),
        (Method::POST, "/api/merchants".into(), Some(json!({ "name": "店", "customer_code": "1", "group_id": "g" }))),
        (Method::POST, "/api/calendars".into(), Some(json!({ "name": "上班" }))),
        (Method::POST, "/api/robots".into(), Some(json!({ "name": "小助", "kind": "faq" }))),
        (Method::GET, "/api/robots/r000000000000".into(), None),
        (Method::PUT, "/api/robots/r000000000000/questions".into(), Some(json!({ "questions": [] }))),
        (Method::PATCH, "/api/robots/r000000000000/questions/q".into(), Some(json!({ "answer": "x" }))),
        (Method::POST, "/api/robots/r000000000000/try".into(), Some(json!({ "text": "x" }))),
    ]
}

#[tokio::test]
async fn request_without_a_token_is_refused_everywhere() {
    let world = World::start().await;
    let mut calls = for_admins();
    for path in ["/api/conversations", "/api/conversations/c1", "/api/openapi.json", "/api/nothing"] {
        calls.push((Method::GET, path.into(), None));
    }
    for path in ["messages", "cards", "typing", "close", "claim", "accept", "transfer"] {
        calls.push((Method::POST, format!("/api/conversations/c1/{path}"), Some(json!({}))));
    }
    for (method, path, body) in &calls {
        let answer = world.call(None, method.clone(), path, body.as_ref()).await;
        assert_eq!(answer.status, 401, "{method} {path}");
        for token in ["unknown", "kefu_0000", &ADMIN[1..], &ADMIN.to_uppercase(), &token_hash(ADMIN)] {
            let answer = world.call(Some(token), method.clone(), path, body.as_ref()).await;
            assert_eq!(answer.status, 403, "{method} {path} with {token}: {}", answer.raw);
        }
    }
    for header in ["Bearer", "Bearer ", ADMIN, "Basic YWRtaW46YWRtaW4=", &format!("Token {ADMIN}")] {
        let request = world.request(None, Method::GET, "/api/bindings", None).header("authorization", header);
        let status = request.send().await.status;
        assert!(matches!(status, 401 | 403), "{header:?}: {status}");
    }
    assert_eq!(world.calls("DeskApi", "GetItem") + world.calls("CardSend", "GetItem"), 0, "no function was asked");
}

#[tokio::test]
async fn an_agent_talks_and_does_not_administer() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let agent = world.access_token("agent").await;
    // The first call records when the token was last used.
    world.call(Some(&agent), Method::GET, "/api/me", None).await.expect(200);
    let before = world.all_items().await;
    for (method, path, body) in for_admins() {
        let answer = world.call(Some(&agent), method.clone(), &path, body.as_ref()).await;
        assert_eq!(problem(&answer), (403, "forbidden", None), "{method} {path}");
    }
    assert_eq!(world.all_items().await, before, "nothing changed");

    for path in ["/api/conversations".to_owned(), format!("/api/conversations/{}", chat.cid), chat.messages_path()] {
        world.call(Some(&agent), Method::GET, &path, None).await.expect(200);
    }
    let media_id = chat.upload_cover(&format!("{}/phone/cover.png", world.bundle.wechat_url())).await;
    let said = world.call(Some(&agent), Method::POST, &chat.messages_path(), Some(&text("您好"))).await.expect(201);
    let writer = world.conversation(&chat.cid).await["assignee"]["agent_id"].clone();
    assert_eq!(said.body["author"], json!({ "role": "agent", "name": "小王", "agent_id": writer }));
    let card = chat.card_with_media_id(&media_id);
    let sent = world.call(Some(&agent), Method::POST, &chat.cards_path(), Some(&card)).await.expect(201);
    assert_eq!(sent.body["author"]["role"], "agent");
    let typing = format!("/api/conversations/{}/typing", chat.cid);
    world.call(Some(&agent), Method::POST, &typing, Some(&json!({ "typing": true }))).await.expect(204);
    let close = format!("/api/conversations/{}/close", chat.cid);
    world.call(Some(&agent), Method::POST, &close, None).await.expect(200);
}

#[tokio::test]
async fn an_admins_token_made_by_the_api_administers() {
    let world = World::start().await;
    let admin = world.access_token("admin").await;
    for path in ["/api/bindings", "/api/access-tokens", "/api/conversations"] {
        world.call(Some(&admin), Method::GET, path, None).await.expect(200);
    }
}

#[tokio::test]
async fn a_token_that_is_taken_away_opens_nothing_from_then_on() {
    let world = World::start().await;
    let made = world.post("/api/access-tokens", &json!({ "role": "agent", "name": " 小王 " })).await.expect(201);
    assert_eq!((&made.body["role"], &made.body["name"]), (&json!("agent"), &json!("小王")));
    let (id, token) = (made.text("id"), made.text("token"));
    let other = world.access_token("agent").await;
    let list = world.get("/api/access-tokens").await.expect(200);
    assert_eq!(list.body["items"].as_array().unwrap().len(), 2);
    assert!(!list.raw.contains(&token) && !list.raw.contains(&token_hash(&token)), "{}", list.raw);

    world.call(Some(&token), Method::GET, "/api/conversations", None).await.expect(200);
    let path = format!("/api/access-tokens/{id}");
    assert_eq!(world.delete(&path).await.expect(204).raw, "");
    world.forget_authorizations();
    world.call(Some(&token), Method::GET, "/api/conversations", None).await.expect(403);
    world.call(Some(&other), Method::GET, "/api/conversations", None).await.expect(200);
    assert_eq!(problem(&world.delete(&path).await), (404, "not_found", None));
}

#[tokio::test]
async fn a_token_needs_a_role_and_a_name() {
    let world = World::start().await;
    for (body, field) in [
        (json!({ "name": "x" }), "role"),
        (json!({ "role": "owner", "name": "x" }), "role"),
        (json!({ "role": "agent" }), "name"),
        (json!({ "role": "agent", "name": " " }), "name"),
        (json!({ "role": "agent", "name": "名".repeat(61) }), "name"),
        (json!({ "role": "agent", "name": "a\u{7}" }), "name"),
        (json!({ "role": "agent", "name": "x", "token": "mine" }), "token"),
    ] {
        let answer = world.post("/api/access-tokens", &body).await;
        assert_eq!((problem(&answer).0, fields(&answer)), (422, vec![field]), "{body}");
    }
    assert_eq!(world.items("access").await, Vec::<Value>::new());
}

#[tokio::test]
async fn tokens_are_kept_as_their_sha_256_alone() {
    let world = World::start().await;
    let (agent, admin) = (world.access_token("agent").await, world.access_token("admin").await);
    let table = json!(world.all_items().await).to_string();
    for token in [&agent, &admin] {
        assert!(token.len() >= 43, "hard to guess: {token}");
        assert!(table.contains(&token_hash(token)), "{table}");
        let secret = token.trim_start_matches("kefu_");
        assert!(!table.contains(secret) && !table.contains(&secret[..16]), "{table}");
    }
    assert!(!table.contains(ADMIN));
    assert_ne!(agent, admin);
}
