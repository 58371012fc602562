//! The length limit of a text.

/// The longest text that WeChat accepts as one message, in bytes of UTF-8. WeChat refuses a longer one with 45002. Its page
/// 发送客服消息 gives no limit; this one is reported by users.
pub const MAX_TEXT: usize = 2048;

/// Splits a text into parts of at most `limit` bytes, between characters. Each part is sent as a message of its own and uses
/// one reply of the quota. An empty text has no parts. A character longer than `limit` is a part of its own.
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
