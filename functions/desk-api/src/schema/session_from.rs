//! `session-from`.

#![allow(dead_code, reason = "describes types of `wechat::session_from`")]

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::ToSchema;

/// The fields of a `session-from` to build.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionFromFields {
    nickname: Option<String>,
    /// An http or https address.
    #[schema(format = Uri)]
    avatar: Option<String>,
    #[schema(value_type = Option<Object>)]
    params: Option<serde_json::Value>,
    #[serde(default)]
    #[schema(max_items = 4)]
    transfer_action: Vec<TransferLevel>,
    platform_action: Option<PlatformAction>,
    #[serde(default)]
    customer_fields: BTreeMap<String, String>,
    /// Who the visitor is in the customer's own system.
    #[schema(max_length = 100)]
    partnerid: Option<String>,
    robotid: Option<String>,
    unionid: Option<String>,
    signature: Option<SignatureFields>,
    #[serde(default)]
    extra: BTreeMap<String, String>,
}

/// A level of `transfer_action` (智齿, 转人工策略).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TransferLevel {
    action_type: TransferActionType,
    /// The id of the group or of the agent, ours or an alias.
    #[schema(value_type = Option<TextOrNumber>)]
    deci_id: Option<serde_json::Value>,
    /// 1 (agent) and 3 (group) overflow, 2 and 4 do not.
    #[schema(value_type = Option<TextOrNumber>)]
    option_id: Option<serde_json::Value>,
    /// Of an agent 1 offline, 2 busy, 3 any reason; of a group 4 offline, 5 busy, 6 outside of hours, 7 any reason.
    #[schema(value_type = Option<TextOrNumber>)]
    spill_id: Option<serde_json::Value>,
}

/// A number, or its digits as text.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
enum TextOrNumber {
    Text(String),
    Number(i64),
}

/// To a group or to an agent.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TransferActionType {
    ToGroup,
    ToService,
}

/// The merchant of a platform that a visitor comes from.
#[derive(Deserialize, ToSchema)]
struct PlatformAction {
    customer_code: Option<String>,
    flow_group_id: Option<String>,
}

/// A signature of partnerid and ts.
#[derive(Deserialize, ToSchema)]
struct SignatureFields {
    /// Seconds since 1970.
    ts: i64,
    /// The formula is that of `POST /api/bindings/{app_id}/session-from-secret`.
    sig: String,
}

/// A built `session-from`.
#[derive(ToSchema)]
pub(crate) struct BuiltSessionFrom {
    text: String,
    /// Length in characters.
    chars: usize,
    /// Length in bytes of UTF-8.
    bytes: usize,
}

/// A parsed `session-from`.
#[derive(ToSchema)]
pub(crate) struct SessionFrom {
    dialect: Dialect,
    nickname: Option<String>,
    avatar: Option<String>,
    partnerid: Option<String>,
    robotid: Option<String>,
    unionid: Option<String>,
    #[schema(value_type = Option<Params>)]
    params: Option<serde_json::Value>,
    customer_fields: BTreeMap<String, String>,
    transfer_action: Vec<ParsedLevel>,
    platform_action: Option<PlatformAction>,
    signature: Option<ParsedSignature>,
    extra: BTreeMap<String, String>,
    /// What is unusual; nothing is an error.
    warnings: Vec<SessionFromWarning>,
}

/// The vendor whose form the text has; `raw` is a text of no known form.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum Dialect {
    Sobot,
    Qiyu,
    Easemob,
    Udesk,
    Raw,
    Empty,
}

/// An object, or the text if it is none.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
enum Params {
    Fields(BTreeMap<String, serde_json::Value>),
    Text(String),
}

/// A level of `transfer_action` as it was written.
#[derive(ToSchema)]
struct ParsedLevel {
    /// `to_group` or `to_service`.
    action_type: Option<String>,
    deci_id: Option<String>,
    option_id: Option<String>,
    spill_id: Option<String>,
}

/// The signature, not yet checked and without its text.
#[derive(ToSchema)]
struct ParsedSignature {
    ts: i64,
}

/// What is unusual about a `session-from`.
#[derive(ToSchema)]
struct SessionFromWarning {
    /// Stable.
    code: String,
    #[schema(nullable = false)]
    field: Option<String>,
}
