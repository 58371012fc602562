//! Reading the log, and what is entered when.

use serde_json::{Value, json};

use super::entries;
use crate::support::World;

const APP: &str = "wx00000000000000f3";
const OTHER: &str = "wx00000000000000f4";

async fn page(world: &World, query: &str) -> (Vec<Value>, Option<String>) {
    let answer = world.get(&format!("/api/audit?{query}")).await.expect(200);
    let items = answer.body["items"].as_array().unwrap().clone();
    (items, answer.body["cursor"].as_str().map(str::to_owned))
}

/// All entries that a query finds, page by page.
async fn all(world: &World, query: &str, limit: usize) -> Vec<Value> {
    let (mut items, mut cursor) = page(world, &format!("{query}&limit={limit}")).await;
    for _ in 0..100 {
        let Some(from) = cursor else { return items };
        let (more, next) = page(world, &format!("{query}&limit={limit}&cursor={from}")).await;
        assert!(more.len() <= limit);
        items.extend(more);
        cursor = next;
    }
    panic!("the list does not end")
}

fn subjects(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["subject"]["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn log_is_paged_newest_first_over_months() {
    let world = World::start().await;
    let mut ids = Vec::new();
    // Several in a month, a month without any, and months further on.
    for days in [0, 0, 1, 40, 0, 70, 3] {
        world.advance(days * 86_400 + 1);
        ids.insert(0, world.group(&[]).await);
    }
    for limit in [1, 2, 3, 100] {
        assert_eq!(subjects(&all(&world, "", limit).await), ids, "limit {limit}");
    }
    let times: Vec<String> =
        all(&world, "", 100).await.iter().map(|entry| entry["at"].as_str().unwrap().to_owned()).collect();
    assert!(times.is_sorted_by(|newer, older| newer > older), "{times:?}");
    let between = format!("from={}&to={}", times[4], times[1]);
    assert_eq!(subjects(&all(&world, &between, 2).await), ids[2..5], "from is inclusive, to is not");
    let refused = world.get("/api/audit?cursor=bm9uZQ").await;
    assert_eq!((refused.status, refused.body["code"].as_str().unwrap()), (422, "invalid"), "{}", refused.raw);
}

#[tokio::test]
async fn log_is_filtered_by_action_actor_and_mini_program() {
    let world = World::start().await;
    world.bind(APP).await;
    world.bind(OTHER).await;
    let group = world.group(&[]).await;
    let token = world.post("/api/access-tokens", &json!({ "role": "admin", "name": "小王" })).await.expect(201);
    let (id, secret) = (token.text("id"), token.text("token"));
    let renamed = json!({ "name": "新名字" });
    let path = format!("/api/groups/{group}");
    world.call(Some(&secret), reqwest::Method::PATCH, &path, Some(&renamed)).await.expect(200);
    let actions = |entries: &[Value]| -> Vec<String> {
        entries.iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(actions(&all(&world, &format!("actor={id}"), 1).await), ["group.changed", "access_token.first_used"]);
    assert_eq!(actions(&all(&world, &format!("app_id={OTHER}"), 1).await), ["binding.created"]);
    let found = all(&world, "action=group.changed", 1).await;
    assert_eq!(subjects(&found), [group]);
    assert_eq!(found[0]["actor"], json!({ "token_id": id, "name": "小王", "role": "admin" }));
    assert_eq!(all(&world, "action=robot.deleted", 100).await, Vec::<Value>::new());
    let refused = world.get("/api/audit?action=everything").await;
    assert_eq!(refused.status, 422, "{}", refused.raw);
}

#[tokio::test]
async fn first_use_of_a_token_is_entered_once_until_it_is_rotated() {
    let world = World::start().await;
    let token = world.post("/api/access-tokens", &json!({ "role": "agent", "name": "小王" })).await.expect(201);
    let (id, mut secret) = (token.text("id"), token.text("token"));
    let first_uses = async |world: &World| {
        let entries = entries(world).await;
        entries.iter().filter(|entry| entry["action"] == "access_token.first_used").count()
    };
    for expected in 1..=2 {
        for _ in 0..3 {
            world.call(Some(&secret), reqwest::Method::GET, "/api/me", None).await.expect(200);
            // Longer than the use of a token is remembered, and than the gateway keeps the answer of the authorizer.
            world.advance(2 * 3600);
        }
        assert_eq!(first_uses(&world).await, expected);
        secret = world.post(&format!("/api/access-tokens/{id}/rotate"), &json!({})).await.expect(201).text("token");
    }
}

#[tokio::test]
async fn entry_and_change_are_written_together_wherever_the_function_stops() {
    let world = World::start().await;
    let group = world.group(&[]).await;
    let path = format!("/api/groups/{group}");
    let changes = async || entries(&world).await.iter().filter(|entry| entry["action"] == "group.changed").count();
    let (mut expected, mut kills) = (0, 0);
    for awaits in 0..200 {
        world.bundle.kill_next("DeskApi", awaits).unwrap();
        let name = format!("第{awaits}组");
        world.unchecked(reqwest::Method::PATCH, &path, Some(&json!({ "name": name }))).await;
        let was_killed = world.bundle.kills("DeskApi").unwrap() > kills;
        kills = world.bundle.kills("DeskApi").unwrap();
        expected += usize::from(world.get(&path).await.expect(200).text("name") == name);
        assert_eq!(changes().await, expected, "killed after {awaits} awaits");
        if !was_killed {
            assert!(awaits >= 5 && expected >= 1, "{awaits} awaits, {expected} changes");
            return;
        }
    }
    panic!("still killed");
}

#[tokio::test]
async fn agent_who_closes_their_own_conversation_leaves_no_entry() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let agent = world.agent("小林", 5).await;
    let token = json!({ "role": "agent", "name": "小林", "agent_id": agent });
    let token = world.post("/api/access-tokens", &token).await.expect(201).text("token");
    let chat = world.open_conversation(&binding, "o-1").await;
    world.claim(&chat.cid, &agent).await.expect(200);
    let before = entries(&world).await.len();
    let close = format!("/api/conversations/{}/close", chat.cid);
    world.call(Some(&token), reqwest::Method::POST, &close, Some(&json!({}))).await.expect(200);
    let new: Vec<Value> = entries(&world).await.split_off(before);
    assert_eq!(new.iter().map(|entry| &entry["action"]).collect::<Vec<_>>(), ["access_token.first_used"]);
}

#[tokio::test]
async fn entry_expires_after_its_retention() {
    let world = World::start().await;
    world.group(&[]).await;
    world.advance(399 * 86_400);
    world.bundle.expire_items().unwrap();
    assert_eq!(entries(&world).await.len(), 1);
    world.advance(2 * 86_400);
    world.bundle.expire_items().unwrap();
    assert_eq!(entries(&world).await.len(), 0);
}
