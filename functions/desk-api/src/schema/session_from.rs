//! `session-from`.

#![allow(dead_code, reason = "describes types of `wechat::session_from`")]

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::ToSchema;
use wechat::session_from::PlatformAction;

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

/// A signature of partnerid and ts.
#[derive(Deserialize, ToSchema)]
struct SignatureFields {
    /// Seconds since 1970.
    ts: i64,
    /// The formula is that of `POST /api/bindings/{app_id}/session-from-secret`.
    sig: String,
}
