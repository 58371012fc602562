//! The reply ledger: by example, and against a model of WeChat that knows every moment exactly.

#![expect(clippy::unwrap_used, reason = "also the helpers of a test are tests")]

mod examples;
mod model;
mod properties;
mod world;

use jiff::Timestamp;

/// Milliseconds of the tests' time, which begins on a whole second.
fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(1_750_000_000_000 + millisecond).unwrap()
}
