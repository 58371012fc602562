//! Connections and messages of the WebSocket API (API Gateway developer guide, "Set up a WebSocket API integration request").

use serde_json::{Value, json};

use super::{BEGINNING, HOST};

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0";
const SOCKETS: &str = "e5d4c3b2a1.execute-api.us-east-1.amazonaws.com";

/// All samples of `realtime`.
pub(super) fn sockets() -> Vec<(&'static str, Value)> {
    vec![
        ("realtime/connect", connect()),
        ("realtime/disconnect", disconnect()),
        ("realtime/ping", message(&json!({ "type": "ping" }))),
        ("realtime/heartbeat", message(&json!({ "type": "heartbeat" }))),
    ]
}

fn event(route: &str, kind: &str) -> Value {
    json!({
        "requestContext": {
            "routeKey": route,
            "eventType": kind,
            "extendedRequestId": "JKJaXmPLvHcESHA=",
            "requestTime": "02/Mar/2026:08:00:00 +0000",
            "messageDirection": "IN",
            "stage": "realtime",
            "connectedAt": BEGINNING * 1000,
            "requestTimeEpoch": BEGINNING * 1000,
            "identity": { "userAgent": BROWSER, "sourceIp": "203.0.113.7" },
            "requestId": "JKJaXmPLvHcESHA=",
            "domainName": SOCKETS,
            "connectionId": "L0SM9cOFvHcCIhw=",
            "apiId": "e5d4c3b2a1",
        },
        "isBase64Encoded": false,
    })
}

fn connect() -> Value {
    let headers = json!({
        "Host": SOCKETS, "Origin": format!("https://{HOST}"), "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13", "User-Agent": BROWSER, "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https",
    });
    let ticket = "0000000000000000000000000000000000000000000";
    let mut event = event("$connect", "CONNECT");
    let multiple = headers.as_object().unwrap().iter().map(|(name, value)| (name.clone(), json!([value])));
    event["multiValueHeaders"] = Value::Object(multiple.collect());
    event["headers"] = headers;
    event["queryStringParameters"] = json!({ "ticket": ticket });
    event["multiValueQueryStringParameters"] = json!({ "ticket": [ticket] });
    event
}

fn disconnect() -> Value {
    let mut event = event("$disconnect", "DISCONNECT");
    event["headers"] = json!({ "Host": SOCKETS, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": "" });
    event["requestContext"]["disconnectStatusCode"] = json!(1001);
    event["requestContext"]["disconnectReason"] = json!("Going away");
    event
}

fn message(body: &Value) -> Value {
    let mut event = event("$default", "MESSAGE");
    event["requestContext"]["messageId"] = json!("L0SM9cOFvHcCIhw=");
    event["body"] = json!(body.to_string());
    event
}
