//! Bindings of mini programs.

#![allow(dead_code, reason = "describes `store::CredentialProblem`")]

use jiff::Timestamp;
use utoipa::ToSchema;

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
