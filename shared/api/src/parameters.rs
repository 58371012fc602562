//! Parameters of the path and of the query.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::{Uri, request::Parts},
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::IntoDeserializer};

use crate::{Problem, strict};

/// Longest parameter of a path, in bytes. Parameters become parts of keys, of which DynamoDB takes 2048 bytes for the partition and
/// 1024 for the sort key (Developer Guide, "Constraints"); ids have at most 40, and openids 28.
const PATH_MAX: usize = 512;

/// Longest parameter of a query, in bytes: a cursor has at most 700.
const QUERY_MAX: usize = 1024;

/// How much of an unknown name is repeated in the refusal, in characters.
const NAME_MAX: usize = 100;

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

/// The parameters of the query, of at most 1024 bytes each. Those that `T` does not name belong to another extractor of the
/// operation: one that no extractor names is refused before the handler runs.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let pairs = pairs(&parts.uri)?;
        if let Some((name, _)) = pairs.iter().find(|(_, value)| value.len() > QUERY_MAX) {
            return Err(Problem::invalid_field(name, format!("must have at most {QUERY_MAX} bytes")));
        }
        strict::from_query(pairs).map(Self).map_err(|error| Problem::invalid(vec![error]))
    }
}

fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, Problem> {
    let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
    let pairs = pairs.map(|axum::extract::Query(pairs)| pairs);
    pairs.map_err(|_| Problem::invalid_field("query", "must be name=value pairs, joined by &"))
}

/// Refuses a query with a parameter that the operation does not have: a name that is spelled wrong would be ignored, and the answer
/// would be that of another question.
pub(crate) fn check_names(parts: &Parts, known: fn() -> Vec<String>) -> Result<(), Problem> {
    if parts.uri.query().is_none_or(str::is_empty) {
        return Ok(());
    }
    let (pairs, known) = (pairs(&parts.uri)?, known());
    let Some((name, _)) = pairs.iter().find(|(name, _)| !known.contains(name)) else {
        return Ok(());
    };
    let name: String = name.chars().take(NAME_MAX).collect();
    let detail = match known.as_slice() {
        [] => "is unknown: this operation has no query parameters".to_owned(),
        known => format!("is unknown: this operation has the query parameters {}", known.join(", ")),
    };
    Err(Problem::invalid_field(name, detail))
}

/// Reads a parameter of the query; an empty one counts as absent.
pub fn non_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    match Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()) {
        Some(text) => T::deserialize(text.into_deserializer()).map(Some),
        None => Ok(None),
    }
}
