//! A code is exchanged once, within ten minutes, while its agent or token exists.

use futures_util::future::join_all;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;
use store::token_hash;

use super::{agent, is_refused, token};
use crate::open_conversation::problem;
use crate::support::{ADMIN, World};

#[tokio::test]
async fn code_gives_one_session() {
    let world = World::start().await;
    let agent = agent(&world).await;
    let made = world.post(&format!("/api/agents/{agent}/sign-in-code"), &json!({})).await.expect(201);
    let code = made.text("code");
    assert_eq!(made.text("url"), format!("{}/#sign-in={code}", world.bundle.api_url()));
    assert_eq!(made.text("expires_at"), (world.now() + SignedDuration::from_mins(10)).to_string());
    let signed_in = world.redeem(&code).await.expect(200);
    assert_eq!(signed_in.body["agent"], json!({ "id": agent, "name": "小林" }));
    assert_eq!(signed_in.text("expires_at"), (world.now() + SignedDuration::from_hours(14 * 24)).to_string());
    let again = world.redeem(&code).await;
    assert!(is_refused(&again), "{}", again.raw);
    let unknown = world.redeem("no-such-code").await;
    assert_eq!((unknown.status, &unknown.raw), (again.status, &again.raw), "one and the same refusal");
    assert_eq!(world.items("session").await.len(), 1);
}

#[tokio::test]
async fn code_expires_after_ten_minutes() {
    let world = World::start().await;
    let agent = agent(&world).await;
    let (late, in_time) = (world.agent_code(&agent).await, world.agent_code(&agent).await);
    world.advance(599);
    world.redeem(&in_time).await.expect(200);
    world.advance(1);
    assert!(is_refused(&world.redeem(&late).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_simultaneous_redemptions_one_gets_a_session() {
    let world = World::start().await;
    let agent = agent(&world).await;
    for _ in 0..5 {
        let before = world.items("session").await.len();
        let code = world.agent_code(&agent).await;
        let mut answers: Vec<u16> =
            join_all((0..4).map(|_| world.redeem(&code))).await.into_iter().map(|answer| answer.status).collect();
        answers.sort_unstable();
        assert_eq!(answers, [200, 401, 401, 401]);
        assert_eq!(world.items("session").await.len(), before + 1);
    }
}

#[tokio::test]
async fn code_of_what_has_ended_is_refused() {
    let world = World::start().await;
    let (deleted, disabled) = (agent(&world).await, agent(&world).await);
    let agent_token = json!({ "role": "agent", "name": "x", "agent_id": disabled });
    let (rotated, revoked, of_disabled) = (
        token(&world, json!({ "role": "agent", "name": "x" })).await.0,
        token(&world, json!({ "role": "supervisor", "name": "x" })).await.0,
        token(&world, agent_token).await.0,
    );
    let mut codes = vec![world.agent_code(&deleted).await, world.agent_code(&disabled).await];
    for token in [&rotated, &revoked, &of_disabled] {
        codes.push(world.token_code(token).await);
    }
    world.delete(&format!("/api/agents/{deleted}")).await.expect(204);
    world.patch(&format!("/api/agents/{disabled}"), &json!({ "disabled": true })).await.expect(200);
    world.post(&format!("/api/access-tokens/{rotated}/rotate"), &json!({})).await.expect(201);
    world.delete(&format!("/api/access-tokens/{revoked}")).await.expect(204);
    for code in codes {
        assert!(is_refused(&world.redeem(&code).await));
    }
    let refused = world.post(&format!("/api/agents/{disabled}/sign-in-code"), &json!({})).await;
    assert_eq!(problem(&refused), (409, "agent.disabled", None));
    for path in [format!("agents/{deleted}"), format!("access-tokens/{revoked}")] {
        let refused = world.post(&format!("/api/{path}/sign-in-code"), &json!({})).await;
        assert_eq!(problem(&refused), (404, "not_found", None), "{path}");
    }
    assert_eq!(world.items("session").await.len(), 0);
}

#[tokio::test]
async fn integrator_is_a_program_and_gets_no_code() {
    let world = World::start().await;
    let asked = json!({ "role": "integrator", "name": "系统", "scopes": ["webhooks"] });
    let (id, _) = token(&world, asked).await;
    let refused = world.post(&format!("/api/access-tokens/{id}/sign-in-code"), &json!({})).await;
    assert_eq!(problem(&refused).0, 422, "{}", refused.raw);
}

#[tokio::test]
async fn expired_token_gets_no_code_and_a_session_ends_with_its_token() {
    let world = World::start().await;
    let end = world.now() + SignedDuration::from_hours(1);
    let (id, _) = token(&world, json!({ "role": "agent", "name": "x", "expires_at": end })).await;
    let (session, _) = world.token_session(&id).await;
    assert_eq!(world.status_of(&session).await, 200);
    world.advance(3600);
    assert_eq!(world.status_of(&session).await, 403);
    world.post(&format!("/api/access-tokens/{id}/sign-in-code"), &json!({})).await.expect(404);
}

#[tokio::test]
async fn code_and_token_are_kept_as_their_sha_256_alone() {
    let world = World::start().await;
    let agent = agent(&world).await;
    let (unused, code) = (world.agent_code(&agent).await, world.agent_code(&agent).await);
    let (token, _) = super::session(&world.redeem(&code).await.expect(200));
    let table = json!(world.all_items().await).to_string();
    assert!(table.contains(&token_hash(&unused)) && table.contains(&token_hash(&token)));
    let secret = token.rsplit('_').next().unwrap();
    assert!(token.starts_with("kefus_") && secret.len() == 64 && unused.len() == 43, "256 random bits");
    for kept_back in [unused.as_str(), &code, &token, secret, &secret[..16]] {
        assert!(!table.contains(kept_back), "{kept_back}");
    }
}

#[tokio::test]
async fn sign_in_with_another_body_is_refused_and_changes_nothing() {
    let world = World::start().await;
    let agent = agent(&world).await;
    let code = world.agent_code(&agent).await;
    for (body, status) in [
        (json!({}), 422),
        (json!({ "code": 1 }), 422),
        (json!({ "code": code, "more": true }), 422),
        (json!({ "code": "x".repeat(1024) }), 413),
        (json!({ "code": "" }), 401),
        (json!({ "code": "x".repeat(900) }), 401),
        (json!({ "code": token_hash(&code) }), 401),
        (json!({ "code": "\u{202e}客服#\u{0}" }), 401),
    ] {
        let answer = world.call(None, Method::POST, "/api/sign-in", Some(&body)).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.raw);
    }
    world.request(None, Method::POST, "/api/sign-in", None).body("code").send().await.expect(400);
    world.request(None, Method::GET, "/api/sign-in", None).send().await.expect(401);
    world.redeem(&code).await.expect(200);
}

#[tokio::test]
async fn device_is_cleaned_and_cut() {
    let world = World::start().await;
    let agent = agent(&world).await;
    let device = async |header: &[u8]| {
        let body = json!({ "code": world.agent_code(&agent).await });
        let request = world.request(None, Method::POST, "/api/sign-in", Some(&body));
        let answer = request.header("user-agent", header).send().await.expect(200);
        answer.body["session"]["device"].as_str().unwrap().to_owned()
    };
    assert_eq!(device(super::BROWSER.as_bytes()).await, super::BROWSER);
    assert_eq!(device("a\u{202e}b\tc".as_bytes()).await, "ab c");
    assert_eq!(device(b"\xff<script>").await, "\u{fffd}<script>");
    let long = device("客".repeat(1000).as_bytes()).await;
    assert!((150..=200).contains(&long.len()), "{}", long.len());
    assert_eq!(device(b"").await, "");
}

#[tokio::test]
async fn session_has_the_role_and_the_agent_of_its_code() {
    let world = World::start().await;
    let agent = agent(&world).await;
    let me = async |token: &str| world.call(Some(token), Method::GET, "/api/me", None).await.expect(200).body;
    let (by_agent, id) = world.agent_session(&agent).await;
    let seen = me(&by_agent).await;
    assert_eq!((&seen["role"], &seen["agent_id"], &seen["name"]), (&json!("agent"), &json!(agent), &json!("小林")));
    assert_eq!((&seen["session"]["id"], &seen["session"]["current"]), (&json!(id), &json!(true)));
    assert_eq!(seen["now"], json!(world.now().to_string()));
    let asked = json!({ "role": "supervisor", "name": "主管", "agent_id": agent });
    let (supervisor, secret) = token(&world, asked).await;
    let seen = me(&world.token_session(&supervisor).await.0).await;
    assert_eq!((&seen["role"], &seen["agent_id"]), (&json!("supervisor"), &json!(agent)));
    assert!(me(&secret).await.get("session").is_none(), "a token is no session");
    let admin = world.token_session("bootstrap").await.0;
    assert_eq!(me(&admin).await["role"], "admin");
    world.call(Some(&admin), Method::GET, "/api/access-tokens", None).await.expect(200);
    world.call(Some(&by_agent), Method::GET, "/api/access-tokens", None).await.expect(403);
    assert_eq!(me(ADMIN).await["session"], json!(null));
}
