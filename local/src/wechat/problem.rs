//! Errors of `/sim`: problem details (RFC 9457).

use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::json;

/// An error of `/sim`.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl Problem {
    /// A missing or invalid field.
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, code: "invalid", detail: detail.into() }
    }

    /// A body that is not JSON.
    fn not_json() -> Self {
        let detail = "the Content-Type must be application/json".to_owned();
        Self { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, code: "unsupported_media_type", detail }
    }

    /// An unregistered mini program.
    pub(super) fn unknown(app_id: &str) -> Self {
        let detail = format!("no mini program {app_id:?}: POST /sim/mini-programs, or bind it first");
        Self { status: StatusCode::NOT_FOUND, code: "unknown_mini_program", detail }
    }

    /// A simulator without a bundle.
    pub(super) fn no_bundle() -> Self {
        let detail = "this simulator belongs to no running bundle".to_owned();
        Self { status: StatusCode::NOT_FOUND, code: "no_bundle", detail }
    }

    /// The bundle could not do it.
    pub(super) fn failed(detail: String) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, code: "failed", detail }
    }

    /// An unknown media id.
    pub(super) fn no_media() -> Self {
        Self { status: StatusCode::NOT_FOUND, code: "unknown_media", detail: "no such media".to_owned() }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        (self.status, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
    }
}

/// Refuses changes under `/sim` whose body is not declared as JSON. A page of another site can send a form or plain text without
/// asking the server first, but not JSON.
pub(super) async fn require_json(request: Request, next: Next) -> Response {
    let is_change = [Method::POST, Method::PUT, Method::PATCH].contains(request.method());
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_json = kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if is_change && request.uri().path().starts_with("/sim/") && !is_json {
        return Problem::not_json().into_response();
    }
    next.run(request).await
}

/// Parses a JSON body. An empty body is an empty object.
pub(super) fn parse_json<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Problem::invalid(error.to_string()))
}
