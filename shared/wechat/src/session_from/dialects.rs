//! Detects the format of a text, and reads the formats of Qiyu, Easemob and Udesk.

use serde_json::{Map, Value};

use super::{
    Dialect, LIMIT, SCENE, SessionFrom, WarningKind,
    field_names::{self, QiyuKey},
    json,
    reader::Reader,
    separators, sobot, text,
};

/// Reads a text. `truncated` tells that the rest was cut off.
pub(super) fn read(text: &str, truncated: bool) -> SessionFrom {
    let written = text.trim_start_matches('\u{feff}').trim();
    let decoded = decoded_whole(written);
    let mut reader =
        dialect(decoded.as_deref().unwrap_or(written), truncated).unwrap_or_else(|| without_dialect(text, written));
    if truncated {
        reader.warn(WarningKind::TooLong);
    }
    let has_dialect = !matches!(reader.result.dialect, Dialect::Raw | Dialect::Empty);
    if has_dialect && decoded.is_some() {
        reader.warn(WarningKind::PercentEncoded);
    }
    if has_dialect && (text.len() == LIMIT || text.chars().count() == LIMIT) {
        reader.warn(WarningKind::AtLimit);
    }
    reader.finish()
}

/// The decoded text, if it was passed to `encodeURIComponent` as a whole.
fn decoded_whole(written: &str) -> Option<String> {
    let encoded = ["sobot%7C", "nickName%3D", "%7B%22"]
        .iter()
        .any(|start| written.get(..start.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(start)));
    if !encoded || written.contains('|') {
        return None;
    }
    text::decode(written).ok().map(std::borrow::Cow::into_owned)
}

fn dialect(text: &str, truncated: bool) -> Option<Reader> {
    if let Some(body) = sobot::body(text) {
        return Some(sobot::read(body, truncated));
    }
    if json::looks_like_json_object(text) {
        return json_object(text);
    }
    qiyu(text, truncated)
}

/// Reads an empty text or the merchant's own tag.
fn without_dialect(text: &str, written: &str) -> Reader {
    let mut reader = Reader::new(Dialect::Empty);
    if let Some(kind) = text::absence(written, false) {
        reader.warn(kind);
    } else if !written.is_empty() {
        reader.result.dialect = Dialect::Raw;
        reader.result.extra.insert(SCENE.to_owned(), text.to_owned());
    }
    reader
}

/// Reads `nickName=…|avatarUrl=…|referrerTitle=…`, and fields of the Sobot format that a merchant may add.
fn qiyu(text: &str, truncated: bool) -> Option<Reader> {
    let mut pieces = separators::pieces(text);
    field_names::pair(pieces.first()?)?;
    if !pieces.iter().filter_map(|piece| field_names::pair(piece)).any(|(name, _)| QiyuKey::of(name).is_some()) {
        return None;
    }
    let mut reader = Reader::new(Dialect::Qiyu);
    if truncated {
        separators::drop_truncated(&mut pieces, &mut reader);
    }
    separators::fields(&pieces, &mut reader, |reader, name, value| match QiyuKey::of(name) {
        Some(QiyuKey::NickName) => {
            reader.record_occurrence("nickname");
            reader.nickname(value);
        }
        Some(QiyuKey::AvatarUrl) => {
            reader.record_occurrence("avatar");
            reader.avatar(value);
        }
        Some(QiyuKey::Foreignid) => reader.named_field("partnerid", value),
        Some(QiyuKey::ReferrerTitle) => reader.named_field("referrerTitle", value),
        None => reader.named_field(name, value),
    });
    Some(reader)
}

/// Reads the JSON formats. Members without a field of their own become params.
fn json_object(text: &str) -> Option<Reader> {
    let reading = json::read(text, usize::MAX)?;
    let Value::Object(object) = reading.value else { return None };
    let mut reader = udesk(&object).or_else(|| easemob(object))?;
    for kind in reading.warnings {
        reader.warn(kind);
    }
    Some(reader)
}

/// Reads Udesk's format. Its page lists the fields of `customer_info` but not how it is embedded, so it is read as the object
/// itself, as a member, and as a JSON string in that member.
fn udesk(object: &Map<String, Value>) -> Option<Reader> {
    const OWN: [&str; 4] = ["customer_name", "nick_name", "customer_token", "custom_fields"];
    let mut info = match object.get("customer_info") {
        None if OWN.iter().any(|name| object.contains_key(*name)) => object.clone(),
        Some(Value::Object(info)) => info.clone(),
        Some(Value::String(text)) => json::read(text, usize::MAX)?.value.as_object()?.clone(),
        None | Some(_) => return None,
    };
    // The members next to it are the fields of a business record.
    info.extend(
        object.iter().filter(|(name, _)| *name != "customer_info").map(|(name, value)| (name.clone(), value.clone())),
    );
    let mut reader = Reader::new(Dialect::Udesk);
    if let Some(name) = take(&mut info, "nick_name").or_else(|| take(&mut info, "customer_name")) {
        reader.nickname(&name);
    }
    if let Some(avatar) = take(&mut info, "avatar") {
        reader.avatar(&avatar);
    }
    if let Some(token) = take(&mut info, "customer_token") {
        reader.partnerid(&token);
    }
    if let Some(Value::Object(fields)) = info.get("custom_fields") {
        reader.customer_fields(fields);
        info.remove("custom_fields");
    }
    reader.param_object(info);
    Some(reader)
}

fn easemob(mut object: Map<String, Value>) -> Option<Reader> {
    let name_of = |wanted: &str| object.keys().find(|name| name.eq_ignore_ascii_case(wanted)).cloned();
    let (nickname, avatar) = (name_of("nickName"), name_of("avatarUrl"));
    if nickname.is_none() && avatar.is_none() {
        return None;
    }
    let mut reader = Reader::new(Dialect::Easemob);
    if let Some(nickname) = nickname.and_then(|name| take(&mut object, &name)) {
        reader.nickname(&nickname);
    }
    if let Some(avatar) = avatar.and_then(|name| take(&mut object, &name)) {
        reader.avatar(&avatar);
    }
    reader.param_object(object);
    Some(reader)
}

/// Removes a member and returns it as a string, unless it is an array or an object.
fn take(object: &mut Map<String, Value>, name: &str) -> Option<String> {
    let value = object.get(name)?;
    let text = json::scalar(value);
    if text.is_some() || value.is_null() {
        object.remove(name);
    }
    text
}
