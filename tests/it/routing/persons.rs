//! Which visitors are one person: those with the same `partnerid` that the same signer vouched for.

use serde_json::{Value, json};

use super::session_from::sobot;
use super::signed_entry::signed_for;
use super::visitor_identity::{secret, signed};
use crate::open_conversation::{fields, problem};
use crate::support::{Answer, Binding, Visitor, World};

/// The visitors who are the same person as this one, by openid, sorted.
async fn person(visitor: &Visitor<'_>) -> Vec<String> {
    let path = format!("/api/bindings/{}/visitors/{}", visitor.app_id, visitor.openid);
    let body = visitor.world.get(&path).await.expect(200).body;
    let Some(person) = body.get("person") else { return Vec::new() };
    assert_eq!((&person["partnerid"], &person["signer"]), (&body["partnerid"], &body["partnerid_signer"]));
    let visitors = person["visitors"].as_array().unwrap().iter();
    let mut openids: Vec<String> = visitors.map(|it| it["openid"].as_str().unwrap().to_owned()).collect();
    openids.sort();
    openids
}

async fn set_secret(world: &World, binding: &Binding, body: &Value) -> Answer {
    world.post(&format!("/api/bindings/{}/session-from-secret", binding.app_id), body).await
}

async fn signer(world: &World, binding: &Binding) -> Value {
    world.get(&format!("/api/bindings/{}", binding.app_id)).await.expect(200).body["session_from_signer"].clone()
}

const NO_VISITOR: [&str; 0] = [];

#[tokio::test]
async fn equal_partnerids_of_two_signers_are_two_persons() {
    let world = World::start().await;
    let (here, there) = (world.bind("wx0000000000005404").await, world.bind("wx0000000000005405").await);
    let (ours, theirs) = (secret(&world, &here).await, secret(&world, &there).await);
    assert_ne!(ours, theirs);
    assert_ne!(signer(&world, &here).await, signer(&world, &there).await);
    let now = world.now().as_second();
    let [one, two] = ["o-one", "o-two"].map(|openid| world.visitor(&here, openid));
    let [other, liar] = ["o-other", "o-liar"].map(|openid| world.visitor(&there, openid));
    one.enters(&signed_for(&one, &ours, "42", now)).await;
    two.enters(&signed(&ours, "42", now)).await;
    other.enters(&signed_for(&other, &theirs, "42", now)).await;
    // Neither an unsigned partnerid nor another mini program's secret proves an identity.
    liar.enters(&sobot(&[("partnerid", json!("42"))])).await;
    liar.enters(&signed(&ours, "42", now)).await;
    liar.enters(&signed_for(&liar, &ours, "42", now)).await;
    assert_eq!(person(&one).await, ["o-one", "o-two"]);
    assert_eq!(person(&two).await, ["o-one", "o-two"]);
    assert_eq!(person(&other).await, ["o-other"]);
    assert_eq!(person(&liar).await, NO_VISITOR);

    // Another partnerid, verified or not, ends the membership of this person.
    two.enters(&sobot(&[("partnerid", json!("43"))])).await;
    assert_eq!(person(&one).await, ["o-one"]);
    two.enters(&signed(&ours, "42", now)).await;
    assert_eq!(person(&one).await, ["o-one", "o-two"]);
    two.enters(&signed(&ours, "44", now)).await;
    assert_eq!((person(&one).await, person(&two).await), (vec!["o-one".to_owned()], vec!["o-two".to_owned()]));
}

#[tokio::test]
async fn same_as_joins_persons_until_one_secret_is_rotated() {
    let world = World::start().await;
    let (here, there) = (world.bind("wx0000000000005410").await, world.bind("wx0000000000005411").await);
    let (first, old) = (secret(&world, &here).await, secret(&world, &there).await);
    let (one, two) = (world.visitor(&here, "o-one"), world.visitor(&there, "o-two"));
    let now = || world.now().as_second();
    one.enters(&signed_for(&one, &first, "42", now())).await;
    two.enters(&signed_for(&two, &old, "42", now())).await;
    assert_eq!(person(&one).await, ["o-one"]);

    let same = set_secret(&world, &there, &json!({ "same_as": here.app_id })).await.expect(201);
    assert_eq!(same.body.get("secret"), None, "the answer does not have the other's secret: {}", same.raw);
    assert!(!same.raw.contains(&first));
    assert_eq!(same.body["signer"], signer(&world, &here).await);
    assert_eq!(signer(&world, &there).await, signer(&world, &here).await);
    world.forget_settings();
    // They are joined when the visitor enters with a signature of the common signer.
    assert_eq!((person(&one).await, person(&two).await), (vec!["o-one".to_owned()], vec!["o-two".to_owned()]));
    two.enters(&signed_for(&two, &old, "42", now())).await;
    assert_eq!(person(&two).await, ["o-two"]);
    two.enters(&signed_for(&two, &first, "42", now())).await;
    assert_eq!((person(&one).await, person(&two).await.len()), (vec!["o-one".to_owned(), "o-two".to_owned()], 2));

    // A new secret of the one leaves the other as it is.
    let before = signer(&world, &there).await;
    let rotated = set_secret(&world, &here, &json!({})).await.expect(201);
    world.forget_settings();
    assert_eq!(signer(&world, &there).await, before);
    assert_ne!(rotated.body["signer"], before);
    two.enters(&signed_for(&two, &first, "42", now())).await;
    one.enters(&signed_for(&one, &first, "42", now())).await;
    assert_eq!(person(&two).await, ["o-one", "o-two"], "an old signature leaves what was proved");
    one.enters(&signed_for(&one, &rotated.text("secret"), "42", now())).await;
    assert_eq!((person(&one).await, person(&two).await), (vec!["o-one".to_owned()], vec!["o-two".to_owned()]));

    // Again the same.
    set_secret(&world, &there, &json!({ "same_as": here.app_id })).await.expect(201);
    world.forget_settings();
    two.enters(&signed_for(&two, &rotated.text("secret"), "42", now())).await;
    assert_eq!(person(&two).await, ["o-one", "o-two"]);
}

#[tokio::test]
async fn same_as_of_what_has_no_secret_is_refused_and_changes_nothing() {
    let world = World::start().await;
    let (here, bare) = (world.bind("wx0000000000005412").await, world.bind("wx0000000000005413").await);
    secret(&world, &here).await;
    let before = world.all_items().await;
    for (same_as, detail) in [
        (json!("wx00000000000000ff"), "is not the AppID of a bound mini program"),
        (json!("nonsense"), "is not the AppID of a bound mini program"),
        (json!(""), "is not the AppID of a bound mini program"),
        (json!(bare.app_id), "has no secret for session-from; create it there first"),
        (json!(here.app_id), "must be the AppID of another mini program"),
    ] {
        let answer = set_secret(&world, &here, &json!({ "same_as": same_as })).await;
        assert_eq!((problem(&answer).0, fields(&answer)), (422, vec!["same_as"]), "{same_as}: {}", answer.raw);
        assert_eq!(answer.body["errors"][0]["detail"], detail, "{same_as}");
    }
    let unknown = set_secret(&world, &here, &json!({ "like": "x" })).await;
    assert_eq!((problem(&unknown).0, fields(&unknown)), (422, vec!["like"]));
    assert_eq!(world.all_items().await, before);
    assert_eq!(signer(&world, &bare).await, Value::Null);
}

#[tokio::test]
async fn secret_of_an_earlier_version_has_its_app_id_as_signer() {
    let world = World::start().await;
    let (here, there) = (world.bind("wx0000000000005414").await, world.bind("wx0000000000005415").await);
    let ours = secret(&world, &here).await;
    for mut item in world.items("binding").await {
        item.as_object_mut().unwrap().remove("session_from_signer");
        world.put_item(&item).await;
    }
    world.forget_settings();
    assert_eq!(signer(&world, &here).await, json!(here.app_id));
    let same = set_secret(&world, &there, &json!({ "same_as": here.app_id })).await.expect(201);
    assert_eq!(same.body["signer"], json!(here.app_id));
    world.forget_settings();
    let (one, two) = (world.visitor(&here, "o-one"), world.visitor(&there, "o-two"));
    let now = world.now().as_second();
    one.enters(&signed_for(&one, &ours, "42", now)).await;
    two.enters(&signed_for(&two, &ours, "42", now)).await;
    assert_eq!(person(&one).await, ["o-one", "o-two"]);
    // Both are found by export and erasure.
    for visitor in [&one, &two] {
        let path = format!("/api/bindings/{}/visitors/{}", visitor.app_id, visitor.openid);
        let export = world.get(&format!("{path}/export")).await.expect(200).body;
        let items = export["items"].as_array().unwrap();
        let said = items.iter().find(|item| item["kind"] == "person").unwrap();
        assert_eq!((&said["partnerid"], &said["signer"]), (&json!("42"), &json!(here.app_id)), "{said}");
        world.delete(&path).await.expect(204);
    }
    assert_eq!(world.items("person").await, Vec::<Value>::new());
}
