//! The keys of the table. No other module builds one.

mod due;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use sha2::{Digest, Sha256};

pub use self::due::DUE_SHARDS;
pub(crate) use self::due::{
    DUE_TOKENS, TIMED, at_instant, due, due_shards, due_until, earlier_due_partitions, instant,
};
use crate::{
    error::{Result, StoreError},
    visitor::ProvedId,
};

pub(crate) const BINDING: &str = "binding";
pub(crate) const CALLBACK: &str = "callback";
pub(crate) const TOKEN: &str = "token";
pub(crate) const VISITOR: &str = "visitor";
pub(crate) const CONVERSATION: &str = "conversation";
/// A conversation of a visitor.
pub(crate) const VISITOR_CONVERSATION: &str = "visitor_conversation";
pub(crate) const ERASURE: &str = "erasure";
pub(crate) const AUDIT: &str = "audit";
pub(crate) const IDEMPOTENCY: &str = "idempotency";
pub(crate) const ACCESS: &str = "access";
pub(crate) const RETIRED: &str = "retired";
pub(crate) const SESSION: &str = "session";
pub(crate) const SIGN_IN: &str = "sign_in";
pub(crate) const TICKET: &str = "ticket";
pub(crate) const CONNECTION: &str = "connection";
pub(crate) const CONNECTIONS_VERSION_KIND: &str = "connections_version";
pub(crate) const PERSON: &str = "person";
pub(crate) const ALIAS: &str = "alias";
pub(crate) const DUTY: &str = "duty";
pub(crate) const WAITING: &str = "waiting";
pub(crate) const WATCH: &str = "watch";
pub(crate) const DEPARTURES: &str = "departures";
pub(crate) const EVENT: &str = "event";
pub(crate) const NOTE: &str = "note";
pub(crate) const UPLOAD: &str = "upload";
pub(crate) const FRAMES: &str = "frames";
/// The key of a frame, and the partition of all.
pub(crate) const FRAME_KEY: &str = "frame_key";
pub(crate) const FRAME_KEYS: &str = "frame-keys";
pub(crate) const QUICK_REPLY: &str = "quick_reply";
pub(crate) const QUESTION: &str = "question";
pub(crate) const MEMBERSHIP: &str = "membership";
pub(crate) const TURN_SLOTS: &str = "turn_slots";
pub(crate) const ROBOT_FAILURE: &str = "robot_failure";
pub(crate) const AGENT_TOKEN: &str = "agent_token";
/// A conversation of a visitor; and what earlier versions wrote for each conversation of an agent.
pub(crate) const HAS_CONVERSATION: &str = "conversation#";
pub(crate) const IN_GROUP: &str = "group#";
pub(crate) const AGENT_TOKEN_PREFIX: &str = "token#";
pub(crate) const EVENT_PREFIX: &str = "event#";
/// Sorts before the messages: what sorts behind them is read with the newest ones.
pub(crate) const NOTE_PREFIX: &str = "agent-note#";
/// As [`NOTE_PREFIX`].
pub(crate) const UPLOAD_PREFIX: &str = "image-upload#";
pub(crate) const QUESTION_PREFIX: &str = "question#";
pub(crate) const MESSAGE_PREFIX: &str = "message#";
pub(crate) const THREAD_PREFIX: &str = "thread#";

const ACCESS_PREFIX: &str = "access#";

/// Partition of the copies of all push credentials.
pub(crate) const CALLBACKS: &str = "callbacks";

/// Partition of all WebSocket connections, and the sort key of the number of those that have begun.
pub(crate) const CONNECTIONS: &str = "connections";
pub(crate) const CONNECTIONS_VERSION: &str = "version";

/// Partition and sort key of the progress of sealing again.
pub(crate) const VAULT: &str = "vault";
pub(crate) const RESEAL: &str = "reseal";

/// Partitions of the `lists` index.
pub(crate) const LIST_BINDINGS: &str = "bindings";
const LIST_CONVERSATIONS: &str = "conversations";
pub(crate) const LIST_ACCESS: &str = "access-tokens";

/// How many partitions the list of conversations is spread over.
pub const CONVERSATION_LIST_SHARDS: u8 = 16;

/// How many partitions a month of the audit log is spread over.
pub(crate) const AUDIT_SHARDS: u8 = 4;

/// The longest openid that is part of a key as it is. WeChat's have 28 characters; DynamoDB allows 2048 bytes for a partition key.
const OPENID_MAX: usize = 128;

pub(crate) fn binding(app_id: &str) -> String {
    format!("binding#{app_id}")
}

pub(crate) fn thread(app_id: &str, openid: &str) -> String {
    if openid.len() <= OPENID_MAX {
        format!("{THREAD_PREFIX}{app_id}#{openid}")
    } else {
        format!("{THREAD_PREFIX}{app_id}#sha256-{}", short_hash(&[openid]))
    }
}

pub(crate) fn message(id: &str) -> String {
    format!("{MESSAGE_PREFIX}{id}")
}

/// A note about the visitor of a thread.
pub(crate) fn note(id: &str) -> String {
    format!("{NOTE_PREFIX}{id}")
}

/// A picture that was uploaded for the visitor of a thread. Hashed: a media id may be of any length.
pub(crate) fn upload(media_id: &str) -> String {
    format!("{UPLOAD_PREFIX}{}", short_hash(&[media_id]))
}

pub(crate) fn conversation(cid: &str) -> String {
    format!("conversation#{cid}")
}

pub(crate) fn event(seq: u64) -> String {
    format!("{EVENT_PREFIX}{seq:010}")
}

/// A group, agent, merchant, robot or calendar.
pub(crate) fn record(kind: &str, id: &str) -> String {
    format!("{kind}#{id}")
}

pub(crate) fn alias(kind: &str, alias: &str) -> String {
    format!("alias#{kind}#{alias}")
}

pub(crate) fn in_group(group: &str) -> String {
    format!("{IN_GROUP}{group}")
}

/// The quick replies of an agent, or all that are shared.
pub(crate) fn quick_replies(agent: Option<&str>) -> String {
    format!("quick-replies#{}", agent.unwrap_or("shared"))
}

/// A partition of its own, because the function that answers robots' turns writes it and may not write robots.
pub(crate) fn robot_failure(robot: &str) -> String {
    format!("robot-failure#{robot}")
}

pub(crate) fn question(id: &str) -> String {
    format!("{QUESTION_PREFIX}{id}")
}

pub(crate) fn queue(name: &str) -> String {
    format!("queue#{name}")
}

/// A partition of its own, so that a query of the queue never returns it.
pub(crate) fn queue_watch(name: &str) -> String {
    format!("watch#{name}")
}

/// Sorts before the watch, so that one query of few items reads both.
pub(crate) fn departures(cid: &str, shards: u8) -> String {
    format!("{DEPARTURES}#{}", Sha256::digest(cid.as_bytes())[0] % shards)
}

/// Hashed: a `partnerid` comes from outside and may be a phone number. Without a signer it is the key of earlier versions.
pub(crate) fn person(person: &ProvedId<'_>) -> String {
    let hash = match person.signer {
        Some(signer) => short_hash(&["person of a signer", signer, person.partnerid]),
        None => short_hash(&["person", person.partnerid]),
    };
    format!("person#{hash}")
}

pub(crate) fn person_visitor(uid: &str) -> String {
    format!("visitor#{uid}")
}

pub(crate) fn turns(app_id: &str) -> String {
    format!("turns#{app_id}")
}

pub(crate) fn turn_slots(number: u32) -> String {
    format!("slots#{number}")
}

pub(crate) fn media(app_id: &str) -> String {
    format!("media#{app_id}")
}

pub(crate) fn media_content(hash: &str) -> String {
    format!("content#{hash}")
}

pub(crate) fn media_id(id: &str) -> String {
    format!("id#{id}")
}

/// The running erasure of a visitor.
pub(crate) fn erasure(uid: &str) -> String {
    format!("{ERASURE}#{uid}")
}

pub(crate) fn idempotency(hash: &str) -> String {
    format!("idempotency#{hash}")
}

pub(crate) fn access(sha256: &str) -> String {
    format!("{ACCESS_PREFIX}{sha256}")
}

/// The hash in the key of a token.
pub(crate) fn access_hash(pk: &str) -> Option<&str> {
    pk.strip_prefix(ACCESS_PREFIX)
}

/// The sessions of an agent, or of a token that names none.
pub(crate) fn sessions(owner: &str) -> String {
    format!("session#{owner}")
}

pub(crate) fn sign_in(sha256: &str) -> String {
    format!("sign-in#{sha256}")
}

pub(crate) fn ticket(sha256: &str) -> String {
    format!("ticket#{sha256}")
}

/// A connection, by the id that API Gateway gives it.
pub(crate) fn connection(id: &str) -> String {
    format!("connection#{id}")
}

pub(crate) fn agent_token(id: &str) -> String {
    format!("{AGENT_TOKEN_PREFIX}{id}")
}

/// The partition of an entry of the audit log.
pub(crate) fn audit(at: Timestamp, id: &str) -> String {
    audit_shard(at.to_zoned(TimeZone::UTC).date(), Sha256::digest(id.as_bytes())[0] % AUDIT_SHARDS)
}

/// Entries sort by time.
pub(crate) fn audit_entry(at: Timestamp, id: &str) -> String {
    format!("{}#{id}", instant(at))
}

/// All partitions of a month of the audit log.
pub(crate) fn audit_shards(month: Date) -> impl Iterator<Item = String> {
    (0..AUDIT_SHARDS).map(move |shard| audit_shard(month, shard))
}

fn audit_shard(month: Date, shard: u8) -> String {
    format!("{AUDIT}#{:04}-{:02}#{shard}", month.year(), month.month())
}

/// The partition of the `lists` index that has this conversation.
pub(crate) fn conversation_list(cid: &str) -> String {
    conversation_list_shard(Sha256::digest(cid.as_bytes())[0] % CONVERSATION_LIST_SHARDS)
}

fn conversation_list_shard(shard: u8) -> String {
    format!("{LIST_CONVERSATIONS}#{shard}")
}

/// All partitions of the `lists` index that have conversations. The last one is that of earlier versions, which conversations
/// leave when they are written again.
pub(crate) fn conversation_lists() -> impl Iterator<Item = String> {
    (0..CONVERSATION_LIST_SHARDS).map(conversation_list_shard).chain([LIST_CONVERSATIONS.to_owned()])
}

/// A conversation in a list that sorts by the time opened.
pub(crate) fn opened(at: Timestamp, cid: &str) -> String {
    format!("{}#{cid}", instant(at))
}

/// A conversation in the thread of its visitor.
pub(crate) fn visitor_conversation(opened_at: Timestamp, cid: &str) -> String {
    format!("{HAS_CONVERSATION}{}", opened(opened_at, cid))
}

/// Whether a sort key is that of an outbound message.
pub(crate) fn is_outbound(sk: &str) -> bool {
    let id = sk.strip_prefix(MESSAGE_PREFIX).and_then(|id| id.split_once('-'));
    id.is_some_and(|(_, unique)| unique.starts_with('r'))
}

/// 128 bits of SHA-256 over the parts, in hexadecimal; the parts are told apart by a separator.
pub(crate) fn short_hash(parts: &[&str]) -> String {
    hex::encode(&hash(parts)[..16])
}

/// SHA-256 over the parts, in hexadecimal.
pub(crate) fn long_hash(parts: &[&str]) -> String {
    hex::encode(hash(parts))
}

fn hash(parts: &[&str]) -> [u8; 32] {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update(part.as_bytes());
        sha.update([0]);
    }
    sha.finalize().into()
}

/// The `ttl` of an item that is useless from this time on.
pub(crate) fn ttl(end: Timestamp) -> AttributeValue {
    AttributeValue::N(end.as_second().to_string())
}

/// A cursor is the last key of a page, encoded so that clients do not depend on its form.
pub(crate) fn cursor(last: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(last)
}

pub(crate) fn from_cursor(cursor: &str) -> Result<String> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| StoreError::Cursor)?;
    let text = String::from_utf8(bytes).map_err(|_| StoreError::Cursor)?;
    if text.is_empty() || text.len() > 512 { Err(StoreError::Cursor) } else { Ok(text) }
}
