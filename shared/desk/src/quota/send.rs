//! A stored send, and its order relative to an action of the visitor.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::CLOCK_SKEW;

/// The latest visitor action of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct VisitorAction {
    /// The time of the action in seconds since the Unix epoch, by WeChat's clock.
    pub(super) at: i64,
    /// Whether WeChat has reported the window as closed. The action stays so that an older one does not reopen the window.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) closed: bool,
}

/// Replies that WeChat has taken or can take. Times are in milliseconds since the Unix epoch, by our clock. The JSON names
/// are short because the ledger is stored with every visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SendRecord {
    /// The id of a send in flight; empty for a settled send.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) id: String,
    #[serde(rename = "n")]
    pub(super) parts: u32,
    /// WeChat receives no part before this time.
    pub(super) from: i64,
    /// WeChat receives no part after this time.
    #[serde(rename = "to")]
    pub(super) until: i64,
    /// Whether the latest message was known when the send was reserved.
    #[serde(rename = "m", default, skip_serializing_if = "is_false")]
    pub(super) knew_message: bool,
    /// Whether the latest enter event was known when the send was reserved.
    #[serde(rename = "e", default, skip_serializing_if = "is_false")]
    pub(super) knew_enter: bool,
    /// Whether this is no send, but all replies of the action that WeChat refused a send for (45047).
    #[serde(rename = "r", default, skip_serializing_if = "is_false")]
    pub(super) refusal: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Before,
    Unknown,
    After,
}

impl SendRecord {
    pub(super) fn in_flight(&self) -> bool {
        !self.id.is_empty()
    }

    /// The order of the send relative to the action. `knew` is whether the action was known when the send was reserved.
    pub(super) fn order(&self, action: VisitorAction, knew: bool) -> Order {
        let second = action.at.saturating_mul(1000);
        if knew || self.from.saturating_sub(millis(CLOCK_SKEW)) >= second.saturating_add(1000) {
            Order::After
        } else if self.until.saturating_add(millis(CLOCK_SKEW)) < second {
            Order::Before
        } else {
            Order::Unknown
        }
    }
}

/// The second of an action that is known at `now`, at most [`CLOCK_SKEW`] after `now`. Without the limit, an action with a
/// wrong time in the future would make every later action look old.
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
