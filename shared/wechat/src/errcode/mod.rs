//! WeChat's return codes. The HTTP status of a refusal is 200 too; `errcode` in the body tells what happened.

mod table;

use std::fmt;

use serde::{Deserialize, Serialize};

/// A return code other than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ErrCode(pub i64);

/// The action to take after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Get a new access token and repeat the call once.
    RefreshToken,
    /// Retry later with growing pauses. Retry a send only if its `Outcome` is definite.
    RetryLater,
    /// Upload the media again: it is older than three days or unknown.
    Reupload,
    /// Split the text.
    Split,
    /// Wait until the visitor writes or enters again.
    WaitForVisitor,
    /// Fail the message: WeChat does not deliver it to this visitor.
    Drop,
    /// None: the refusal has no consequence.
    Ignore,
    /// Correct the binding's appid or `AppSecret`.
    FixCredentials,
    /// Add our address to the mini program's IP whitelist.
    AllowAddress,
    /// Request the missing permission in WeChat's console.
    GetPermission,
    /// Authorize the third-party platform again.
    Reauthorize,
    /// Report a bug of this program.
    Bug,
    /// Show WeChat's message: the return code is unknown.
    Report,
}

impl ErrCode {
    /// The system is busy. The only return code after which the call may have taken effect.
    pub const BUSY: Self = Self(-1);
    /// The access token is invalid or was replaced by a newer one.
    pub const INVALID_CREDENTIAL: Self = Self(40001);
    /// The media id is unknown or older than three days.
    pub const INVALID_MEDIA: Self = Self(40007);
    /// The reply window is closed: 48 hours after a message, one minute after entering.
    pub const REPLY_WINDOW_CLOSED: Self = Self(45015);
    /// All replies to the visitor's last action are used.
    pub const REPLY_LIMIT_REACHED: Self = Self(45047);

    /// The action to take.
    pub fn action(self) -> Action {
        self.row().map_or(Action::Report, |row| row.action)
    }

    /// The stable code for problem details, such as `wechat.reply_window_closed`; `wechat.refused` for an unknown return code.
    pub fn code(self) -> &'static str {
        self.row().map_or("wechat.refused", |row| row.code)
    }

    /// The meaning and the remedy, in English.
    pub fn meaning_en(self) -> &'static str {
        self.row().map_or("WeChat refused the request.", |row| row.en)
    }

    /// The meaning and the remedy, in Chinese.
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
