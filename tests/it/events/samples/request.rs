//! HTTP requests as API Gateway events.

use reqwest::Url;
use serde_json::{Map, Value, json};

use super::{BEGINNING, HOST};

/// An HTTP request, to become an event of payload format 2.0 (API Gateway developer guide, "Create AWS Lambda proxy
/// integrations for HTTP APIs").
pub(super) struct Request<'a> {
    pub(super) method: &'static str,
    pub(super) route: &'static str,
    pub(super) path: String,
    pub(super) parameters: Vec<(&'static str, &'a str)>,
    pub(super) query: Vec<(String, String)>,
    pub(super) content_type: Option<String>,
    pub(super) body: Option<String>,
    pub(super) agent: &'static str,
    pub(super) lambda: Option<Value>,
}

impl Request<'_> {
    pub(super) fn event(self) -> Value {
        let route = format!("{} {}", self.method, self.route);
        let mut headers = json!({
            "accept": "*/*", "host": HOST, "user-agent": self.agent, "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443", "x-forwarded-proto": "https",
        });
        if let Some(content_type) = &self.content_type {
            headers["content-type"] = json!(content_type);
        }
        if let Some(body) = &self.body {
            headers["content-length"] = json!(body.len().to_string());
        }
        let mut url = Url::parse("https://kefu.example.com").unwrap();
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        let mut context = json!({
            "accountId": "000000000000", "apiId": "a1b2c3d4e5", "domainName": HOST, "domainPrefix": "kefu",
            "http": {
                "method": self.method, "path": self.path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": self.agent,
            },
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": route, "stage": "$default",
            "time": "02/Mar/2026:08:00:00 +0000", "timeEpoch": BEGINNING * 1000,
        });
        if let Some(lambda) = self.lambda {
            context["authorizer"] = json!({ "lambda": lambda });
        }
        let mut event = json!({
            "version": "2.0", "routeKey": route, "rawPath": self.path, "rawQueryString": url.query().unwrap_or_default(),
            "headers": headers, "requestContext": context, "isBase64Encoded": false,
        });
        let texts = |pairs: &mut dyn Iterator<Item = (String, String)>| -> Map<String, Value> {
            pairs.map(|(name, value)| (name, json!(value))).collect()
        };
        if !self.query.is_empty() {
            event["queryStringParameters"] = json!(texts(&mut self.query.into_iter()));
        }
        let mut parameters = self.parameters.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        event["pathParameters"] = json!(texts(&mut parameters));
        if let Some(body) = self.body {
            event["body"] = json!(body);
        }
        event
    }
}
