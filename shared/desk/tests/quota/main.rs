//! The reply ledger: examples, and random schedules against an exact model of WeChat.

#![expect(clippy::unwrap_used, reason = "also the helpers of a test are tests")]

mod examples;
mod ledgers;
mod model;
mod properties;
mod refusals;
mod world;

use jiff::Timestamp;

/// The instant `millisecond` after the start of a test, which is a whole second.
fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(1_750_000_000_000 + millisecond).unwrap()
}
