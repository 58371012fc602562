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

    pub(crate) fn read(item: &Attributes) -> Result<Self> {
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
            content: new.content.clone(),
            created_at: Timestamp::from_second(new.create_time).unwrap_or(now),
            received_at: Some(now),
            state: MessageState::Received,
            cid: None,
            author: None,
            failure: None,
            ai: false,
            released_as: None,
            parts_sent: 0,
            split: SplitRule::default(),
            attempts: 0,
            settled_at: None,
        };
        let item = message
            .write()
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
