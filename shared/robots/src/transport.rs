//! HTTP requests to robots, with a deadline for the whole exchange and a size limit for the response.
//!
//! A request that fails in passing is made again while the deadline allows it: a turn has no effect on a model, and a webhook
//! tells a repetition by its `webhook-id`.

use std::{fmt, time::Duration};

use channel::{ChannelError, FetchError, Reach};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use reqwest::{
    StatusCode,
    header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
};
use store::Backoff;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{
    Failure,
    body::{self, ENCODINGS},
    parameters::KnownParameters,
    refusal::Refusal,
    usage::Usage,
};

/// How many times a request is made at most.
const ATTEMPTS_MAX: u32 = 6;
/// The longest pause after the first attempt. It doubles with each attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause after any attempt, unless the server asks for a longer one.
const PAUSE_MAX: Duration = Duration::from_secs(4);
/// A request is not made again where less time is left for it.
const ATTEMPT_TIME: Duration = Duration::from_millis(500);

/// A client of robots. Cheap to clone. Clones share what they know of the servers.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    reach: Reach,
    backoff: Backoff,
    pub(crate) known: KnownParameters,
}

/// A request to a robot.
pub(crate) struct Call<'a> {
    /// From [`Client::address`].
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// What no error message may show.
    pub(crate) secrets: Vec<&'a str>,
    pub(crate) limit: TimeLimit,
    /// What counts the requests, if they count.
    pub(crate) usage: Option<&'a Usage>,
}

/// The time limit of a turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeLimit {
    /// The time at the beginning.
    now: Timestamp,
    begun: Instant,
    until: Instant,
}

/// A successful response.
pub(crate) struct Response {
    /// Always 2xx.
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

/// A failed attempt.
struct Attempt {
    failure: Failure,
    /// Whether another attempt may succeed.
    is_passing: bool,
    /// The pause that the server asks for.
    pause: Option<Duration>,
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl TimeLimit {
    /// A limit that ends after `deadline`. It is `now`.
    pub(crate) fn new(now: Timestamp, deadline: Duration) -> Self {
        let begun = Instant::now();
        Self { now, begun, until: begun + deadline }
    }

    fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.begun.elapsed()).unwrap_or(SignedDuration::MAX);
        self.now.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

impl Client {
    /// A client of robots at addresses in `reach`.
    pub fn new(reach: Reach) -> Result<Self, ChannelError> {
        let http = channel::untrusted_url_client(reach)?
            .user_agent(concat!("kefu/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| ChannelError::HttpClient)?;
        Ok(Self { http, reach, backoff: Backoff::default(), known: KnownParameters::default() })
    }

    /// The same client with other pauses between the attempts of a request.
    #[must_use]
    pub fn with_backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// The parsed address, if requests to it are allowed.
    pub(crate) fn address(&self, address: &str) -> Result<Url, Failure> {
        let url = Url::parse(address).map_err(|_| Failure::Address)?;
        if self.reach == Reach::Public {
            return channel::check_public(&url).map(|()| url).map_err(failure);
        }
        let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        if plain { Ok(url) } else { Err(Failure::Address) }
    }

    /// Posts JSON, again after each failure that may pass, until the time limit.
    pub(crate) async fn post(&self, call: &Call<'_>, body: &[u8]) -> Result<Response, Failure> {
        let mut attempts = 1;
        loop {
            let exchange = self.attempt(call, body.to_vec());
            let failed = match timeout_at(call.limit.until, exchange).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(failed)) => failed,
                Err(_) => return Err(Failure::Timeout),
            };
            let drawn = || self.backoff.draw(FIRST_PAUSE, PAUSE_MAX, attempts);
            let pause = failed.pause.unwrap_or_else(drawn);
            if !failed.is_passing || attempts >= ATTEMPTS_MAX || call.limit.left() < pause.saturating_add(ATTEMPT_TIME)
            {
                return Err(failed.failure);
            }
            let (code, status) = (failed.failure.code(), failed.failure.status());
            tracing::info!(code, status, attempts, ?pause, "the robot is asked again");
            self.backoff.pause_for(pause).await;
            attempts += 1;
        }
    }

    async fn attempt(&self, call: &Call<'_>, body: Vec<u8>) -> Result<Response, Attempt> {
        let mut headers = call.headers.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(ENCODINGS));
        let request = self.http.post(call.url.clone()).headers(headers).body(body);
        if let Some(usage) = call.usage {
            usage.add_call();
        }
        let response = request.send().await.map_err(|error| Attempt::of(failure(channel::request_error(&error))))?;
        let status = response.status();
        if status.is_success() {
            return Ok(Response { status, body: body::read(response).await.map_err(Attempt::of)? });
        }
        let pause = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let pause = pause.and_then(|value| retry_after(value, call.limit.now()));
        let body = body::read(response).await.unwrap_or_default();
        let refusal = Refusal::read(status.as_u16(), &body, &call.secrets);
        Err(Attempt { failure: Failure::Refused(refusal), is_passing: is_passing(status), pause })
    }
}

impl Attempt {
    fn of(failure: Failure) -> Self {
        Self { is_passing: failure == Failure::Unreachable, failure, pause: None }
    }
}

/// Whether a refusal may pass: the server is busy, restarting or overloaded.
fn is_passing(status: StatusCode) -> bool {
    let is_lasting = matches!(status, StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    matches!(status.as_u16(), 408 | 425 | 429) || status.is_server_error() && !is_lasting
}

/// The pause of `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(value.trim()).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

fn failure(error: FetchError) -> Failure {
    match error {
        FetchError::Address => Failure::Address,
        FetchError::NotPublic => Failure::NotPublic,
        _ => Failure::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        for (value, expected) in [
            ("1", Some(1)),
            (" 120 ", Some(120)),
            ("Sun, 01 Mar 2026 08:00:05 GMT", Some(5)),
            ("Sun, 01 Mar 2026 07:59:00 GMT", Some(0)),
            ("1.5", None),
            ("-1", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after(value, now), expected.map(Duration::from_secs), "{value}");
        }
    }
}
