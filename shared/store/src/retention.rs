//! How long items are kept. DynamoDB deletes an item within a few days after its `ttl` (DynamoDB, "Using time to live").
//!
//! Each `ttl` is part of a write that happens anyway, so that retention costs no request. An item that an earlier version stored
//! has none until it is written again. What has expired and is not deleted yet is read like any other item.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};

use crate::item::n;

/// How long items are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Messages, from when they were stored.
    pub messages: RetentionPeriod,
    /// Conversations with their events, from when they were closed. Their events: from when they happened.
    pub conversations: RetentionPeriod,
    /// Visitors without an open conversation, from when they last wrote or entered.
    pub visitors: RetentionPeriod,
    /// Entries of the audit log.
    pub audit: RetentionPeriod,
}

/// A number of days, or for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionPeriod(Option<u32>);

impl Default for RetentionPeriod {
    fn default() -> Self {
        Self(Some(400))
    }
}

impl RetentionPeriod {
    /// Nothing expires.
    pub const FOREVER: Self = Self(None);

    /// The shortest period in days. WeChat's reply window, held texts and temporary media last days, so a shorter one would
    /// delete what is still in use.
    pub const MIN_DAYS: u32 = 30;

    /// The longest period in days, a hundred years.
    pub const MAX_DAYS: u32 = 36_500;

    /// A period of this many days; 0 is for ever. `None` for any other number below [`MIN_DAYS`](Self::MIN_DAYS) or above
    /// [`MAX_DAYS`](Self::MAX_DAYS).
    pub fn of_days(days: u32) -> Option<Self> {
        match days {
            0 => Some(Self::FOREVER),
            Self::MIN_DAYS..=Self::MAX_DAYS => Some(Self(Some(days))),
            _ => None,
        }
    }

    /// Whether nothing expires.
    pub fn is_forever(self) -> bool {
        self.0.is_none()
    }

    /// The end of the period that begins at this time; `None` if it never ends.
    pub fn end(self, from: Timestamp) -> Option<Timestamp> {
        let days = SignedDuration::from_hours(24 * i64::from(self.0?));
        Some(from.checked_add(days).unwrap_or(Timestamp::MAX))
    }

    /// The time before which everything has expired; `None` if nothing expires.
    pub(crate) fn start(self, now: Timestamp) -> Option<Timestamp> {
        let days = SignedDuration::from_hours(24 * i64::from(self.0?));
        Some(now.checked_sub(days).unwrap_or(Timestamp::MIN))
    }

    /// The `ttl` of an item whose period begins at this time.
    pub(crate) fn ttl(self, from: Timestamp) -> Option<AttributeValue> {
        self.end(from).map(|end| n(end.as_second()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn period_is_for_ever_or_at_least_30_days() {
        assert_eq!(RetentionPeriod::of_days(0), Some(RetentionPeriod::FOREVER));
        assert_eq!(RetentionPeriod::of_days(30), Some(RetentionPeriod(Some(30))));
        assert_eq!(RetentionPeriod::of_days(400), Some(RetentionPeriod::default()));
        for wrong in [1, 29, 36_501, u32::MAX] {
            assert_eq!(RetentionPeriod::of_days(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn period_ends_after_its_days() {
        let from = Timestamp::from_second(1_772_352_000).unwrap();
        let period = RetentionPeriod::of_days(30).unwrap();
        assert_eq!(period.ttl(from), Some(n(1_772_352_000 + 30 * 86_400)));
        assert_eq!(RetentionPeriod::FOREVER.ttl(from), None);
        assert_eq!(period.end(Timestamp::MAX), Some(Timestamp::MAX));
    }
}
