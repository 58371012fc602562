//! The reply quota: how many messages a mini program may send to a visitor, and until when (发送客服消息,
//! `customer-message/send.html`).
//!
//! | Event | Messages | Window |
//! |---|---|---|
//! | the visitor sends a message | 5 | 48 hours |
//! | the visitor enters through the contact button | 2 | 1 minute |
//!
//! Each event resets its allowance and restarts its window. Allowances do not add up.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

const AFTER_MESSAGE: (u8, SignedDuration) = (5, SignedDuration::from_hours(48));
const AFTER_ENTERING: (u8, SignedDuration) = (2, SignedDuration::from_mins(1));

/// The remaining messages of one window.
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

/// Why a message cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// No window is open (45015).
    WindowOver,
    /// No message of the open window is left (45047).
    CountOver,
}

/// The allowances from one visitor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Quota {
    message: Option<Allowance>,
    entering: Option<Allowance>,
}

impl Quota {
    /// The visitor sends a message.
    pub(super) fn message(&mut self, now: Timestamp) {
        self.message = Some(Allowance::new(AFTER_MESSAGE, now));
        self.entering = None;
    }

    /// The visitor enters through the contact button. A larger allowance with an open window stays unchanged.
    pub(super) fn enter(&mut self, now: Timestamp) {
        self.entering = Some(Allowance::new(AFTER_ENTERING, now));
    }

    /// The number of messages that can be sent now.
    pub(super) fn left(&self, now: Timestamp) -> u8 {
        self.largest(now).map_or(0, |allowance| allowance.left)
    }

    /// The end of the window of [`left`](Self::left), if one is open. With no message left, 45047 becomes 45015 then.
    pub(super) fn window_ends_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.largest(now).map(|allowance| allowance.until)
    }

    /// The open allowance with the most messages left; of two equal ones, that with the longer window.
    fn largest(&self, now: Timestamp) -> Option<&Allowance> {
        self.open(now).max_by_key(|allowance| (allowance.left, allowance.until))
    }

    /// Uses one message. It counts against every open allowance, because allowances do not add up.
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
