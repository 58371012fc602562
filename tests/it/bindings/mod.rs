//! `/api/bindings`: create, list, read, change, delete, health.

mod create;
mod reception_warnings;
mod update;
mod validation;

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

/// The table holds no binding and no token.
async fn assert_nothing_stored(world: &World) {
    assert_eq!(world.items("binding").await, Vec::<Value>::new());
    assert_eq!(world.items("token").await, Vec::<Value>::new());
    assert_eq!(world.list("/api/bindings").await, Vec::<Value>::new());
}
