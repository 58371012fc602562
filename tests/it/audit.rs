//! The audit log: each change that a person makes has one entry, written with the change.

mod log;
mod routes;

use serde_json::Value;

use crate::support::World;

/// The entries in the table, the oldest first.
async fn entries(world: &World) -> Vec<Value> {
    let items = world.items("audit").await;
    let mut entries: Vec<Value> =
        items.iter().map(|item| serde_json::from_str(item["data"]["S"].as_str().unwrap()).unwrap()).collect();
    // Ids are ordered by the system's clock.
    entries.sort_by_key(|entry| entry["id"].as_str().unwrap().to_owned());
    entries
}
