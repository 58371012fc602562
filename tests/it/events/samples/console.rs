//! Requests for the console's page.

use serde_json::{Value, json};

use super::request::Request;

/// All samples of `console`.
pub(super) fn console() -> [(&'static str, Value); 3] {
    [
        ("console/page", request("/", "/", None)),
        ("console/path-of-the-page", request("/{proxy+}", "/desk", Some("desk"))),
        ("console/icon", request("/{proxy+}", "/icon.svg", Some("icon.svg"))),
    ]
}

fn request(route: &'static str, path: &str, proxy: Option<&str>) -> Value {
    let request = Request {
        method: "GET",
        route,
        path: path.to_owned(),
        parameters: proxy.map(|proxy| ("proxy", proxy)).into_iter().collect(),
        query: Vec::new(),
        content_type: None,
        body: None,
        agent: "Mozilla/5.0",
        lambda: None,
    };
    let mut event = request.event();
    event["headers"]["accept-encoding"] = json!("gzip, deflate, br");
    event
}
