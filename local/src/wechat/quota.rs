//! How many messages a mini program may send to a visitor, and until when (发送客服消息, `customer-message/send.html`).
//!
//! | The visitor | allows | for |
//! |---|---|---|
//! | sends a message | 5 | 48 hours |
//! | enters by the contact button | 2 | 1 minute |
//!
//! Each act fills its allowance up again and starts its time anew; allowances do not add up.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

const AFTER_MESSAGE: (u8, SignedDuration) = (5, SignedDuration::from_hours(48));
const AFTER_ENTERING: (u8, SignedDuration) = (2, SignedDuration::from_mins(1));

/// What is left of one allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Allowance {
    left: u8,
    until: Timestamp,
}

impl Allowance {
    fn new((left, life): (u8, SignedDuration), now: Timestamp) -> Self {
        Self { left, until: now.checked_add(life).unwrap_or(Timestamp::MAX) }
    }
}

/// Why a message may not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// The time is over, or never began (45015).
    WindowOver,
    /// All messages of the time are used up (45047).
    CountOver,
}

/// The allowances one visitor has given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Quota {
    message: Option<Allowance>,
    entering: Option<Allowance>,
}

impl Quota {
    /// The visitor has sent a message.
    pub(super) fn message(&mut self, now: Timestamp) {
        self.message = Some(Allowance::new(AFTER_MESSAGE, now));
        self.entering = None;
    }

    /// The visitor has entered by the contact button. A larger allowance that is still open stays as it is.
    pub(super) fn enter(&mut self, now: Timestamp) {
        self.entering = Some(Allowance::new(AFTER_ENTERING, now));
    }

    /// How many messages may be sent now.
    pub(super) fn left(&self, now: Timestamp) -> u8 {
        self.granted(now).map_or(0, |allowance| allowance.left)
    }

    /// When the time ends in which [`left`](Self::left) may be sent; with nothing left, when 45047 becomes 45015.
    pub(super) fn window_ends_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.granted(now).map(|allowance| allowance.until)
    }

    /// The open allowance that grants most, and of two alike the one that lasts.
    fn granted(&self, now: Timestamp) -> Option<&Allowance> {
        self.open(now).max_by_key(|allowance| (allowance.left, allowance.until))
    }

    /// Uses up one message. It counts against every open allowance, so that two of them never add up.
    pub(super) fn take(&mut self, now: Timestamp) -> Result<(), Denied> {
        if self.open(now).next().is_none() {
            return Err(Denied::WindowOver);
        }
        if self.left(now) == 0 {
            return Err(Denied::CountOver);
        }
        for allowance in [&mut self.message, &mut self.entering].into_iter().flatten() {
            allowance.left = allowance.left.saturating_sub(1);
        }
        Ok(())
    }

    fn open(&self, now: Timestamp) -> impl Iterator<Item = &Allowance> {
        [&self.message, &self.entering].into_iter().flatten().filter(move |allowance| now < allowance.until)
    }
}
