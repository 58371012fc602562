//! Plain values: what counts as absent, percent-encoding, control characters.

use std::borrow::Cow;

use super::Oddity;

/// What WeChat gives for the nickname of everybody who has not chosen to say it. Source: WeChat's notice on the change of
/// `getUserProfile`, in force since 2022-11-08.
pub(super) const ANONYMOUS: &str = "微信用户";

/// Whether a value is what JavaScript or a template writes where there is none.
pub(super) fn marker(value: &str) -> Option<Oddity> {
    let value = value.trim();
    match value {
        "undefined" | "null" | "NaN" | "[object Object]" => Some(Oddity::NotAValue),
        _ => (value.starts_with("{{") && value.ends_with("}}")).then_some(Oddity::UnresolvedPlaceholder),
    }
}

/// Whether a written value counts as absent, as it stands or as `encodeURIComponent` would have written it. Another encoding of the
/// same text is not absent, which is how a builder says that the text is meant.
pub(super) fn absent(written: &str, nickname: bool) -> Option<Oddity> {
    let judge = |value: &str| match marker(value) {
        None if nickname && value.trim() == ANONYMOUS => Some(Oddity::AnonymousNickname),
        found => found,
    };
    judge(written).or_else(|| {
        let decoded = decode(written).ok()?;
        judge(&decoded).filter(|_| encode_component(&decoded) == written)
    })
}

/// The escapes of a text do not make UTF-8.
pub(super) struct NotUtf8;

/// Takes the percent escapes out of a text. A `%` that begins none is itself, so that `100%` stays.
pub(super) fn decode(written: &str) -> Result<Cow<'_, str>, NotUtf8> {
    let bytes = written.as_bytes();
    if !(0..bytes.len()).any(|at| escaped(&bytes[at..]).is_some()) {
        return Ok(Cow::Borrowed(written));
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let (byte, length) = escaped(rest).map_or((first, 1), |byte| (byte, 3));
        decoded.push(byte);
        rest = &rest[length..];
    }
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| NotUtf8)
}

/// The byte that these begin with, if it is written as an escape.
pub(super) fn escaped(bytes: &[u8]) -> Option<u8> {
    let &[b'%', high, low, ..] = bytes else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// What JavaScript's `encodeURIComponent` makes of a text.
pub(super) fn encode_component(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            push_escape(&mut encoded, byte, b"0123456789ABCDEF");
        }
    }
    encoded
}

/// Every byte as an escape, in lower case: an encoding that `encodeURIComponent` never makes.
pub(super) fn encode_whole(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        push_escape(&mut encoded, byte, b"0123456789abcdef");
    }
    encoded
}

fn push_escape(out: &mut String, byte: u8, digits: &[u8; 16]) {
    out.push('%');
    out.push(char::from(digits[usize::from(byte >> 4)]));
    out.push(char::from(digits[usize::from(byte & 15)]));
}

/// A text without control characters, which would break the line it is shown in.
pub(super) fn without_controls(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        Cow::Owned(text.chars().filter(|char| !char.is_control()).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// A value as a person should see it. JSON strings keep their escapes, because an address among them would mean something else
/// without; a string that `encodeURIComponent` made of Chinese can only be meant to be read.
pub(super) fn shown(value: &str) -> Cow<'_, str> {
    match decode(value) {
        Ok(decoded) if !decoded.is_ascii() && encode_component(&decoded) == value => decoded,
        _ => Cow::Borrowed(value),
    }
}

/// Whether a written avatar is an address, be it percent-encoded.
pub(super) fn looks_like_url(written: &str) -> bool {
    let written = written.trim_start();
    ["http://", "https://", "//", "http%3A", "https%3A", "%2F%2F"]
        .iter()
        .any(|start| written.get(..start.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(start)))
}

/// Whether a written avatar is an address as it stands, whose escapes are its own.
pub(super) fn is_plain_url(written: &str) -> bool {
    looks_like_url(written) && written.find("//").is_some_and(|at| at <= "https:".len())
}

/// Whether an avatar is an address that others can open. `chooseAvatar` gives a file of the phone: `wxfile://…`, or `http://tmp/…` in
/// the developer tools.
pub(super) fn is_public_url(avatar: &str) -> bool {
    is_plain_url(avatar) && !avatar.contains("{{") && !avatar.starts_with("http://tmp/")
}
