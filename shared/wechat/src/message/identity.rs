//! What tells a second delivery from a second message.
//!
//! WeChat delivers a push again when it saw no answer in five seconds. Its page says to know a message by `MsgId` and an event by
//! sender and `CreateTime`. Neither is enough: the same `MsgId` was seen with two users, and two events of one second are two.
//! So, within one appid and openid, an identity is `CreateTime` with
//!
//! * for a message: `m` and its `MsgId`;
//! * for an event (which has no `MsgId`), and for a message without one: `e`, its name, and a hash over all its fields but `CreateTime`.
//!   All of them, because what distinguishes two events differs from event to event: `SessionFrom`, `EventKey`, `trace_id`, `KfAccount`.
//!   A second delivery repeats every field. Sorted, so that neither order nor white space counts.

use sha1::{Digest, Sha1};

use crate::{document, signature::hex};

/// The identity of a message within one appid and one openid.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// `CreateTime`, in seconds since 1970 in UTC.
    pub create_time: i64,
    /// `m…` or `e…`: 2 to 100 of `A-Z a-z 0-9 _ . -`. Numeric ids are padded to 20 digits, so that their byte order is their own.
    pub key: String,
}

/// The text of [`Identity::key`], ready to be handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key(String);

const MAX_ID: usize = 64;
const MAX_NAME: usize = 48;
const DIGITS: usize = 20;

impl Key {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of a message with a `MsgId`, which is not empty.
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

    /// The key of an event, or of a message without a `MsgId`, by its name and the whole document.
    pub(super) fn of_event(name: &str, document: &[u8]) -> Self {
        let mut key = String::with_capacity(1 + MAX_NAME + 1 + 40);
        key.push('e');
        // Two names that look the same when cut have different hashes.
        key.extend(name.chars().take(MAX_NAME).map(|character| if is_safe(character) { character } else { '_' }));
        key.push('.');
        push_hash(&mut key, &fingerprint(document));
        Self(key)
    }
}

fn fingerprint(document: &[u8]) -> [u8; 20] {
    let mut fields = Vec::new();
    // The document was read before: this cannot fail, and if it did, what was read until then would still be hashed.
    let _ = document::walk(document, |name, value| {
        if name != "CreateTime" {
            fields.push((name.to_owned(), value));
        }
    });
    fields.sort_unstable();
    let mut hasher = Sha1::new();
    for (name, value) in &fields {
        // With their lengths, so that no two lists of fields run together to the same bytes.
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
