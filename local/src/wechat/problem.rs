//! Errors of `/sim`: problem details (RFC 9457).

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
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

    /// An unregistered mini program.
    pub(super) fn unknown(app_id: &str) -> Self {
        let detail = format!("no mini program {app_id:?}: POST /sim/mini-programs, or bind it first");
        Self { status: StatusCode::NOT_FOUND, code: "unknown_mini_program", detail }
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

/// Parses a JSON body. Ignores the `Content-Type`, because `curl -d` sends that of a form. An empty body is an empty object.
pub(super) fn parse_json<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Problem::invalid(error.to_string()))
}
