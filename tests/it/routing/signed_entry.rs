//! The signature of version 2 is that of one visitor; version 1 is read and marked.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::session_from::sobot;
use super::visitor_identity::{secret, signed};
use crate::open_conversation::{fields, problem};
use crate::support::{Visitor, World};

/// A `session-from` that is signed for this visitor, implemented independently from the documentation.
pub(crate) fn signed_for(visitor: &Visitor<'_>, secret: &str, partnerid: &str, ts: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let parts = ["kefu.session-from.v2", visitor.app_id, &visitor.openid, partnerid, &ts.to_string()];
    mac.update(parts.join("\n").as_bytes());
    let sig = format!("2.{}", BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
    sobot(&[("partnerid", json!(partnerid)), ("ts", json!(ts)), ("sig", json!(sig))])
}

/// What the API shows of a visitor.
async fn shown(visitor: &Visitor<'_>) -> Value {
    let path = format!("/api/bindings/{}/visitors/{}", visitor.app_id, visitor.openid);
    visitor.world.get(&path).await.expect(200).body
}

/// Verification and version of the last `session-from`; whether the partnerid is verified, and the version of that.
async fn marks(visitor: &Visitor<'_>) -> Value {
    let shown = shown(visitor).await;
    let from = &shown["session_from"];
    assert_eq!(from["parsed"]["signature_version"], from["signature_version"]);
    json!([from["verification"], from["signature_version"], shown["partnerid_verified"], shown["signature_version"]])
}

#[tokio::test]
async fn signature_of_version_2_is_verified_for_its_visitor_only() {
    let world = World::start().await;
    let binding = world.bind("wx0000000000005409").await;
    let secret = secret(&world, &binding).await;
    let (owner, thief) = (world.visitor(&binding, "o-owner"), world.visitor(&binding, "o-thief"));
    let text = signed_for(&owner, &secret, "member-7", world.now().as_second());
    owner.enters(&text).await;
    thief.enters(&text).await;
    assert_eq!(marks(&owner).await, json!(["verified", 2, true, 2]));
    assert_eq!(marks(&thief).await, json!(["bad", 2, false, null]));
    assert_eq!(shown(&thief).await.get("person"), None);
    for (visitor, verification, verified, version) in
        [(&owner, "verified", true, json!(2)), (&thief, "bad", false, Value::Null)]
    {
        visitor.writes("在吗").await;
        let conversation = visitor.conversation().await;
        let said = &conversation["visitor"];
        assert_eq!((&said["partnerid_verified"], &said["signature_version"]), (&json!(verified), &version));
        let created = world.event(conversation["cid"].as_str().unwrap(), "conversation.created").await;
        assert_eq!(created["data"]["verification"], verification, "{created}");
        assert_eq!(created["data"]["signature_version"], 2, "{created}");
    }
    // Nor is it verified in another mini program whose secret is the same.
    let other = world.bind("wx000000000000540a").await;
    let path = format!("/api/bindings/{}/session-from-secret", other.app_id);
    world.post(&path, &json!({ "same_as": binding.app_id })).await.expect(201);
    let elsewhere = world.visitor(&other, "o-owner");
    elsewhere.enters(&text).await;
    assert_eq!(marks(&elsewhere).await, json!(["bad", 2, false, null]));
}

#[tokio::test]
async fn signature_of_version_1_is_verified_and_marked() {
    let world = World::start().await;
    let binding = world.bind("wx000000000000540b").await;
    let secret = secret(&world, &binding).await;
    let visitor = world.visitor(&binding, "o-1");
    let now = world.now().as_second();
    let one = signed(&secret, "member-7", now);
    visitor.enters(&one).await;
    assert_eq!(marks(&visitor).await, json!(["verified", 1, true, 1]));
    // That is what version 2 is for.
    let copied = world.visitor(&binding, "o-copied");
    copied.enters(&one).await;
    assert_eq!(marks(&copied).await, json!(["verified", 1, true, 1]));

    visitor.enters(&signed_for(&visitor, &secret, "member-7", now)).await;
    assert_eq!(marks(&visitor).await, json!(["verified", 2, true, 2]));
    // What version 2 has proved stays proved.
    visitor.enters(&one).await;
    assert_eq!(marks(&visitor).await, json!(["verified", 1, true, 2]));
    visitor.enters(&sobot(&[("partnerid", json!("member-7"))])).await;
    assert_eq!(marks(&visitor).await, json!(["unsigned", null, true, 2]));
    visitor.enters(&signed(&secret, "member-8", now)).await;
    assert_eq!(marks(&visitor).await, json!(["verified", 1, true, 1]));
    visitor.enters(&sobot(&[("partnerid", json!("member-9"))])).await;
    assert_eq!(marks(&visitor).await, json!(["unsigned", null, false, null]));
}

#[tokio::test]
async fn malformed_signature_is_bad() {
    let world = World::start().await;
    let binding = world.bind("wx000000000000540c").await;
    let secret = secret(&world, &binding).await;
    let visitor = world.visitor(&binding, "o-1");
    let now = world.now().as_second();
    let right = signed_for(&visitor, &secret, "member-7", now);
    let (head, mac) = right.split_once("sig=2.").unwrap();
    let mac = &mac[..43];
    for (sig, version) in [
        ("2.".to_owned(), json!(2)),
        (format!("2.{}", &mac[..42]), json!(2)),
        (format!("2.{mac}="), json!(2)),
        (format!("2.+{}", &mac[1..]), json!(2)),
        (format!("3.{mac}"), Value::Null),
        (format!("1.{mac}"), Value::Null),
        (mac.to_owned(), json!(1)),
    ] {
        visitor.enters(&format!("{head}sig={sig}")).await;
        assert_eq!(marks(&visitor).await, json!(["bad", version, false, null]), "{sig}");
        let parsed = world.post("/api/session-from/parse", &json!({ "text": format!("{head}sig={sig}") })).await;
        let parsed = parsed.expect(200).body;
        assert_eq!(parsed["signature_version"], version, "{sig}");
        let codes: Vec<_> = parsed["warnings"].as_array().unwrap().iter().map(|it| it["code"].clone()).collect();
        let expected = if version == 1 { vec![] } else { vec![json!("malformed_signature")] };
        assert_eq!(codes, expected, "{sig}");
    }
    visitor.enters(&right).await;
    assert_eq!(marks(&visitor).await, json!(["verified", 2, true, 2]));
}

#[tokio::test]
async fn built_session_from_is_signed_for_its_visitor() {
    let world = World::start().await;
    let binding = world.bind("wx000000000000540d").await;
    let secret = secret(&world, &binding).await;
    let visitor = world.visitor(&binding, "o-1");
    let app_id = &binding.app_id;
    let ask = async |body: Value| world.post("/api/session-from/build", &body).await;
    let asked = json!({ "partnerid": "会员|7", "sign": { "app_id": app_id, "openid": "o-1" } });
    let built = ask(asked.clone()).await.expect(200);
    assert_eq!((&built.body["signature_version"], &built.body["warnings"]), (&json!(2), &json!([])));
    // Signed with the secret that the server has.
    assert!(
        built
            .text("text")
            .contains(signed_for(&visitor, &secret, "会员|7", world.now().as_second()).split("sig=").nth(1).unwrap())
    );
    visitor.enters(&built.text("text")).await;
    assert_eq!(marks(&visitor).await, json!(["verified", 2, true, 2]));
    let another = world.visitor(&binding, "o-2");
    another.enters(&built.text("text")).await;
    assert_eq!(marks(&another).await, json!(["bad", 2, false, null]));

    let built = ask(json!({ "partnerid": "member-7", "sign": { "app_id": app_id } })).await.expect(200);
    assert_eq!(built.body["signature_version"], 1);
    assert_eq!(built.body["warnings"][0]["code"], "signature_without_openid");
    assert!(built.body["warnings"][0]["detail"].as_str().unwrap().contains("another visitor of the same mini program"));
    another.enters(&built.text("text")).await;
    assert_eq!(marks(&another).await, json!(["verified", 1, true, 1]));
    let unsigned = ask(json!({ "partnerid": "member-7" })).await.expect(200).body;
    assert_eq!((&unsigned["signature_version"], &unsigned["warnings"]), (&Value::Null, &json!([])));

    // Who may not create a secret may not sign with it.
    for role in ["agent", "supervisor"] {
        let token = world.access_token(role).await;
        let answer = world.call(Some(&token), reqwest::Method::POST, "/api/session-from/build", Some(&asked)).await;
        assert_eq!((problem(&answer).0, answer.raw.contains("sig=")), (403, false), "{role}");
        let plain = json!({ "partnerid": "member-7" });
        world.call(Some(&token), reqwest::Method::POST, "/api/session-from/build", Some(&plain)).await.expect(200);
    }
}

#[tokio::test]
async fn build_refuses_what_cannot_be_signed() {
    let world = World::start().await;
    let binding = world.bind("wx000000000000540e").await;
    secret(&world, &binding).await;
    let without = world.bind("wx000000000000540f").await;
    let sign = |app_id: &str| json!({ "app_id": app_id, "openid": "o-1" });
    let own = &binding.app_id;
    for (body, field) in [
        (json!({ "sign": sign(own) }), "partnerid"),
        (json!({ "partnerid": "", "sign": sign(own) }), "partnerid"),
        (json!({ "partnerid": "m", "sign": sign(own), "signature": { "ts": 1, "sig": "abc" } }), "sign"),
        (json!({ "partnerid": "m", "sign": { "app_id": own, "openid": "" } }), "sign.openid"),
        (json!({ "partnerid": "m", "sign": { "app_id": own, "openid": "o\n1" } }), "sign.openid"),
        (json!({ "partnerid": "m", "sign": { "app_id": own, "openid": "o".repeat(129) } }), "sign.openid"),
        (json!({ "partnerid": "m", "sign": { "openid": "o-1" } }), "sign.app_id"),
        (json!({ "partnerid": "m", "sign": sign("wx00000000000000ff") }), "sign.app_id"),
        (json!({ "partnerid": "m", "sign": sign("nonsense") }), "sign.app_id"),
        (json!({ "partnerid": "m", "sign": sign(&without.app_id) }), "sign.app_id"),
        (json!({ "partnerid": "m", "signature": { "ts": 1, "sig": "2.abc" } }), "signature"),
        (json!({ "partnerid": "m", "signature": { "ts": 1, "sig": "3.abc" } }), "signature"),
    ] {
        let answer = world.post("/api/session-from/build", &body).await;
        assert_eq!((problem(&answer).0, fields(&answer)), (422, vec![field]), "{body}: {}", answer.raw);
    }
}
