//! Aliases of records.

use serde_json::{Value, json};

use crate::open_conversation::{fields, problem};
use crate::support::World;

const KINDS: [&str; 5] = ["groups", "agents", "merchants", "robots", "calendars"];

/// The minimal settings of a kind, with these aliases.
async fn settings(world: &World, kind: &str, aliases: &Value) -> Value {
    let mut settings = json!({ "name": "名字", "aliases": aliases });
    match kind {
        "merchants" => {
            settings["customer_code"] = json!(format!("C-{}", world.list("/api/merchants").await.len()));
            settings["group_id"] = json!(world.group(&[]).await);
        }
        "robots" => settings["kind"] = json!("faq"),
        _ => {}
    }
    settings
}

#[tokio::test]
async fn aliases_have_the_same_limits_for_every_kind() {
    let world = World::start().await;
    for kind in KINDS {
        let many: Vec<String> = (0..20).map(|number| format!("{number:0>100}")).collect();
        let made = world.post(&format!("/api/{kind}"), &settings(&world, kind, &json!(many)).await).await.expect(201);
        assert_eq!(made.body["aliases"], json!(many), "{kind}");
        let path = format!("/api/{kind}/{}", made.text("id"));
        let more: Vec<String> = (0..21).map(|number| format!("x{number}")).collect();
        for wrong in [
            json!(["d", "d"]),
            json!([" "]),
            json!([""]),
            json!(["a\u{7}"]),
            json!(["a\nb"]),
            json!(["长".repeat(101)]),
            json!(more),
        ] {
            let created = world.post(&format!("/api/{kind}"), &settings(&world, kind, &wrong).await).await;
            assert_eq!((problem(&created).0, fields(&created)), (422, vec!["aliases"]), "{kind} {wrong}");
            let changed = world.patch(&path, &json!({ "aliases": wrong })).await;
            assert_eq!((problem(&changed).0, fields(&changed)), (422, vec!["aliases"]), "{kind} {wrong}");
        }
        assert_eq!(world.get(&path).await.expect(200).body["aliases"], json!(many), "{kind}");
    }
}

#[tokio::test]
async fn robot_alias_is_validated() {
    let world = World::start().await;
    let robot = world.faq_robot(&[]).await;
    for wrong in [" ", "a\u{7}b", "a\u{85}b"] {
        let answer = world.patch(&format!("/api/robots/{robot}"), &json!({ "name": wrong })).await;
        assert_eq!((problem(&answer).0, fields(&answer)), (422, vec!["name"]), "{wrong:?}");
    }
}

#[tokio::test]
async fn alias_is_unique_within_its_kind_and_never_another_records_id() {
    let world = World::start().await;
    for kind in KINDS {
        let path = format!("/api/{kind}");
        let one = world.create(kind, &settings(&world, kind, &json!([format!("{kind}-1")])).await).await;
        let other = world.create(kind, &settings(&world, kind, &json!([])).await).await;
        let (one_path, other_path) = (format!("{path}/{one}"), format!("{path}/{other}"));
        for taken in [format!("{kind}-1"), one.clone()] {
            let taken = json!([taken]);
            let created = world.post(&path, &settings(&world, kind, &taken).await).await;
            assert_eq!(problem(&created), (409, "alias.taken", None), "{kind} {taken}");
            let changed = world.patch(&other_path, &json!({ "aliases": taken })).await;
            assert_eq!(problem(&changed), (409, "alias.taken", None), "{kind} {taken}");
        }
        assert_eq!(world.get(&other_path).await.expect(200).body["aliases"], json!([]), "{kind}");
        // A record's own id, an unused id-like string, and a removed alias are all accepted.
        let unused = format!("{}000000000000", &one[..1]);
        world.update(kind, &one, &json!({ "aliases": [one, unused] })).await;
        world.update(kind, &other, &json!({ "aliases": [format!("{kind}-1")] })).await;
        world.update(kind, &one, &json!({ "name": "别名" })).await;
        world.get(&one_path).await.expect(200);
    }
    // A merchant's customer code counts as an alias.
    let group = world.group(&[]).await;
    let known = world.list("/api/merchants").await;
    let code = &known[0]["id"];
    let answer = world.post("/api/merchants", &json!({ "name": "店", "customer_code": code, "group_id": group })).await;
    assert_eq!(problem(&answer), (409, "alias.taken", None));
    // The id of another kind is free as an alias.
    world.create("agents", &json!({ "name": "客服", "aliases": [group] })).await;
}

#[tokio::test]
async fn group_refers_to_its_calendar_by_id_only() {
    let world = World::start().await;
    let calendar = world.create("calendars", &json!({ "name": "上班", "aliases": ["work"] })).await;
    let answer = world.post("/api/groups", &json!({ "name": "组", "calendar_id": "work" })).await;
    assert_eq!((problem(&answer).0, fields(&answer)), (422, vec!["calendar_id"]));
    world.create("groups", &json!({ "name": "组", "calendar_id": calendar })).await;
}
