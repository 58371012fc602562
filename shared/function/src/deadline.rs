//! Until when an invocation may begin work.

use jiff::{SignedDuration, Timestamp};
use lambda_http::{Request, RequestExt, lambda_runtime::Context};

/// How long before its timeout an invocation has ended its work. Longer than the slowest write with all its retries.
pub const RESERVE: SignedDuration = SignedDuration::from_secs(15);

/// How long before its timeout a function that answers a request has answered it, with the outcome or without: the time to
/// hand the answer to Lambda. Much shorter than [`RESERVE`], because the caller waits, and a request that is ended in the
/// middle of a call says so.
pub const ANSWER_RESERVE: SignedDuration = SignedDuration::from_secs(1);

/// When Lambda stops an invocation. Lambda kills a function in the middle of a call at its timeout, and what WeChat
/// answered to that call is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Timestamp);

impl Deadline {
    /// The deadline of an invocation (`Lambda-Runtime-Deadline-Ms`, AWS Lambda developer guide, "Using the Lambda runtime
    /// API for custom runtimes").
    pub fn of(context: &Context) -> Self {
        let deadline = i64::try_from(context.deadline).unwrap_or(i64::MAX);
        Self(Timestamp::from_millisecond(deadline).unwrap_or(Timestamp::MAX))
    }

    /// The deadline of the invocation that brought a request; none where the request was not made by Lambda.
    pub fn of_request(request: &Request) -> Self {
        request.lambda_context_ref().map_or(Self(Timestamp::MAX), Self::of)
    }

    /// A deadline at this time.
    pub fn at(time: Timestamp) -> Self {
        Self(time)
    }

    /// The time of the deadline.
    pub fn time(self) -> Timestamp {
        self.0
    }

    /// When a request is answered at the latest, so that Lambda does not stop it without an answer: [`ANSWER_RESERVE`]
    /// before the deadline.
    pub fn last_answer(self) -> Timestamp {
        self.0.checked_sub(ANSWER_RESERVE).unwrap_or(Timestamp::MIN)
    }

    /// The last moment at which work that takes this long at most may begin, so that it ends [`RESERVE`] before the deadline.
    pub fn last_start(self, work: SignedDuration) -> Timestamp {
        self.0.checked_sub(RESERVE).and_then(|end| end.checked_sub(work)).unwrap_or(Timestamp::MIN)
    }

    /// Whether such work may begin now.
    pub fn allows(self, work: SignedDuration, now: Timestamp) -> bool {
        now <= self.last_start(work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_without_a_context_has_no_deadline() {
        assert_eq!(Deadline::of_request(&Request::default()), Deadline::at(Timestamp::MAX));
    }

    #[test]
    fn work_that_would_end_in_the_last_fifteen_seconds_does_not_begin() {
        let mut context = Context::default();
        context.deadline = 1_772_438_460_000;
        let deadline = Deadline::of(&context);
        assert_eq!(deadline, Deadline::at("2026-03-02T08:01:00Z".parse().unwrap()));
        let allows = |work: i64, seconds_left: i64| {
            let now = deadline.time() - SignedDuration::from_secs(seconds_left);
            deadline.allows(SignedDuration::from_secs(work), now)
        };
        assert!(allows(0, 60) && allows(0, 15) && allows(45, 60));
        assert!(!allows(0, 14) && !allows(46, 60) && !allows(i64::MAX / 2, 60));
    }
}
