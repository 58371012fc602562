//! From Lambda to the router and back.

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::FromRequestParts,
    http::{Method, request::Parts},
    response::IntoResponse,
};
use function::Deadline;
use jiff::{SignedDuration, Timestamp};
use lambda_http::{Body, Request, Response, Service};
use store::SharedClock;

use crate::{Code, Problem};

/// What a send needs before the answer is due: to claim the message, to get an access token, and the 5 seconds that WeChat has.
const SEND_TIME: SignedDuration = SignedDuration::from_secs(10);

/// Passes a request to the router, and answers before Lambda stops the function at `deadline`: a handler that takes longer
/// ends, and the answer is a [`Problem`] that says what is known.
///
/// `lambda_http` can run a router by itself, but then it decides by the content type whether an answer is text, with the
/// tables of forty character encodings, 150 kB of the binary. Every answer of the API is JSON, hence text.
pub async fn serve(router: &Router, mut request: Request, deadline: Deadline, clock: &SharedClock) -> Response<Body> {
    let method = request.method().clone();
    request.extensions_mut().insert(LastSend(deadline.last_answer().checked_sub(SEND_TIME).unwrap_or(Timestamp::MIN)));
    let request = request.map(|body| match body {
        Body::Text(text) => axum::body::Body::from(text),
        Body::Binary(bytes) => axum::body::Body::from(bytes),
        _ => axum::body::Body::empty(),
    });
    let mut router = router.clone();
    let response = tokio::select! {
        biased;
        Ok(response) = router.call(request) => response,
        () = clock.reached(deadline.last_answer()) => out_of_time(&method).into_response(),
    };
    let (parts, body) = response.into_parts();
    // The body is in memory already.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_else(|error| {
        tracing::error!(%error, "an answer could not be read");
        Bytes::new()
    });
    let body = match String::from_utf8(body.into()) {
        Ok(text) if text.is_empty() => Body::Empty,
        Ok(text) => Body::Text(text),
        Err(error) => Body::Binary(error.into_bytes()),
    };
    Response::from_parts(parts, body)
}

/// The answer to a request whose handler was ended. A write may be under way, so that its outcome is not known.
fn out_of_time(method: &Method) -> Problem {
    tracing::error!(%method, "a request was ended before the function's timeout");
    let detail = if method.is_safe() {
        "The request took too long. Nothing was changed; please try again in a moment."
    } else {
        "The request took too long and was ended. Whether it took effect is not known: read the resource before you repeat it."
    };
    Problem::new(503, Code::Unavailable, detail)
}

/// The last moment at which a request may begin to send: a send that could not end before the answer is due stays pending,
/// and the tick sends the message. `None` for a request that did not come by [`serve`].
#[derive(Debug, Clone, Copy)]
pub struct LastSend(Timestamp);

impl LastSend {
    /// The time.
    pub fn time(self) -> Timestamp {
        self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for LastSend {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get().copied().ok_or_else(|| {
            tracing::error!("a request has no deadline");
            Problem::internal()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::routing::any;
    use store::ManualClock;

    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    /// The answer of a handler that never ends to a request with 29 seconds, of which so many have gone by.
    async fn after(method: Method, seconds: i64) -> Option<Response<Body>> {
        let router = Router::new().route("/", any(std::future::pending::<()>));
        let clock = Arc::new(ManualClock::new(START));
        let request = lambda_http::http::Request::builder().method(method).uri("/").body(Body::Empty).unwrap();
        let deadline = Deadline::at(START + SignedDuration::from_secs(29));
        clock.advance(SignedDuration::from_secs(seconds));
        let clock: SharedClock = clock;
        let answer = serve(&router, request, deadline, &clock);
        tokio::select! { biased; answer = answer => Some(answer), () = tokio::task::yield_now() => None }
    }

    #[tokio::test]
    async fn handler_that_does_not_end_is_answered_a_second_before_the_timeout() {
        assert!(after(Method::POST, 27).await.is_none());
        for (method, expected) in [(Method::GET, "Nothing was changed"), (Method::POST, "is not known")] {
            let answer = after(method, 28).await.unwrap();
            assert_eq!(answer.status(), 503);
            assert_eq!(answer.headers()["retry-after"], "5");
            let Body::Text(body) = answer.body() else { panic!("{answer:?}") };
            assert!(body.contains("\"unavailable\"") && body.contains(expected), "{body}");
        }
    }
}
