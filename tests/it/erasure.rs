//! A visitor is erased and exported: completely, wherever a function stops, and no other visitor with them.

mod complete;
mod interrupted;
mod kinds;
mod story;

use serde_json::Value;

use crate::support::{Answer, World};

/// The path of a visitor.
fn path(app_id: &str, openid: &str) -> String {
    format!("/api/bindings/{app_id}/visitors/{openid}")
}

fn kind(item: &Value) -> &str {
    item["kind"]["S"].as_str().unwrap()
}

/// The items that contain one of these texts.
fn with_any(items: &[Value], texts: &[String]) -> Vec<Value> {
    let contains = |item: &&Value| {
        let item = item.to_string();
        texts.iter().any(|text| item.contains(text))
    };
    items.iter().filter(contains).cloned().collect()
}

/// All items of an export, page by page.
async fn exported(world: &World, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut next = format!("{path}/export");
    loop {
        let page: Answer = world.get(&next).await.expect(200);
        items.extend(page.body["items"].as_array().unwrap().iter().cloned());
        match page.body["cursor"].as_str() {
            Some(cursor) => next = format!("{path}/export?cursor={cursor}"),
            None => return items,
        }
    }
}
