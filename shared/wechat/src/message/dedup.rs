//! Deduplication: the key that all deliveries of one push have in common.
//!
//! WeChat delivers a push again when it receives no response within five seconds. Its page 接收消息和事件 identifies a message by
//! `MsgId` and an event by sender and `CreateTime`. Neither is enough: the same `MsgId` was seen with two users, and two events
//! may have the same second. Within one appid and openid, the key is `CreateTime` with
//!
//! * for a message: `m` and its `MsgId`;
//! * for an event, and for a message without `MsgId`: `e`, its name, and a hash over all fields but `CreateTime`. The field that
//!   distinguishes two events depends on the event (`SessionFrom`, `EventKey`, `trace_id`, `KfAccount`), and a repeated delivery
//!   has all fields in common. The fields are sorted, so that neither order nor white space counts.

use sha1::{Digest, Sha1};

use crate::{fields, signature::hex};

/// The deduplication key of a message within one appid and one openid.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DedupKey {
    /// `CreateTime`, in seconds since 1970 in UTC.
    pub create_time: i64,
    /// `m…` or `e…`: 2 to 100 characters of `A-Z a-z 0-9 _ . -`. Numeric ids are padded to 20 digits, so that they sort by number.
    pub id: String,
}

/// The text of [`DedupKey::id`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DedupId(String);

const MAX_ID: usize = 64;
const MAX_NAME: usize = 48;
const DIGITS: usize = 20;

impl DedupId {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of a message with a `MsgId` that is not empty.
    pub(super) fn of_message(id: &str) -> Self {
        let mut key = String::with_capacity(1 + id.len().clamp(DIGITS, MAX_ID));
        key.push('m');
        if id.len() <= DIGITS && id.bytes().all(|byte| byte.is_ascii_digit()) {
            key.extend(std::iter::repeat_n('0', DIGITS - id.len()));
            key.push_str(id);
        } else if id.len() <= MAX_ID && id.chars().all(is_safe) {
            key.push_str(id);
        } else {
            push_hash(&mut key, &Sha1::digest(id).into());
        }
        Self(key)
    }

    /// The id of an event or of a message without `MsgId`, from its name and all fields of the document.
    pub(super) fn of_event(name: &str, document: &[u8]) -> Self {
        let mut key = String::with_capacity(1 + MAX_NAME + 1 + 40);
        key.push('e');
        // Names that are equal when truncated still have different hashes.
        key.extend(name.chars().take(MAX_NAME).map(|character| if is_safe(character) { character } else { '_' }));
        key.push('.');
        push_hash(&mut key, &fingerprint(document));
        Self(key)
    }
}

fn fingerprint(document: &[u8]) -> [u8; 20] {
    let mut fields = Vec::new();
    // Infallible: the document was parsed before.
    let _ = fields::visit(document, |name, value| {
        if name != "CreateTime" {
            fields.push((name.to_owned(), value));
        }
    });
    fields.sort_unstable();
    let mut hasher = Sha1::new();
    for (name, value) in &fields {
        // With their lengths, so that two lists of fields never have the same bytes.
        for part in [name.as_str(), value] {
            hasher.update(part.len().to_be_bytes());
            hasher.update(part);
        }
    }
    hasher.finalize().into()
}

fn push_hash(key: &mut String, digest: &[u8; 20]) {
    key.extend(hex(digest).into_iter().map(char::from));
}

const fn is_safe(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '-')
}
