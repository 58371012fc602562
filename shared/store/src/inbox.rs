//! Messages from visitors: one conditional write when a push arrives, one transaction when it is processed.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use wechat::text::SplitRule;

use crate::{
    error::{Result, StoreError},
    handles::Inbox,
    item::{Attributes, s},
    keys,
    message::{Direction, Message, MessageState, inbound_id},
    table::SERVICE,
    thread::Thread,
};

/// The age at which the minute tick processes a message that the stream has not.
pub const OVERDUE_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// The longest content of a visitor's message, in bytes of JSON. WeChat's have a few thousand. What is longer is cut
/// ([`fit`]): refused, WeChat would deliver it again, and DynamoDB takes no item of more than 400 KB.
const CONTENT_MAX: usize = 128 * 1024;

/// A push from WeChat to store.
#[derive(Debug)]
pub struct NewInbound {
    /// The visitor's thread.
    pub thread: Thread,
    /// WeChat's CreateTime, in seconds since 1970.
    pub create_time: i64,
    /// Distinguishes the message from every other of the thread in the same second.
    pub identity: String,
    /// See [`Message::kind`].
    pub kind: String,
    /// See [`Message::content`].
    pub content: Value,
}

/// The result of storing a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It is stored.
    Stored,
    /// It was stored before; nothing changed.
    Duplicate,
}

/// A message that waits for reception.
#[derive(Debug, Clone)]
pub struct InboundRef {
    /// The visitor's thread.
    pub thread: Thread,
    /// The message's id in the thread.
    pub id: String,
    /// See [`Message::kind`].
    pub kind: String,
    /// See [`Message::content`].
    pub content: Value,
    /// WeChat's CreateTime.
    pub created_at: Timestamp,
    /// When the push arrived here; in messages of early versions WeChat's CreateTime.
    pub received_at: Timestamp,
}

impl InboundRef {
    /// The message in a record of the table's stream. `None` when the image is not one of an inbound message.
    pub fn from_image<'a>(attribute: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        if attribute("kind") != Some("inbound") {
            return None;
        }
        let time = |name| Timestamp::from_millisecond(attribute(name)?.parse().ok()?).ok();
        let created_at = time("created_at")?;
        Some(Self {
            thread: Thread::new(attribute("app_id")?, attribute("openid")?),
            id: attribute("sk")?.strip_prefix(keys::MESSAGE_PREFIX)?.to_owned(),
            kind: attribute("type")?.to_owned(),
            content: serde_json::from_str(attribute("content")?).ok()?,
            created_at,
            received_at: time("received_at").unwrap_or(created_at),
        })
    }

    pub(crate) fn read(item: &Attributes) -> Result<Self> {
        let message = Message::read(item)?;
        Ok(Self {
            thread: message.thread,
            id: message.id,
            kind: message.kind,
            content: message.content,
            created_at: message.created_at,
            received_at: message.received_at.unwrap_or(message.created_at),
        })
    }
}

impl Inbox {
    /// Stores a push, once. One conditional write whose key is the message's own identity deduplicates it, stores it and
    /// schedules its processing.
    pub async fn receive(&self, new: &NewInbound) -> Result<Receipt> {
        let now = self.0.clock.now();
        let message = Message {
            id: inbound_id(new.create_time, &new.identity),
            thread: new.thread.clone(),
            direction: Direction::In,
            kind: new.kind.clone(),
            content: fit(new.content.clone()),
            created_at: Timestamp::from_second(new.create_time).unwrap_or(now),
            received_at: Some(now),
            state: MessageState::Received,
            cid: None,
            author: None,
            failure: None,
            ai: false,
            ignored: None,
            released_as: None,
            held_until: None,
            parts_sent: 0,
            split: SplitRule::default(),
            attempts: 0,
            settled_at: None,
        };
        let item = message
            .write()
            .maybe("ttl", self.0.retention.messages.ttl(now))
            .set("due_pk", s(keys::due(&new.thread.pk())))
            .set("due_sk", s(keys::instant(now + OVERDUE_AFTER)))
            .done();
        let put = self.0.client.put_item().table_name(&self.0.name).set_item(Some(item));
        let answer = put.condition_expression("attribute_not_exists(pk)").send().await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) => Ok(Receipt::Stored),
            Err(StoreError::Conflict) => Ok(Receipt::Duplicate),
            Err(error) => Err(error),
        }
    }
}

/// The content with its longest texts cut until it has at most [`CONTENT_MAX`] bytes of JSON.
fn fit(mut content: Value) -> Value {
    let Some(fields) = content.as_object_mut() else { return content };
    // In JSON a byte becomes six at most (`\u0000`).
    let length: usize = fields.iter().map(|(name, value)| name.len() + value.as_str().map_or(0, str::len)).sum();
    if length <= CONTENT_MAX / 8 {
        return content;
    }
    while Value::Object(fields.clone()).to_string().len() > CONTENT_MAX {
        let texts =
            fields.values_mut().filter_map(|value| if let Value::String(text) = value { Some(text) } else { None });
        let Some(longest) = texts.max_by_key(|text| text.len()).filter(|text| !text.is_empty()) else { break };
        longest.truncate(longest.floor_char_boundary(longest.len() / 2));
        tracing::warn!("the content of a message is cut");
    }
    content
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn content_over_its_limit_is_cut_and_any_other_is_kept() {
        for (text, is_cut) in [("客".repeat(5000), false), ("a".repeat(120_000), false), ("a".repeat(140_000), true)] {
            let kept = fit(json!({ "content": text, "other": "x" }));
            assert_eq!(kept["content"].as_str() != Some(&text), is_cut, "{}", text.len());
            assert_eq!(kept["other"], "x");
        }
        for text in ["\u{1}".repeat(96 * 1024), "客\"".repeat(24 * 1024)] {
            let kept = fit(json!({ "event": "x", "raw": text }));
            let length = kept.to_string().len();
            assert!((CONTENT_MAX / 3..=CONTENT_MAX).contains(&length), "{length}");
        }
    }
}
