//! The example page of orders, as a frame beside the conversations.

use http::Method;
use serde_json::{Value, json};

use super::ApiClient;
use crate::LocalError;

const NAME: &str = "订单";
const PATH: &str = "/orders";

/// Adds the frame with a new demo, and gives its key to the page's server. Later only its address changes, which follows the port of
/// the simulated WeChat; a frame that an admin has removed is not added again.
pub(super) async fn show(api_client: &ApiClient, api: &str, wechat: &str, is_new: bool) -> Result<(), LocalError> {
    let frames = format!("{api}/api/frames");
    let (_, found) = api_client.get(&frames).await?;
    let mut items: Vec<Value> = found["items"].as_array().cloned().unwrap_or_default();
    let url = format!("{wechat}{PATH}");
    let is_example = |frame: &Value| frame["name"] == NAME && frame["url"].as_str().is_some_and(is_of_this_machine);
    match items.iter().position(is_example) {
        Some(place) if items[place]["url"] == url => return Ok(()),
        Some(place) => items[place]["url"] = json!(url),
        None if is_new && items.is_empty() => items.push(json!({ "name": NAME, "url": url })),
        None => return Ok(()),
    }
    let stored = api_client.send(Method::PUT, &frames, &json!({ "items": items })).await?;
    let made = stored["items"].as_array().into_iter().flatten().find_map(|frame| frame["key"].as_str());
    if let Some(key) = made {
        api_client.send(Method::PUT, &format!("{wechat}/sim/orders/key"), &json!({ "key": key })).await?;
    }
    Ok(())
}

fn is_of_this_machine(url: &str) -> bool {
    url.starts_with("http://127.0.0.1:") && url.ends_with(PATH)
}
