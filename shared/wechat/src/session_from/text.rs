//! Plain values: absent values, percent-encoding, control characters, avatar URLs.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode_byte, utf8_percent_encode};

use super::WarningKind;

/// The nickname that WeChat returns for every visitor since 2022-11-08. Source: WeChat's notice 小程序用户头像昵称获取规则调整公告.
pub(super) const ANONYMOUS: &str = "微信用户";

/// Whether a value is what JavaScript or a template writes for an absent one.
pub(super) fn placeholder(value: &str) -> Option<WarningKind> {
    let value = value.trim();
    match value {
        "undefined" | "null" | "NaN" | "[object Object]" => Some(WarningKind::NotAValue),
        _ => (value.starts_with("{{") && value.ends_with("}}")).then_some(WarningKind::UnresolvedPlaceholder),
    }
}

/// Whether a value counts as absent, plain or in the encoding of `encodeURIComponent`. Any other encoding of the same text does
/// not count as absent; `build` uses one for a nickname that is literally such a text.
pub(super) fn absence(written: &str, nickname: bool) -> Option<WarningKind> {
    let absence_of = |value: &str| match placeholder(value) {
        None if nickname && value.trim() == ANONYMOUS => Some(WarningKind::AnonymousNickname),
        found => found,
    };
    absence_of(written).or_else(|| {
        let decoded = decode(written).ok()?;
        absence_of(&decoded).filter(|_| encode_component(&decoded) == written)
    })
}

/// The percent escapes of a text are not UTF-8.
pub(super) struct NotUtf8;

/// Decodes percent escapes. A `%` that begins no escape is kept, so that `100%` stays.
pub(super) fn decode(written: &str) -> Result<Cow<'_, str>, NotUtf8> {
    percent_decode_str(written).decode_utf8().map_err(|_| NotUtf8)
}

/// Whether a text begins with a percent escape.
pub(super) fn begins_with_escape(text: &str) -> bool {
    matches!(text.as_bytes(), [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

/// The characters that JavaScript's `encodeURIComponent` escapes.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The text as JavaScript's `encodeURIComponent` encodes it.
pub(super) fn encode_component(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}

/// Every byte as an escape in lower case, an encoding that `encodeURIComponent` never produces.
pub(super) fn encode_all_bytes(text: &str) -> String {
    text.bytes().map(percent_encode_byte).collect::<String>().to_ascii_lowercase()
}

/// The text without control characters, which would break the line that shows it.
pub(super) fn without_controls(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        Cow::Owned(text.chars().filter(|char| !char.is_control()).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// A JSON string in the form that an agent sees. Percent escapes are kept, because decoding changes the meaning of a URL, unless
/// the string is Chinese text that `encodeURIComponent` encoded.
pub(super) fn display_text(value: &str) -> Cow<'_, str> {
    match decode(value) {
        Ok(decoded) if !decoded.is_ascii() && encode_component(&decoded) == value => decoded,
        _ => Cow::Borrowed(value),
    }
}

/// Whether an avatar is a URL, plain or percent-encoded.
pub(super) fn looks_like_url(written: &str) -> bool {
    let written = written.trim_start();
    ["http://", "https://", "//", "http%3A", "https%3A", "%2F%2F"]
        .iter()
        .any(|start| written.get(..start.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(start)))
}

/// Whether an avatar is a plain URL, whose percent escapes belong to it.
pub(super) fn is_plain_url(written: &str) -> bool {
    looks_like_url(written) && written.find("//").is_some_and(|at| at <= "https:".len())
}

/// Whether an avatar is a URL that other devices can open. `chooseAvatar` returns a file on the phone: `wxfile://…`, or
/// `http://tmp/…` in the developer tools.
pub(super) fn is_public_url(avatar: &str) -> bool {
    is_plain_url(avatar) && !avatar.contains("{{") && !avatar.starts_with("http://tmp/")
}
