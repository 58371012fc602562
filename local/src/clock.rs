//! The clock of the bundle, which can be moved.
//!
//! Everything that has a time goes by it: the functions, the table's TTL, delays and timeouts of queues, the lives of WebSocket connections, and
//! the simulated WeChat's windows, tokens and media. It is the given clock and an offset, which is saved with the data, so that a
//! restart does not move the time back. `Controls::move_clock` says what happens when it is moved.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use store::{Clock, Reached, SharedClock};
use tokio::sync::watch;

/// A clock that is ahead of another one by an offset.
#[derive(Debug)]
pub(crate) struct MovableClock {
    base: SharedClock,
    offset: watch::Sender<SignedDuration>,
}

impl MovableClock {
    /// A clock that is ahead of `base` by `offset`.
    pub(crate) fn new(base: SharedClock, offset: SignedDuration) -> Arc<Self> {
        Arc::new(Self { base, offset: watch::Sender::new(offset) })
    }

    /// How far it is ahead.
    pub(crate) fn offset(&self) -> SignedDuration {
        *self.offset.borrow()
    }

    /// Moves it to `offset`. A wait for a time ends when the moved clock has reached that time.
    pub(crate) fn set_offset(&self, offset: SignedDuration) {
        self.offset.send_replace(offset);
    }

    /// A clock as this one will be with another offset.
    pub(crate) fn moved_to(&self, offset: SignedDuration) -> SharedClock {
        Self::new(Arc::clone(&self.base), offset)
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        self.base.now().checked_add(self.offset()).unwrap_or(Timestamp::MAX)
    }

    fn reached(&self, time: Timestamp) -> Reached {
        let (base, mut offset) = (Arc::clone(&self.base), self.offset.subscribe());
        Box::pin(async move {
            loop {
                let ahead = *offset.borrow_and_update();
                let in_base = time.checked_sub(ahead).unwrap_or(Timestamp::MIN);
                tokio::select! {
                    () = base.reached(in_base) => return,
                    moved = offset.changed() => if moved.is_err() {
                        // The clock is gone, so it is not moved any more.
                        return base.reached(in_base).await;
                    },
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use store::ManualClock;

    use super::*;

    const SECOND: SignedDuration = SignedDuration::from_secs(1);

    #[test]
    fn time_is_reached_when_the_base_or_the_offset_has_moved_on() {
        let base = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let clock = MovableClock::new(base.clone(), SECOND);
        assert_eq!(clock.now(), Timestamp::from_second(1).unwrap());
        let reached = |second| clock.reached(Timestamp::from_second(second).unwrap());
        let (mut by_base, mut by_offset) = (reached(5), reached(10));
        assert_eq!((&mut by_base).now_or_never(), None);
        base.advance(SECOND * 4);
        assert_eq!((&mut by_base).now_or_never(), Some(()));
        assert_eq!((&mut by_offset).now_or_never(), None);
        clock.set_offset(SECOND * 6);
        assert_eq!((&mut by_offset).now_or_never(), Some(()));
        clock.set_offset(SignedDuration::ZERO);
        assert_eq!(clock.now(), Timestamp::from_second(4).unwrap());
        assert_eq!(reached(5).now_or_never(), None, "the clock was moved back");
    }
}
