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

/// A bound mini program, without its credentials.
#[derive(ToSchema)]
pub(crate) struct Binding {
    app_id: String,
    name: String,
    mode: BindingMode,
    status: BindingStatus,
    /// The URL to enter in WeChat's console, under message push (消息推送).
    #[schema(format = Uri)]
    callback_url: String,
    /// Sent in answer to every message until an agent has replied.
    auto_reply: Option<String>,
    reception: Reception,
    /// Whether there is a secret that signs `session-from`.
    has_session_from_secret: bool,
    /// When WeChat checked the callback URL.
    verified_at: Option<Timestamp>,
    #[schema(nullable = false)]
    problem: Option<CredentialProblem>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A new binding with its push credentials.
#[derive(ToSchema)]
pub(crate) struct CreatedBinding {
    app_id: String,
    name: String,
    mode: BindingMode,
    status: BindingStatus,
    /// The URL to enter in WeChat's console, under message push (消息推送).
    #[schema(format = Uri)]
    callback_url: String,
    /// Sent in answer to every message until an agent has replied.
    auto_reply: Option<String>,
    reception: Reception,
    /// Whether there is a secret that signs `session-from`.
    has_session_from_secret: bool,
    /// When WeChat checked the callback URL.
    verified_at: Option<Timestamp>,
    #[schema(nullable = false)]
    problem: Option<CredentialProblem>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// The Token to enter in WeChat's console. No other answer has it.
    token: String,
    /// The EncodingAESKey to enter in WeChat's console. No other answer has it.
    encoding_aes_key: String,
}

/// How a mini program is bound: 开发者授权, by AppID and AppSecret.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum BindingMode {
    Developer,
}

/// `unverified`: WeChat has not checked the callback URL yet; `verified`: it has; `credentials_refused`: WeChat does not
/// accept the AppID, the AppSecret or this deployment's address, see `problem`.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum BindingStatus {
    Unverified,
    Verified,
    CredentialsRefused,
}

/// Why WeChat gives no access token.
#[derive(ToSchema)]
struct CredentialProblem {
    /// Stable, such as `wechat.credentials_refused`.
    code: String,
    /// WeChat's errcode, such as 40125.
    errcode: i64,
    /// What it means and what to do, for a person.
    reason: String,
    since: Timestamp,
}
