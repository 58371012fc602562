//! The address that a request was sent to.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, request::Parts},
};
use lambda_http::{RequestExt, request::RequestContext};

/// The scheme and host that a request was sent to. A custom domain works without a setting.
#[derive(Debug, Clone)]
pub(crate) struct Host(String);

impl<S: Sync> FromRequestParts<S> for Host {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let header = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let domain = match parts.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => context.domain_name.as_deref(),
            _ => None,
        };
        let host = header("host").or(domain).unwrap_or_default();
        let scheme = header("x-forwarded-proto").filter(|scheme| *scheme == "http").unwrap_or("https");
        Ok(Self(format!("{scheme}://{host}")))
    }
}

impl Host {
    /// The URL to enter in WeChat's console.
    pub(crate) fn callback_url(&self, app_id: &str) -> String {
        format!("{}/callback/{app_id}", self.0)
    }

    /// Whether this is the origin that the request was sent to.
    pub(crate) fn is_origin(&self, origin: &str) -> bool {
        self.0 == origin
    }

    /// The address of the WebSocket API; a path is one of this host.
    pub(crate) fn websocket_url(&self, url: &str) -> String {
        if url.starts_with('/') { format!("{}{url}", self.0.replacen("http", "ws", 1)) } else { url.to_owned() }
    }

    /// The address of the page with a sign-in code. A browser does not send the fragment, so that no server logs the code.
    pub(crate) fn sign_in_url(&self, code: &str) -> String {
        format!("{}/#sign-in={code}", self.0)
    }
}
