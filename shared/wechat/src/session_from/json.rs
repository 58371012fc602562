//! JSON as mini programs send it: mostly well-formed, sometimes cut off, sometimes put together by hand.

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::{Oddity, mend::mend, text};

/// Whether a text means to be a JSON object or array. A nickname such as `[微笑]` does not.
pub(super) fn begins(text: &str) -> bool {
    let mut significant = text.chars().filter(|char| !char.is_whitespace());
    match (significant.next(), significant.next()) {
        (Some('{'), next) => matches!(next, Some('"' | '}')),
        (Some('['), next) => matches!(next, Some('"' | '{' | '[' | ']')),
        _ => false,
    }
}

/// Whether a written text means to be a JSON object, be it percent-encoded or in a string.
pub(super) fn looks_like_object(written: &str) -> bool {
    let written = written.trim_start();
    let encoded = |start: &str| written.get(..start.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(start));
    written.starts_with('{') && begins(written) || written.starts_with("\"{") || encoded("%7B%22") || encoded("%7B%7D")
}

/// How long the well-formed JSON is that a text begins with.
pub(super) fn value_length(text: &str) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

/// What a text says in JSON, and what was odd about it.
pub(super) struct Reading {
    pub value: Value,
    pub oddities: Vec<Oddity>,
}

/// Reads JSON. Of what is cut off it keeps the whole members down to `depth`: at 1 those of the outermost object or list alone, so
/// that none of them is half.
pub(super) fn read(written: &str, depth: usize) -> Option<Reading> {
    let written = written.trim();
    let decoded = match written.as_bytes() {
        [b'%', b'7' | b'5' | b'2', ..] => text::decode(written).ok()?,
        _ => written.into(),
    };
    let mut oddities = Vec::new();
    let mut value = one(&decoded, depth, &mut oddities)?;
    if let Value::String(inner) = &value {
        oddities.push(Oddity::DoubleEncoded);
        value = one(inner, depth, &mut oddities)?;
    }
    (value.is_object() || value.is_array()).then_some(Reading { value, oddities })
}

fn one(source: &str, depth: usize, oddities: &mut Vec<Oddity>) -> Option<Value> {
    let source = source.trim();
    if !source.starts_with(['{', '[', '"']) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(source).into_iter::<Value>();
    if let Some(Ok(value)) = values.next() {
        if !source[values.byte_offset()..].trim().is_empty() {
            oddities.push(Oddity::TrailingText);
        }
        return Some(value);
    }
    if !begins(source) {
        return None;
    }
    let mended = mend(source, depth);
    let value = serde_json::from_str(&mended.json).ok()?;
    if !mended.whole {
        oddities.push(Oddity::Truncated);
    }
    if mended.changed {
        oddities.push(Oddity::JsonRepaired);
    }
    if !source[mended.length..].trim().is_empty() {
        oddities.push(Oddity::TrailingText);
    }
    Some(value)
}

/// A value that is one word, as text; nothing for `null` and for what holds other values.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The words of an object by the way to them, `outer.inner` and `list.0`; a list of words alone is one text. Empty ones are left out.
pub(super) fn leaves(object: &Map<String, Value>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (name, value) in object {
        collect(name, value, &mut found);
    }
    found
}

fn collect(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                collect(&format!("{path}.{name}"), value, found);
            }
        }
        Value::Array(list) => match list.iter().map(scalar).collect::<Option<Vec<_>>>() {
            Some(words) if !words.is_empty() => found.push((path.to_owned(), words.join(", "))),
            Some(_) => {}
            None => {
                for (at, value) in list.iter().enumerate() {
                    collect(&format!("{path}.{at}"), value, found);
                }
            }
        },
        word => found.extend(scalar(word).filter(|text| !text.is_empty()).map(|text| (path.to_owned(), text))),
    }
}
