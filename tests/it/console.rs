//! The web console's page, as API Gateway serves it.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::World;

async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = world.client().get(format!("{}{path}", world.bundle.api_url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The path of the page's own script, which has a hash in its name.
async fn script(world: &World) -> String {
    let page = get(world, "/", &[]).await.text().await.unwrap();
    let (_, rest) = page.split_once("src=\"/assets/").unwrap();
    format!("/assets/{}", rest.split('"').next().unwrap())
}

#[tokio::test]
async fn page_is_served_at_its_own_paths_and_never_cached() {
    let world = World::start().await;
    for path in ["/", "/desk", "/desk/c0123/info", "/desk?x=1.js"] {
        let answer = get(&world, path, &[]).await;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(header(&answer, "cache-control"), "no-store", "{path}");
        assert!(answer.text().await.unwrap().contains("<div id=\"app\">"), "{path}");
    }
}

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_the_page() {
    let world = World::start().await;
    for path in ["/", &script(&world).await, "/icon.svg", "/assets/gone.js"] {
        let answer = get(&world, path, &[]).await;
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&answer, "referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header(&answer, "cross-origin-opener-policy"), "same-origin-allow-popups", "{path}");
        assert_eq!(header(&answer, "permissions-policy"), "camera=(), microphone=(), geolocation=()", "{path}");
    }
    let answer = get(&world, "/", &[]).await;
    let policy = header(&answer, "content-security-policy");
    for directive in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "frame-src 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.split("; ").any(|part| part == directive), "{directive} in {policy}");
    }
}

#[tokio::test]
async fn asset_is_cached_for_ever_and_sent_in_brotli_to_those_who_take_it() {
    let world = World::start().await;
    let path = script(&world).await;
    let plain = get(&world, &path, &[("accept-encoding", "gzip")]).await;
    assert_eq!(header(&plain, "content-type"), "text/javascript; charset=utf-8");
    assert_eq!(header(&plain, "cache-control"), "public, max-age=31536000, immutable");
    assert_eq!((header(&plain, "content-encoding"), header(&plain, "vary")), ("", "accept-encoding"));
    let packed = get(&world, &path, &[("accept-encoding", "gzip, deflate, br, zstd")]).await;
    assert_eq!((header(&packed, "content-encoding"), header(&packed, "vary")), ("br", "accept-encoding"));
    let (plain, packed) = (plain.bytes().await.unwrap(), packed.bytes().await.unwrap());
    assert!(packed.len() * 2 < plain.len(), "{} of {}", packed.len(), plain.len());
}

#[tokio::test]
async fn known_version_of_a_file_is_not_sent_again() {
    let world = World::start().await;
    let first = get(&world, "/icon.svg", &[]).await;
    assert_eq!((first.status().as_u16(), header(&first, "cache-control")), (200, "no-cache"));
    let etag = header(&first, "etag").to_owned();
    let again = get(&world, "/icon.svg", &[("if-none-match", &etag)]).await;
    assert_eq!((again.status().as_u16(), header(&again, "etag")), (304, etag.as_str()));
    assert!(again.bytes().await.unwrap().is_empty());
    let other = get(&world, "/icon.svg", &[("if-none-match", "\"0\"")]).await;
    assert_eq!(other.status(), 200);
}

#[tokio::test]
async fn missing_file_is_not_found_and_never_the_page() {
    let world = World::start().await;
    for path in ["/assets/gone-1a2b.js", "/assets/gone", "/favicon.ico", "/api", "/callback/", "/platform/x"] {
        let answer = get(&world, path, &[]).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_ne!(header(&answer, "content-type"), "text/html; charset=utf-8", "{path}");
    }
}

#[tokio::test]
async fn routes_of_the_api_and_of_callbacks_are_not_the_consoles() {
    let world = World::start().await;
    // Without a token the authorizer's refusal, and not the page.
    assert_eq!(get(&world, "/api/me", &[]).await.status(), 401);
    assert_eq!(get(&world, "/callback/wx00000000000000a1", &[]).await.status(), 403);
    let other = world.client().request(Method::POST, format!("{}/desk", world.bundle.api_url()));
    assert_eq!(other.send().await.unwrap().status(), 404, "the page has no such route");
}

/// The sample event of the page with another method or path.
fn event(method: &str, path: &str) -> Value {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../events/console/page.json")).unwrap();
    let mut event: Value = serde_json::from_str(&text).unwrap();
    event["rawPath"] = json!(path);
    event["requestContext"]["http"]["method"] = json!(method);
    event["requestContext"]["http"]["path"] = json!(path);
    event
}

#[tokio::test]
async fn head_gets_the_headers_only_and_other_methods_are_refused() {
    let world = World::start().await;
    let head = world.bundle.invoke("Console", event("HEAD", "/")).await.unwrap();
    assert_eq!(head["statusCode"], 200);
    assert_eq!(head["headers"]["content-type"], "text/html; charset=utf-8");
    assert!(head["body"].as_str().unwrap_or_default().is_empty(), "{head}");
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let refused = world.bundle.invoke("Console", event(method, "/")).await.unwrap();
        assert_eq!(refused["statusCode"], 405, "{method}");
        assert_eq!(refused["headers"]["allow"], "GET, HEAD", "{method}");
    }
}

#[tokio::test]
async fn page_reads_one_item_of_the_table_and_files_read_nothing() {
    let world = World::start().await;
    let script = script(&world).await;
    world.bundle.reset_request_counts();
    let reads = || world.calls("Console", "GetItem") + world.calls("Console", "Query");
    get(&world, &script, &[]).await;
    get(&world, "/icon.svg", &[]).await;
    assert_eq!(reads(), 0);
    get(&world, "/", &[]).await;
    assert_eq!(reads(), 1);
}
