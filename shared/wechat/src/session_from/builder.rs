//! Builds a `session-from`.

mod actions;
mod signing;

use std::{collections::BTreeMap, fmt::Write as _};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[cfg(feature = "openapi")]
use self::signing::SignatureFields;
use self::signing::WITHOUT_OPENID;
pub use self::signing::{BuildWarning, BuildWarningKind, SignFor};
use super::{
    LIMIT, MAX_PARTNERID, PlatformAction, SignatureClaim, SignatureVersion, TransferLevel,
    field_names::{self, Key},
    level_input::levels_with_strings_or_numbers,
    text,
};

/// The number of levels of `transfer_action` that count. Source: Sobot's page, "支持传入三级溢出策略，即第四级默认为不溢出".
const MAX_LEVELS: usize = 4;

/// The fields of a `session-from` to build. `None` and empty collections are left out. An empty string is refused, because it
/// could not be distinguished from them.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SessionFromFields))]
pub struct Fields {
    /// The nickname.
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    pub nickname: Option<String>,
    /// The avatar's address, `http(s)://…` or `//…`.
    #[cfg_attr(feature = "openapi", schema(format = Uri, max_length = 1000))]
    pub avatar: Option<String>,
    /// Free fields.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub params: Map<String, Value>,
    /// At most four levels. In JSON their ids may also be numbers, as for [`parse`](super::parse).
    #[serde(deserialize_with = "levels_with_strings_or_numbers")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<super::level_input::LevelInput>, max_items = 4))]
    pub transfer_action: Vec<TransferLevel>,
    /// The mall's merchant.
    pub platform_action: Option<PlatformAction>,
    /// The values of the merchant's custom fields, by field id.
    pub customer_fields: BTreeMap<String, String>,
    /// The visitor's id in the merchant's system, at most 100 characters.
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub partnerid: Option<String>,
    /// The requested robot.
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    pub robotid: Option<String>,
    /// WeChat's unionid.
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    pub unionid: Option<String>,
    /// The signature of the partnerid.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<SignatureFields>))]
    pub signature: Option<SignatureClaim>,
    /// The service makes the signature, with the secret of this mini program; instead of `signature`.
    // `build` has no secret: its caller replaces it.
    pub sign: Option<SignFor>,
    /// Further fields, by name.
    pub extra: BTreeMap<String, String>,
}

/// A built `session-from` and its length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = BuiltSessionFrom))]
pub struct Built {
    /// The value of the button's `session-from` attribute.
    pub text: String,
    /// The length in characters (Unicode scalar values).
    pub chars: usize,
    /// The length in bytes of UTF-8.
    pub bytes: usize,
    /// The version of the signature in it; null without one.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub signature_version: Option<SignatureVersion>,
    /// What is permitted and unsafe.
    pub warnings: Vec<BuildWarning>,
}

/// Why a `session-from` cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The text is longer than [`LIMIT`] characters or bytes.
    #[error("{chars} characters and {bytes} bytes, of which {LIMIT} are allowed")]
    TooLong {
        /// The length in characters.
        chars: usize,
        /// The length in bytes of UTF-8.
        bytes: usize,
    },
    /// A plain value contains a control character.
    #[error("{field} holds a control character")]
    ControlCharacter {
        /// The field.
        field: String,
    },
    /// A value is empty.
    #[error("{field} is empty")]
    Empty {
        /// The field.
        field: String,
    },
    /// A value in JSON would be read as absent, such as `undefined`.
    #[error("{field} would count as absent")]
    Absent {
        /// The field.
        field: String,
    },
    /// The partnerid is longer than [`MAX_PARTNERID`] characters.
    #[error("the partnerid has {chars} characters, of which {MAX_PARTNERID} are allowed")]
    PartneridTooLong {
        /// The length in characters.
        chars: usize,
    },
    /// The avatar is not a URL that other devices can open.
    #[error("the avatar is not an http or https address")]
    AvatarNotUrl,
    /// There are more than four levels, and those after the fourth would be ignored.
    #[error("{levels} levels, of which {MAX_LEVELS} are allowed")]
    TooManyLevels {
        /// The number of levels.
        levels: usize,
    },
    /// A value of a level is not defined, or an id is blank or longer than [`MAX_ID`](super::MAX_ID) bytes: the routing would skip the level or
    /// ignore the value.
    #[error("{field} must be {expected}")]
    NoMeaning {
        /// The field.
        field: String,
        /// The defined values.
        expected: &'static str,
    },
    /// The name of a further field is invalid, or that of a known field.
    #[error("a further field cannot have this name: {name}")]
    BadName {
        /// The name.
        name: String,
    },
    /// There is a signature without a partnerid, or it is neither base64url nor `2.` and 43 characters of it.
    #[error("the signature is not one of a partnerid")]
    BadSignature,
    /// [`Fields::sign`] was not replaced by a signature.
    #[error("the signature is not made yet")]
    Unsigned,
}

/// Builds a `session-from` in the Sobot format. [`parse`](super::parse) returns the same fields from it.
pub fn build(fields: &Fields) -> Result<Built, BuildError> {
    if fields.sign.is_some() {
        return Err(BuildError::Unsigned);
    }
    let mut out = String::from("sobot|");
    if let Some(nickname) = &fields.nickname {
        out.push_str(&plain("nickname", nickname)?);
    }
    out.push('|');
    if let Some(avatar) = &fields.avatar {
        out.push_str(&avatar_url(avatar)?);
    }
    out.push('|');
    if !fields.params.is_empty() {
        let _ = write!(out, "{}", Json(&fields.params));
    }
    if !fields.transfer_action.is_empty() {
        push_field(&mut out, Key::TransferAction, &actions::levels(&fields.transfer_action)?);
    }
    if let Some(action) = &fields.platform_action {
        push_field(&mut out, Key::PlatformAction, &actions::platform_action(action)?);
    }
    if !fields.customer_fields.is_empty() {
        for (name, value) in &fields.customer_fields {
            member(&format!("customer_fields.{name}"), value)?;
        }
        push_field(&mut out, Key::CustomerFields, &Json(&fields.customer_fields).to_string());
    }
    push_ids(&mut out, fields)?;
    push_extra(&mut out, &fields.extra)?;
    let (chars, bytes) = (out.chars().count(), out.len());
    if chars > LIMIT || bytes > LIMIT {
        return Err(BuildError::TooLong { chars, bytes });
    }
    let signature_version = fields.signature.as_ref().and_then(SignatureClaim::version);
    let warnings = if signature_version == Some(SignatureVersion::V1) { vec![WITHOUT_OPENID] } else { Vec::new() };
    Ok(Built { text: out, chars, bytes, signature_version, warnings })
}

/// The ids of the visitor, of the robot and of WeChat, and the partnerid's signature.
fn push_ids(out: &mut String, fields: &Fields) -> Result<(), BuildError> {
    let chars = fields.partnerid.as_ref().map_or(0, |partnerid| partnerid.chars().count());
    if chars > MAX_PARTNERID {
        return Err(BuildError::PartneridTooLong { chars });
    }
    let ids = [(Key::Partnerid, &fields.partnerid), (Key::Robotid, &fields.robotid), (Key::Unionid, &fields.unionid)];
    for (key, id) in ids {
        if let Some(id) = id {
            push_field(out, key, &plain(key.name(), id)?);
        }
    }
    if let Some(claim) = &fields.signature {
        if fields.partnerid.is_none() || !claim.is_well_formed() || text::placeholder(&claim.sig).is_some() {
            return Err(BuildError::BadSignature);
        }
        push_field(out, Key::Ts, &claim.ts.to_string());
        push_field(out, Key::Sig, &claim.sig);
    }
    Ok(())
}

fn push_extra(out: &mut String, extra: &BTreeMap<String, String>) -> Result<(), BuildError> {
    for (name, value) in extra {
        if !field_names::is_name(name) || Key::of(name).is_some() {
            return Err(BuildError::BadName { name: name.clone() });
        }
        out.extend(["|", name, "=", &plain(name, value)?]);
    }
    Ok(())
}

fn push_field(out: &mut String, key: Key, value: &str) {
    out.extend(["|", key.name(), "=", value]);
}

/// A plain value with percent escapes for separators, for text that looks like an escape, and for a beginning that looks like JSON
/// or a string. Escapes every byte if the value would count as absent or the nickname as a field.
fn plain(field: &str, value: &str) -> Result<String, BuildError> {
    if value.is_empty() {
        return Err(BuildError::Empty { field: field.to_owned() });
    }
    if value.contains(char::is_control) {
        return Err(BuildError::ControlCharacter { field: field.to_owned() });
    }
    let mut escaped = String::with_capacity(value.len());
    for (at, char) in value.char_indices() {
        let (before, after) = (&value[..at], &value[at + char.len_utf8()..]);
        let is_special = match char {
            '|' => true,
            '%' => text::begins_with_escape(&value[at..]),
            '{' | '[' | '"' => before.is_empty(),
            space if space.is_whitespace() => before.is_empty() || after.is_empty(),
            _ => false,
        };
        if is_special {
            escaped.push_str(&text::encode_component(char.encode_utf8(&mut [0; 4])));
        } else {
            escaped.push(char);
        }
    }
    let is_nickname = field == "nickname";
    if text::absence(&escaped, is_nickname).is_some() || is_nickname && reads_as_field(&escaped) {
        escaped = text::encode_all_bytes(value);
    }
    Ok(escaped)
}

/// Whether a nickname would be read as a known field, or as a field with JSON, which may contain separators.
fn reads_as_field(escaped: &str) -> bool {
    field_names::begins_with_known_field(escaped)
        || field_names::pair(escaped).is_some_and(|(_, value)| value.trim_start().starts_with(['{', '[', '"']))
}

/// An avatar's URL, percent-encoded only where it contains a separator or ends with white space.
fn avatar_url(avatar: &str) -> Result<String, BuildError> {
    if avatar.contains(char::is_control) {
        return Err(BuildError::ControlCharacter { field: "avatar".to_owned() });
    }
    if !text::is_public_url(avatar) || avatar.starts_with(char::is_whitespace) {
        return Err(BuildError::AvatarNotUrl);
    }
    let is_unambiguous = !avatar.contains('|') && !avatar.ends_with(char::is_whitespace);
    Ok(if is_unambiguous { avatar.to_owned() } else { text::encode_component(avatar) })
}

/// A JSON object of members: the field's name in [`Fields`], the name in the text, and the value.
fn object<'a, const N: usize>(
    field: &str,
    members: [(&'a str, &'a str, &'a Option<String>); N],
) -> Result<Json<Map<String, Value>>, BuildError> {
    let mut object = Map::new();
    for (name, written, value) in members {
        if let Some(value) = value {
            member(&format!("{field}.{name}"), value)?;
            object.insert(written.to_owned(), value.as_str().into());
        }
    }
    if object.is_empty() {
        return Err(BuildError::Empty { field: field.to_owned() });
    }
    Ok(Json(object))
}

fn member(field: &str, value: &str) -> Result<(), BuildError> {
    if value.is_empty() {
        return Err(BuildError::Empty { field: field.to_owned() });
    }
    if text::placeholder(value).is_some() {
        return Err(BuildError::Absent { field: field.to_owned() });
    }
    Ok(())
}

/// Displays a value as JSON.
struct Json<T>(T);

impl<T: Serialize> std::fmt::Display for Json<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| std::fmt::Error)?)
    }
}
