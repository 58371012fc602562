//! A session ends by time, by hand, with its agent and with its token.

use reqwest::Method;
use serde_json::{Value, json};

use super::{agent, token};
use crate::support::World;

const HOUR: i64 = 3600;

#[tokio::test]
async fn session_ends_twelve_hours_after_its_last_use() {
    let world = World::start().await;
    let (token, _) = world.agent_session(&agent(&world).await).await;
    for _ in 0..3 {
        world.advance(11 * HOUR);
        assert_eq!(world.status_of(&token).await, 200, "a use prolongs it");
    }
    world.advance(12 * HOUR - 120);
    let unused = world.call(Some(&token), Method::GET, "/api/me", None).await;
    assert_eq!(unused.status, 200, "it was not idle for twelve hours");
    world.advance(12 * HOUR);
    assert_eq!(world.status_of(&token).await, 403);
    assert_eq!(world.get("/api/sessions").await.expect(200).body["items"], json!([]));
}

#[tokio::test]
async fn session_in_use_ends_after_fourteen_days() {
    let world = World::start().await;
    let (token, _) = world.agent_session(&agent(&world).await).await;
    for hour in (0..14 * 24 - 8).step_by(8) {
        world.advance(8 * HOUR - 60);
        assert_eq!(world.status_of(&token).await, 200, "after {hour} hours");
    }
    world.advance(8 * HOUR - 60);
    assert_eq!(world.status_of(&token).await, 403);
}

#[tokio::test]
async fn use_is_recorded_every_five_minutes_at_most() {
    let world = World::start().await;
    let (token, id) = world.agent_session(&agent(&world).await).await;
    world.bundle.reset_request_counts();
    for _ in 0..20 {
        world.status_of(&token).await;
    }
    // Twenty checks in twenty minutes.
    assert_eq!((world.calls("Access", "UpdateItem"), world.calls("Access", "GetItem")), (4, 40));
    let list = world.call(Some(&token), Method::GET, "/api/sessions", None).await.expect(200).body;
    assert_eq!(list["items"][0]["id"], json!(id));
    assert_eq!(list["items"][0]["last_used_at"], json!(world.now().to_string()));
}

#[tokio::test]
async fn revoked_session_is_refused_within_the_life_of_an_authorization() {
    let world = World::start().await;
    let agent = agent(&world).await;
    let ((token, id), (other, _)) = (world.agent_session(&agent).await, world.agent_session(&agent).await);
    assert_eq!((world.status_of(&token).await, world.status_of(&other).await), (200, 200));
    let path = format!("/api/sessions/{id}");
    world.call(Some(&other), Method::DELETE, &path, None).await.expect(204);
    assert_eq!((world.status_of(&token).await, world.status_of(&other).await), (403, 200));
    world.call(Some(&other), Method::DELETE, &path, None).await.expect(404);
}

#[tokio::test]
async fn use_at_the_moment_of_the_revocation_does_not_bring_a_session_back() {
    let world = World::start().await;
    let (token, id) = world.agent_session(&agent(&world).await).await;
    world.advance(600);
    let item = world.items("session").await.remove(0);
    world.delete(&format!("/api/sessions/{id}")).await.expect(204);
    // The authorizer has read the session before and records its use now.
    let update = json!({
        "TableName": crate::support::TABLE, "Key": { "pk": item["pk"], "sk": item["sk"] },
        "UpdateExpression": "SET last_used_at = :now",
        "ConditionExpression": "attribute_exists(pk) AND last_used_at <= :before",
        "ExpressionAttributeValues": { ":now": { "N": "1" }, ":before": { "N": "9999999999999" } },
    });
    world.dynamodb("Access", "UpdateItem", &update).await.expect(400);
    assert_eq!(world.status_of(&token).await, 403);
    assert_eq!(world.items("session").await, Vec::<Value>::new());
}

#[tokio::test]
async fn session_ends_with_its_agent_and_does_not_come_back() {
    let world = World::start().await;
    let (disabled, deleted) = (agent(&world).await, agent(&world).await);
    let (api_token, _) = token(&world, json!({ "role": "agent", "name": "x", "agent_id": disabled })).await;
    let sessions = [
        world.agent_session(&disabled).await.0,
        world.token_session(&api_token).await.0,
        world.agent_session(&deleted).await.0,
    ];
    for token in &sessions {
        assert_eq!(world.status_of(token).await, 200);
    }
    let path = format!("/api/agents/{disabled}");
    world.patch(&path, &json!({ "disabled": true })).await.expect(200);
    world.delete(&format!("/api/agents/{deleted}")).await.expect(204);
    for token in &sessions {
        assert_eq!(world.status_of(token).await, 403);
    }
    assert_eq!(world.items("session").await, Vec::<Value>::new());
    world.patch(&path, &json!({ "disabled": false })).await.expect(200);
    assert_eq!(world.status_of(&sessions[0]).await, 403, "an agent who returns signs in again");
}

#[tokio::test]
async fn session_whose_agent_is_gone_is_refused_even_if_it_was_left_behind() {
    let world = World::start().await;
    let agent = agent(&world).await;
    let (session, _) = world.agent_session(&agent).await;
    let item = world.items("session").await.remove(0);
    world.delete(&format!("/api/agents/{agent}")).await.expect(204);
    world.put_item(&item).await;
    assert_eq!(world.status_of(&session).await, 403);
}

#[tokio::test]
async fn session_ends_with_the_token_that_it_was_made_from() {
    let world = World::start().await;
    let agent = agent(&world).await;
    let (one, _) = token(&world, json!({ "role": "agent", "name": "x", "agent_id": agent })).await;
    let (alone, _) = token(&world, json!({ "role": "supervisor", "name": "y" })).await;
    let (of_one, of_alone, of_agent) =
        (world.token_session(&one).await.0, world.token_session(&alone).await.0, world.agent_session(&agent).await.0);
    world.post(&format!("/api/access-tokens/{one}/rotate"), &json!({})).await.expect(201);
    assert_eq!(world.status_of(&of_one).await, 200, "a rotation replaces the secret of the token alone");
    for id in [&one, &alone] {
        world.delete(&format!("/api/access-tokens/{id}")).await.expect(204);
    }
    let statuses = [&of_one, &of_alone, &of_agent].map(|token| world.status_of(token));
    assert_eq!(futures_util::future::join_all(statuses).await, [403, 403, 200]);
}

#[tokio::test]
async fn session_of_the_bootstrap_token_ends_when_it_is_retired() {
    let world = World::start().await;
    let (session, _) = world.token_session("bootstrap").await;
    let admin = world.access_token("admin").await;
    assert_eq!(world.status_of(&session).await, 200);
    world.call(Some(&admin), Method::DELETE, "/api/access-tokens/bootstrap", None).await.expect(204);
    assert_eq!(world.status_of(&session).await, 403);
    let path = "/api/access-tokens/bootstrap/sign-in-code";
    world.call(Some(&admin), Method::POST, path, None).await.expect(404);
}

#[tokio::test]
async fn token_of_another_form_opens_nothing() {
    let world = World::start().await;
    let agent = agent(&world).await;
    let (session, id) = world.agent_session(&agent).await;
    let long = format!("kefus_{}_{}", "a".repeat(65), "0".repeat(64));
    let secret = session.rsplit('_').next().unwrap();
    let of_other = format!("kefus_a000000000000_{secret}");
    for token in ["kefus_", "kefus__", "kefus_a_b", "kefus_#_0", &long, &of_other, &id, &session[..session.len() - 1]] {
        assert_eq!(world.status_of(token).await, 403, "{token}");
    }
}
