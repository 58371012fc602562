//! Frames: pages of the team's own beside a conversation.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    open_conversation::{OpenConversation, problem},
    support::{ADMIN, Answer, World},
};

const APP: &str = "wx00000000000000fa";

async fn replace(world: &World, items: Value) -> Answer {
    world.call(Some(ADMIN), Method::PUT, "/api/frames", Some(&json!({ "items": items }))).await
}

async fn context(world: &World, token: &str, chat: &OpenConversation<'_>, frame: &Value) -> Answer {
    let path = format!("/api/conversations/{}/frame-context", chat.cid);
    world.call(Some(token), Method::POST, &path, Some(&json!({ "frame_id": frame }))).await
}

/// The claims of a token, if it is signed with this key.
fn verified(token: &str, key: &str) -> Option<Value> {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    mac.verify_slice(&BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap()).ok()?;
    let (header, claims) = signed.split_once('.').unwrap();
    let decode = |text: &str| serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
    let header: Value = decode(header);
    assert_eq!(header, json!({ "alg": "HS256", "typ": "JWT" }));
    Some(decode(claims))
}

async fn policy(world: &World) -> String {
    let page = world.client().get(format!("{}/", world.bundle.api_url())).send().await.unwrap();
    page.headers()["content-security-policy"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn frame_is_replaced_with_its_key_and_the_page_allows_its_origin() {
    let world = World::start().await;
    assert!(policy(&world).await.contains("frame-src 'none'; "));
    let orders = json!({ "name": "订单", "url": "https://Shop.example/orders?from=kefu" });
    let local = json!({ "name": "本机", "url": "http://127.0.0.1:8123/" });
    let stored = replace(&world, json!([orders, local])).await.expect(200).body["items"].clone();
    assert_eq!(stored[0]["url"], "https://shop.example/orders?from=kefu");
    assert_eq!(stored[0]["key"].as_str().unwrap().len(), 43);
    assert!(policy(&world).await.contains("frame-src http://127.0.0.1:8123 https://shop.example; "));
    world.bundle.reset_request_counts();
    policy(&world).await;
    assert_eq!(world.calls("Console", "GetItem"), 1);
    let keys = world.items("frame_key").await;
    // The first stays, with another name and its key; the second goes, with its key.
    let kept = json!({ "id": stored[0]["id"], "name": "我的订单", "url": stored[0]["url"] });
    let again = replace(&world, json!([kept])).await.expect(200).body["items"].clone();
    assert_eq!((&again[0]["name"], again[0].get("key")), (&json!("我的订单"), None));
    let left = world.items("frame_key").await;
    assert_eq!((keys.len(), left.len()), (2, 1));
    assert!(keys.contains(&left[0]));
    let listed = world.get("/api/frames").await.expect(200);
    assert_eq!(listed.body["items"], again);
    assert!(!listed.raw.contains("key"), "{}", listed.raw);
    replace(&world, json!([])).await.expect(200);
    assert!(policy(&world).await.contains("frame-src 'none'; "));
    assert_eq!(world.items("frame_key").await, Vec::<Value>::new());
}

#[tokio::test]
async fn context_is_signed_with_the_key_of_its_frame_until_that_is_made_anew() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let agent = world.agent("小王", 5).await;
    let token = world.agent_token(&agent).await;
    let visitor = world.visitor(&binding, "o-1");
    visitor.enter("sobot|partnerid=member-7").await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let items =
        json!([{ "name": "订单", "url": "https://shop.example/a" }, { "name": "库存", "url": "https://b.example/" }]);
    let frames = replace(&world, items).await.expect(200).body["items"].clone();
    let (frame, key) = (&frames[0]["id"], frames[0]["key"].as_str().unwrap());
    let signed = context(&world, &token, &chat, frame).await.expect(201);
    let claims = verified(&signed.text("context"), key).unwrap();
    let now = world.now().as_second();
    let expected = json!({
        "iss": "kefu", "aud": "https://shop.example", "cid": chat.cid, "uid": chat.uid, "app_id": APP, "openid": "o-1",
        "partnerid": "member-7", "partnerid_verified": false, "agent_id": agent, "agent_name": "小王", "iat": now,
        "exp": now + 300,
    });
    assert_eq!(claims, expected);
    assert!(verified(&signed.text("context"), frames[1]["key"].as_str().unwrap()).is_none(), "another frame's key");
    // An admin's token works as no agent.
    let of_admin = context(&world, ADMIN, &chat, frame).await.expect(201);
    assert_eq!(verified(&of_admin.text("context"), key).unwrap().get("agent_id"), None);
    let path = format!("/api/frames/{}/key", frame.as_str().unwrap());
    let fresh = world.post(&path, &json!({})).await.expect(201).text("key");
    let signed = context(&world, &token, &chat, frame).await.expect(201).text("context");
    assert!(verified(&signed, key).is_none() && verified(&signed, &fresh).is_some());
    assert_eq!(problem(&world.post("/api/frames/f000000000000/key", &json!({})).await).0, 404);
}

#[tokio::test]
async fn context_is_given_for_frames_of_the_conversation_and_to_those_who_may_read_it() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let group = world.group(&[]).await;
    world.set_reception(&binding, json!({ "mode": "agents_only", "group_id": group })).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let other = world.create("groups", &json!({ "name": "别组" })).await;
    let url = "https://shop.example/";
    let items = json!([
        { "name": "a", "url": url, "app_ids": [APP], "group_ids": [group, other] },
        { "name": "b", "url": url, "app_ids": ["wx0000000000000001"] },
        { "name": "c", "url": url, "group_ids": [other] },
    ]);
    let frames = replace(&world, items).await.expect(200).body["items"].clone();
    for (place, status) in [(0, 201), (1, 404), (2, 404)] {
        context(&world, ADMIN, &chat, &frames[place]["id"]).await.expect(status);
    }
    context(&world, ADMIN, &chat, &json!("f000000000000")).await.expect(404);
    let stranger = world.agent("外人", 5).await;
    let stranger = world.agent_token(&stranger).await;
    assert_eq!(problem(&context(&world, &stranger, &chat, &frames[0]["id"]).await).0, 404);
    let scopes = json!({ "role": "integrator", "name": "系统", "scopes": ["conversations:read"] });
    let program = world.post("/api/access-tokens", &scopes).await.expect(201).text("token");
    assert_eq!(problem(&context(&world, &program, &chat, &frames[0]["id"]).await).0, 403);
}

#[tokio::test]
async fn wrong_frames_are_refused() {
    let world = World::start().await;
    let own = world.bundle.api_url().clone();
    for (item, field) in [
        (json!({ "name": " ", "url": "https://a.example" }), "name"),
        (json!({ "name": "a".repeat(65), "url": "https://a.example" }), "name"),
        (json!({ "name": "x", "url": "http://a.example" }), "url"),
        (json!({ "name": "x", "url": "javascript:alert(1)" }), "url"),
        (json!({ "name": "x", "url": "https://user:pw@a.example" }), "url"),
        (json!({ "name": "x", "url": own }), "url"),
        (json!({ "name": "x", "url": "https://a.example", "id": "f000000000000" }), "id"),
        (json!({ "name": "x", "url": "https://a.example", "app_ids": ["x"] }), "app_ids[0]"),
        (json!({ "name": "x", "url": "https://a.example", "group_ids": ["g000000000000"] }), "group_ids[0]"),
        (json!({ "name": "x", "url": "https://a.example", "key": "x" }), "key"),
    ] {
        let refused = replace(&world, json!([item])).await;
        let named = refused.body["errors"][0]["field"].as_str().unwrap_or_default().to_owned();
        assert_eq!((refused.status, named), (422, format!("items[0].{field}")), "{}", refused.raw);
    }
    let frame = json!({ "name": "x", "url": "https://a.example" });
    let refused = replace(&world, json!(vec![frame.clone(); 11])).await;
    assert_eq!(refused.body["errors"][0]["field"], "items", "{}", refused.raw);
    let stored = replace(&world, json!(vec![frame; 10])).await.expect(200).body["items"].clone();
    let twice = json!({ "id": stored[0]["id"], "name": "x", "url": "https://a.example" });
    assert_eq!(replace(&world, json!([twice, twice])).await.body["errors"][0]["field"], "items[1].id");
}

#[tokio::test]
async fn keys_of_frames_survive_the_rotation_of_the_secret() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let frames = replace(&world, json!([{ "name": "x", "url": "https://a.example" }])).await.expect(200).body;
    let (frame, key) = (&frames["items"][0]["id"], frames["items"][0]["key"].as_str().unwrap());
    world.bundle.rotate_secret("MasterSecret").unwrap();
    world.run_minutes(33).await;
    world.bundle.rotate_secret("MasterSecret").unwrap();
    world.bundle.forget_secret_versions("MasterSecret").unwrap();
    world.bundle.end_environments().await;
    let signed = context(&world, ADMIN, &chat, frame).await.expect(201).text("context");
    assert!(verified(&signed, key).is_some());
}
