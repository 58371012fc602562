//! Each entry of a function's log names the invocation and what it is about, and nothing that a visitor wrote.

use std::collections::BTreeMap;

use local::{Fault, TableFault};
use reqwest::Method;
use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;

use crate::open_conversation::text;
use crate::service_desk::{APP, ServiceDesk};
use crate::support::{Log, TABLE, Visitor, World};

const OPENID: &str = "oPLANTED-openid";
/// Part of every text of a visitor or an agent in this test.
const WORDS: &str = "planted-words";
/// The greatest length of the entry for an accepted push, in bytes: Amazon charges for each one.
const PUSH_ENTRY_MAX: usize = 250;

/// The entries that the log holds, by message.
fn entries(log: &str) -> BTreeMap<String, Vec<(String, Value)>> {
    let mut entries: BTreeMap<String, Vec<(String, Value)>> = BTreeMap::new();
    for line in log.lines() {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        entries.entry(entry["message"].as_str().unwrap().to_owned()).or_default().push((line.to_owned(), entry));
    }
    entries
}

/// Fails requests of a function to the table until [`settle_and_heal`].
fn fail(world: &World, function: &str, operation: &str) {
    let fault = TableFault::new(Fault::InternalError).function(function).operation(operation).times(1000);
    world.bundle.table_faults().add(fault);
}

async fn settle_and_heal(world: &World) {
    world.settle().await;
    world.bundle.table_faults().clear();
}

/// A visitor's message that cannot be processed; then the robot's turn and the robot's answer fail.
async fn fail_reception_robot_and_send(world: &World, visitor: &Visitor<'_>) {
    visitor.text(WORDS).await;
    fail(world, "Reception", "TransactWriteItems");
    settle_and_heal(world).await;
    world.advance(60);
    world.tick("Reception").await;
    fail(world, "Robot", "GetItem");
    settle_and_heal(world).await;
    world.advance(180);
    world.tick("Reception").await;
    // The robot's answer stays pending.
    fail(world, "Robot", "UpdateItem");
    settle_and_heal(world).await;
    world.advance(75);
    fail(world, "Reception", "UpdateItem");
    world.tick("Reception").await;
    world.bundle.table_faults().clear();
}

/// Messages and cards that cannot be stored, by an agent whose use of the token is not recorded.
async fn fail_api(world: &World, cid: &str) {
    let token = world.access_token("admin").await;
    fail(world, "Access", "TransactWriteItems");
    let path = format!("/api/conversations/{cid}/messages");
    fail(world, "DeskApi", "TransactWriteItems");
    world.call(Some(&token), Method::POST, &path, Some(&text(WORDS))).await.expect(503);
    fail(world, "CardSend", "GetItem");
    let card = json!({ "msgType": 26, "miniPage": { "title": WORDS, "pagepath": "p", "thumbMediaId": "m" } });
    world.post(&format!("/api/conversations/{cid}/cards"), &card).await.expect(503);
    world.bundle.table_faults().clear();
}

/// An access token that cannot be renewed and a conversation whose check cannot be written.
async fn fail_ticks(world: &World) {
    world.advance(7200);
    world
        .sim_fault(&json!({ "path": "/cgi-bin/stable_token", "errcode": -1, "errmsg": "system error", "times": 9 }))
        .await;
    world.tick("TokenRefresh").await;
    fail(world, "Reception", "TransactWriteItems");
    fail(world, "Reception", "PutItem");
    world.tick("Reception").await;
    world.bundle.table_faults().clear();
}

async fn robot_desk(world: &World) -> ServiceDesk {
    let idle = json!({ "close_after_minutes": 30, "warn_after_minutes": null });
    world.service_desk(5, json!({ "mode": "robot_only", "idle": idle })).await
}

#[tokio::test]
async fn entries_name_invocation_mini_program_conversation_and_visitor() {
    let log = Log::default();
    let logging = Log::start(function::json_logs(log.clone(), LevelFilter::INFO, TABLE));
    let world = World::start().await;
    let desk = robot_desk(&world).await;
    let visitor = desk.visitor(&world, OPENID);
    fail_reception_robot_and_send(&world, &visitor).await;
    let conversation = visitor.conversation().await;
    let (cid, uid) = (conversation["cid"].as_str().unwrap(), conversation["uid"].as_str().unwrap());
    fail_api(&world, cid).await;
    fail_ticks(&world).await;
    world.bundle.shutdown().await;
    drop(logging);

    let log = log.text();
    let entries = entries(&log);
    let of_visitor = [("app_id", APP), ("uid", uid)];
    let of_conversation = [("app_id", APP), ("uid", uid), ("cid", cid)];
    let of_due = |kind| [("app_id", APP), ("uid", uid), ("cid", cid), ("kind", kind)];
    let send = "POST /api/conversations/{cid}/messages";
    let send = [("app_id", APP), ("uid", uid), ("cid", cid), ("operation", send)];
    let card = [("cid", cid), ("operation", "POST /api/conversations/{cid}/cards")];
    for (message, fields) in [
        ("callback verified", &of_visitor[..1]),
        ("push stored", &of_visitor),
        ("a message was not processed", &of_visitor),
        ("a robot's turn was not answered", &of_conversation),
        ("a due item was not processed", &of_due("send")),
        ("a due item was not processed", &of_due("conversation")),
        ("access token was not renewed", &of_visitor[..1]),
        ("use of access token not recorded", &[]),
        ("the store is unavailable", &send),
        ("the store is unavailable", &card),
    ] {
        let found = entries.get(message).unwrap_or_else(|| panic!("no entry {message:?} in\n{log}"));
        let has = |entry: &Value| fields.iter().all(|(name, value)| entry[name] == *value);
        assert!(found.iter().any(|(_, entry)| has(entry)), "{message}: {fields:?}\n{found:#?}");
        for (line, entry) in found {
            assert!(entry["requestId"].as_str().is_some_and(|id| id.len() == 36), "{line}");
        }
    }
    let by_token = entries["use of access token not recorded"].iter().chain(&entries["the store is unavailable"]);
    assert!(by_token.clone().all(|(_, entry)| entry["token_id"].is_string()), "{:?}", by_token.collect::<Vec<_>>());
    let secret = log.lines().filter(|line| line.contains(OPENID) || line.contains(WORDS)).collect::<Vec<_>>();
    assert!(secret.is_empty(), "{secret:#?}");
}

#[tokio::test]
async fn entry_of_an_accepted_push_has_each_field_once_and_stays_small() {
    let log = Log::default();
    let logging = Log::start(function::json_logs(log.clone(), LevelFilter::INFO, TABLE));
    let world = World::start().await;
    let binding = world.bind(APP).await;
    world.visitor(&binding, OPENID).text(WORDS).await;
    world.bundle.shutdown().await;
    drop(logging);
    let entries = entries(&log.text());
    let [(line, entry)] = &entries["push stored"][..] else { panic!("{entries:?}") };
    assert!(line.len() < PUSH_ENTRY_MAX, "{} bytes: {line}", line.len() + 1);
    for (name, value) in entry.as_object().unwrap() {
        assert_eq!(line.matches(&format!("\"{name}\":{value}")).count(), 1, "{name} in {line}");
    }
    let names: Vec<&str> = entry.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["app_id", "duplicate", "level", "message", "requestId", "timestamp", "uid"]);
}
