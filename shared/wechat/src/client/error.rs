//! Errors of calls to WeChat.

use crate::{Action, ErrCode};

/// Why a call to WeChat failed. Contains no token, no secret and no part of the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// WeChat refused the call.
    #[error("WeChat refused: {errcode} {errmsg}")]
    Refused {
        /// The return code.
        errcode: ErrCode,
        /// WeChat's message, truncated to 300 bytes, without the request id.
        errmsg: String,
        /// The request id (`rid`), for WeChat's support.
        rid: Option<String>,
    },
    /// The response is not the expected JSON: a gateway's page, a malformed or an oversized document.
    #[error("WeChat's answer cannot be read (HTTP {status}): {reason}")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What is wrong with the response.
        reason: &'static str,
    },
    /// No response within the time limit.
    #[error("WeChat did not answer in time")]
    TimedOut,
    /// There was no connection to WeChat, so the request was not sent.
    #[error("no connection to WeChat: {0}")]
    NotSent(String),
    /// The connection was closed before the response was complete.
    #[error("the connection to WeChat broke off: {0}")]
    Broken(String),
}

/// Whether a failed call may have taken effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The call had no effect.
    Definite,
    /// The call may have taken effect. Do not repeat a send: WeChat has no idempotency key.
    Unknown,
}

impl ApiError {
    /// Whether the call may have taken effect.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Refused { errcode: ErrCode(-1), .. } | Self::Unreadable { .. } | Self::TimedOut | Self::Broken(_) => {
                Outcome::Unknown
            }
            Self::Refused { .. } | Self::NotSent(_) => Outcome::Definite,
        }
    }

    /// WeChat's return code, if it refused the call.
    pub const fn errcode(&self) -> Option<ErrCode> {
        match self {
            Self::Refused { errcode, .. } => Some(*errcode),
            _ => None,
        }
    }

    /// The action to take.
    pub fn action(&self) -> Action {
        self.errcode().map_or(Action::RetryLater, ErrCode::action)
    }

    /// The stable code for problem details.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { errcode, .. } => errcode.code(),
            Self::Unreadable { .. } => "wechat.answer_unreadable",
            Self::TimedOut => "wechat.timed_out",
            Self::NotSent(_) => "wechat.unreachable",
            Self::Broken(_) => "wechat.broken_off",
        }
    }

    /// The meaning and the remedy, in English.
    pub fn meaning_en(&self) -> &'static str {
        match self {
            Self::Refused { errcode, .. } => errcode.meaning_en(),
            Self::Unreadable { .. } => {
                "WeChat's answer could not be read. It is not known whether the request took effect."
            }
            Self::TimedOut => "WeChat did not answer in time. It is not known whether the request took effect.",
            Self::NotSent(_) => "WeChat cannot be reached. The request was not sent.",
            Self::Broken(_) => "The connection to WeChat broke off. It is not known whether the request took effect.",
        }
    }

    /// The meaning and the remedy, in Chinese.
    pub fn meaning_zh(&self) -> &'static str {
        match self {
            Self::Refused { errcode, .. } => errcode.meaning_zh(),
            Self::Unreadable { .. } => "无法识别微信的应答，不确定请求是否已生效。",
            Self::TimedOut => "微信未及时应答，不确定请求是否已生效。",
            Self::NotSent(_) => "无法连接微信，请求未发出。",
            Self::Broken(_) => "与微信的连接中断，不确定请求是否已生效。",
        }
    }
}

impl From<reqwest::Error> for ApiError {
    fn from(error: reqwest::Error) -> Self {
        // In this order: a timeout while connecting is a connection error too, and the request was not sent.
        if error.is_connect() || error.is_builder() {
            Self::NotSent(describe(error))
        } else if error.is_timeout() {
            Self::TimedOut
        } else {
            Self::Broken(describe(error))
        }
    }
}

/// The error and its causes, without the URL, which holds the access token.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut description = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        description.push_str(": ");
        description.push_str(&error.to_string());
        cause = error.source();
    }
    description
}
