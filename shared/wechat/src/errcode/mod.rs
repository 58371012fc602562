//! WeChat's refusals. The HTTP status is 200 also when it refuses: what happened stands in `errcode`.

mod table;

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ErrCode(pub i64);

/// What is to be done about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Get a new access token and try again, once.
    RefreshToken,
    /// Try again later, with growing pauses. A send at most once: it may have gone out.
    RetryLater,
    /// Upload the media again: it is older than three days, or never was.
    Reupload,
    /// Divide the text.
    Split,
    /// Wait until the visitor writes or comes in again.
    WaitForVisitor,
    /// Give up this message: this visitor cannot get it.
    Drop,
    /// Nothing: the refusal has no consequence.
    Ignore,
    /// Correct the binding's appid or `AppSecret`.
    FixCredentials,
    /// Put our address on the mini program's IP whitelist.
    AllowAddress,
    /// Get the permission that is missing, in WeChat's console.
    GetPermission,
    /// Authorize the platform again.
    Reauthorize,
    /// Correct this program.
    Bug,
    /// Nothing is known of this refusal: show what WeChat says.
    Report,
}

impl ErrCode {
    /// The system is busy. The one refusal that does not say that nothing happened.
    pub const BUSY: Self = Self(-1);
    /// The access token is wrong, or another one has replaced it.
    pub const INVALID_CREDENTIAL: Self = Self(40001);
    /// The media id is unknown or over three days old.
    pub const INVALID_MEDIA: Self = Self(40007);
    /// The time to answer the visitor is over.
    pub const REPLY_WINDOW_CLOSED: Self = Self(45015);
    /// All the answers that the visitor's last action allowed are used.
    pub const REPLY_LIMIT_REACHED: Self = Self(45047);

    /// What to do about it.
    pub fn action(self) -> Action {
        self.row().map_or(Action::Report, |row| row.action)
    }

    /// A stable name for problem details: `wechat.reply_window_closed`, … and `wechat.refused` for any that is not known.
    pub fn code(self) -> &'static str {
        self.row().map_or("wechat.refused", |row| row.code)
    }

    /// What it means and what to do, in English.
    pub fn meaning_en(self) -> &'static str {
        self.row().map_or("WeChat refused the request.", |row| row.en)
    }

    /// What it means and what to do, in Chinese.
    pub fn meaning_zh(self) -> &'static str {
        self.row().map_or("微信拒绝了这次请求。", |row| row.zh)
    }

    fn row(self) -> Option<&'static table::Row> {
        table::find(self.0)
    }
}

impl fmt::Display for ErrCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
