//! What a contact button says of its visitor: the `session-from` attribute, which arrives as `SessionFrom` of
//! `user_enter_tempsession`.
//!
//! WeChat gives the text no form, so every vendor of customer service has made one of its own. [`parse`] reads four of them and
//! takes anything else for a tag of the merchant's. Whatever is odd becomes a [`Warning`], never an error: a visitor is not turned
//! away for what a mini program forgot to fill in.
//!
//! | Dialect | Form |
//! |---|---|
//! | [`Dialect::Sobot`] | `sobot\|nickname\|avatar\|params\|key=value…`; keyed fields in any order |
//! | [`Dialect::Qiyu`] | `nickName=…\|avatarUrl=…\|referrerTitle=…` |
//! | [`Dialect::Easemob`] | a JSON object with `nickName` or `avatarUrl` |
//! | [`Dialect::Udesk`] | the JSON object `customer_info`, bare or under that name |
//! | [`Dialect::Raw`] | anything else, kept as it is in `extra["scene"]` |
//!
//! Sources: Sobot's page "微信小程序", Qiyu's "接入说明" (授权接入), Easemob's "小程序接入", Udesk's "小程序自定义传参方案".
//! `transferAction` and `platformAction`, also met in use, are read like `transfer_action` and `platform_action`.
//!
//! The visitor's own phone sends the text, so everything in it is a claim. Only a signed partnerid is more: see [`signature`].
//! [`build`] writes the Sobot form, so that [`parse`] reads the same fields again.

mod builder;
mod dialects;
mod draft;
mod json;
mod keyed;
mod mend;
mod params;
pub mod signature;
mod sobot;
mod split;
mod text;
mod warning;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use builder::{BuildError, Built, Fields, build};
pub use params::Params;
pub use signature::{SignatureClaim, Verification};
pub use warning::{Oddity, Warning};

/// The longest text that is read, in bytes; the rest is cut off. Four times what WeChat takes.
pub const MAX_TEXT: usize = 4096;

/// The longest `session-from`, in characters and, to be safe, in bytes. Sobot's page says "长度限制1000", Udesk's "最多支持1000字符串,
/// 长度尽量<=1000字节"; WeChat's own names no unit.
pub const LIMIT: usize = 1000;

/// The longest partnerid, in characters (Unicode scalar values). Source: Sobot's page, "限制100字符".
pub const MAX_PARTNERID: usize = 100;

/// The field of [`SessionFrom::extra`] that holds a text in no known dialect.
pub const SCENE: &str = "scene";

/// Which vendor's form a text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// 智齿.
    Sobot,
    /// 网易七鱼.
    Qiyu,
    /// 环信, and others who send the same two names.
    Easemob,
    /// 沃丰 Udesk.
    Udesk,
    /// None of them.
    Raw,
    /// There is no text, or only a placeholder that nobody has filled in.
    #[default]
    Empty,
}

/// One level of `transfer_action`, as it was asked for. Numbers stand as their decimal text; what the values mean, and whether they
/// go together, is for the routing to say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransferLevel {
    /// `actionType`: `to_group` or `to_service`.
    pub action_type: Option<String>,
    /// `deciId`: the id of the group or of the agent.
    pub deci_id: Option<String>,
    /// `optionId`: whether it overflows.
    pub option_id: Option<String>,
    /// `spillId`: when it overflows.
    pub spill_id: Option<String>,
}

/// `platform_action`: where a visitor of a mall belongs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlatformAction {
    /// `customerCode`: the merchant.
    pub customer_code: Option<String>,
    /// `flowGroupId`: the group of the main account to overflow to.
    pub flow_group_id: Option<String>,
}

/// What a text says of its visitor. A field is `None` where the text has nothing, an empty text or a placeholder that was not
/// filled in.
///
/// Serialises without the signature's text.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SessionFrom {
    /// The form it has.
    pub dialect: Dialect,
    /// The nickname. Never 微信用户, which is WeChat's word for somebody who gave none.
    pub nickname: Option<String>,
    /// The address of the picture, always `http(s)://…` or `//…`.
    pub avatar: Option<String>,
    /// The visitor's id in the merchant's own system, at most [`MAX_PARTNERID`] characters. A claim, unless
    /// [`verify`](Self::verify) says otherwise.
    pub partnerid: Option<String>,
    /// The robot that is asked for.
    pub robotid: Option<String>,
    /// WeChat's unionid, as the mini program claims it.
    pub unionid: Option<String>,
    /// Free fields. Of the JSON dialects: everything that has no field of its own.
    pub params: Option<Params>,
    /// The values of fields that the merchant has defined, by the field's id.
    pub customer_fields: BTreeMap<String, String>,
    /// The levels in order, also more than the four that count.
    pub transfer_action: Vec<TransferLevel>,
    /// The merchant of a mall.
    pub platform_action: Option<PlatformAction>,
    /// The signature, not yet checked.
    pub signature: Option<SignatureClaim>,
    /// Fields that are not known, by their own names; under the name of a known one what could not be read of it; under `stray` what
    /// has no name; and [`SCENE`].
    pub extra: BTreeMap<String, String>,
    /// What was odd.
    pub warnings: Vec<Warning>,
}

impl SessionFrom {
    /// What [`build`] takes to write the same fields. Leaves out the dialect, the warnings and params that are no JSON.
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
            extra: self.extra.clone(),
        }
    }
}

/// Reads a text. Takes any text, and in time that grows with [`MAX_TEXT`] at most.
pub fn parse(text: &str) -> SessionFrom {
    let kept = &text[..text.floor_char_boundary(MAX_TEXT)];
    dialects::read(kept, kept.len() < text.len())
}
