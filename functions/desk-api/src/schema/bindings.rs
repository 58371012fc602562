//! Bindings of mini programs.

#![allow(dead_code, reason = "describes types of other modules and crates")]

use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Reception;

/// A mini program to bind.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "我的小程序", "app_id": "wx0123456789abcdef", "app_secret": "0123456789abcdef0123456789abcdef" }))]
pub(crate) struct NewBinding {
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    #[schema(pattern = "^wx[0-9a-f]{16}$")]
    app_id: String,
    /// The AppSecret from WeChat's console.
    #[schema(min_length = 1, max_length = 128, write_only)]
    app_secret: String,
    /// The Token of the message push, generated where it is missing.
    #[serde(default)]
    #[schema(nullable = false, pattern = "^[A-Za-z0-9]{3,32}$")]
    token: Option<String>,
    /// The EncodingAESKey of the message push, generated where it is missing.
    #[serde(default)]
    #[schema(nullable = false, pattern = "^[A-Za-z0-9]{43}$")]
    encoding_aes_key: Option<String>,
    /// At most 2048 bytes. Sent in answer to every message until an agent has replied.
    #[serde(default)]
    auto_reply: Option<String>,
    #[serde(default)]
    #[schema(nullable = false)]
    reception: Option<Reception>,
}

/// Why WeChat gives no access token.
#[derive(ToSchema)]
pub(crate) struct CredentialProblem {
    /// One of the codes of a problem, such as `wechat.credentials_refused`.
    code: api::Code,
    /// WeChat's errcode, such as 40125.
    errcode: i64,
    /// What it means and what to do, for a person.
    reason: String,
    since: Timestamp,
}
