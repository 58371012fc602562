//! Documents in JSON: one object, whose values are mostly strings and numbers.

use std::{borrow::Cow, fmt};

use memchr::memchr;
use serde::{
    Deserialize, Deserializer as _,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::fields::DocumentError;

/// See [`crate::fields::visit`]. A string is unescaped, any other value is its JSON text (a number keeps all its digits),
/// and a field with `null` is skipped.
pub(crate) fn visit<'a>(document: &'a str, visitor: impl FnMut(&str, Cow<'a, str>)) -> Result<(), DocumentError> {
    let mut deserializer = serde_json::Deserializer::from_str(document);
    deserializer
        .deserialize_map(Fields(visitor))
        .and_then(|()| deserializer.end())
        .map_err(|_| DocumentError::Malformed("JSON that is not well-formed"))
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Fields<F>(F);

impl<'de, F: FnMut(&str, Cow<'de, str>)> Visitor<'de> for Fields<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
            let source = value.get();
            if source == "null" {
                continue;
            }
            (self.0)(&unescaped(name.get()), unescaped(source));
        }
        Ok(())
    }
}

fn unescaped(source: &str) -> Cow<'_, str> {
    match source.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        // The usual case, without a second pass over the value.
        Some(text) if memchr(b'\\', text.as_bytes()).is_none() => Cow::Borrowed(text),
        Some(text) => {
            serde_json::from_str::<Text<'_>>(source).map_or_else(|_| without_lone_surrogates(text), |text| text.0)
        }
        None => Cow::Borrowed(source),
    }
}

/// The content of a JSON string that has half a surrogate pair: U+FFFD stands in its place, all other escapes are resolved. The parser
/// has checked the form of the escapes, but not whether the halves of pairs stand together.
fn without_lone_surrogates(source: &str) -> Cow<'_, str> {
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, escape)) = rest.split_once('\\') {
        text.push_str(before);
        let (char, length) = match utf16_unit(escape) {
            Some(unit) => {
                let low = escape.get(5..).and_then(|next| next.strip_prefix('\\')).and_then(utf16_unit);
                let pair = low.and_then(|low| char::decode_utf16([unit, low]).next()?.ok().filter(|_| is_high(unit)));
                let alone = char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER);
                pair.map_or((alone, 5), |pair| (pair, 11))
            }
            None => match escape.bytes().next() {
                Some(b'b') => ('\u{8}', 1),
                Some(b'f') => ('\u{c}', 1),
                Some(b'n') => ('\n', 1),
                Some(b'r') => ('\r', 1),
                Some(b't') => ('\t', 1),
                // A quotation mark, a slash or a backslash.
                Some(byte) if byte.is_ascii() => (char::from(byte), 1),
                _ => (char::REPLACEMENT_CHARACTER, 0),
            },
        };
        text.push(char);
        rest = &escape[length..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// The number of an escape `uXXXX` at the beginning of the text.
fn utf16_unit(escape: &str) -> Option<u16> {
    let digits = escape.strip_prefix('u')?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

fn is_high(unit: u16) -> bool {
    matches!(unit, 0xd800..=0xdbff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(document: &str) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        visit(document, |name, value| fields.push((name.to_owned(), value.into_owned()))).unwrap();
        fields
    }

    #[test]
    fn half_of_a_surrogate_pair_becomes_a_replacement_character() {
        for (written, expected) in [
            (r"\ud83d", "\u{fffd}"),
            (r"\ude00", "\u{fffd}"),
            (r"前\uD83D后", "前\u{fffd}后"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (r"\ud83d\ude00\ude00", "😀\u{fffd}"),
            (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
            (r"\ud83d\u4f60", "\u{fffd}你"),
            (r#"\ud83d\"\\\/\b\f\n\r\tx"#, "\u{fffd}\"\\/\u{8}\u{c}\n\r\tx"),
            (r"\ud83d\\ude00", "\u{fffd}\\ude00"),
            (r"\ud83d😀\", ""),
        ] {
            let document = format!(r#"{{"MsgType":"text","Content":"{written}"}}"#);
            if expected.is_empty() {
                assert!(visit(&document, |_, _| {}).is_err(), "{document}");
            } else {
                assert_eq!(fields(&document)[1].1, expected, "{document}");
            }
        }
        assert_eq!(
            fields(r#"{"a\ud83d":"1","\u0062":"2"}"#),
            [("a\u{fffd}".into(), "1".into()), ("b".into(), "2".into())]
        );
    }
}
