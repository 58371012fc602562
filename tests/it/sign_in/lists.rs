//! Sessions are listed and ended by their owner and by admins.

use reqwest::Method;
use serde_json::{Value, json};

use super::agent;
use crate::support::World;

async fn ids(world: &World, token: &str, query: &str) -> Vec<Value> {
    let list = world.call(Some(token), Method::GET, &format!("/api/sessions{query}"), None).await.expect(200);
    assert!(!list.raw.contains("kefus_"), "{}", list.raw);
    list.body["items"].as_array().unwrap().iter().map(|session| session["id"].clone()).collect()
}

#[tokio::test]
async fn caller_sees_and_ends_their_own_sessions_only() {
    let world = World::start().await;
    let (one, other) = (agent(&world).await, agent(&world).await);
    let (mine, id) = world.agent_session(&one).await;
    world.advance(1);
    let (_, second) = world.agent_session(&one).await;
    let (theirs, their_id) = world.agent_session(&other).await;
    assert_eq!(ids(&world, &mine, "").await, [json!(id), json!(second)]);
    assert_eq!(ids(&world, &theirs, "").await, [json!(their_id)]);
    let of_other = format!("?agent_id={other}");
    world.call(Some(&mine), Method::GET, &format!("/api/sessions{of_other}"), None).await.expect(403);
    world.call(Some(&mine), Method::DELETE, &format!("/api/sessions{of_other}"), None).await.expect(403);
    world.call(Some(&mine), Method::DELETE, &format!("/api/sessions/{their_id}"), None).await.expect(404);
    for wrong in ["x", "-", "a-b", &format!("{one}-"), &id[..id.len() - 1]] {
        world.call(Some(&mine), Method::DELETE, &format!("/api/sessions/{wrong}"), None).await.expect(404);
    }
    assert_eq!(world.items("session").await.len(), 3);
    // An access token of the agent is the same person.
    let secret = world.agent_token(&one).await;
    assert_eq!(ids(&world, &secret, "").await.len(), 2);
}

#[tokio::test]
async fn all_others_are_ended_and_the_own_session_stays() {
    let world = World::start().await;
    let agent = agent(&world).await;
    let (mine, id) = world.agent_session(&agent).await;
    for _ in 0..3 {
        world.agent_session(&agent).await;
    }
    world.call(Some(&mine), Method::DELETE, "/api/sessions", None).await.expect(204);
    assert_eq!(ids(&world, &mine, "").await, [json!(id)]);
    // With an access token there is no own session.
    let secret = world.agent_token(&agent).await;
    world.call(Some(&secret), Method::DELETE, "/api/sessions", None).await.expect(204);
    assert_eq!(world.items("session").await, Vec::<Value>::new());
}

#[tokio::test]
async fn admin_lists_and_ends_the_sessions_of_an_agent() {
    let world = World::start().await;
    let agent = agent(&world).await;
    let (_, first) = world.agent_session(&agent).await;
    world.agent_session(&agent).await;
    let (admin, admin_session) = world.token_session("bootstrap").await;
    let query = format!("?agent_id={agent}");
    assert_eq!(ids(&world, &admin, &query).await.len(), 2);
    assert_eq!(ids(&world, &admin, "").await, [json!(admin_session)]);
    assert_eq!(ids(&world, &admin, "?agent_id=nobody%23").await, Vec::<Value>::new());
    world.call(Some(&admin), Method::DELETE, &format!("/api/sessions/{first}"), None).await.expect(204);
    assert_eq!(ids(&world, &admin, &query).await.len(), 1);
    world.call(Some(&admin), Method::DELETE, &format!("/api/sessions{query}"), None).await.expect(204);
    assert_eq!(ids(&world, &admin, &query).await, Vec::<Value>::new());
    assert_eq!(ids(&world, &admin, "").await, [json!(admin_session)]);
}

#[tokio::test]
async fn eighth_session_ends_the_one_that_was_not_used_for_the_longest_time() {
    let world = World::start().await;
    let agent = agent(&world).await;
    let mut tokens = Vec::new();
    for _ in 0..7 {
        world.advance(600);
        tokens.push(world.agent_session(&agent).await.0);
    }
    world.advance(600);
    assert_eq!(world.status_of(&tokens[0]).await, 200);
    world.agent_session(&agent).await;
    let mut statuses = Vec::new();
    for token in &tokens {
        statuses.push(world.status_of(token).await);
    }
    assert_eq!(statuses, [200, 403, 200, 200, 200, 200, 200], "the first was used meanwhile");
    assert_eq!(world.items("session").await.len(), 7);
}

#[tokio::test]
async fn sign_in_and_revocation_are_in_the_audit_log_without_code_and_token() {
    let world = World::start().await;
    let agent = agent(&world).await;
    let code = world.agent_code(&agent).await;
    let signed_in = world.redeem(&code).await.expect(200);
    let (token, id) = super::session(&signed_in);
    world.call(Some(&token), Method::DELETE, &format!("/api/sessions/{id}"), None).await.expect(204);
    let audit = world.get("/api/audit?limit=3").await.expect(200);
    assert!(!audit.raw.contains(&code) && !audit.raw.contains(&token), "{}", audit.raw);
    let entries = audit.body["items"].as_array().unwrap();
    let entry = |number: usize| (&entries[number]["action"], &entries[number]["actor"]["agent_id"]);
    assert_eq!(entry(0), (&json!("session.revoked"), &json!(agent)));
    assert_eq!(entry(1), (&json!("session.created"), &json!(agent)));
    assert_eq!(
        (&entries[2]["action"], &entries[2]["actor"]["token_id"]),
        (&json!("sign_in_code.created"), &json!("admin"))
    );
    assert_eq!(entries[0]["subject"], json!({ "kind": "session", "id": id }));
    let (api_token, _) = super::token(&world, json!({ "role": "admin", "name": "陈" })).await;
    world.token_session(&api_token).await;
    let entry = world.get("/api/audit?limit=1").await.expect(200).body["items"][0].clone();
    assert_eq!((&entry["actor"]["token_id"], &entry["actor"]["name"]), (&json!(api_token), &json!("陈")));
}
