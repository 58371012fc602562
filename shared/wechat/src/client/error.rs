//! How a call to WeChat fails.

use crate::{Action, ErrCode};

/// Why a call to WeChat failed. Holds no token, no secret and nothing of what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// WeChat understood the call and refused it.
    #[error("WeChat refused: {errcode} {errmsg}")]
    Refused {
        /// Which refusal.
        errcode: ErrCode,
        /// WeChat's own words, cut to 300 bytes, without the id of the request.
        errmsg: String,
        /// The id by which WeChat's support finds the request (`rid`).
        rid: Option<String>,
    },
    /// An answer came that is not WeChat's JSON: a gateway's page, a broken or an oversized document.
    #[error("WeChat's answer cannot be read (HTTP {status}): {reason}")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No answer in time.
    #[error("WeChat did not answer in time")]
    TimedOut,
    /// There was no connection to WeChat, so the call was never sent.
    #[error("no connection to WeChat: {0}")]
    NotSent(String),
    /// The connection broke off before the answer was complete.
    #[error("the connection to WeChat broke off: {0}")]
    Broken(String),
}

/// What is known of the effect of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It had no effect.
    Definite,
    /// It may have had its effect. A send must not be repeated, since WeChat has no idempotency key.
    Unknown,
}

impl ApiError {
    /// Whether the call may have had an effect all the same.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Refused { errcode: ErrCode(-1), .. } | Self::Unreadable { .. } | Self::TimedOut | Self::Broken(_) => {
                Outcome::Unknown
            }
            Self::Refused { .. } | Self::NotSent(_) => Outcome::Definite,
        }
    }

    /// WeChat's number, if it refused.
    pub const fn errcode(&self) -> Option<ErrCode> {
        match self {
            Self::Refused { errcode, .. } => Some(*errcode),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn action(&self) -> Action {
        self.errcode().map_or(Action::RetryLater, ErrCode::action)
    }

    /// A stable name for problem details.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { errcode, .. } => errcode.code(),
            Self::Unreadable { .. } => "wechat.answer_unreadable",
            Self::TimedOut => "wechat.timed_out",
            Self::NotSent(_) => "wechat.unreachable",
            Self::Broken(_) => "wechat.broken_off",
        }
    }

    /// What it means and what to do, in English.
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

    /// What it means and what to do, in Chinese.
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
        // The order counts: a connection that could not be made in time was never used.
        if error.is_connect() || error.is_builder() {
            Self::NotSent(words(error))
        } else if error.is_timeout() {
            Self::TimedOut
        } else {
            Self::Broken(words(error))
        }
    }
}

/// The error and its causes, without the URL: the URL holds the access token.
fn words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}
