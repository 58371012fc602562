//! Splits a text at its `|` separators. A `|` within JSON, a quoted string or a template placeholder is not a separator.

use super::{WarningKind, field_names, json, json_repair::repair_json, reader::Reader, text};

/// The pieces between the separators.
pub(super) fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let (piece, next) = rest.split_at(piece_length(rest));
        pieces.push(piece);
        match next.strip_prefix('|') {
            Some(next) => rest = next,
            None => return pieces,
        }
    }
}

/// Calls `read` with each named field. A piece without a name belongs to the value before it, which contained a `|`, or to no
/// field.
pub(super) fn fields(pieces: &[&str], reader: &mut Reader, mut read: impl FnMut(&mut Reader, &str, &str)) {
    let mut fields: Vec<(&str, String)> = Vec::new();
    let mut unnamed = Vec::new();
    for piece in pieces.iter().filter(|piece| !piece.trim().is_empty()) {
        if let Some((name, value)) = field_names::pair(piece) {
            fields.push((name, value.to_owned()));
        } else if let Some((name, value)) = fields.last_mut().filter(|(_, value)| is_plain(value)) {
            reader.warn_of(WarningKind::ValueRepaired, name);
            value.push('|');
            value.push_str(piece);
        } else {
            unnamed.push((*piece).to_owned());
        }
    }
    for (name, value) in fields {
        read(reader, name, &value);
    }
    reader.unnamed_text(&unnamed);
}

/// Removes the last piece of a truncated text, since a truncated id may be another visitor's. JSON stays: its own syntax shows
/// what is missing.
pub(super) fn drop_truncated(pieces: &mut Vec<&str>, reader: &mut Reader) {
    let Some(last) = pieces.last() else { return };
    let (name, value) = field_names::pair(last).map_or((None, *last), |(name, value)| (Some(name), value));
    if json::looks_like_json(value.trim_start()) {
        return;
    }
    match name {
        Some(name) => reader.warn_of(WarningKind::Truncated, name),
        None => reader.warn(WarningKind::Truncated),
    }
    pieces.pop();
}

fn is_plain(value: &str) -> bool {
    let value = value.trim();
    !value.is_empty() && !json::looks_like_json(value) && text::placeholder(value).is_none()
}

fn piece_length(text: &str) -> usize {
    let value = field_names::pair(text).map_or(text, |(_, value)| value).trim_start();
    let from = text.len() - value.len() + protected_length(value);
    text[from..].find('|').map_or(text.len(), |at| from + at)
}

/// The length of the JSON, string or placeholder at the beginning of a value, in bytes.
fn protected_length(value: &str) -> usize {
    if let Some(inner) = value.strip_prefix("{{") {
        // Only a placeholder if its end comes before any other brace: a nickname may begin with `{{` too.
        let end = inner.find(['{', '}']).filter(|&at| inner[at..].starts_with("}}"));
        return end.map_or(0, |at| at + 4);
    }
    if value.starts_with('"') {
        return json::value_length(value).filter(|&length| ends_piece(&value[length..])).unwrap_or(0);
    }
    if !json::looks_like_json(value) {
        return 0;
    }
    json::value_length(value).unwrap_or_else(|| {
        // The JSON is malformed or truncated. It ends before the next known field at the latest.
        let limit = value
            .match_indices('|')
            .map(|(at, _)| at)
            .find(|&at| field_names::begins_with_known_field(&value[at + 1..]))
            .unwrap_or(value.len());
        repair_json(&value[..limit], usize::MAX).length
    })
}

fn ends_piece(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with('|')
}
