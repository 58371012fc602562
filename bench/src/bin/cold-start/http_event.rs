//! HTTP API events, payload format 2.0 (API Gateway developer guide, "Working with AWS Lambda proxy integrations for HTTP APIs").

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::error::BenchError;

/// A request to the HTTP API.
pub(crate) struct HttpRequest<'a> {
    /// `GET` or `POST`.
    pub(crate) method: &'a str,
    /// The route, as `POST /callback/{app_id}`.
    pub(crate) route_key: &'a str,
    /// The path.
    pub(crate) path: &'a str,
    /// The name and value of the path's parameter.
    pub(crate) path_parameter: (&'a str, &'a str),
    /// Query parameters, whose names and values need no percent-encoding.
    pub(crate) query: &'a [(&'a str, &'a str)],
    /// Headers beside those that API Gateway adds, names in lower case.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// The context from the authorizer.
    pub(crate) authorizer: Option<Value>,
    /// The body.
    pub(crate) body: Option<String>,
}

impl HttpRequest<'_> {
    /// The event for this request, as JSON.
    pub(crate) fn event(self) -> Result<Bytes, BenchError> {
        let now = Timestamp::now();
        let mut headers = json!({
            "accept": "*/*",
            "host": "api.example.com",
            "user-agent": "Mozilla/4.0",
            "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
            "x-forwarded-for": "101.226.103.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        });
        for (name, value) in self.headers {
            headers[name] = json!(value);
        }
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut event = json!({
            "version": "2.0",
            "routeKey": self.route_key,
            "rawPath": self.path,
            "rawQueryString": query.join("&"),
            "headers": headers,
            "pathParameters": { self.path_parameter.0: self.path_parameter.1 },
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "a1b2c3d4e5",
                "domainName": "api.example.com",
                "domainPrefix": "api",
                "http": {
                    "method": self.method,
                    "path": self.path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "101.226.103.1",
                    "userAgent": "Mozilla/4.0",
                },
                "requestId": "JKJaXmPLvHcESHA=",
                "routeKey": self.route_key,
                "stage": "$default",
                "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
                "timeEpoch": now.as_millisecond(),
            },
            "isBase64Encoded": false,
        });
        if !self.query.is_empty() {
            event["queryStringParameters"] = self.query.iter().map(|&(name, value)| (name, value)).collect();
        }
        if let Some(context) = self.authorizer {
            event["requestContext"]["authorizer"] = json!({ "lambda": context });
        }
        if let Some(body) = self.body {
            event["body"] = json!(body);
        }
        Ok(serde_json::to_vec(&event)?.into())
    }
}

/// A GET of the admin on a path below `/api/`.
pub(crate) fn admin_get(path: &str) -> Result<Bytes, BenchError> {
    HttpRequest {
        method: "GET",
        route_key: "ANY /api/{proxy+}",
        path,
        path_parameter: ("proxy", path.strip_prefix("/api/").unwrap_or(path)),
        query: &[],
        headers: &[("authorization", "Bearer 0123456789abcdef0123456789abcdef")],
        authorizer: Some(json!({ "role": "admin", "token_id": "admin" })),
        body: None,
    }
    .event()
}
