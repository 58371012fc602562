//! AppIDs that have no binding, remembered for some seconds.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// How long an AppID counts as unbound after it was read: the greatest delay of a push for a binding that was created since.
const LIFETIME: SignedDuration = SignedDuration::from_secs(10);

/// How many AppIDs are remembered. The oldest goes first.
const MAX_ENTRIES: usize = 1000;

/// AppIDs without a binding, in the order in which they were read.
#[derive(Debug, Default)]
pub(crate) struct AbsentAppIds(VecDeque<(Timestamp, String)>);

impl AbsentAppIds {
    /// Whether the AppID was read within [`LIFETIME`].
    pub(crate) fn contains(&self, app_id: &str, now: Timestamp) -> bool {
        self.0.iter().any(|(read, absent)| absent == app_id && is_current(*read, now))
    }

    /// Remembers an AppID that was read at `now`, and forgets those that were read too long ago.
    pub(crate) fn insert(&mut self, app_id: &str, now: Timestamp) {
        self.0.retain(|(read, _)| is_current(*read, now));
        if self.0.len() >= MAX_ENTRIES {
            let _ = self.0.pop_front();
        }
        self.0.push_back((now, app_id.to_owned()));
    }
}

/// Whether what was read at a time is still used. A clock that was set back makes it read again.
fn is_current(read: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(read);
    !age.is_negative() && age < LIFETIME
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn app_id_is_remembered_for_ten_seconds() {
        let mut absent = AbsentAppIds::default();
        absent.insert("a", at(0));
        assert!(absent.contains("a", at(9)) && !absent.contains("b", at(9)));
        assert!(!absent.contains("a", at(10)));
        absent.insert("b", at(20));
        assert_eq!(absent.0.len(), 1, "what has outlived its time is forgotten");
        assert!(!absent.contains("b", at(19)), "the clock was set back");
    }

    #[test]
    fn oldest_app_id_goes_first_beyond_one_thousand() {
        let mut absent = AbsentAppIds::default();
        for number in 0..1200 {
            absent.insert(&number.to_string(), at(0));
            assert!(absent.0.len() <= MAX_ENTRIES);
        }
        assert!(!absent.contains("199", at(0)));
        assert!(absent.contains("200", at(0)) && absent.contains("1199", at(0)));
    }
}
