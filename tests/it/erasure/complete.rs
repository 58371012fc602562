//! Erasure and export look at every item of the table.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    exported, kind,
    kinds::{Fate, fate},
    path,
    story::{Desk, cids},
    with_any,
};
use crate::{cover_fetch::gallery, support::World};

/// Items that count or list what all visitors do.
const SHARED: [&str; 5] = ["audit", "duty", "watch", "departures", "access"];

#[tokio::test]
async fn erased_visitor_leaves_nothing_and_another_one_stays_as_they_are() {
    let world = gallery::world().await;
    let desk = Desk::new(&world).await;
    let control = desk.visit(&world, "control", "good-too.png").await;
    let named = desk.visit(&world, "erased", "good.png").await;
    let before = world.all_items().await;
    let of_visitor = with_any(&before, &named);
    for expected in [
        "inbound",
        "note",
        "upload",
        "outbound",
        "visitor",
        "visitor_conversation",
        "person",
        "conversation",
        "event",
        "media",
        "waiting",
    ] {
        assert!(of_visitor.iter().any(|item| kind(item) == expected), "the story has no {expected}");
    }
    let objects = |uid: &str| world.bundle.object_keys().iter().filter(|key| key.contains(uid)).count();
    let both = (&named[1], &control[1]);
    assert_eq!((objects(both.0), objects(both.1)), (2, 2), "one from the visitor, one for them");
    assert!(of_visitor.iter().any(|item| item.get("idempotency").is_some()), "the story has no idempotent request");

    world.delete(&path(desk.app_id(), "o-erased-openid")).await.expect(204);
    assert_eq!((objects(both.0), objects(both.1)), (0, 2));
    let after = world.all_items().await;
    for item in with_any(&after, &named) {
        assert_eq!(kind(&item), "audit", "left over: {item}");
    }
    // The audit log keeps the uid and cids, and nothing that they were made of.
    let (openid, partnerid, nickname, media) = (&named[0], &named[4], &named[5], &named[6]);
    let private: Vec<String> = [openid, partnerid, nickname, media].map(Clone::clone).into();
    assert_eq!(with_any(&after, &private), Vec::<Value>::new());

    let others = |items: &[Value]| -> Vec<Value> {
        let others = items.iter().filter(|item| with_any(std::slice::from_ref(item), &named).is_empty());
        // The record of an idempotent request names neither visitor nor message of another.
        others.filter(|item| !SHARED.contains(&kind(item))).cloned().collect()
    };
    assert_eq!(others(&after), others(&before), "what is not of the visitor is not touched");
    assert!(!with_any(&after, &control).is_empty());
    // Queues, duty and load are right.
    for agent in world.list("/api/agents").await {
        assert_eq!(agent["duty"]["load"], 0, "{agent}");
    }
    let left = world.get("/api/conversations?view=left_messages").await.expect(200);
    assert_eq!(left.body["items"].as_array().unwrap().len(), 1);

    let entries = world.get("/api/audit?limit=2").await.expect(200).body["items"].clone();
    let said: Vec<_> = entries.as_array().unwrap().iter().map(|entry| (&entry["action"], &entry["subject"])).collect();
    let subject = json!({ "kind": "visitor", "id": named[1] });
    assert_eq!(said, [(&json!("visitor.erased"), &subject), (&json!("visitor.erasure_begun"), &subject)]);
    // They come back as a new visitor.
    world.delete(&path(desk.app_id(), "o-erased-openid")).await.expect(404);
    let visitor = world.get(&path(desk.app_id(), "o-erased-openid")).await;
    assert_eq!(visitor.status, 404, "{}", visitor.raw);
}

type Ids = BTreeMap<&'static str, BTreeSet<String>>;

/// What an export must have for these items of the table: ids by kind.
fn ids_of_items(stored: &[Value], openid: &str) -> Ids {
    let mut ids = Ids::new();
    let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
    for item in stored {
        let Fate::Exported(of) = fate(kind(item)) else { continue };
        let of_item = match kind(item) {
            "inbound" | "outbound" => vec![text(item, "sk").replace("message#", "")],
            "event" => events_of(item).iter().map(|seq| format!("{}#{seq}", text(item, "cid"))).collect(),
            "conversation" => vec![text(item, "cid")],
            "media" | "upload" => vec![text(item, "media_id")],
            "note" => vec![text(item, "id")],
            _ => vec![openid.to_owned()],
        };
        ids.entry(of).or_default().extend(of_item);
    }
    // What is known of an upload to WeChat is in the exported upload.
    let uploads = ids.get("upload").cloned().unwrap_or_default();
    ids.entry("media").or_default().retain(|id| !uploads.contains(id));
    ids
}

/// What an export has: ids by kind, each once.
fn ids_of_export(export: &[Value]) -> Ids {
    let mut ids = Ids::new();
    for item in export {
        let text = |name: &str| item[name].as_str().unwrap().to_owned();
        let (of, id) = match item["kind"].as_str().unwrap() {
            "message" => ("message", text("id")),
            "event" => ("event", format!("{}#{}", text("cid"), item["seq"])),
            "conversation" => ("conversation", text("cid")),
            "media" => ("media", text("media_id")),
            "upload" => ("upload", text("media_id")),
            "note" => ("note", text("id")),
            "visitor" => ("visitor", text("openid")),
            "person" => ("person", text("openid")),
            other => panic!("{other}"),
        };
        assert!(ids.entry(of).or_default().insert(id), "exported twice: {item}");
    }
    ids
}

#[tokio::test]
async fn export_has_every_item_of_the_visitor_and_of_no_one_else() {
    let world = gallery::world().await;
    let desk = Desk::new(&world).await;
    let control = desk.visit(&world, "control", "good-too.png").await;
    let named = desk.visit(&world, "exported", "good.png").await;
    let stored = with_any(&world.all_items().await, &named);
    let path = path(desk.app_id(), "o-exported-openid");
    let export = exported(&world, &path).await;
    assert_eq!(with_any(&export, &control), Vec::<Value>::new());

    let (expected, found) = (ids_of_items(&stored, &named[0]), ids_of_export(&export));
    assert_eq!(found, expected);
    assert_eq!(
        found.keys().copied().collect::<Vec<_>>(),
        ["conversation", "event", "media", "message", "note", "person", "upload", "visitor"]
    );
    let visitor = export.iter().find(|item| item["kind"] == "visitor").unwrap();
    assert_eq!(visitor["profile"]["nickname"], "nick-exported", "{visitor}");
    assert_eq!(visitor["marks"], json!({ "name": "remark-exported", "tags": ["tag-exported"], "star": true }));

    let entries = world.get("/api/audit?action=visitor.exported").await.expect(200).body["items"].clone();
    assert_eq!(entries.as_array().unwrap().len(), 1, "one entry for all pages: {entries}");
    // Of conversations that an earlier version closed, the visitor has no list.
    for item in stored.iter().filter(|item| kind(item) == "visitor_conversation") {
        world.remove_item(item).await;
    }
    let without_list = exported(&world, &path).await;
    let sorted = |mut items: Vec<Value>| {
        items.sort_by_key(ToString::to_string);
        items
    };
    assert!(!cids(&without_list).is_empty());
    assert_eq!(sorted(without_list), sorted(export));
    let unknown = world.get(&format!("{}/export", super::path(desk.app_id(), "o-unknown"))).await;
    assert_eq!(unknown.status, 404, "{}", unknown.raw);
    let wrong = world.get(&format!("{path}/export?cursor=bm9uZQ")).await;
    assert_eq!(wrong.status, 422, "{}", wrong.raw);
}

/// The numbers of the events in an item.
fn events_of(item: &Value) -> Vec<u64> {
    let first: u64 = item["seq"]["N"].as_str().unwrap().parse().unwrap();
    let more: Vec<Value> = serde_json::from_str(item["more"]["S"].as_str().unwrap_or("[]")).unwrap();
    (first..=first + more.len() as u64).collect()
}

#[tokio::test]
async fn visitor_of_a_deleted_binding_is_erased() {
    let world = World::start().await;
    let binding = world.bind("wx00000000000000e7").await;
    world.open_conversation(&binding, "o-1").await;
    world.delete(&format!("/api/bindings/{}", binding.app_id)).await.expect(204);
    world.delete(&path(&binding.app_id, "o-1")).await.expect(204);
    assert_eq!(with_any(&world.all_items().await, &["o-1\"".to_owned()]), Vec::<Value>::new());
    for wrong in ["wx00000000000000e8", "x", "thread%23x"] {
        world.delete(&path(wrong, "o-1")).await.expect(404);
    }
}
