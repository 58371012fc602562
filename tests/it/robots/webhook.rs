//! A `webhook` robot: the customer's own system, called with a signed request (Standard Webhooks).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::open_conversation::{fields, problem};
use crate::service_desk::{FALLBACK, ServiceDesk};
use crate::support::{StubServer, World};

const SECRET: &str = "whsec_a2VmdS10ZXN0LXNlY3JldC1vZi0zMi1ieXRlcy0wMDAx";

/// Verifies a request as the Standard Webhooks specification asks.
fn assert_signed(secret: &str, id: &str, timestamp: &str, body: &[u8], signatures: &str) -> bool {
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    let expected = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    signatures.split(' ').any(|signature| signature == expected)
}

async fn desk(world: &World, own: &StubServer, ai_generated: bool) -> ServiceDesk {
    let robot = json!({
        "name": "自研", "kind": "webhook", "url": format!("{}/robot", own.url), "secret": SECRET, "fallback": FALLBACK,
        "ai_generated": ai_generated,
    });
    let robot = world.create("robots", &robot).await;
    world.service_desk_with(&robot, 5, json!({ "mode": "robot_first", "handover": { "after_misses": 0 } })).await
}

#[tokio::test]
async fn webhook_request_is_signed_and_its_answer_is_sent() {
    let world = World::start().await;
    let own = StubServer::start().await;
    let desk = desk(&world, &own, false).await;
    let visitor = desk.visitor(&world, "o-1");
    own.respond_json(&json!({ "text": "您好，请报订单号。" }));
    visitor.writes("我的订单呢").await;
    own.respond_json(&json!({ "text": "在路上。" }));
    visitor.writes("A-1001").await;
    assert_eq!(visitor.received_texts().await, ["您好，请报订单号。", "在路上。"]);
    assert!(visitor.received().await.iter().all(|item| item.get("is_ai_msg").is_none()));

    let conversation = visitor.conversation().await;
    let asked = own.requests();
    assert_eq!(asked.len(), 2);
    let mut ids = Vec::new();
    for request in &asked {
        assert_eq!((request.path.as_str(), request.header("content-type")), ("/robot", "application/json"));
        let [id, timestamp, signatures] =
            ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| request.header(name));
        assert!(assert_signed(SECRET, id, timestamp, &request.body, signatures), "{signatures}");
        assert!(!assert_signed(SECRET, id, timestamp, b"{}", signatures));
        let age = world.now().as_second() - timestamp.parse::<i64>().unwrap();
        assert!((0..=300).contains(&age), "{age}");
        ids.push(id.to_owned());
        let data = &request.json()["data"];
        assert_eq!(
            (&data["app_id"], &data["cid"], &data["uid"]),
            (&json!(visitor.app_id), &conversation["cid"], &conversation["uid"])
        );
    }
    assert_ne!(ids[0], ids[1]);
    let data = asked[1].json()["data"].clone();
    assert_eq!(data["text"], "A-1001");
    let history = json!([
        { "from": "visitor", "text": "我的订单呢" },
        { "from": "desk", "text": "您好，请报订单号。" },
    ]);
    assert_eq!(data["history"], history);
}

#[tokio::test]
async fn ai_generated_answer_is_labelled_and_empty_answer_is_the_fallback() {
    let world = World::start().await;
    let own = StubServer::start().await;
    let desk = desk(&world, &own, true).await;
    let visitor = desk.visitor(&world, "o-1");
    own.respond_json(&json!({ "text": "由模型写成。" }));
    visitor.writes("在吗").await;
    own.respond(204, "");
    visitor.writes("还在吗").await;
    own.respond_json(&json!({ "text": " " }));
    visitor.writes("喂").await;
    own.respond_json(&json!({ "hello": "world" }));
    visitor.writes("喂喂").await;
    assert_eq!(visitor.received_texts().await, ["由模型写成。", FALLBACK, FALLBACK, FALLBACK]);
    let labelled: Vec<bool> = visitor.received().await.iter().map(|item| item.get("is_ai_msg").is_some()).collect();
    assert_eq!(labelled, [true, false, false, false]);
}

#[tokio::test]
async fn missing_webhook_secret_is_generated_and_shown_once() {
    let world = World::start().await;
    let own = StubServer::start().await;
    let robot = json!({ "name": "自研", "kind": "webhook", "url": own.url });
    let made = world.post("/api/robots", &robot).await.expect(201);
    let secret = made.text("secret");
    assert!(secret.starts_with("whsec_"), "{secret}");
    let id = made.text("id");
    assert!(!world.get(&format!("/api/robots/{id}")).await.expect(200).raw.contains(&secret));
    let desk = world.service_desk_with(&id, 5, json!({ "mode": "robot_first" })).await;
    own.respond_json(&json!({ "text": "在。" }));
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    assert_eq!(visitor.received_texts().await, ["在。"]);
    let request = &own.requests()[0];
    let header = |name: &str| request.header(name).to_owned();
    assert!(assert_signed(
        &secret,
        &header("webhook-id"),
        &header("webhook-timestamp"),
        &request.body,
        &header("webhook-signature")
    ));

    let wrong = json!({ "name": "自研", "kind": "webhook", "url": own.url, "secret": "whsec_short" });
    let refused = world.post("/api/robots", &wrong).await;
    assert_eq!((problem(&refused).0, fields(&refused)), (422, vec!["secret"]));
}
