//! What a page sends.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::agent;
use crate::support::World;

async fn duty(world: &World, agent: &str) -> Value {
    world.get(&format!("/api/agents/{agent}")).await.expect(200).body["duty"].clone()
}

#[tokio::test]
async fn heartbeat_keeps_the_agent_present() {
    let world = World::start().await;
    let (id, token) = agent(&world, "小林").await;
    let mut page = world.page(&token).await;
    for _ in 0..3 {
        world.advance(80);
        page.send(r#"{"type":"heartbeat"}"#).await;
        // Messages are handled side by side, so the answer to a ping does not show that this one is done.
        let limit = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while duty(&world, &id).await["present"] != true || world.calls("Realtime", "UpdateItem") == 0 {
            assert!(std::time::Instant::now() < limit);
            tokio::task::yield_now().await;
        }
        world.bundle.reset_request_counts();
    }
    world.advance(90);
    assert_eq!(duty(&world, &id).await["present"], false);
}

#[tokio::test]
async fn heartbeat_of_an_agent_who_is_offline_is_answered_with_a_hint() {
    let world = World::start().await;
    let (id, token) = agent(&world, "小林").await;
    let mut page = world.page(&token).await;
    world.set_status(&id, "offline").await;
    world.settle().await;
    page.heard().await;
    page.send(r#"{"type":"heartbeat"}"#).await;
    let expected = json!({ "v": 1, "type": "duty", "agent_id": id });
    assert_eq!(page.next().await, super::page::Heard::Text(expected));
    assert_eq!(duty(&world, &id).await["status"], "offline");
}

#[tokio::test]
async fn admin_without_an_agent_may_send_a_heartbeat() {
    let world = World::start().await;
    let (token, _) = world.token_session("bootstrap").await;
    let mut page = world.page(&token).await;
    page.send(r#"{"type":"heartbeat"}"#).await;
    assert_eq!(page.heard().await, Vec::<Value>::new());
}

#[tokio::test]
async fn other_messages_are_ignored() {
    let world = World::start().await;
    let (_, token) = agent(&world, "小林").await;
    let mut page = world.page(&token).await;
    let long = format!(r#"{{"type":"ping","x":"{}"}}"#, "x".repeat(4096));
    for text in [
        "",
        "ping",
        "{}",
        "[]",
        "null",
        r#"{"type":7}"#,
        r#"{"type":"message","cid":"c1"}"#,
        r#"{"type":"$connect"}"#,
        r#"{"type":"$disconnect"}"#,
        r#"{"type":"session_ended"}"#,
        "\u{202e}客服\u{0}",
        &long,
    ] {
        page.send(text).await;
    }
    page.send(Message::binary(vec![0_u8, 255])).await;
    assert_eq!(page.heard().await, Vec::<Value>::new());
    assert_eq!(super::connections(&world).await.len(), 1, "no message ends the connection");
}

#[tokio::test]
async fn message_that_is_too_long_ends_the_connection() {
    let world = World::start().await;
    let (_, token) = agent(&world, "小林").await;
    let mut page = world.page(&token).await;
    page.send("x".repeat(40 * 1024)).await;
    assert!(matches!(page.closed().await.0, 1009 | 1006));
}
