//! The pieces between the separators. A `|` in JSON, in a quoted text or in a template's placeholder separates nothing.

use super::{Oddity, draft::Draft, json, keyed, mend::mend, text};

/// Divides a text at its separators.
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

/// Gives each field to `read`. A piece without a name is what a `|` has cut off the value before it, or else stray.
pub(super) fn fields(pieces: &[&str], draft: &mut Draft, mut read: impl FnMut(&mut Draft, &str, &str)) {
    let mut fields: Vec<(&str, String)> = Vec::new();
    let mut stray = Vec::new();
    for piece in pieces.iter().filter(|piece| !piece.trim().is_empty()) {
        if let Some((name, value)) = keyed::pair(piece) {
            fields.push((name, value.to_owned()));
        } else if let Some((name, value)) = fields.last_mut().filter(|(_, value)| is_plain(value)) {
            draft.warn_of(Oddity::ValueRepaired, name);
            value.push('|');
            value.push_str(piece);
        } else {
            stray.push((*piece).to_owned());
        }
    }
    for (name, value) in fields {
        read(draft, name, &value);
    }
    draft.stray(&stray);
}

/// Takes out the last piece, which is known to be cut off: half an id is somebody else's. JSON says itself what is missing of it.
pub(super) fn drop_cut(pieces: &mut Vec<&str>, draft: &mut Draft) {
    let Some(last) = pieces.last() else { return };
    let (name, value) = keyed::pair(last).map_or((None, *last), |(name, value)| (Some(name), value));
    if json::begins(value.trim_start()) {
        return;
    }
    match name {
        Some(name) => draft.warn_of(Oddity::Truncated, name),
        None => draft.warn(Oddity::Truncated),
    }
    pieces.pop();
}

fn is_plain(value: &str) -> bool {
    let value = value.trim();
    !value.is_empty() && !json::begins(value) && text::marker(value).is_none()
}

fn piece_length(text: &str) -> usize {
    let value = keyed::pair(text).map_or(text, |(_, value)| value).trim_start();
    let from = text.len() - value.len() + protected_length(value);
    text[from..].find('|').map_or(text.len(), |at| from + at)
}

/// How much of a value is one thing, whatever separators are in it.
fn protected_length(value: &str) -> usize {
    if let Some(inner) = value.strip_prefix("{{") {
        // A nickname may begin so as well: a placeholder is one only if it ends before any other brace.
        let end = inner.find(['{', '}']).filter(|&at| inner[at..].starts_with("}}"));
        return end.map_or(0, |at| at + 4);
    }
    if value.starts_with('"') {
        return json::value_length(value).filter(|&length| ends_piece(&value[length..])).unwrap_or(0);
    }
    if !json::begins(value) {
        return 0;
    }
    json::value_length(value).unwrap_or_else(|| {
        // It is broken or cut off. A field that is known begins again where it ends, at the latest.
        let limit = value
            .match_indices('|')
            .map(|(at, _)| at)
            .find(|&at| keyed::begins_known(&value[at + 1..]))
            .unwrap_or(value.len());
        mend(&value[..limit], usize::MAX).length
    })
}

fn ends_piece(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with('|')
}
