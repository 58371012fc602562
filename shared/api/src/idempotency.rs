//! `Idempotency-Key` (IETF draft "The Idempotency-Key HTTP Header Field").

use axum::extract::{FromRequest, FromRequestParts, Request};
use serde::de::DeserializeOwned;
use store::{IdempotentRequest, content_hash};
use utoipa::IntoParams;

use crate::{
    Caller, Code, MAX_BODY, Problem,
    body::{bytes, parse},
};

/// Longest `Idempotency-Key`, in bytes.
const KEY_MAX: usize = 255;

/// The header, for the description of an operation that takes [`Idempotent`].
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes the header that `Idempotent` reads")]
pub struct IdempotencyKey {
    /// The same key with the same body takes effect once; the answer tells how the message of the first request is now.
    /// Remembered for 24 hours.
    #[param(rename = "Idempotency-Key", nullable = false, min_length = 1, max_length = 255)]
    key: Option<String>,
}

/// A JSON body of a request that takes effect once, where the request has an `Idempotency-Key`.
#[derive(Debug)]
pub struct Idempotent<T> {
    /// The body.
    pub body: T,
    /// The key within its scope: the access token and the path.
    pub idempotency: Option<IdempotentRequest>,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Idempotent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, state).await?;
        let key = parts.headers.get("idempotency-key").map(|value| {
            // A tab is no printable character, but a part of a header in ASCII.
            let fits = |key: &&str| (1..=KEY_MAX).contains(&key.len()) && !key.contains(char::is_control);
            let key = value.to_str().ok().filter(fits);
            key.map(ToOwned::to_owned)
                .ok_or_else(|| Problem::invalid_field("Idempotency-Key", "must be 1 to 255 printable ASCII characters"))
        });
        let key = key.transpose()?;
        let path = parts.uri.path().to_owned();
        let bytes = bytes(Request::from_parts(parts, body), MAX_BODY).await?;
        let idempotency = key
            .map(|key| IdempotentRequest { scope: [caller.0.token_id, path, key], fingerprint: content_hash(&bytes) });
        Ok(Self { body: parse(&bytes)?, idempotency })
    }
}

/// The refusal of a request whose `Idempotency-Key` another request used.
pub fn key_reused() -> Problem {
    let detail = "This Idempotency-Key was used for a request with another body. Use a new key for a new request.";
    Problem::new(422, Code::IdempotencyKeyReused, detail)
}
