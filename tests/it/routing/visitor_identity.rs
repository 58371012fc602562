//! The identity of a visitor: an unverified or a signed `partnerid`.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::session_from::sobot;
use crate::support::{Binding, Visitor, World};

/// Signs a partnerid, implemented independently from the README.
fn sign(secret: &str, partnerid: &str, ts: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("kefu.session-from.v1\n{partnerid}\n{ts}").as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

pub(crate) fn signed(secret: &str, partnerid: &str, ts: i64) -> String {
    sobot(&[("partnerid", json!(partnerid)), ("ts", json!(ts)), ("sig", json!(sign(secret, partnerid, ts)))])
}

/// Creates the secret for signatures of a binding.
pub(crate) async fn secret(world: &World, binding: &Binding) -> String {
    let path = format!("/api/bindings/{}/session-from-secret", binding.app_id);
    world.post(&path, &json!({})).await.expect(201).text("secret")
}

/// The visitor's partnerid and whether it is verified.
async fn partnerid_and_verified(visitor: &Visitor<'_>) -> (Value, Value) {
    let shown = &visitor.conversation().await["visitor"];
    (shown["partnerid"].clone(), shown["partnerid_verified"].clone())
}

#[tokio::test]
async fn partnerid_is_unverified_without_a_valid_signature() {
    let world = World::start().await;
    let binding = world.bind("wx0000000000005403").await;
    let visitor = world.visitor(&binding, "o-1");
    let now = || world.now().as_second();
    visitor.writes("在吗").await;
    assert_eq!(partnerid_and_verified(&visitor).await, (Value::Null, json!(false)));
    visitor.enters(&sobot(&[("partnerid", json!("member-7"))])).await;
    assert_eq!(partnerid_and_verified(&visitor).await, (json!("member-7"), json!(false)));
    // No secret exists yet.
    visitor.enters(&signed("", "member-7", now())).await;
    assert_eq!(partnerid_and_verified(&visitor).await, (json!("member-7"), json!(false)));

    let secret = secret(&world, &binding).await;
    let stale = now() - 24 * 3600 - 60;
    let wrong = sobot(&[
        ("partnerid", json!("member-7")),
        ("ts", json!(now())),
        ("sig", json!(sign(&secret, "member-8", now()))),
    ]);
    for (what, text) in [
        ("a wrong secret", signed("another", "member-7", now())),
        ("another's signature", wrong),
        ("too old", signed(&secret, "member-7", stale)),
        ("from the future", signed(&secret, "member-7", now() + 3600)),
    ] {
        visitor.enters(&text).await;
        assert_eq!(partnerid_and_verified(&visitor).await, (json!("member-7"), json!(false)), "{what}");
        let shown =
            world.get(&format!("/api/bindings/{}/visitors/{}", visitor.app_id, visitor.openid)).await.expect(200);
        let worth = match what {
            "too old" | "from the future" => "stale",
            _ => "bad",
        };
        assert_eq!(shown.body["session_from"]["verification"], worth, "{what}");
    }
    visitor.enters(&signed(&secret, "member-7", now())).await;
    assert_eq!(partnerid_and_verified(&visitor).await, (json!("member-7"), json!(true)));

    // The same partnerid without a signature keeps the verification; another partnerid removes it.
    visitor.enters(&sobot(&[("partnerid", json!("member-7"))])).await;
    assert_eq!(partnerid_and_verified(&visitor).await, (json!("member-7"), json!(true)));
    visitor.enters("").await;
    assert_eq!(partnerid_and_verified(&visitor).await, (json!("member-7"), json!(true)));
    visitor.enters(&sobot(&[("partnerid", json!("member-8"))])).await;
    assert_eq!(partnerid_and_verified(&visitor).await, (json!("member-8"), json!(false)));
}

#[tokio::test]
async fn profile_keeps_names_and_ids_and_replaces_free_fields() {
    let world = World::start().await;
    let binding = world.bind("wx0000000000005406").await;
    let visitor = world.visitor(&binding, "o-1");
    let first = "sobot|小李|https://thirdwx.qlogo.example/0|{\"page\":\"item\",\"item_id\":7}|unionid=u-1|robotid=9\
        |customer_fields={\"ddb35f065d4b44ec870f58b87c1a52db\":\"金卡\"}";
    visitor.enters(first).await;
    visitor.enters("sobot|微信用户||{\"page\":\"cart\"}|partnerid=member-7").await;
    let path = format!("/api/bindings/{}/visitors/o-1", binding.app_id);
    let body = world.get(&path).await.expect(200).body;
    let profile = &body;
    assert_eq!((&profile["nickname"], &profile["avatar"]), (&json!("小李"), &json!("https://thirdwx.qlogo.example/0")));
    assert_eq!((&profile["unionid"], &profile["partnerid"]), (&json!("u-1"), &json!("member-7")));
    assert_eq!((&profile["params"], &profile["customer_fields"]), (&json!({ "page": "cart" }), &json!({})));
    let entered = &body["session_from"];
    assert!(entered["raw"].as_str().unwrap().contains("微信用户"), "the last session-from is stored unchanged: {body}");
    assert_eq!((&entered["at"], &entered["parsed"]["nickname"]), (&json!(world.now()), &Value::Null));
    visitor.writes("在吗").await;
    assert_eq!(visitor.conversation().await["visitor"]["nickname"], "小李");

    // A page without a session-from leaves what an earlier page said; one without free fields has none.
    visitor.enters("").await;
    assert_eq!(world.get(&path).await.body["params"], json!({ "page": "cart" }));
    visitor.enters("sobot|||").await;
    assert_eq!(world.get(&path).await.body["params"], json!({}));
}
