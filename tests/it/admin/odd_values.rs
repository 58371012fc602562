//! Values that no caller has a reason to send: refused before the table sees them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{ADMIN, World};

const APP: &str = "wx0000000000000ad1";

/// Long and odd values, percent-encoded.
fn odd_values() -> Vec<String> {
    vec![
        "a".repeat(600),
        "a".repeat(1100),
        "a".repeat(3000),
        "a".repeat(10_000),
        "%E5%AE%A2".repeat(1000),
        "%00".to_owned(),
        "%0A%1F%7F".to_owned(),
        "%ED%A0%80".to_owned(), // a lone surrogate
        "%F0%9F%98%80%23%2F%3F".to_owned(),
        "..%2F..".to_owned(),
        "~".to_owned(),
        "%20".to_owned(),
    ]
}

/// The operations of the API: method, path, and the names of the parameters of the query.
async fn operations(world: &World) -> Vec<(Method, String, Vec<String>)> {
    let described = world.get("/api/openapi.json").await.expect(200).body;
    let mut all = Vec::new();
    for (path, operations) in described["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let query = parameters.iter().filter(|parameter| parameter["in"] == "query");
            let query = query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect();
            all.push((method, path.clone(), query));
        }
    }
    all
}

/// A token of each role. Each was used before.
async fn persons(world: &World) -> Vec<String> {
    let agent = world.agent("小王", 5).await;
    let scopes = ["bindings:read", "conversations:read", "messages:write", "tokens:read"];
    let mut tokens = vec![ADMIN.to_owned()];
    for asked in [
        json!({ "role": "agent", "name": "x", "agent_id": agent }),
        json!({ "role": "supervisor", "name": "x", "agent_id": agent }),
        json!({ "role": "integrator", "name": "x", "scopes": scopes, "app_ids": [APP] }),
    ] {
        let token = world.post("/api/access-tokens", &asked).await.expect(201).text("token");
        world.call(Some(&token), Method::GET, "/api/me", None).await.expect(200);
        tokens.push(token);
    }
    tokens
}

/// The path with every parameter replaced.
fn with_parameters(path: &str, value: impl Fn(&str) -> String) -> String {
    let part = |part: &str| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        Some(name) => value(name),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn odd_parameters_of_paths_are_4xx_on_every_route() {
    let world = World::start().await;
    world.bind(APP).await;
    let persons = persons(&world).await;
    let before = world.all_items().await;
    let mut tried = 0;
    let operations = operations(&world).await.into_iter().filter(|(_, path, _)| path.contains('{'));
    for ((method, path, _), token) in
        operations.flat_map(|operation| persons.iter().map(move |token| (operation.clone(), token)))
    {
        for odd in odd_values() {
            // All parameters odd, then all but the mini program.
            for known in [false, true] {
                let path =
                    with_parameters(&path, |name| if known && name == "app_id" { APP.to_owned() } else { odd.clone() });
                if known && !path.contains(odd.as_str()) {
                    continue;
                }
                let body = (method == Method::POST || method == Method::PATCH || method == Method::PUT)
                    .then(|| json!({ "type": "text", "text": { "content": "x" } }));
                let (answer, _) =
                    world.request(Some(token), method.clone(), &path, body.as_ref()).send_and_compare().await;
                // A visitor who was never seen has no messages.
                let is_empty_list = path.ends_with("/messages") && answer.body["items"] == json!([]);
                let refused = (400..500).contains(&answer.status);
                assert!(
                    refused || is_empty_list && odd.len() < 600,
                    "{method} {path:.80}: {} {}",
                    answer.status,
                    answer.raw
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 1200, "{tried}");
    assert_eq!(world.all_items().await, before);
}

#[tokio::test]
async fn odd_parameters_of_queries_are_no_failure_of_the_server() {
    let world = World::start().await;
    world.bind(APP).await;
    let persons = persons(&world).await;
    for (method, path, query) in operations(&world).await {
        if method != Method::GET {
            continue;
        }
        for name in query {
            for (odd, token) in odd_values().iter().flat_map(|odd| persons.iter().map(move |token| (odd, token))) {
                let path = with_parameters(&path, |name| if name == "app_id" { APP } else { "x" }.to_owned());
                let asked = format!("{path}?{name}={odd}");
                let (answer, _) = world.request(Some(token), Method::GET, &asked, None).send_and_compare().await;
                let long = odd.replace("%E5%AE%A2", "abc").len() > 1024;
                let expected = if long { 400..500 } else { 200..500 };
                assert!(expected.contains(&answer.status), "{asked:.80}: {} {}", answer.status, answer.raw);
            }
        }
    }
}

#[tokio::test]
async fn odd_fields_of_bodies_are_4xx_and_store_nothing() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-odd").await;
    let before = world.all_items().await.len();
    let long = "m".repeat(2000);
    let cid = &chat.cid;
    for (path, body) in [
        (format!("/api/conversations/{cid}/messages"), json!({ "type": "image", "image": { "media_id": long } })),
        (
            format!("/api/conversations/{cid}/cards"),
            json!({ "msgType": 26, "miniPage": { "title": "T", "pagepath": "p", "thumbMediaId": long } }),
        ),
        (format!("/api/conversations/{cid}/transfer"), json!({ "group_id": long })),
        (format!("/api/conversations/{cid}/transfer"), json!({ "agent_id": long })),
        (format!("/api/conversations/{cid}/claim"), json!({ "agent_id": long })),
        ("/api/groups".to_owned(), json!({ "name": "x", "members": [long] })),
        ("/api/groups".to_owned(), json!({ "name": "x", "aliases": [long] })),
        ("/api/agents".to_owned(), json!({ "name": "x", "aliases": ["\u{0}"] })),
        ("/api/access-tokens".to_owned(), json!({ "name": "x", "role": "agent", "agent_id": long })),
        ("/api/bindings".to_owned(), json!({ "app_id": long, "name": "x", "app_secret": "s" })),
        ("/api/routing/simulate".to_owned(), json!({ "app_id": long, "text": "x" })),
    ] {
        let answer = world.unchecked(Method::POST, &path, Some(&body)).await;
        assert!((400..500).contains(&answer.status), "{path} {body:.60}: {} {}", answer.status, answer.raw);
    }
    assert_eq!(world.all_items().await.len(), before);
}

#[tokio::test]
async fn visitor_who_enters_with_ever_new_fields_is_received() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let visitor = world.visitor(&binding, "o-fields");
    for number in 0..130 {
        let params: Value = json!({ format!("field{number}"): "x".repeat(3500) });
        visitor.enters(&format!("sobot|小李||{params}")).await;
    }
    visitor.writes("在吗").await;
    let stored = json!(world.items("visitor").await).to_string();
    assert!(stored.contains("field129") && stored.len() < 100_000, "{}", stored.len());
    assert_eq!(visitor.conversations().await.len(), 1);
}
