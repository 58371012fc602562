//! Parameters of the path and of the query.

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::IntoDeserializer};

use crate::{FieldError, Problem, body::without_value};

/// The parameters of the path, percent-decoded. A path that cannot be decoded names no resource: 404.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(path)| Self(path)).map_err(|_| Problem::not_found("resource"))
    }
}

/// The parameters of the query. Those that `T` does not name are ignored.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
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
