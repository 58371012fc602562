//! Rotations of the stack's secret.

use base64::Engine as _;
use serde_json::{Value, json};

use crate::service_desk::SHIPPING;
use crate::support::{Binding, StubServer, World, grounded_answer};

const SECRET: &str = "MasterSecret";

/// The check `vault` of a binding's health.
async fn vault_check(world: &World, binding: &Binding) -> (bool, String) {
    let health = world.get(&format!("/api/bindings/{}/health", binding.app_id)).await.expect(200);
    let checks = health.body["checks"].as_array().unwrap().clone();
    let check = checks.into_iter().find(|check| check["name"] == "vault").unwrap();
    (check["ok"].as_bool().unwrap(), check["detail"].as_str().unwrap().to_owned())
}

/// A visitor's message arrives, and the reply is sent: the push credentials, the AppSecret and the token open.
async fn works(world: &World, binding: &Binding, text: &str) {
    world.bundle.end_environments().await;
    let visitor = world.visitor(binding, "o-rotation");
    visitor.writes(text).await;
    visitor.agent_replies(text).await.expect(201);
    assert_eq!(visitor.received_texts().await.last().map(String::as_str), Some(text));
}

/// Seals everything again.
async fn seal_again(world: &World) {
    world.run_minutes(33).await;
}

#[tokio::test]
async fn two_rotations_in_a_row_lose_nothing() {
    let world = World::start().await;
    let binding = world.bind("wx0000000000005ec3").await;
    works(&world, &binding, "before").await;
    assert!(vault_check(&world, &binding).await.1.contains("current version"));
    // A warm function still has the first version and seals under it.
    for _ in 0..2 {
        world.bundle.rotate_secret(SECRET).unwrap();
    }
    let path = format!("/api/bindings/{}", binding.app_id);
    world.patch(&path, &json!({ "app_secret": "0123456789abcdef0123456789abcdef" })).await.expect(200);
    works(&world, &binding, "rotated twice").await;
    let (ok, detail) = vault_check(&world, &binding).await;
    assert!(ok && detail.contains("older version"), "{detail}");

    seal_again(&world).await;
    assert!(vault_check(&world, &binding).await.1.contains("current version"));
    world.bundle.forget_secret_versions(SECRET).unwrap();
    // The first versions are gone, and a rotation moves the label from the version before.
    world.bundle.rotate_secret(SECRET).unwrap();
    works(&world, &binding, "sealed again").await;
}

#[tokio::test]
async fn robot_answers_when_the_version_that_sealed_its_key_is_gone() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = crate::robots::chat::desk(&world, &model.url, json!({})).await;
    world.bundle.rotate_secret(SECRET).unwrap();
    seal_again(&world).await;
    world.bundle.rotate_secret(SECRET).unwrap();
    world.bundle.forget_secret_versions(SECRET).unwrap();
    world.bundle.end_environments().await;
    model.respond_json(&grounded_answer("亲，付款后48小时内就发出啦。", &[1]));
    desk.visitor(&world, "o-1").writes(SHIPPING).await;
    assert_eq!(model.requests()[0].header("authorization"), "Bearer sk-test-key");
}

#[tokio::test]
async fn health_names_credentials_that_no_version_opens() {
    let world = World::start().await;
    let binding = world.bind("wx0000000000005ec5").await;
    for _ in 0..2 {
        world.bundle.rotate_secret(SECRET).unwrap();
    }
    world.bundle.forget_secret_versions(SECRET).unwrap();
    world.bundle.end_environments().await;
    let (ok, detail) = vault_check(&world, &binding).await;
    assert!(!ok && detail.contains("AppSecret, Token, EncodingAESKey, access token"), "{detail}");
}

#[tokio::test]
async fn access_token_that_cannot_be_opened_is_renewed() {
    let world = World::start().await;
    let binding = world.bind("wx0000000000005ec4").await;
    works(&world, &binding, "before").await;
    let mut token = world.items("token").await.remove(0);
    let other: Value = json!({ "B": base64::prelude::BASE64_STANDARD.encode([2; 60]) });
    token["value"] = other;
    world.put_item(&token).await;
    world.reset_wechat_calls().await;
    works(&world, &binding, "renewed").await;
    assert_eq!(world.token_calls().await, 1);
}
