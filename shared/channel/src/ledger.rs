//! Refusals for want of a granted reply.

use desk::quota::QuotaError;
use store::SendFailure;

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
