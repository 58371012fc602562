//! The reply ledger and the messages: what a sent message means for the ledger, and the two failures of a send that WeChat
//! grants no reply for.

use desk::quota::{Ledger, QuotaError};
use store::{Message, MessageState, SendFailure};

/// Settles the replies that WeChat has taken. The outcome of a send that succeeds is stored in the message alone, so this is
/// called before a visitor's action is recorded in the ledger; until then the replies count the same. `sends` are the
/// messages that the ledger has in flight ([`store::ThreadReader::visitor_with_sends`]).
pub fn settle_sent(ledger: &mut Ledger, sends: &[Message]) {
    for message in sends.iter().filter(|message| message.state == MessageState::Sent) {
        if let Some(sent_at) = message.settled_at {
            ledger.settle_sent(&message.id, sent_at);
        }
    }
}

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
