//! The subset of XML that WeChat writes: `<xml>`, then fields with one CDATA section or bare text, separated by white space.

use memchr::{memchr, memchr_iter, memchr2};

/// More fields than any message has. An array of fixed length, so that parsing does not allocate.
const MAX_FIELDS: usize = 24;
const MAX_NAME: usize = 64;

/// Names and values.
pub(super) type Fields<'a> = [(&'a str, &'a str); MAX_FIELDS];

/// Fills `fields` in order and returns their number. `None` unless the whole document is in the subset.
pub(super) fn read<'a>(document: &'a str, fields: &mut Fields<'a>) -> Option<usize> {
    let mut length = 0;
    let mut rest = document.strip_prefix("<xml>")?;
    loop {
        let tag = rest.trim_ascii_start().strip_prefix('<')?;
        let (name, after) = split(tag, memchr(b'>', tag.as_bytes())?)?;
        if name == "/xml" {
            return after.is_empty().then_some(length);
        }
        if !is_name(name) {
            return None;
        }
        let (value, after) = match after.strip_prefix("<![CDATA[") {
            Some(text) => cdata(text)?,
            None => bare(after)?,
        };
        *fields.get_mut(length)? = (name, value);
        length += 1;
        rest = after.strip_prefix("</")?.strip_prefix(name)?.strip_prefix('>')?;
    }
}

/// The text before and after the byte at `at`.
fn split(text: &str, at: usize) -> Option<(&str, &str)> {
    Some((text.get(..at)?, text.get(at + 1..)?))
}

fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn cdata(text: &str) -> Option<(&str, &str)> {
    let end = memchr_iter(b'>', text.as_bytes()).find(|end| text.as_bytes()[..*end].ends_with(b"]]"))?;
    Some((text.get(..end - 2)?, text.get(end + 1..)?))
}

fn bare(text: &str) -> Option<(&str, &str)> {
    // Stops at an entity's `&` too: the caller then finds no `</` and gives up.
    text.split_at_checked(memchr2(b'<', b'&', text.as_bytes())?)
}
