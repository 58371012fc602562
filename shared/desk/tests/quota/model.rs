//! A small WeChat that counts by the page (发送客服消息, `customer-message/send.html`), and what may happen to it.

use desk::quota::QuotaError;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Message,
    Enter,
}

/// What WeChat has granted: how many are left, and until when.
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

    /// What is left now in the windows that are open for more than `margin` yet.
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
    /// The visitor does something; it is known here after a while, perhaps twice.
    Act {
        kind: Kind,
        delay: i64,
        again: Option<i64>,
    },
    Send(Plan),
}

/// How a send will go.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) parts: u32,
    pub(crate) keep: u32,
    /// The time before every part reaches WeChat.
    pub(crate) gap: i64,
    pub(crate) fate: Fate,
    /// The time from WeChat's last answer until it is written down.
    pub(crate) answer: i64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    Whole,
    /// WeChat refuses the part of this number for a reason that has nothing to do with the quota.
    Refused(u32),
    /// The last answer is lost: it counts as taken.
    Unanswered,
    /// The function dies after so many parts, and may run again after a while.
    Dies(u32, Option<i64>),
    /// The function runs twice at once, as far as the reservation.
    Twice,
}

/// How the functions of a run behave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    /// Nothing is lost and refusals are told with the send: what is withheld can be held against the ledger.
    pub(crate) exact: bool,
    /// Only what is sure is reserved.
    pub(crate) sure_only: bool,
}

/// What has been seen, lest a property should hold because nothing happened.
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
