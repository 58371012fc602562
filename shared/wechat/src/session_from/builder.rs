//! Writes a `session-from`.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{
    LIMIT, MAX_PARTNERID, PlatformAction, SignatureClaim, TransferLevel,
    keyed::{self, Key},
    text,
};

/// How many levels of `transfer_action` count. Source: Sobot's page, "支持传入三级溢出策略，即第四级默认为不溢出".
const MAX_LEVELS: usize = 4;

/// What a `session-from` is to say. `None` and empty collections are left out; an empty text is refused, because it could not be
/// told from them.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fields {
    /// The nickname.
    pub nickname: Option<String>,
    /// The address of the picture, `http(s)://…` or `//…`.
    pub avatar: Option<String>,
    /// Free fields.
    pub params: Map<String, Value>,
    /// At most four levels. In JSON their ids may be numbers, too, as [`parse`](super::parse) takes them.
    #[serde(deserialize_with = "levels_of_texts_and_numbers")]
    pub transfer_action: Vec<TransferLevel>,
    /// The merchant of a mall.
    pub platform_action: Option<PlatformAction>,
    /// The values of fields that the merchant has defined, by the field's id.
    pub customer_fields: BTreeMap<String, String>,
    /// The visitor's id in the merchant's own system, at most [`MAX_PARTNERID`] characters.
    pub partnerid: Option<String>,
    /// The robot.
    pub robotid: Option<String>,
    /// WeChat's unionid.
    pub unionid: Option<String>,
    /// The signature of the partnerid.
    pub signature: Option<SignatureClaim>,
    /// Further fields, by name.
    pub extra: BTreeMap<String, String>,
}

/// A `session-from` and its length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Built {
    /// The text for the button.
    pub text: String,
    /// Its length in characters (Unicode scalar values).
    pub chars: usize,
    /// Its length in bytes of UTF-8.
    pub bytes: usize,
}

/// Why a `session-from` cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// It is longer than [`LIMIT`] characters or bytes.
    #[error("{chars} characters and {bytes} bytes, of which {LIMIT} are allowed")]
    TooLong {
        /// Its length in characters.
        chars: usize,
        /// Its length in bytes of UTF-8.
        bytes: usize,
    },
    /// A plain value holds a control character.
    #[error("{field} holds a control character")]
    ControlCharacter {
        /// Which field.
        field: String,
    },
    /// A value is empty.
    #[error("{field} is empty")]
    Empty {
        /// Which field.
        field: String,
    },
    /// A value in JSON is one that stands for none, such as `undefined`, and cannot be written otherwise.
    #[error("{field} would count as absent")]
    Absent {
        /// Which field.
        field: String,
    },
    /// The partnerid is longer than [`MAX_PARTNERID`] characters.
    #[error("the partnerid has {chars} characters, of which {MAX_PARTNERID} are allowed")]
    PartneridTooLong {
        /// Its length in characters.
        chars: usize,
    },
    /// The avatar is no address that others can open.
    #[error("the avatar is not an http or https address")]
    AvatarNotUrl,
    /// There are more than four levels, of which the others would be ignored.
    #[error("{levels} levels, of which {MAX_LEVELS} are allowed")]
    TooManyLevels {
        /// How many.
        levels: usize,
    },
    /// A value of a level is none of those that mean something: the routing would skip the level, or take the value for missing.
    #[error("{field} must be {expected}")]
    NoMeaning {
        /// Which field.
        field: String,
        /// Which values there are.
        expected: &'static str,
    },
    /// A further field's name is no name, or that of a field of its own.
    #[error("a further field cannot have this name: {name}")]
    BadName {
        /// The name.
        name: String,
    },
    /// There is a signature and nothing signed, or it is not base64url.
    #[error("the signature is not one of a partnerid")]
    BadSignature,
}

/// Writes a `session-from` in the Sobot form. [`parse`](super::parse) reads the same fields from it.
pub fn build(fields: &Fields) -> Result<Built, BuildError> {
    let mut out = String::from("sobot|");
    if let Some(nickname) = &fields.nickname {
        out.push_str(&plain("nickname", nickname)?);
    }
    out.push('|');
    if let Some(avatar) = &fields.avatar {
        out.push_str(&address(avatar)?);
    }
    out.push('|');
    if !fields.params.is_empty() {
        let _ = write!(out, "{}", Json(&fields.params));
    }
    if !fields.transfer_action.is_empty() {
        keyed(&mut out, Key::TransferAction, &levels(&fields.transfer_action)?);
    }
    if let Some(action) = &fields.platform_action {
        let members = [
            ("customer_code", "customerCode", &action.customer_code),
            ("flow_group_id", "flowGroupId", &action.flow_group_id),
        ];
        keyed(&mut out, Key::PlatformAction, &object(Key::PlatformAction.name(), members)?.to_string());
    }
    if !fields.customer_fields.is_empty() {
        for (name, value) in &fields.customer_fields {
            member(&format!("customer_fields.{name}"), value)?;
        }
        keyed(&mut out, Key::CustomerFields, &Json(&fields.customer_fields).to_string());
    }
    if let Some(partnerid) = &fields.partnerid {
        let chars = partnerid.chars().count();
        if chars > MAX_PARTNERID {
            return Err(BuildError::PartneridTooLong { chars });
        }
    }
    let ids = [(Key::Partnerid, &fields.partnerid), (Key::Robotid, &fields.robotid), (Key::Unionid, &fields.unionid)];
    for (key, id) in ids {
        if let Some(id) = id {
            keyed(&mut out, key, &plain(key.name(), id)?);
        }
    }
    if let Some(SignatureClaim { ts, sig }) = &fields.signature {
        let is_base64url =
            !sig.is_empty() && sig.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if fields.partnerid.is_none() || !is_base64url || text::marker(sig).is_some() {
            return Err(BuildError::BadSignature);
        }
        keyed(&mut out, Key::Ts, &ts.to_string());
        keyed(&mut out, Key::Sig, sig);
    }
    for (name, value) in &fields.extra {
        if !keyed::is_name(name) || Key::of(name).is_some() {
            return Err(BuildError::BadName { name: name.clone() });
        }
        out.extend(["|", name, "=", &plain(name, value)?]);
    }
    let (chars, bytes) = (out.chars().count(), out.len());
    if chars > LIMIT || bytes > LIMIT {
        return Err(BuildError::TooLong { chars, bytes });
    }
    Ok(Built { text: out, chars, bytes })
}

fn keyed(out: &mut String, key: Key, value: &str) {
    out.extend(["|", key.name(), "=", value]);
}

/// A plain value. Escapes what separates fields, what would be read as an escape, and what would make it JSON or a quoted text;
/// and everything, if the value would count as absent or the slot as a field.
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
            '%' => text::escaped(&value.as_bytes()[at..]).is_some(),
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
    if text::absent(&escaped, is_nickname).is_some() || is_nickname && reads_as_field(&escaped) {
        escaped = text::encode_whole(value);
    }
    Ok(escaped)
}

/// Whether a nickname would be taken for a field, or what it seems to give a field for JSON that holds separators.
fn reads_as_field(escaped: &str) -> bool {
    keyed::begins_known(escaped)
        || keyed::pair(escaped).is_some_and(|(_, value)| value.trim_start().starts_with(['{', '[', '"']))
}

/// An avatar, as it stands if nothing in it would be taken for something else.
fn address(avatar: &str) -> Result<String, BuildError> {
    if avatar.contains(char::is_control) {
        return Err(BuildError::ControlCharacter { field: "avatar".to_owned() });
    }
    if !text::is_public_url(avatar) || avatar.starts_with(char::is_whitespace) {
        return Err(BuildError::AvatarNotUrl);
    }
    let stands = !avatar.contains('|') && !avatar.ends_with(char::is_whitespace);
    Ok(if stands { avatar.to_owned() } else { text::encode_component(avatar) })
}

fn levels(levels: &[TransferLevel]) -> Result<String, BuildError> {
    if levels.len() > MAX_LEVELS {
        return Err(BuildError::TooManyLevels { levels: levels.len() });
    }
    let mut written = Vec::with_capacity(levels.len());
    for (at, level) in levels.iter().enumerate() {
        let members = [
            ("action_type", "actionType", &level.action_type),
            ("deci_id", "deciId", &level.deci_id),
            ("option_id", "optionId", &level.option_id),
            ("spill_id", "spillId", &level.spill_id),
        ];
        let field = format!("{}[{at}]", Key::TransferAction.name());
        let level_written = object(&field, members)?.to_string();
        means_something(&field, level)?;
        written.push(level_written);
    }
    Ok(format!("[{}]", written.join(",")))
}

/// Refuses a level that no routing could follow. Sources: Sobot's page, `actionType`, `optionId`, `spillId`.
fn means_something(field: &str, level: &TransferLevel) -> Result<(), BuildError> {
    let is_within = |id: &Option<String>, allowed: &[&str]| id.as_deref().is_none_or(|id| allowed.contains(&id));
    let kind = level.action_type.as_deref();
    for (right, name, expected) in [
        (matches!(kind, Some("to_group" | "to_service")), "action_type", "to_group or to_service"),
        (is_within(&level.option_id, &["1", "2", "3", "4"]), "option_id", "1 to 4"),
        (is_within(&level.spill_id, &["1", "2", "3", "4", "5", "6", "7"]), "spill_id", "1 to 7"),
    ] {
        if !right {
            return Err(BuildError::NoMeaning { field: format!("{field}.{name}"), expected });
        }
    }
    Ok(())
}

/// Each member's path in what is built from, and its name in what is written.
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
    if text::marker(value).is_some() {
        return Err(BuildError::Absent { field: field.to_owned() });
    }
    Ok(())
}

fn levels_of_texts_and_numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<TransferLevel>, D::Error> {
    Ok(Vec::<GivenLevel>::deserialize(deserializer)?.into_iter().map(TransferLevel::from).collect())
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct GivenLevel {
    action_type: Option<String>,
    deci_id: Option<Id>,
    option_id: Option<Id>,
    spill_id: Option<Id>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "must be a text or a whole number")]
enum Id {
    Text(String),
    Number(i64),
}

impl From<GivenLevel> for TransferLevel {
    fn from(given: GivenLevel) -> Self {
        let text = |id: Option<Id>| match id? {
            Id::Text(text) => Some(text),
            Id::Number(number) => Some(number.to_string()),
        };
        Self {
            action_type: given.action_type,
            deci_id: text(given.deci_id),
            option_id: text(given.option_id),
            spill_id: text(given.spill_id),
        }
    }
}

/// A value in JSON text.
struct Json<T>(T);

impl<T: Serialize> std::fmt::Display for Json<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| std::fmt::Error)?)
    }
}
