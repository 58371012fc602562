//! The time of the simulation: that of Tokio, which is paused.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use store::Clock;
use tokio::time::Instant;

/// 2026-03-02T08:00:00Z.
const BEGIN: i64 = 1_772_438_400;

/// A clock that goes on with the paused time of Tokio.
#[derive(Debug)]
pub(crate) struct VirtualClock(Instant);

impl VirtualClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let begin = Timestamp::from_second(BEGIN).unwrap_or(Timestamp::UNIX_EPOCH);
        let elapsed: Duration = self.0.elapsed();
        begin + SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::ZERO)
    }
}
