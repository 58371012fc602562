//! A connection ends with its session, after two hours, after ten silent minutes, and when the page leaves.

use reqwest::Method;
use serde_json::json;

use super::page::Page;
use super::{agent, connections};
use crate::support::World;

/// The hint before the end.
fn ended() -> serde_json::Value {
    json!({ "v": 1, "type": "session_ended" })
}

/// Waits until the function of `$disconnect` has run, which nothing else shows.
async fn until_forgotten(world: &World, left: usize) {
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while connections(world).await.len() > left {
        assert!(std::time::Instant::now() < limit, "the connection is still kept");
        tokio::task::yield_now().await;
    }
}

async fn assert_ended(page: &mut Page) {
    assert_eq!(page.closed().await, (1000, vec![ended()]));
}

#[tokio::test]
async fn revoked_session_is_told_and_closed_at_once() {
    let world = World::start().await;
    let (agent, token) = agent(&world, "小林").await;
    let (other, id) = world.agent_session(&agent).await;
    let (mut mine, mut revoked) = (world.page(&token).await, world.page(&other).await);
    let mut second_tab = world.page(&other).await;
    world.call(Some(&token), Method::DELETE, &format!("/api/sessions/{id}"), None).await.expect(204);
    assert_ended(&mut revoked).await;
    assert_ended(&mut second_tab).await;
    assert_eq!(mine.heard().await, Vec::<serde_json::Value>::new(), "the other session stays");
    assert_eq!(connections(&world).await.len(), 1);
}

#[tokio::test]
async fn all_other_sessions_are_closed() {
    let world = World::start().await;
    let (id, token) = agent(&world, "小林").await;
    let (other, _) = world.agent_session(&id).await;
    let (mut mine, mut revoked) = (world.page(&token).await, world.page(&other).await);
    world.call(Some(&token), Method::DELETE, "/api/sessions", None).await.expect(204);
    assert_ended(&mut revoked).await;
    mine.heard().await;
}

#[tokio::test]
async fn connections_end_with_the_agent_and_with_the_token() {
    let world = World::start().await;
    let disabled = world.create("agents", &json!({ "name": "小林" })).await;
    let deleted = world.create("agents", &json!({ "name": "小王" })).await;
    let made = world.post("/api/access-tokens", &json!({ "role": "supervisor", "name": "主管" })).await.expect(201);
    let (of_disabled, of_deleted) = (world.agent_session(&disabled).await.0, world.agent_session(&deleted).await.0);
    let of_token = world.token_session(&made.text("id")).await.0;
    let admin = world.token_session("bootstrap").await.0;
    let mut pages = Vec::new();
    for token in [&of_disabled, &of_deleted, &of_token, &admin] {
        pages.push(world.page(token).await);
    }
    world.patch(&format!("/api/agents/{disabled}"), &json!({ "disabled": true })).await.expect(200);
    assert_ended(&mut pages[0]).await;
    world.delete(&format!("/api/agents/{deleted}")).await.expect(204);
    assert_ended(&mut pages[1]).await;
    world.delete(&format!("/api/access-tokens/{}", made.text("id"))).await.expect(204);
    assert_ended(&mut pages[2]).await;
    pages[3].heard().await;
    let other_admin = world.access_token("admin").await;
    world.call(Some(&other_admin), Method::DELETE, "/api/access-tokens/bootstrap", None).await.expect(204);
    assert_ended(&mut pages[3]).await;
    assert_eq!(connections(&world).await.len(), 0);
}

#[tokio::test]
async fn page_that_leaves_is_forgotten() {
    let world = World::start().await;
    let (_, token) = agent(&world, "小林").await;
    let (leaving, mut staying) = (world.page(&token).await, world.page(&token).await);
    leaving.close().await;
    until_forgotten(&world, 1).await;
    staying.heard().await;
}

#[tokio::test]
async fn silent_connection_ends_after_ten_minutes_and_a_ping_prolongs_it() {
    let world = World::start().await;
    let (_, token) = agent(&world, "小林").await;
    let (mut silent, mut pinging) = (world.page(&token).await, world.page(&token).await);
    world.advance(590);
    pinging.heard().await;
    world.advance(10);
    assert_eq!(silent.closed().await, (1001, vec![]));
    pinging.heard().await;
    until_forgotten(&world, 1).await;
}

#[tokio::test]
async fn connection_ends_after_two_hours() {
    let world = World::start().await;
    let (_, token) = agent(&world, "小林").await;
    let mut page = world.page(&token).await;
    for _ in 0..14 {
        world.advance(500);
        page.heard().await;
    }
    world.advance(200);
    assert_eq!(page.closed().await, (1001, vec![]));
    until_forgotten(&world, 0).await;
    world.page(&token).await.heard().await;
}

#[tokio::test]
async fn pages_are_told_when_the_bundle_stops() {
    let world = World::start().await;
    let (_, token) = agent(&world, "小林").await;
    let mut page = world.page(&token).await;
    let World { bundle, .. } = world;
    bundle.shutdown().await;
    assert!(matches!(page.closed().await.0, 1001 | 1006));
}
