//! The length of a text.

/// What WeChat takes as one text, in bytes of UTF-8; beyond it answers 45002. Its page names no limit: this one is users' experience.
pub const MAX_TEXT: usize = 2048;

/// Divides a text into parts of at most `limit` bytes, never inside a character. Each part is a message of its own and takes one from the
/// reply quota. An empty text has no parts. A character that is longer than `limit` is a part by itself.
pub fn split(content: &str, limit: usize) -> Vec<&str> {
    let mut parts = Vec::with_capacity(content.len() / limit.max(1) + 1);
    let mut rest = content;
    while !rest.is_empty() {
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let (part, next) = rest.split_at(rest.floor_char_boundary(limit).max(first));
        parts.push(part);
        rest = next;
    }
    parts
}
