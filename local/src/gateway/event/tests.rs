use http::{Method, Request};
use serde_json::json;

use super::*;
use crate::gateway::routes;

fn route() -> Route {
    Route { method: Some(Method::POST), path: "/a/{id+}".to_owned(), function: String::new(), authorizer: None }
}

/// The event of a request to `POST /a/{id+}`, with and without an authorizer.
fn events(request: Request<&'static [u8]>) -> (Value, Option<Value>) {
    let (parts, body) = request.into_parts();
    let path = decode_path(parts.uri.path()).unwrap();
    let routes = [route()];
    let (route, path_parameters) = routes::find(&routes, &parts.method, &path).unwrap();
    let (now, source) = ("2026-11-22T15:00:00Z".parse().unwrap(), ([127, 0, 0, 1], 9).into());
    let request = GatewayRequest { parts: &parts, path, path_parameters, route, source, now };
    let identity_source = request.identity_source(&["authorization".to_owned()]);
    let authorizer_event = identity_source.map(|source| request.authorizer_event(source).unwrap());
    (request.function_event(&Bytes::from_static(body), None).unwrap(), authorizer_event)
}

fn event(request: Request<&'static [u8]>) -> Value {
    events(request).0
}

#[test]
fn decode_path_keeps_form_characters_and_refuses_invalid_utf8() {
    for (path, decoded) in [
        ("/a=b", "/a=b"),
        ("/a&b", "/a&b"),
        ("/a+b", "/a+b"),
        ("/a%3Db%26c%2Bd", "/a=b&c+d"),
        ("/%E5%AE%A2", "/客"),
        ("/a%2Fb", "/a/b"),
        ("/a%20b", "/a b"),
        ("/a%252Fb", "/a%2Fb"),
        ("/a%3Fb=1/c", "/a"),
        ("/a%253Fb", "/a%3Fb"),
        ("/100%", "/100%"),
    ] {
        assert_eq!(decode_path(path).as_deref(), Some(decoded), "{path}");
    }
    assert_eq!(decode_path("/%FF"), None);
}

#[test]
fn request_becomes_an_event_of_payload_format_2() {
    let request = Request::post("/a/x%2Fy+%E5%AE%A2?b=1&c=%20&b=2%2C3")
        .header("Host", "localhost:3000")
        .header("Accept", "a")
        .header("Accept", "b")
        .header("Cookie", "one=1; two=2")
        .header("Content-Type", "text/xml; charset=utf-8")
        .body("<xml>客服</xml>".as_bytes());
    let event = event(request.unwrap());
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "POST /a/{id+}");
    assert_eq!(event["rawPath"], "/a/x/y+客");
    assert_eq!(event["rawQueryString"], "b=1&c=%20&b=2%2C3");
    assert_eq!(event["queryStringParameters"], json!({"b": "1,2,3", "c": " "}));
    assert_eq!(event["pathParameters"], json!({"id": "x/y+客"}));
    assert_eq!(event["headers"]["accept"], "a,b");
    assert_eq!(event["headers"]["x-forwarded-proto"], "http");
    assert_eq!(event["headers"]["x-forwarded-port"], "3000");
    assert!(event["headers"].get("cookie").is_none());
    assert_eq!(event["cookies"], json!(["one=1", "two=2"]));
    assert_eq!(event["requestContext"]["domainName"], "localhost:3000");
    assert_eq!(event["requestContext"]["http"]["path"], "/a/x/y+客");
    assert_eq!(event["requestContext"]["http"]["protocol"], "HTTP/1.1");
    assert_eq!(event["requestContext"]["time"], "22/Nov/2026:15:00:00 +0000");
    assert_eq!(event["requestContext"]["timeEpoch"], 1_795_359_600_000_i64);
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("<xml>客服</xml>"), &json!(false)));
}

#[test]
fn event_has_only_the_members_of_payload_format_2() {
    let event = event(Request::post("/a/b").body(b"".as_slice()).unwrap());
    let mut names: Vec<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let expected = [
        "headers",
        "isBase64Encoded",
        "pathParameters",
        "rawPath",
        "rawQueryString",
        "requestContext",
        "routeKey",
        "version",
    ];
    assert_eq!(names, expected);
}

#[test]
fn authorizer_event_needs_its_identity_source() {
    let request = || Request::post("/a/b?c=1").header("Host", "localhost:3000");
    assert_eq!(events(request().body(b"".as_slice()).unwrap()).1, None);
    assert_eq!(events(request().header("Authorization", "").body(b"".as_slice()).unwrap()).1, None);
    let event = events(request().header("Authorization", "Bearer x").body(b"{}".as_slice()).unwrap()).1.unwrap();
    assert_eq!((&event["version"], &event["type"]), (&json!("2.0"), &json!("REQUEST")));
    assert_eq!(event["identitySource"], json!(["Bearer x"]));
    assert_eq!(event["routeArn"], "arn:aws:execute-api:local:000000000000:local/$default/POST/a/b");
    assert_eq!(event["headers"]["authorization"], "Bearer x");
    assert_eq!(event["queryStringParameters"], json!({"c": "1"}));
    assert_eq!(event.get("body"), None);
}

#[test]
fn body_that_is_not_text_is_base64() {
    for (content_type, body, expected, encoded) in [
        ("application/json", b"{}".as_slice(), "{}", false),
        ("application/problem+json", b"{}", "{}", false),
        ("application/octet-stream", b"{}", "e30=", true),
        ("application/x-www-form-urlencoded", b"{}", "e30=", true),
        ("text/xml", b"\xff", "/w==", true),
    ] {
        let request = Request::post("/a/b").header("Content-Type", content_type).body(body);
        let event = event(request.unwrap());
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!(expected), &json!(encoded)), "{content_type}");
    }
    let event = event(Request::post("/a/b").body(b"".as_slice()).unwrap());
    assert_eq!((event.get("body"), &event["isBase64Encoded"]), (None, &json!(false)));
}
