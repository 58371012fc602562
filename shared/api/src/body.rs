//! Bodies. One that is not JSON is `malformed`; one that is JSON of another form is `invalid`, with the field.
//!
//! The media type of a request is not checked: every body is read as JSON, so that a plain `curl -d` works.

use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, Request},
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::{Code, FieldError, Problem, strict};

/// Longest body of a request, in bytes, where the operation names no other limit.
pub const MAX_BODY: usize = 64 * 1024;

/// The name of the whole body in a [`FieldError`].
const WHOLE: &str = "body";

/// A JSON body of at most [`MAX_BODY`] bytes; as an answer: 200 with a JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// A JSON body of at most [`MAX_BODY`] bytes, or the default where the request has none.
#[derive(Debug)]
pub struct OptionalJson<T>(pub T);

/// A JSON body of at most `MAX` bytes.
#[derive(Debug)]
pub struct LimitedJson<T, const MAX: usize>(pub T);

/// A body of at most `MAX` bytes, as it is.
#[derive(Debug)]
pub struct Binary<const MAX: usize>(pub Bytes);

impl<S: Send + Sync, const MAX: usize> FromRequest<S> for Binary<MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        bytes(request, MAX).await.map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        parse(&bytes(request, MAX_BODY).await?).map(Self)
    }
}

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = bytes(request, MAX_BODY).await?;
        if bytes.is_empty() { Ok(Self(T::default())) } else { parse(&bytes).map(Self) }
    }
}

impl<T: DeserializeOwned, S: Send + Sync, const MAX: usize> FromRequest<S> for LimitedJson<T, MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        parse(&bytes(request, MAX).await?).map(Self)
    }
}

/// The body of a request, which Lambda has already read whole.
pub(crate) async fn bytes(request: Request, max: usize) -> Result<Bytes, Problem> {
    let bytes = to_bytes(request.into_body(), usize::MAX).await.map_err(|error| {
        tracing::error!(%error, "a body could not be read");
        Problem::internal()
    })?;
    if bytes.len() > max {
        let detail = format!("The body has {} bytes; at most {max} are taken.", bytes.len());
        return Err(Problem::new(413, Code::TooLarge, detail));
    }
    Ok(bytes)
}

pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // In two steps: read at once, serde_json does not distinguish a value of the wrong type from a missing brace.
    let value: Value = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
    // A merge patch is read as any JSON.
    if !value.is_object() {
        return Err(Problem::invalid_field(WHOLE, "must be an object"));
    }
    read(value).map_err(|error| Problem::invalid(vec![error]))
}

/// Reads JSON: objects only where the API has objects, at every depth. An error names the field by its path, such as
/// `weekly[0].days`, and does not contain the value.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, FieldError> {
    strict::from_json(value, WHOLE)
}

/// Leaves out line and column: they are those of the body as it arrived, which the caller rarely has at hand.
fn malformed(error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    Problem::new(400, Code::Malformed, format!("The body is not JSON: {message}."))
}

/// Reads a field that may be missing and may not be null; with `#[serde(default)]`.
///
/// # Errors
///
/// If it is null or of another type.
pub fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Reads a field that may be missing (`None`), null (`Some(None)`) or a value; with `#[serde(default)]`.
///
/// # Errors
///
/// If the value is of another type.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
