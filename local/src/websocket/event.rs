//! The events of a WebSocket API (API Gateway developer guide, "Set up a WebSocket API integration request"; the members are those
//! of recorded events).

use std::net::SocketAddr;

use http::{HeaderMap, Uri, header};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::random;

/// Makes the events of one connection.
pub(super) struct Events {
    /// The id of the connection.
    pub(super) id: String,
    pub(super) source_ip: String,
    pub(super) user_agent: String,
    stage: String,
    domain: String,
    connected_at: Timestamp,
}

impl Events {
    pub(super) fn new(stage: &str, id: String, source: SocketAddr, headers: &HeaderMap, now: Timestamp) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        Self {
            id,
            source_ip: source.ip().to_string(),
            user_agent: text(header::USER_AGENT),
            stage: stage.to_owned(),
            domain: text(header::HOST),
            connected_at: now,
        }
    }

    /// A connection begins.
    pub(super) fn connect(&self, headers: &HeaderMap, uri: &Uri, now: Timestamp) -> Value {
        let mut event = self.event("$connect", "CONNECT", now);
        let (mut single, mut multiple) = (Map::new(), Map::new());
        for name in headers.keys() {
            let values: Vec<String> = headers
                .get_all(name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .collect();
            let name = title_case(name.as_str());
            single.insert(name.clone(), json!(values.last()));
            multiple.insert(name, json!(values));
        }
        event["headers"] = Value::Object(single);
        event["multiValueHeaders"] = Value::Object(multiple);
        let (mut single, mut multiple) = (Map::new(), Map::<String, Value>::new());
        for (name, value) in url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            single.insert(name.clone().into_owned(), json!(value));
            let values = multiple.entry(name.into_owned()).or_insert_with(|| json!([]));
            if let Some(values) = values.as_array_mut() {
                values.push(json!(value));
            }
        }
        if !single.is_empty() {
            event["queryStringParameters"] = Value::Object(single);
            event["multiValueQueryStringParameters"] = Value::Object(multiple);
        }
        event
    }

    /// A message has come.
    pub(super) fn message(&self, route: &str, body: &str, now: Timestamp) -> Value {
        let mut event = self.event(route, "MESSAGE", now);
        event["requestContext"]["messageId"] = json!(format!("{}=", random::letters_and_digits(15)));
        event["body"] = json!(body);
        event
    }

    /// A connection has ended.
    pub(super) fn disconnect(&self, code: u16, reason: &str, now: Timestamp) -> Value {
        let mut event = self.event("$disconnect", "DISCONNECT", now);
        event["headers"] = json!({ "Host": self.domain, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": "" });
        event["requestContext"]["disconnectStatusCode"] = json!(code);
        event["requestContext"]["disconnectReason"] = json!(reason);
        event
    }

    fn event(&self, route: &str, kind: &str, now: Timestamp) -> Value {
        let request_id = format!("{}=", random::letters_and_digits(15));
        json!({
            "requestContext": {
                "routeKey": route,
                "eventType": kind,
                "extendedRequestId": request_id,
                "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
                "messageDirection": "IN",
                "stage": self.stage,
                "connectedAt": self.connected_at.as_millisecond(),
                "requestTimeEpoch": now.as_millisecond(),
                "identity": { "userAgent": self.user_agent, "sourceIp": self.source_ip },
                "requestId": request_id,
                "domainName": self.domain,
                "connectionId": self.id,
                "apiId": "local",
            },
            "isBase64Encoded": false,
        })
    }
}

/// The name of a header as most clients write it, such as `User-Agent`.
fn title_case(name: &str) -> String {
    let word = |word: &str| {
        let mut characters = word.chars();
        characters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + characters.as_str())
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}
