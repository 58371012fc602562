//! The source of time. Everything that stores or compares a time takes a clock, so that a test can advance it by 48 hours
//! without waiting.

use std::{pin::Pin, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Completes when a clock shows a time.
pub type Reached = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tells the time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The time now, in UTC.
    fn now(&self) -> Timestamp;

    /// Completes when the clock shows `time` or a later time. By default the clock goes as fast as the machine's.
    fn reached(&self, time: Timestamp) -> Reached {
        let left = Duration::try_from(time.duration_since(self.now())).unwrap_or_default();
        Box::pin(tokio::time::sleep(left))
    }
}

/// A clock shared by all parts of a function.
pub type SharedClock = Arc<dyn Clock>;

/// The system time, truncated to milliseconds, which is the precision of the table and of the API.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}

/// A clock that stands still until a test sets it.
#[derive(Debug)]
pub struct ManualClock(watch::Sender<Timestamp>);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(watch::Sender::new(now))
    }

    /// Moves the clock to `now`.
    pub fn set(&self, now: Timestamp) {
        self.0.send_replace(now);
    }

    /// Moves the clock on by `by`; past the end of time it stays where it is.
    pub fn advance(&self, by: SignedDuration) {
        self.0.send_modify(|now| {
            if let Ok(later) = now.checked_add(by) {
                *now = later;
            }
        });
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn reached(&self, time: Timestamp) -> Reached {
        let mut shown = self.0.subscribe();
        Box::pin(async move {
            if shown.wait_for(|now| *now >= time).await.is_err() {
                // The clock is gone and stands still for ever.
                std::future::pending::<()>().await;
            }
        })
    }
}
