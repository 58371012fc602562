//! The payload-2.0 event of a request.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, header};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::routes::PathParameters;
use crate::random;
use crate::template::{ACCOUNT, REGION, Route};

/// A request on its way to a function.
pub(super) struct Incoming {
    event: Map<String, Value>,
    body: Option<(String, bool)>,
}

impl Incoming {
    /// The event of a request, without its body and without what the authorizer says.
    pub(super) fn new(
        parts: &Parts,
        body: &Bytes,
        route: &Route,
        path_parameters: PathParameters,
        source: SocketAddr,
        now: Timestamp,
    ) -> Self {
        let headers = headers(&parts.headers, source);
        let host = headers.get("host").and_then(Value::as_str).unwrap_or_default();
        let path = parts.uri.path();
        let key = route.key();
        let context = json!({
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": host,
            "domainPrefix": host.split('.').next(),
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": format!("{:?}", parts.version),
                "sourceIp": source.ip().to_string(),
                "userAgent": headers.get("user-agent").and_then(Value::as_str).unwrap_or_default(),
            },
            "requestId": random::letters_and_digits(16),
            "routeKey": key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        });
        let mut event = Map::from_iter([
            ("version".to_owned(), json!("2.0")),
            ("routeKey".to_owned(), json!(key)),
            ("rawPath".to_owned(), json!(path)),
            ("rawQueryString".to_owned(), json!(parts.uri.query().unwrap_or_default())),
            ("headers".to_owned(), Value::Object(headers)),
            ("requestContext".to_owned(), context),
        ]);
        let cookies = cookies(&parts.headers);
        if !cookies.is_empty() {
            event.insert("cookies".to_owned(), json!(cookies));
        }
        let query = query(parts.uri.query().unwrap_or_default());
        if !query.is_empty() {
            event.insert("queryStringParameters".to_owned(), json!(query));
        }
        if !path_parameters.is_empty() {
            let decoded = path_parameters.into_iter().map(|(name, value)| (name, decode(&value)));
            event.insert("pathParameters".to_owned(), Value::Object(decoded.map(|(n, v)| (n, json!(v))).collect()));
        }
        let body = (!body.is_empty()).then(|| encode(&parts.headers, body));
        Self { event, body }
    }

    /// What the authorizer is asked; nothing if a header that it goes by is missing.
    pub(super) fn authorizer_event(&self, identity: &[String]) -> Option<Value> {
        let source = identity
            .iter()
            .map(|name| self.event["headers"].get(name).and_then(Value::as_str).filter(|value| !value.is_empty()));
        let source: Vec<&str> = source.collect::<Option<_>>()?;
        let mut event = self.event.clone();
        let context = &event["requestContext"];
        let route = format!(
            "arn:aws:execute-api:{REGION}:{ACCOUNT}:local/$default/{}{}",
            context["http"]["method"].as_str().unwrap_or_default(),
            event["rawPath"].as_str().unwrap_or_default(),
        );
        event.insert("type".to_owned(), json!("REQUEST"));
        event.insert("identitySource".to_owned(), json!(source));
        event.insert("routeArn".to_owned(), json!(route));
        Some(Value::Object(event))
    }

    /// Adds what the authorizer said of the caller.
    pub(super) fn authorized(&mut self, context: &Value) {
        self.event["requestContext"]["authorizer"] = json!({ "lambda": context });
    }

    /// The event for the function.
    pub(super) fn event(self) -> Value {
        let Self { mut event, body } = self;
        let (body, encoded) = body.map_or((None, false), |(body, encoded)| (Some(body), encoded));
        if let Some(body) = body {
            event.insert("body".to_owned(), json!(body));
        }
        event.insert("isBase64Encoded".to_owned(), json!(encoded));
        Value::Object(event)
    }
}

/// Names in lower case, several values of one name joined by commas, cookies left to their own field, and what the
/// gateway adds of its own.
fn headers(from: &HeaderMap, source: SocketAddr) -> Map<String, Value> {
    let mut headers: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in from.iter().filter(|(name, _)| *name != header::COOKIE) {
        let value = String::from_utf8_lossy(value.as_bytes());
        headers
            .entry(name.as_str())
            .and_modify(|all| *all = format!("{all},{value}"))
            .or_insert_with(|| value.into_owned());
    }
    let port = headers.get("host").and_then(|host| host.rsplit_once(':')).map_or("80", |(_, port)| port).to_owned();
    headers.insert("x-forwarded-for", source.ip().to_string());
    headers.insert("x-forwarded-port", port);
    headers.insert("x-forwarded-proto", "http".to_owned());
    headers.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

fn cookies(from: &HeaderMap) -> Vec<String> {
    let all = from.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split("; ")).map(str::to_owned).collect()
}

/// Decoded, several values of one name joined by commas.
fn query(raw: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
        parameters
            .entry(name.into_owned())
            .and_modify(|all| *all = format!("{all},{value}"))
            .or_insert_with(|| value.into_owned());
    }
    parameters
}

/// Percent decoding, as paths have it: a `+` is a plus.
fn decode(text: &str) -> String {
    let plain = text.replace('+', "%2B");
    url::form_urlencoded::parse(plain.as_bytes()).map(|(name, _)| name).collect()
}

/// Text stays as it is; every other content type is carried in base64, and so is text that is not UTF-8.
fn encode(headers: &HeaderMap, body: &Bytes) -> (String, bool) {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_text = content_type.starts_with("text/")
        || content_type.ends_with("+json")
        || content_type.ends_with("+xml")
        || ["application/json", "application/xml", "application/javascript"].contains(&content_type.as_str());
    match std::str::from_utf8(body) {
        Ok(text) if is_text => (text.to_owned(), false),
        _ => (STANDARD.encode(body), true),
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, Request};

    use super::*;

    fn event(request: Request<&'static [u8]>) -> Value {
        let (parts, body) = request.into_parts();
        let route =
            Route { method: Some(Method::POST), path: "/a/{id}".to_owned(), function: String::new(), authorizer: None };
        let parameters = BTreeMap::from([("id".to_owned(), "x%2Fy+%E5%AE%A2".to_owned())]);
        let now = "2026-11-22T15:00:00Z".parse().unwrap();
        let source = ([127, 0, 0, 1], 9).into();
        Incoming::new(&parts, &Bytes::from_static(body), &route, parameters, source, now).event()
    }

    #[test]
    fn a_request_as_the_function_gets_it() {
        let request = Request::post("/a/x%2Fy+%E5%AE%A2?b=1&c=%20&b=2%2C3")
            .header("Host", "localhost:3000")
            .header("Accept", "a")
            .header("Accept", "b")
            .header("Cookie", "one=1; two=2")
            .header("Content-Type", "text/xml; charset=utf-8")
            .body("<xml>客服</xml>".as_bytes());
        let event = event(request.unwrap());
        assert_eq!(event["version"], "2.0");
        assert_eq!(event["routeKey"], "POST /a/{id}");
        assert_eq!(event["rawPath"], "/a/x%2Fy+%E5%AE%A2");
        assert_eq!(event["rawQueryString"], "b=1&c=%20&b=2%2C3");
        assert_eq!(event["queryStringParameters"], json!({"b": "1,2,3", "c": " "}));
        assert_eq!(event["pathParameters"], json!({"id": "x/y+客"}));
        assert_eq!(event["headers"]["accept"], "a,b");
        assert_eq!(event["headers"]["x-forwarded-proto"], "http");
        assert_eq!(event["headers"]["x-forwarded-port"], "3000");
        assert!(event["headers"].get("cookie").is_none());
        assert_eq!(event["cookies"], json!(["one=1", "two=2"]));
        assert_eq!(event["requestContext"]["domainName"], "localhost:3000");
        assert_eq!(event["requestContext"]["http"]["protocol"], "HTTP/1.1");
        assert_eq!(event["requestContext"]["time"], "22/Nov/2026:15:00:00 +0000");
        assert_eq!(event["requestContext"]["timeEpoch"], 1_795_359_600_000_i64);
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("<xml>客服</xml>"), &json!(false)));
    }

    #[test]
    fn what_is_not_text_is_carried_in_base64() {
        for (content_type, body, expected, encoded) in [
            ("application/json", b"{}".as_slice(), "{}", false),
            ("application/problem+json", b"{}", "{}", false),
            ("application/octet-stream", b"{}", "e30=", true),
            ("application/x-www-form-urlencoded", b"{}", "e30=", true),
            ("text/xml", b"\xff", "/w==", true),
        ] {
            let request = Request::post("/a/b").header("Content-Type", content_type).body(body);
            let event = event(request.unwrap());
            assert_eq!(
                (&event["body"], &event["isBase64Encoded"]),
                (&json!(expected), &json!(encoded)),
                "{content_type}"
            );
        }
        let event = event(Request::post("/a/b").body(b"".as_slice()).unwrap());
        assert_eq!((event.get("body"), &event["isBase64Encoded"]), (None, &json!(false)));
    }
}
