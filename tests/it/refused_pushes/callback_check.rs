//! Invalid checks of the callback URL are refused like pushes.

use serde_json::json;

use super::{APP, assert_refused, flipped};
use crate::support::push::sign;
use crate::support::{Answer, World};

#[tokio::test]
async fn invalid_callback_check_reflects_nothing() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let timestamp = world.now().as_second().to_string();
    let right = sign(&[&binding.token, &timestamp, "1514711492"]);
    let echo = "4375120948345356249";
    let query = |signature, echo| {
        [("signature", signature), ("echostr", echo), ("timestamp", timestamp.as_str()), ("nonce", "1514711492")]
    };
    let silent = |what: &str, answer: &Answer| {
        assert_refused(what, answer);
        let headers: Vec<&str> = answer.headers.values().filter_map(|value| value.to_str().ok()).collect();
        assert!(!headers.join(" ").contains("4375120948345356249"), "{what}");
    };
    let short = &right[..39];
    let upper = right.to_uppercase();
    let wrong = flipped(&right, 3, 0);
    for signature in ["", "0", wrong.as_str(), short, upper.as_str(), "f464b24fc39322e44b38aa78f5edd27bd1441696"] {
        silent(signature, &world.check(&binding.callback_url, &query(signature, echo)).await);
    }
    let elsewhere = binding.callback_url.replace(APP, "wx00000000000000ff");
    silent("not bound", &world.check(&elsewhere, &query(&right, echo)).await);
    silent("no query", &world.check(&binding.callback_url, &[]).await);
    let script = format!("<script>{echo}</script>");
    silent("a script", &world.check(&binding.callback_url, &query(&right, &script)).await);
    silent("no echo", &world.check(&binding.callback_url, &query(&right, "")).await);
    let long = "4375120948345356249".repeat(10);
    silent("an echo that is none", &world.check(&binding.callback_url, &query(&right, &long)).await);
    // The same with another binding's token.
    let second = world.bind("wx00000000000000b2").await;
    let theirs = sign(&[&second.token, &timestamp, "1514711492"]);
    silent("another's", &world.check(&binding.callback_url, &query(&theirs, echo)).await);
    assert_eq!(world.check(&binding.callback_url, &query(&right, echo)).await.raw, echo, "the test itself is wrong");
}

#[tokio::test]
async fn invalid_callback_check_does_not_verify_the_binding() {
    let world = World::start().await;
    let body = json!({ "name": "a", "app_id": APP, "app_secret": "s3cret" });
    let bound = world.post("/api/bindings", &body).await.expect(201);
    let timestamp = world.now().as_second().to_string();
    let wrong = [("signature", "0"), ("echostr", "1"), ("timestamp", timestamp.as_str()), ("nonce", "1")];
    assert_refused("wrong", &world.check(&bound.text("callback_url"), &wrong).await);
    assert_eq!(world.get(&format!("/api/bindings/{APP}")).await.body["status"], "unverified");
}
