//! How access tokens end, and what is recorded of them.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    open_conversation::{fields, problem},
    support::{ADMIN, World},
};

const ME: &str = "/api/me";

async fn token(world: &World, asked: Value) -> (String, String) {
    let created = world.post("/api/access-tokens", &asked).await.expect(201);
    (created.text("id"), created.text("token"))
}

/// The status of the simplest call with a token.
async fn status(world: &World, token: &str) -> u16 {
    world.call(Some(token), Method::GET, ME, None).await.status
}

#[tokio::test]
async fn tokens_of_a_deleted_agent_are_refused() {
    let world = World::start().await;
    let agent = world.agent("小王", 5).await;
    let (_, named) = token(&world, json!({ "role": "agent", "name": "小王", "agent_id": agent })).await;
    // A token whose agent was created for it.
    let (_, own) = token(&world, json!({ "role": "agent", "name": "小李" })).await;
    world
        .call(Some(&own), Method::PUT, "/api/agents/me/status", Some(&json!({ "status": "online" })))
        .await
        .expect(200);
    let me = world.call(Some(&own), Method::GET, ME, None).await.expect(200).text("agent_id");
    for (agent, token) in [(agent, named), (me, own)] {
        assert_eq!(status(&world, &token).await, 200);
        world.delete(&format!("/api/agents/{agent}")).await.expect(204);
        world.forget_authorizations();
        assert_eq!(status(&world, &token).await, 403);
    }
    assert_eq!(world.items("access").await, Vec::<Value>::new());
    assert_eq!(world.items("agent_token").await, Vec::<Value>::new());
}

#[tokio::test]
async fn token_that_outlived_its_agent_is_refused() {
    let world = World::start().await;
    let agent = world.agent("小王", 5).await;
    let (_, token) = token(&world, json!({ "role": "agent", "name": "小王", "agent_id": agent })).await;
    let kept = world.items("access").await.remove(0);
    world.delete(&format!("/api/agents/{agent}")).await.expect(204);
    // As an earlier version left it.
    world.put_item(&kept).await;
    assert_eq!(status(&world, &token).await, 403);
}

#[tokio::test]
async fn disabled_agent_has_no_tokens_no_status_and_no_assignments() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let (_, token) = token(&world, json!({ "role": "agent", "name": "小王", "agent_id": desk.agent })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    assert_eq!(visitor.agent().await.as_deref(), Some(desk.agent.as_str()));
    let path = format!("/api/agents/{}", desk.agent);
    let disable = json!({ "disabled": true });
    assert_eq!(problem(&world.patch(&path, &disable).await), (409, "agent.has_conversations", None));
    assert_eq!(status(&world, &token).await, 200);

    visitor.writes("结束会话").await;
    world.patch(&path, &disable).await.expect(200);
    world.forget_authorizations();
    assert_eq!(status(&world, &token).await, 403);
    let online = json!({ "status": "online" });
    let refused = world.call(Some(ADMIN), Method::PUT, &format!("{path}/status"), Some(&online)).await;
    assert_eq!(problem(&refused), (409, "agent.disabled", None));
    visitor.writes("还在吗").await;
    assert_eq!(visitor.agent().await, None);
    let asked = json!({ "role": "agent", "name": "小王", "agent_id": desk.agent });
    assert_eq!(fields(&world.post("/api/access-tokens", &asked).await), ["agent_id"]);
    // Another change does not bring them back.
    world.patch(&path, &json!({ "capacity": 7 })).await.expect(200);
    assert_eq!(problem(&world.call(Some(ADMIN), Method::PUT, &format!("{path}/status"), Some(&online)).await).0, 409);

    world.patch(&path, &json!({ "disabled": false })).await.expect(200);
    world.set_status(&desk.agent, "online").await;
    world.forget_authorizations();
    assert_eq!(status(&world, &token).await, 403, "a new token is needed");
}

#[tokio::test]
async fn expired_token_is_refused() {
    let world = World::start().await;
    let end = world.now() + SignedDuration::from_secs(60);
    let (id, token) = token(&world, json!({ "role": "agent", "name": "小王", "expires_at": end })).await;
    world.advance(59);
    assert_eq!(status(&world, &token).await, 200);
    world.forget_authorizations();
    assert_eq!(status(&world, &token).await, 403);
    let listed = world.get("/api/access-tokens").await.expect(200).body["items"][0].clone();
    assert_eq!((&listed["id"], &listed["expires_at"]), (&json!(id), &json!(end)));
}

#[tokio::test]
async fn rotated_token_works_with_its_new_secret_only() {
    let world = World::start().await;
    let (id, old) = token(&world, json!({ "role": "agent", "name": "小王" })).await;
    let rotated = world.post(&format!("/api/access-tokens/{id}/rotate"), &json!({})).await.expect(201);
    assert_eq!(rotated.text("id"), id);
    assert_eq!((status(&world, &old).await, status(&world, &rotated.text("token")).await), (403, 200));
    let unknown = world.post(&format!("/api/access-tokens/{}/rotate", "0".repeat(32)), &json!({})).await;
    assert_eq!(problem(&unknown).0, 404);
}

#[tokio::test]
async fn last_use_is_recorded_at_most_once_an_hour() {
    let world = World::start().await;
    let (_, token) = token(&world, json!({ "role": "agent", "name": "小王" })).await;
    let shown = async || world.get("/api/access-tokens").await.expect(200).body["items"][0]["last_used_at"].clone();
    assert_eq!(shown().await, Value::Null);
    status(&world, &token).await;
    let first = shown().await;
    assert_eq!(first, json!(world.now()));
    let writes = world.calls("Access", "UpdateItem");
    for _ in 0..3 {
        world.advance(19 * 60);
        status(&world, &token).await;
    }
    assert_eq!((shown().await, world.calls("Access", "UpdateItem")), (first, writes));
    world.advance(3 * 60);
    status(&world, &token).await;
    assert_eq!((shown().await, world.calls("Access", "UpdateItem")), (json!(world.now()), writes + 1));
    // A refusal writes nothing.
    status(&world, "kefu_0000").await;
    assert_eq!(world.calls("Access", "UpdateItem"), writes + 1);
}

#[tokio::test]
async fn bootstrap_token_is_refused_once_it_is_retired() {
    let world = World::start().await;
    let bootstrap = "/api/access-tokens/bootstrap";
    assert_eq!(problem(&world.delete(bootstrap).await), (409, "access_token.last_admin", None));
    assert_eq!(status(&world, ADMIN).await, 200);
    let (id, admin) = token(&world, json!({ "role": "admin", "name": "管理员" })).await;
    let call = async |method: Method, path: &str| world.call(Some(&admin), method, path, None).await;
    call(Method::DELETE, bootstrap).await.expect(204);
    world.forget_authorizations();
    assert_eq!((status(&world, ADMIN).await, status(&world, &admin).await), (403, 200));
    call(Method::DELETE, bootstrap).await.expect(204);
    // One admin token stays.
    let path = format!("/api/access-tokens/{id}");
    assert_eq!(problem(&call(Method::DELETE, &path).await), (409, "access_token.last_admin", None));
    let other = json!({ "role": "admin", "name": "另一位" });
    world.call(Some(&admin), Method::POST, "/api/access-tokens", Some(&other)).await.expect(201);
    call(Method::DELETE, &path).await.expect(204);
    world.forget_authorizations();
    assert_eq!(status(&world, &admin).await, 403);
}

#[tokio::test]
async fn fields_of_another_role_are_refused() {
    let world = World::start().await;
    let ids = json!(["g000000000000"]);
    let apps = json!(["wx00000000000000ff"]);
    let scopes = json!(["webhooks"]);
    for (mut body, field) in [
        (json!({ "role": "agent", "group_ids": ids }), "group_ids"),
        (json!({ "role": "admin", "scopes": scopes }), "scopes"),
        (json!({ "role": "supervisor", "app_ids": apps }), "app_ids"),
        (json!({ "role": "supervisor", "group_ids": ids }), "group_ids"),
        (json!({ "role": "integrator" }), "scopes"),
        (json!({ "role": "integrator", "scopes": [] }), "scopes"),
        (json!({ "role": "integrator", "scopes": scopes, "agent_id": "a000000000000" }), "agent_id"),
        (json!({ "role": "integrator", "scopes": scopes, "app_ids": [] }), "app_ids"),
        (json!({ "role": "integrator", "scopes": scopes, "app_ids": ["x"] }), "app_ids"),
        (json!({ "role": "integrator", "scopes": scopes, "app_ids": apps }), "app_ids"),
        (json!({ "role": "agent", "expires_at": "2020-01-01T00:00:00Z" }), "expires_at"),
        (json!({ "role": "agent", "agent_id": "a000000000000" }), "agent_id"),
    ] {
        body["name"] = json!("x");
        let answer = world.post("/api/access-tokens", &body).await;
        assert_eq!((answer.status, fields(&answer)), (422, vec![field]), "{body}");
    }
    assert_eq!(world.items("access").await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_agent_has_at_most_twenty_tokens() {
    let world = World::start().await;
    let agent = world.agent("小王", 5).await;
    let asked = json!({ "role": "agent", "name": "小王", "agent_id": agent });
    for _ in 0..20 {
        token(&world, asked.clone()).await;
    }
    assert_eq!(problem(&world.post("/api/access-tokens", &asked).await), (409, "agent.too_many_tokens", None));
    world.delete(&format!("/api/agents/{agent}")).await.expect(204);
    assert_eq!(world.items("access").await, Vec::<Value>::new());
}
