//! The WebSocket of the workbench: who gets a connection, what it hears of, and how it ends.

mod connect;
mod ends;
mod hints;
mod messages;
mod page;
mod visitors;

use serde_json::{Value, json};

use crate::support::{Binding, World};

const APP: &str = "wx00000000000e0001";

/// A mini program whose conversations go to one group of these agents.
async fn shop(world: &World, app_id: &str, agents: &[&str]) -> (Binding, String) {
    let binding = world.bind(app_id).await;
    let group = world.group(agents).await;
    world.set_reception(&binding, json!({ "mode": "agents_only", "group_id": group })).await;
    (binding, group)
}

/// An agent, online, and the token of a session of theirs.
async fn agent(world: &World, name: &str) -> (String, String) {
    let id = world.agent(name, 5).await;
    let (token, _) = world.agent_session(&id).await;
    (id, token)
}

async fn connections(world: &World) -> Vec<Value> {
    world.items("connection").await
}
