//! Parameters of the path and of the query.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::IntoDeserializer};

use crate::{FieldError, Problem, body::without_value};

/// Longest parameter of a path, in bytes. Parameters become parts of keys, of which DynamoDB takes 2048 bytes for the partition and
/// 1024 for the sort key (Developer Guide, "Constraints"); ids have at most 40, and openids 28.
const PATH_MAX: usize = 512;

/// Longest parameter of a query, in bytes: a cursor has at most 700.
const QUERY_MAX: usize = 1024;

/// The parameters of the path, percent-decoded. One that cannot be decoded, is empty, has control characters or more than 512 bytes
/// names no resource: 404.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let raw = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Problem::not_found("resource"))?;
        let is_name = |value: &str| (1..=PATH_MAX).contains(&value.len()) && !value.contains(char::is_control);
        if !raw.iter().all(|(_, value)| is_name(value)) {
            return Err(Problem::not_found("resource"));
        }
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(path)| Self(path)).map_err(|_| Problem::not_found("resource"))
    }
}

/// The parameters of the query, of at most 1024 bytes each. Those that `T` does not name are ignored.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if let Ok(axum::extract::Query(all)) = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            && let Some((name, _)) = all.into_iter().find(|(_, value)| value.len() > QUERY_MAX)
        {
            return Err(Problem::invalid_field(name, format!("must have at most {QUERY_MAX} bytes")));
        }
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(rejection) => {
                // "Failed to deserialize query string: view: unknown variant `x`, expected one of …"
                let text =
                    std::error::Error::source(&rejection).map_or_else(|| rejection.body_text(), ToString::to_string);
                if let Some(field) = repeated(&text) {
                    return Err(Problem::invalid_field(field, "must be given only once"));
                }
                let (field, detail) = text.split_once(": ").unwrap_or(("query", &text));
                Err(Problem::invalid(vec![FieldError::new(field, without_value(detail))]))
            }
        }
    }
}

/// The field in the message of `serde::de::Error::duplicate_field`.
fn repeated(message: &str) -> Option<&str> {
    message.split_once("duplicate field `")?.1.strip_suffix('`')
}

/// Reads a parameter of the query; an empty one counts as absent.
pub fn non_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    match Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()) {
        Some(text) => T::deserialize(text.into_deserializer()).map(Some),
        None => Ok(None),
    }
}
