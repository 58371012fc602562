//! A model of WeChat's quota (发送客服消息, `customer-message/send.html`), and the steps of a random schedule.

use desk::quota::QuotaError;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Message,
    Enter,
}

/// The allowances of one visitor: the replies left and the end of the window in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct WeChat {
    message: Option<(u32, i64)>,
    entering: Option<(u32, i64)>,
}

impl WeChat {
    pub(crate) fn act(&mut self, kind: Kind, now: i64) {
        match kind {
            Kind::Message => (self.message, self.entering) = (Some((5, now + 48 * 3_600_000)), None),
            Kind::Enter => self.entering = Some((2, now + 60_000)),
        }
    }

    /// The replies left at `now` in the windows that stay open for more than `margin`.
    pub(crate) fn left(&self, now: i64, margin: i64) -> Option<u32> {
        let allowances = [self.message, self.entering].into_iter().flatten();
        allowances.filter(|(_, until)| now + margin < *until).map(|(left, _)| left).max()
    }

    pub(crate) fn take(&mut self, now: i64) -> Result<(), QuotaError> {
        if self.left(now, 0).ok_or(QuotaError::WindowClosed)? == 0 {
            return Err(QuotaError::Exhausted);
        }
        for (left, _) in [&mut self.message, &mut self.entering].into_iter().flatten() {
            *left = left.saturating_sub(1);
        }
        Ok(())
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Pass(i64),
    /// A visitor action. Its push arrives after `delay`, and a second time after `again`.
    Act {
        kind: Kind,
        delay: i64,
        again: Option<i64>,
    },
    Send(Plan),
}

/// The course of a send.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) parts: u32,
    pub(crate) keep: u32,
    /// The milliseconds before each part reaches WeChat.
    pub(crate) gap: i64,
    pub(crate) fate: Fate,
    /// The milliseconds from WeChat's last answer until it is recorded.
    pub(crate) answer: i64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    Whole,
    /// WeChat refuses the part with this number for a reason other than the quota.
    Refused(u32),
    /// The last answer is lost and counts as taken.
    Unanswered,
    /// The function crashes after this number of parts and optionally runs again after a delay.
    Dies(u32, Option<i64>),
    /// The function runs twice concurrently; the second run ends after the reservation.
    Twice,
}

/// The behaviour of the functions in a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    /// No answer is lost and every refusal is recorded with its send, so the ledger must not withhold replies.
    pub(crate) exact: bool,
    /// Only certain replies are reserved.
    pub(crate) certain_only: bool,
    /// Some functions do not settle the sends that WeChat has taken before they record a visitor action.
    pub(crate) forgetful: bool,
}

/// Counts of observed situations, which show that a property is not vacuous.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) steps: u64,
    pub(crate) exhausted: u64,
    pub(crate) closed: u64,
    pub(crate) uncertain_replies: u64,
    pub(crate) full: u64,
    pub(crate) revived: u64,
    pub(crate) bound: u64,
}
