//! `/api/bindings`: bind, list, read, change, unbind, health.

mod changed;
mod made;
mod refused;

use serde_json::{Value, json};

use crate::support::World;

const APP: &str = "wx0000000000000b01";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const PLANTED_TOKEN: &str = "plantedToken4711";
const PLANTED_KEY: &str = "plantedKey0123456789abcdefghijklmnopqrstuvX";

fn asked(app_id: &str) -> Value {
    json!({ "name": "测试小程序", "app_id": app_id, "app_secret": SECRET })
}

fn of(app_id: &str) -> String {
    format!("/api/bindings/{app_id}")
}

/// Nothing of a binding or a token is in the table.
async fn nothing_is_kept(world: &World) {
    assert_eq!(world.items("binding").await, Vec::<Value>::new());
    assert_eq!(world.items("token").await, Vec::<Value>::new());
    assert_eq!(world.list("/api/bindings").await, Vec::<Value>::new());
}
