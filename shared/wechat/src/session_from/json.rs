//! JSON as mini programs send it: mostly well-formed, sometimes truncated or concatenated by hand.

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::{WarningKind, json_repair::repair_json, text};

/// Whether a text is meant to be a JSON object or array. A nickname such as `[微笑]` is not.
pub(super) fn looks_like_json(text: &str) -> bool {
    let mut significant = text.chars().filter(|char| !char.is_whitespace());
    match (significant.next(), significant.next()) {
        (Some('{'), next) => matches!(next, Some('"' | '}')),
        (Some('['), next) => matches!(next, Some('"' | '{' | '[' | ']')),
        _ => false,
    }
}

/// Whether a text is meant to be a JSON object, including one that is percent-encoded or in a JSON string.
pub(super) fn looks_like_json_object(written: &str) -> bool {
    let written = written.trim_start();
    let encoded = |start: &str| written.get(..start.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(start));
    written.starts_with('{') && looks_like_json(written)
        || written.starts_with("\"{")
        || encoded("%7B%22")
        || encoded("%7B%7D")
}

/// The length of the well-formed JSON at the beginning of a text, in bytes.
pub(super) fn value_length(text: &str) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

/// A JSON value and the warnings about its text.
pub(super) struct Reading {
    pub value: Value,
    pub warnings: Vec<WarningKind>,
}

/// Parses JSON. Of truncated JSON it keeps the complete members down to `depth` levels. With a depth of 1 each member of the
/// outermost object or array is complete.
pub(super) fn read(written: &str, depth: usize) -> Option<Reading> {
    let written = written.trim();
    let decoded = match written.as_bytes() {
        [b'%', b'7' | b'5' | b'2', ..] => text::decode(written).ok()?,
        _ => written.into(),
    };
    let mut warnings = Vec::new();
    let mut value = one(&decoded, depth, &mut warnings)?;
    if let Value::String(inner) = &value {
        warnings.push(WarningKind::DoubleEncoded);
        value = one(inner, depth, &mut warnings)?;
    }
    (value.is_object() || value.is_array()).then_some(Reading { value, warnings })
}

fn one(source: &str, depth: usize, warnings: &mut Vec<WarningKind>) -> Option<Value> {
    let source = source.trim();
    if !source.starts_with(['{', '[', '"']) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(source).into_iter::<Value>();
    if let Some(Ok(value)) = values.next() {
        if !source[values.byte_offset()..].trim().is_empty() {
            warnings.push(WarningKind::TrailingText);
        }
        return Some(value);
    }
    if !looks_like_json(source) {
        return None;
    }
    let repaired = repair_json(source, depth);
    let value = serde_json::from_str(&repaired.json).ok()?;
    if !repaired.whole {
        warnings.push(WarningKind::Truncated);
    }
    if repaired.changed {
        warnings.push(WarningKind::JsonRepaired);
    }
    if !source[repaired.length..].trim().is_empty() {
        warnings.push(WarningKind::TrailingText);
    }
    Some(value)
}

/// A string, number or boolean as a string. `None` for `null`, arrays and objects.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The scalar values of an object by path, such as `outer.inner` and `list.0`. An array of scalars is one string. Empty strings
/// are left out.
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
