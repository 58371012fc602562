//! What came in: one conditional write on the way in, one transaction when it is processed.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    error::{Result, StoreError},
    item::{Attributes, at, s},
    keys,
    message::{Direction, Message, MessageState, Thread, inbound_id},
    table::{SERVICE, Table},
};

/// After this long an unprocessed message is taken up by the minute tick: the stream had its chance.
pub const LEFT_BEHIND: SignedDuration = SignedDuration::from_secs(60);

/// A push from WeChat, as far as the table is concerned.
#[derive(Debug)]
pub struct NewInbound {
    /// Whose message.
    pub thread: Thread,
    /// WeChat's CreateTime, in seconds since 1970.
    pub create_time: i64,
    /// What tells this message from every other of the thread in the same second.
    pub identity: String,
    /// See [`Message::kind`].
    pub kind: String,
    /// See [`Message::content`].
    pub content: Value,
}

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It is kept.
    Stored,
    /// It was kept before; nothing changed.
    Duplicate,
}

/// A message that waits for reception.
#[derive(Debug, Clone)]
pub struct InboundRef {
    /// Whose message.
    pub thread: Thread,
    /// Which message.
    pub id: String,
    /// See [`Message::kind`].
    pub kind: String,
    /// See [`Message::content`].
    pub content: Value,
    /// WeChat's CreateTime.
    pub created_at: Timestamp,
}

impl InboundRef {
    /// The message in a record of the table's stream. `None` when the image is not one of an inbound message.
    pub fn from_image<'a>(attribute: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        if attribute("kind") != Some("inbound") {
            return None;
        }
        Some(Self {
            thread: Thread::new(attribute("app_id")?, attribute("openid")?),
            id: attribute("sk")?.strip_prefix(keys::MESSAGE_PREFIX)?.to_owned(),
            kind: attribute("type")?.to_owned(),
            content: serde_json::from_str(attribute("content")?).ok()?,
            created_at: Timestamp::from_millisecond(attribute("created_at")?.parse().ok()?).ok()?,
        })
    }

    fn read(item: &Attributes) -> Result<Self> {
        let message = Message::read(item)?;
        Ok(Self {
            thread: message.thread,
            id: message.id,
            kind: message.kind,
            content: message.content,
            created_at: message.created_at,
        })
    }
}

impl Table {
    /// Keeps a push. One conditional write whose key is the message's own identity: dedup, persistence and
    /// outbox at once.
    pub async fn receive(&self, new: &NewInbound) -> Result<Receipt> {
        let now = self.clock.now();
        let message = Message {
            id: inbound_id(new.create_time, &new.identity),
            thread: new.thread.clone(),
            direction: Direction::In,
            kind: new.kind.clone(),
            content: new.content.clone(),
            created_at: Timestamp::from_second(new.create_time).unwrap_or(now),
            state: MessageState::Received,
            cid: None,
            author: None,
            failure: None,
            ai: false,
            released_as: None,
            parts_sent: 0,
            attempts: 0,
        };
        let item = message
            .write()
            .set("received_at", at(now))
            .set("due_pk", s(keys::due_inbox(keys::shard(&new.thread.pk()))))
            .set("due_sk", s(keys::instant(now + LEFT_BEHIND)))
            .done();
        let put = self.client.put_item().table_name(&self.name).set_item(Some(item));
        let answer = put.condition_expression("attribute_not_exists(pk)").send().await;
        match answer.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            Ok(_) => Ok(Receipt::Stored),
            Err(StoreError::Conflict) => Ok(Receipt::Duplicate),
            Err(error) => Err(error),
        }
    }

    /// Messages that no stream record has brought to an end, the oldest of one shard first.
    pub async fn left_behind(&self, shard: u8, limit: i32) -> Result<Vec<InboundRef>> {
        self.due_items(&keys::due_inbox(shard), limit, InboundRef::read).await
    }
}
