//! The events that API Gateway creates from a request: for the function behind the route (payload format 2.0) and for the
//! authorizer.
//!
//! API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP APIs" and "Control access to HTTP APIs with AWS
//! Lambda authorizers".

use std::collections::HashMap;
use std::net::SocketAddr;

use aws_lambda_events::apigw::{
    ApiGatewayRequestAuthorizer, ApiGatewayV2CustomAuthorizerV2Request, ApiGatewayV2httpRequest,
    ApiGatewayV2httpRequestContext, ApiGatewayV2httpRequestContextHttpDescription,
};
use aws_lambda_events::query_map::QueryMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;

use super::routes::PathParameters;
use crate::random;
use crate::template::{ACCOUNT, REGION, Route};

/// The path of a request, percent-decoded; `None` if it is not UTF-8.
///
/// An HTTP API decodes the path before it selects the route, so that `%2F` separates two segments, and `rawPath` is the decoded
/// path. It drops a decoded `?` and what follows (recorded events in github.com/hotsock/voker, pull request 8). A `+` stays a plus,
/// unlike in a query string.
pub(super) fn decode_path(path: &str) -> Option<String> {
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    decoded.split('?').next().map(str::to_owned)
}

/// A request without its body, from which the events are created.
pub(super) struct GatewayRequest<'a> {
    /// Method, query and headers.
    pub(super) parts: &'a Parts,
    /// The decoded path.
    pub(super) path: String,
    /// The parameters that the route names.
    pub(super) path_parameters: PathParameters,
    /// The selected route.
    pub(super) route: &'a Route,
    /// The address of the client.
    pub(super) source: SocketAddr,
    /// The time of the request.
    pub(super) now: Timestamp,
}

impl GatewayRequest<'_> {
    /// The event for the function, with the context from the authorizer if the route has one.
    pub(super) fn function_event(
        &self,
        body: &Bytes,
        authorizer_context: Option<HashMap<String, Value>>,
    ) -> serde_json::Result<Value> {
        let mut event = ApiGatewayV2httpRequest::default();
        event.version = Some("2.0".to_owned());
        event.route_key = Some(self.route.key());
        event.raw_path = Some(self.path.clone());
        event.raw_query_string = Some(self.raw_query().to_owned());
        event.cookies = Some(cookies(&self.parts.headers)).filter(|cookies| !cookies.is_empty());
        event.headers = headers(&self.parts.headers, self.source);
        event.query_string_parameters = QueryMap::from(query_parameters(self.raw_query()));
        event.path_parameters = self.path_parameters.clone().into_iter().collect();
        event.request_context = self.context();
        if let Some(fields) = authorizer_context {
            let mut authorizer = ApiGatewayRequestAuthorizer::default();
            authorizer.fields = fields;
            event.request_context.authorizer = Some(authorizer);
        }
        if !body.is_empty() {
            let (text, is_base64) = encode_body(&self.parts.headers, body);
            event.body = Some(text);
            event.is_base64_encoded = is_base64;
        }
        to_json(&event)
    }

    /// The values of these headers, which are the identity sources of an authorizer; `None` if one is missing or empty.
    pub(super) fn identity_source(&self, identity_headers: &[String]) -> Option<Vec<String>> {
        let headers = headers(&self.parts.headers, self.source);
        let identity_source = identity_headers.iter().map(|name| {
            let value = headers.get(name.as_str())?.to_str().ok()?;
            (!value.is_empty()).then(|| value.to_owned())
        });
        identity_source.collect()
    }

    /// The event for an authorizer.
    pub(super) fn authorizer_event(&self, identity_source: Vec<String>) -> serde_json::Result<Value> {
        let (method, path) = (&self.parts.method, &self.path);
        let mut event = ApiGatewayV2CustomAuthorizerV2Request::default();
        event.version = Some("2.0".to_owned());
        event.type_ = Some("REQUEST".to_owned());
        event.route_arn = Some(format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:local/$default/{method}{path}"));
        event.identity_source = Some(identity_source);
        event.route_key = Some(self.route.key());
        event.raw_path = Some(path.clone());
        event.raw_query_string = Some(self.raw_query().to_owned());
        event.cookies = cookies(&self.parts.headers);
        event.headers = headers(&self.parts.headers, self.source);
        let query = query_parameters(self.raw_query()).into_iter();
        event.query_string_parameters = query.map(|(name, values)| (name, values.join(","))).collect();
        event.path_parameters = self.path_parameters.clone().into_iter().collect();
        event.request_context = self.context();
        to_json(&event)
    }

    fn context(&self) -> ApiGatewayV2httpRequestContext {
        let header = |name: HeaderName| {
            let value =
                self.parts.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            value.unwrap_or_default()
        };
        let host = header(header::HOST);
        let mut http = ApiGatewayV2httpRequestContextHttpDescription::default();
        http.method = self.parts.method.clone();
        http.path = Some(self.path.clone());
        http.protocol = Some(format!("{:?}", self.parts.version));
        http.source_ip = Some(self.source.ip().to_string());
        http.user_agent = Some(header(header::USER_AGENT));
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.account_id = Some(ACCOUNT.to_owned());
        context.apiid = Some("local".to_owned());
        context.domain_prefix = host.split('.').next().map(str::to_owned);
        context.domain_name = Some(host);
        context.http = http;
        context.request_id = Some(random::letters_and_digits(16));
        context.route_key = Some(self.route.key());
        context.stage = Some("$default".to_owned());
        context.time = Some(self.now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string());
        context.time_epoch = self.now.as_millisecond();
        context
    }

    fn raw_query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }
}

/// The JSON of an event. API Gateway leaves out absent members, where the types of `aws_lambda_events` write `null` or an empty
/// object, and the members of payload format 1.0, of which the types write `httpMethod`.
fn to_json(event: &impl Serialize) -> serde_json::Result<Value> {
    let mut json = serde_json::to_value(event)?;
    for object in ["", "/requestContext"] {
        if let Some(members) = json.pointer_mut(object).and_then(Value::as_object_mut) {
            members.retain(|name, value| {
                let is_absent =
                    value.is_null() || name != "headers" && value.as_object().is_some_and(serde_json::Map::is_empty);
                !is_absent && name != "httpMethod"
            });
        }
    }
    Ok(json)
}

/// The headers of the request, several values of one name joined by commas, without cookies, and with the headers that API
/// Gateway adds.
fn headers(from: &HeaderMap, source: SocketAddr) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in from.keys().filter(|name| **name != header::COOKIE) {
        let values = from.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        insert(&mut headers, name.clone(), &values.collect::<Vec<_>>().join(","));
    }
    let host = from.get(header::HOST).and_then(|host| host.to_str().ok());
    let port = host.and_then(|host| host.rsplit_once(':')).map_or("80", |(_, port)| port);
    insert(&mut headers, HeaderName::from_static("x-forwarded-for"), &source.ip().to_string());
    insert(&mut headers, HeaderName::from_static("x-forwarded-port"), port);
    insert(&mut headers, HeaderName::from_static("x-forwarded-proto"), "http");
    headers
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Valid header values joined by commas are a valid header value.
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        headers.insert(name, value);
    }
}

fn cookies(from: &HeaderMap) -> Vec<String> {
    let all = from.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split("; ")).map(str::to_owned).collect()
}

/// The decoded query parameters, by name.
fn query_parameters(raw: &str) -> HashMap<String, Vec<String>> {
    let mut parameters: HashMap<String, Vec<String>> = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
        parameters.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    parameters
}

/// The body as text, and whether it is base64: API Gateway encodes every body that is not of a text type, and `local` also a text
/// that is not UTF-8.
fn encode_body(headers: &HeaderMap, body: &Bytes) -> (String, bool) {
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
mod tests;
