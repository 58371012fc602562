//! What was sent, and whether it was before or after an act of the visitor.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::CLOCK_SKEW;

/// The latest of the visitor's acts of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Act {
    /// WeChat's second in which it took place.
    pub(super) at: i64,
    /// WeChat has said that the window is over. Kept, lest an older act that comes late should open it again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) closed: bool,
}

/// Replies that WeChat took, or may take. Times in milliseconds of this side's clocks. The names are short since it is
/// stored with every conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Send {
    /// While it is in flight; empty for what has ended.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) id: String,
    #[serde(rename = "n")]
    pub(super) parts: u32,
    /// WeChat took none earlier.
    pub(super) from: i64,
    /// WeChat takes none later.
    #[serde(rename = "to")]
    pub(super) until: i64,
    /// Reserved when the latest message was known.
    #[serde(rename = "m", default, skip_serializing_if = "is_false")]
    pub(super) knew_message: bool,
    /// Reserved when the latest entering was known.
    #[serde(rename = "e", default, skip_serializing_if = "is_false")]
    pub(super) knew_entering: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Before,
    Unknown,
    After,
}

impl Send {
    pub(super) fn in_flight(&self) -> bool {
        !self.id.is_empty()
    }

    /// How it stands to the visitor's act. `knew`: it was reserved when the act was known.
    pub(super) fn order(&self, act: Act, knew: bool) -> Order {
        let second = act.at.saturating_mul(1000);
        if knew || self.from.saturating_sub(millis(CLOCK_SKEW)) >= second.saturating_add(1000) {
            Order::After
        } else if self.until.saturating_add(millis(CLOCK_SKEW)) < second {
            Order::Before
        } else {
            Order::Unknown
        }
    }
}

/// WeChat's second of an act that is known at `now`. It cannot be later than that: one that claims to be would make
/// every true one after it look old.
pub(super) fn second(created_at: Timestamp, now: Timestamp) -> i64 {
    created_at.as_second().min(now.as_second().saturating_add(CLOCK_SKEW.as_secs()))
}

pub(super) fn millis(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}
