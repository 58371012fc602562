//! The reply ledger as it lies with the visitor.

use desk::quota::{Ledger, Quota, QuotaError};
use jiff::Timestamp;
use store::{SendFailure, Visitor};

/// How many replies WeChat still grants this visitor, as far as is known. A ledger that cannot be read has forgotten
/// what is under way, so it grants nothing that is sure until the visitor's next message.
pub fn ledger(visitor: &Visitor, now: Timestamp) -> Ledger {
    if visitor.ledger.is_null() {
        return Ledger::default();
    }
    serde_json::from_value(visitor.ledger.clone()).unwrap_or_else(|_| {
        let mut ledger = Ledger::default();
        ledger.mark_exhausted(now);
        ledger
    })
}

/// Changes the ledger of a visitor.
pub fn update_ledger<T>(visitor: &mut Visitor, now: Timestamp, change: impl FnOnce(&mut Ledger) -> T) -> T {
    let mut ledger = ledger(visitor, now);
    let result = change(&mut ledger);
    visitor.ledger = serde_json::to_value(&ledger).unwrap_or_default();
    result
}

/// What may be sent to a visitor now.
pub fn standing(visitor: &Visitor, now: Timestamp) -> Quota {
    ledger(visitor, now).quota(now)
}

/// What a person is told of a reply that WeChat does not grant.
pub(crate) fn failure(shortage: QuotaError) -> SendFailure {
    let (code, detail) = match shortage {
        QuotaError::WindowClosed => {
            ("quota.window_closed", "WeChat takes replies for 48 hours after the visitor's last message; that is over.")
        }
        QuotaError::Exhausted => {
            ("quota.exhausted", "WeChat takes five replies to each message of the visitor; all are used.")
        }
    };
    SendFailure { code: code.to_owned(), errcode: None, detail: detail.to_owned() }
}
