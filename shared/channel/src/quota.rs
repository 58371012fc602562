//! The two failures of a send that WeChat grants no reply for.

use desk::quota::QuotaError;
use store::SendFailure;

/// The failure of a send that the visitor's reply ledger has no reply for.
pub(crate) fn quota_failure(error: QuotaError) -> SendFailure {
    let (code, detail) = match error {
        QuotaError::WindowClosed => {
            ("quota.window_closed", "WeChat takes replies for 48 hours after the visitor's last message; that is over.")
        }
        QuotaError::Exhausted => {
            ("quota.exhausted", "WeChat takes five replies to each message of the visitor; all are used.")
        }
    };
    SendFailure { code: code.to_owned(), errcode: None, detail: detail.to_owned() }
}

/// Whether WeChat refused a send because it grants no reply (return codes 45047 and 45015 of 发送客服消息).
pub(crate) fn quota_error(failure: &SendFailure) -> Option<QuotaError> {
    match failure.errcode {
        Some(45047) => Some(QuotaError::Exhausted),
        Some(45015) => Some(QuotaError::WindowClosed),
        _ => None,
    }
}
