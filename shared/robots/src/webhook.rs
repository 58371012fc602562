//! A robot that is an external system behind a signed webhook.
//!
//! Source: Standard Webhooks 1.0.0 (standard-webhooks/standard-webhooks, spec/standard-webhooks.md). Unlike an event,
//! the request is answered in its response. It is repeated after a failure that may pass (a broken connection, 408, 425, 429 and
//! most 5xx) while the deadline allows it, with the same `webhook-id` and signature: a receiver for which a turn has effects
//! tells a repetition by that id.

use std::{fmt, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::{
    Answer, Client, Failure, MAX_ANSWER, Outcome, TurnRequest, plain,
    transport::{Call, Response, TimeLimit},
};

const SECRET_PREFIX: &str = "whsec_";

/// A robot behind a webhook. `Debug` shows the deadline alone.
#[derive(Clone)]
pub struct Webhook {
    /// The URL: https, on the public internet.
    pub url: String,
    /// Whether a model writes the answers. Markdown in them becomes plain text.
    pub is_ai: bool,
    /// The signing secret: `whsec_` and 24 to 64 bytes in Base64.
    pub secret: SecretString,
    /// The time limit from the first byte sent to the last byte received, with all that is asked again.
    pub deadline: Duration,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// A new secret of 32 random bytes. Fails where the operating system returns none.
pub fn generate_secret() -> Result<SecretString, getrandom::Error> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    Ok(SecretString::from(format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(random))))
}

/// Whether the text has the form of a webhook secret: `whsec_` and 24 to 64 bytes in Base64.
pub fn is_secret(secret: &str) -> bool {
    key(secret).is_some()
}

fn key(secret: &str) -> Option<SecretSlice<u8>> {
    let key = BASE64_STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()?;
    (24..=64).contains(&key.len()).then(|| key.into())
}

fn sign(secret: &SecretString, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let key = key(secret.expose_secret())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret()).ok()?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
}

#[derive(Serialize)]
struct Event<'a> {
    r#type: &'static str,
    timestamp: Timestamp,
    data: Turn<'a>,
}

#[derive(Serialize)]
struct Turn<'a> {
    cid: &'a str,
    uid: &'a str,
    app_id: &'a str,
    text: &'a str,
    history: Vec<HistoryEntry<'a>>,
}

#[derive(Serialize)]
struct HistoryEntry<'a> {
    from: &'static str,
    text: &'a str,
}

#[derive(Deserialize)]
struct Reply {
    text: Option<String>,
    #[serde(default)]
    handover: bool,
    reason: Option<String>,
}

impl Client {
    /// Requests an answer from a webhook: `POST` of `{"type": "robot.turn", "timestamp", "data": {cid, uid, app_id, text, history}}`.
    ///
    /// `{"text": "…"}` is the answer, truncated to [`MAX_ANSWER`] bytes; `{"handover": true, "reason": "…"}` hands over; 204
    /// and an empty text mean that it does not know. `now` is when the request is signed: a receiver refuses what is
    /// more than five minutes off.
    #[tracing::instrument(skip_all, fields(app_id = request.app_id, cid = request.cid, uid = request.uid))]
    pub async fn webhook(
        &self,
        robot: &Webhook,
        request: &TurnRequest<'_>,
        now: Timestamp,
    ) -> Result<Outcome, Failure> {
        let url = self.address(&robot.url)?;
        let history = request.bounded_history().map(|(from, text)| HistoryEntry { from, text }).collect();
        let TurnRequest { cid, uid, app_id, .. } = *request;
        let data = Turn { cid, uid, app_id, text: request.bounded_text(), history };
        let event = Event { r#type: "robot.turn", timestamp: now, data };
        let body = serde_json::to_vec(&event).map_err(|_| Failure::Malformed)?;
        let headers = headers(&robot.secret, request.id, now.as_second(), &body).ok_or(Failure::Secret)?;
        // An error may quote what the visitor wrote.
        let secrets = vec![robot.secret.expose_secret(), request.text];
        let call = Call { url, headers, secrets, limit: TimeLimit::new(now, robot.deadline), usage: None };
        let Response { status, body } = self.post(&call, &body).await?;
        if status == StatusCode::NO_CONTENT {
            return Ok(Outcome::of(Answer::DontKnow));
        }
        let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&body);
        Ok(Outcome::of(match serde_json::from_slice(body).map_err(|_| Failure::Malformed)? {
            Reply { handover: true, reason, .. } => Answer::hand_over(reason.as_deref()),
            Reply { text: Some(text), .. } if robot.is_ai => Answer::text(&plain::from_markdown(&text), MAX_ANSWER),
            Reply { text: Some(text), .. } => Answer::text(&text, MAX_ANSWER),
            Reply { text: None, .. } => return Err(Failure::Malformed),
        }))
    }
}

/// The signature headers. `None` for an invalid secret.
fn headers(secret: &SecretString, id: &str, timestamp: i64, body: &[u8]) -> Option<HeaderMap> {
    // Percent-encoded, so that any id is a valid header value. Our own ids stay unchanged.
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let signature = sign(secret, &id, timestamp, body)?;
    let headers = [("webhook-id", id), ("webhook-timestamp", timestamp.to_string()), ("webhook-signature", signature)];
    let header =
        |(name, value): (_, String)| Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?));
    headers.into_iter().map(header).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_match_vectors_of_upstream_libraries() {
        // The vectors of the Python and the Rust library of standard-webhooks/standard-webhooks.
        for (secret, id, timestamp, body, expected) in [
            (
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#,
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
            (
                "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                1_649_367_553,
                r#"{"email":"test@example.com","username":"test_user"}"#,
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
        ] {
            assert_eq!(sign(&secret.into(), id, timestamp, body.as_bytes()).unwrap(), expected);
        }
    }

    #[test]
    fn example_in_the_documents_has_a_valid_signature() {
        let document = include_str!("../../../docs/integrating.md");
        let body = document.lines().find(|line| line.starts_with("{\"type\":\"robot.turn\"")).unwrap();
        let signature = document.lines().find_map(|line| line.strip_prefix("webhook-signature: ")).unwrap();
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert!(document.contains(secret));
        assert_eq!(sign(&secret.into(), "m1", 1_772_438_400, body.as_bytes()).unwrap(), signature);
    }

    #[test]
    fn generated_secret_is_valid_and_malformed_one_is_not() {
        let (one, other) = (generate_secret().unwrap(), generate_secret().unwrap());
        assert!(is_secret(one.expose_secret()));
        assert_eq!(key(one.expose_secret()).unwrap().expose_secret().len(), 32);
        assert_ne!(one.expose_secret(), other.expose_secret());
        let of = |bytes: usize| format!("whsec_{}", BASE64_STANDARD.encode(vec![7; bytes]));
        assert!(is_secret(&of(24)) && is_secret(&of(64)));
        for wrong in [&of(23), &of(65), "", "whsec_", "whsec_not base64 at all, but long enough", &of(32)[6..]] {
            assert!(!is_secret(wrong), "{wrong}");
        }
    }
}
