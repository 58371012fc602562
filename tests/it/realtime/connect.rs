//! A connection takes a ticket: once, within 30 seconds, from the origin that asked for it, while the session lasts.

use futures_util::future::join_all;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;
use store::token_hash;

use super::{agent, connections};
use crate::open_conversation::{fields, problem};
use crate::support::{ADMIN, World};

#[tokio::test]
async fn page_with_a_ticket_is_connected() {
    let world = World::start().await;
    let (id, token) = agent(&world, "小林").await;
    let made = world.ticket_from(&token, &world.origin()).await.expect(200);
    assert_eq!(made.text("url"), format!("{}/realtime", world.bundle.api_url().replace("http://", "ws://")));
    assert_eq!(made.text("expires_at"), (world.now() + SignedDuration::from_secs(30)).to_string());
    let mut page = world.connect(&made.text("ticket")).await.unwrap();
    assert_eq!(page.heard().await, Vec::<serde_json::Value>::new());
    let kept = connections(&world).await;
    assert_eq!(kept.len(), 1);
    assert!(kept[0]["watcher"]["S"].as_str().unwrap().contains(&id), "{kept:?}");
    let end: i64 = kept[0]["ttl"]["N"].as_str().unwrap().parse().unwrap();
    assert_eq!(end, (world.now() + SignedDuration::from_mins(130)).as_second());
}

#[tokio::test]
async fn ticket_is_valid_once() {
    let world = World::start().await;
    let (_, token) = agent(&world, "小林").await;
    let ticket = world.ticket(&token).await;
    let _page = world.connect(&ticket).await.unwrap();
    assert_eq!(world.connect(&ticket).await.err(), Some(403));
    let ticket = world.ticket(&token).await;
    let attempts = join_all((0..4).map(|_| world.connect(&ticket))).await;
    assert_eq!(attempts.iter().filter(|attempt| attempt.is_ok()).count(), 1);
    assert_eq!(connections(&world).await.len(), 2);
}

#[tokio::test]
async fn ticket_expires_after_thirty_seconds() {
    let world = World::start().await;
    let (_, token) = agent(&world, "小林").await;
    let (in_time, late) = (world.ticket(&token).await, world.ticket(&token).await);
    world.advance(29);
    let _page = world.connect(&in_time).await.unwrap();
    world.advance(1);
    assert_eq!(world.connect(&late).await.err(), Some(403));
}

#[tokio::test]
async fn ticket_of_another_origin_is_refused_and_used_up() {
    let world = World::start().await;
    let (_, token) = agent(&world, "小林").await;
    let localhost = world.origin().replace("127.0.0.1", "localhost");
    let ticket = world.ticket_from(&token, &localhost).await.expect(200).text("ticket");
    assert_eq!(world.connect(&ticket).await.err(), Some(403));
    let again = world.connect_with(&format!("?ticket={ticket}"), Some(&localhost)).await;
    assert_eq!(again.err(), Some(403), "it is used up");
    let ticket = world.ticket_from(&token, &localhost).await.expect(200).text("ticket");
    assert!(world.connect_with(&format!("?ticket={ticket}"), Some(&localhost)).await.is_ok());
}

#[tokio::test]
async fn connection_without_a_ticket_or_an_origin_is_refused() {
    let world = World::start().await;
    let (_, token) = agent(&world, "小林").await;
    let own = world.origin();
    let ticket = world.ticket(&token).await;
    let long = format!("?ticket={}", "x".repeat(1000));
    for (query, origin) in [
        ("", Some(own.as_str())),
        ("?ticket=", Some(&own)),
        ("?ticket=unknown", Some(&own)),
        ("?ticket=%E5%AE%A2%23", Some(&own)),
        (&long, Some(&own)),
        (&format!("?ticket={}", token_hash(&ticket)), Some(&own)),
        (&format!("?ticket={token}"), Some(&own)),
        ("?ticket=x", None),
        ("?ticket=x", Some("https://evil.example")),
        ("?ticket=x", Some("null")),
    ] {
        assert_eq!(world.connect_with(query, origin).await.err(), Some(403), "{query} {origin:?}");
    }
    assert_eq!(connections(&world).await.len(), 0);
    assert!(world.connect(&ticket).await.is_ok());
}

#[tokio::test]
async fn ticket_of_an_ended_session_is_refused() {
    let world = World::start().await;
    let (one, token) = agent(&world, "小林").await;
    let (other, other_token) = agent(&world, "小王").await;
    let (revoked, of_disabled) = (world.ticket(&token).await, world.ticket(&other_token).await);
    world.delete(&format!("/api/sessions?agent_id={one}")).await.expect(204);
    world.patch(&format!("/api/agents/{other}"), &json!({ "disabled": true })).await.expect(200);
    for ticket in [revoked, of_disabled] {
        assert_eq!(world.connect(&ticket).await.err(), Some(403));
    }
    // The authorizer's answer is still kept.
    let refused = world.ticket_from(&token, &world.origin()).await;
    assert_eq!(problem(&refused), (401, "unauthorized", None));
    assert_eq!(connections(&world).await.len(), 0);
}

#[tokio::test]
async fn only_a_session_of_a_page_gets_a_ticket() {
    let world = World::start().await;
    let (id, token) = agent(&world, "小林").await;
    for token in [ADMIN.to_owned(), world.agent_token(&id).await] {
        let refused = world.ticket_from(&token, &world.origin()).await;
        assert_eq!(problem(&refused), (403, "forbidden", None));
    }
    let path = "/api/realtime/ticket";
    let without = world.call(Some(&token), Method::POST, path, None).await;
    assert_eq!((without.status, fields(&without)), (422, vec!["Origin"]));
    world.call(None, Method::POST, path, None).await.expect(401);
}

#[tokio::test]
async fn ticket_is_kept_as_its_sha_256_alone() {
    let world = World::start().await;
    let (_, token) = agent(&world, "小林").await;
    let ticket = world.ticket(&token).await;
    let table = json!(world.all_items().await).to_string();
    assert!(table.contains(&token_hash(&ticket)) && !table.contains(&ticket) && !table.contains(&token));
    let _page = world.connect(&ticket).await.unwrap();
    assert_eq!(world.items("ticket").await.len(), 0);
}
