//! The `session-from` attribute of a contact button, which WeChat passes on as `SessionFrom` of `user_enter_tempsession`.
//!
//! WeChat does not define its format, so each customer service vendor has its own. [`parse`] reads four formats and takes any
//! other text as a tag of the merchant's. A malformed text leads to a [`Warning`], never to an error: the visitor is served in any
//! case.
//!
//! | Dialect | Format |
//! |---|---|
//! | [`Dialect::Sobot`] | `sobot\|nickname\|avatar\|params\|key=value…`; named fields in any order |
//! | [`Dialect::Qiyu`] | `nickName=…\|avatarUrl=…\|referrerTitle=…` |
//! | [`Dialect::Easemob`] | a JSON object with `nickName` or `avatarUrl` |
//! | [`Dialect::Udesk`] | the JSON object `customer_info`, bare or under that name |
//! | [`Dialect::Raw`] | any other text, unchanged in `extra["scene"]` |
//!
//! Sources: Sobot's page "微信小程序", Qiyu's "接入说明" (授权接入), Easemob's "小程序接入", Udesk's "小程序自定义传参方案".
//! `transferAction` and `platformAction`, which are also in use, are read like `transfer_action` and `platform_action`.
//!
//! The visitor's phone sends the text, so nothing in it is verified except a signed partnerid: see [`signature`]. [`build`] writes
//! the Sobot format; [`parse`] returns the same fields from it.

mod builder;
mod dialects;
mod field_names;
mod json;
mod json_repair;
mod level_input;
mod limits;
mod params;
mod reader;
mod separators;
pub mod signature;
mod sobot;
mod text;
mod warning;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use builder::{BuildError, BuildWarning, BuildWarningKind, Built, Fields, SignFor, build};
pub use limits::{MAX_AVATAR, MAX_FIELDS, MAX_ID, MAX_NAME, parse_bounded, significant};
pub use params::Params;
pub use signature::{Entrant, SignatureClaim, SignatureVersion, Verification};
pub use warning::{Warning, WarningKind};

/// The longest text that is parsed, in bytes; the rest is cut off. Four times WeChat's limit.
pub const MAX_TEXT: usize = 4096;

/// The longest `session-from`, both in characters and in bytes. Sobot's page says "长度限制1000", Udesk's "最多支持1000字符串,
/// 长度尽量<=1000字节"; WeChat's page does not name the unit.
pub const LIMIT: usize = 1000;

/// The longest partnerid, in characters (Unicode scalar values). Source: Sobot's page, "限制100字符".
pub const MAX_PARTNERID: usize = 100;

/// The name in [`SessionFrom::extra`] of a text in no known dialect.
pub const SCENE: &str = "scene";

/// The vendor's format of a text. `raw` is a text in no known format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// 智齿.
    Sobot,
    /// 网易七鱼.
    Qiyu,
    /// 环信, and others with the same two names.
    Easemob,
    /// 沃丰 Udesk.
    Udesk,
    /// No known format.
    Raw,
    /// The text is empty, or a placeholder that was not filled in.
    #[default]
    Empty,
}

/// One level of `transfer_action`, as requested. Numbers are decimal strings. The routing validates the values.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ParsedLevel))]
#[serde(default, deny_unknown_fields)]
pub struct TransferLevel {
    /// `actionType`: `to_group` or `to_service`.
    pub action_type: Option<String>,
    /// `deciId`: the id of the group or of the agent.
    pub deci_id: Option<String>,
    /// `optionId`: whether the visitor overflows to the next level.
    pub option_id: Option<String>,
    /// `spillId`: the reason to overflow.
    pub spill_id: Option<String>,
}

/// `platform_action`: the merchant of a visitor of a mall.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct PlatformAction {
    /// `customerCode`: the merchant's code.
    #[cfg_attr(feature = "openapi", schema(max_length = 4096))]
    pub customer_code: Option<String>,
    /// `flowGroupId`: the group of the main account to overflow to.
    #[cfg_attr(feature = "openapi", schema(max_length = 4096))]
    pub flow_group_id: Option<String>,
}

/// The fields of a `session-from`. A field is null where it is missing, empty, or a placeholder that was not filled in. The
/// text of the signature is left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionFrom {
    /// The format.
    pub dialect: Dialect,
    /// The nickname. Never 微信用户, WeChat's placeholder for a visitor who gave none.
    pub nickname: Option<String>,
    /// The avatar's address, always `http(s)://…` or `//…`.
    pub avatar: Option<String>,
    /// The visitor's id in the merchant's system, at most 100 characters. Not verified by itself.
    pub partnerid: Option<String>,
    /// The requested robot.
    pub robotid: Option<String>,
    /// WeChat's unionid. Not verified.
    pub unionid: Option<String>,
    /// Free fields. In the JSON dialects, all members that have no field of their own.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Params>))]
    pub params: Option<Params>,
    /// The values of the merchant's custom fields, by field id.
    pub customer_fields: BTreeMap<String, String>,
    /// The levels in order, including those after the four that count.
    pub transfer_action: Vec<TransferLevel>,
    /// The mall's merchant.
    pub platform_action: Option<PlatformAction>,
    /// The signature, not yet checked.
    pub signature: Option<SignatureClaim>,
    /// The version that the signature says it has. Null without a signature, and for a version that does not exist.
    pub signature_version: Option<SignatureVersion>,
    /// Unknown fields by name, unreadable values of known fields by the field's name, text without a name under `stray`, and
    /// text in no known format under `scene`.
    pub extra: BTreeMap<String, String>,
    /// What is wrong with the text.
    pub warnings: Vec<Warning>,
}

impl SessionFrom {
    /// The same fields as input of [`build`], without dialect, warnings and params that are not JSON.
    pub fn fields(&self) -> Fields {
        let object = self.params.as_ref().and_then(Params::as_object);
        Fields {
            nickname: self.nickname.clone(),
            avatar: self.avatar.clone(),
            params: object.cloned().unwrap_or_default(),
            transfer_action: self.transfer_action.clone(),
            platform_action: self.platform_action.clone(),
            customer_fields: self.customer_fields.clone(),
            partnerid: self.partnerid.clone(),
            robotid: self.robotid.clone(),
            unionid: self.unionid.clone(),
            signature: self.signature.clone(),
            sign: None,
            extra: self.extra.clone(),
        }
    }
}

/// Parses any text, of which it reads the first [`MAX_TEXT`] bytes.
pub fn parse(text: &str) -> SessionFrom {
    let head = &text[..text.floor_char_boundary(MAX_TEXT)];
    dialects::read(head, head.len() < text.len())
}
