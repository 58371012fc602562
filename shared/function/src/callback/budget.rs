//! A number of reads per second.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// How many requests for AppIDs without a binding one environment answers with a read of the table each second. Beyond it a
/// request for an AppID that the environment does not know is answered with 500, which makes WeChat deliver a genuine push again.
pub const UNKNOWN_APP_IDS_PER_SECOND: u32 = 50;

const WINDOW: SignedDuration = SignedDuration::from_secs(1);

/// What may be spent in one second by the function's clock. Clones share it.
#[derive(Debug, Clone)]
pub struct Budget {
    per_second: u32,
    /// When the current second began, and what was spent in it.
    window: Arc<Mutex<(Timestamp, u32)>>,
}

impl Budget {
    /// A budget of `per_second` units.
    pub fn new(per_second: u32) -> Self {
        Self { per_second, window: Arc::new(Mutex::new((Timestamp::MIN, 0))) }
    }

    /// Whether nothing is left in the second of `now`.
    pub fn is_spent(&self, now: Timestamp) -> bool {
        self.with_window(now, |spent| *spent >= self.per_second)
    }

    /// Spends one unit in the second of `now`. `false` if nothing was left.
    pub fn spend(&self, now: Timestamp) -> bool {
        self.with_window(now, |spent| {
            let is_left = *spent < self.per_second;
            *spent = spent.saturating_add(1);
            is_left
        })
    }

    fn with_window<T>(&self, now: Timestamp, act: impl FnOnce(&mut u32) -> T) -> T {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let age = now.duration_since(window.0);
        // A clock that was set back begins a new second.
        if age.is_negative() || age >= WINDOW {
            *window = (now, 0);
        }
        act(&mut window.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_is_spent_until_the_next_second() {
        let budget = Budget::new(2);
        let at = |milliseconds| Timestamp::from_millisecond(milliseconds).unwrap();
        assert!(!budget.is_spent(at(0)));
        assert_eq!([0, 500, 999].map(|time| budget.spend(at(time))), [true, true, false]);
        assert!(budget.is_spent(at(999)) && budget.clone().is_spent(at(999)));
        assert!(!budget.is_spent(at(1000)));
        assert_eq!([1000, 1001, 1002].map(|time| budget.spend(at(time))), [true, true, false]);
        assert!(!budget.is_spent(at(500)), "the clock was set back");
    }
}
