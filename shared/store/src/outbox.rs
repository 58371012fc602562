//! Messages to be sent: they are written as `pending` or `held`, and [`sending`](crate::sending) takes them on.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use wechat::text::SplitRule;

use crate::{
    item::{Attributes, s},
    keys,
    message::{Author, Direction, Message, MessageState, SendFailure, outbound_id},
    retention::Retention,
    thread::Thread,
};

/// How long a pending send is left to the function that wrote it, before the minute tick takes it over. Longer than
/// [`SENDING_LEASE`](crate::SENDING_LEASE) by 15 s: a claim within these ends before the message is due, so that the claim does
/// not have to change the time at which it is due.
pub const PENDING_GRACE: SignedDuration = SignedDuration::from_secs(75);

/// A message to be sent.
#[derive(Debug, Clone)]
pub struct NewOutbound {
    /// The visitor's thread.
    pub thread: Thread,
    /// The conversation; none for a greeting before there is one.
    pub cid: Option<String>,
    /// Its id; see [`NewOutbound::fresh_id`] and [`NewOutbound::derived_message_id`].
    pub id: String,
    /// See [`Message::kind`].
    pub kind: String,
    /// See [`Message::content`].
    pub content: Value,
    /// The author.
    pub author: Author,
    /// Whether a language model wrote it.
    pub ai: bool,
    /// For a held text: why WeChat does not accept it now, and until when it waits for the visitor's next message.
    pub held: Option<(SendFailure, Timestamp)>,
}

impl NewOutbound {
    /// A fresh id for a message written `at` this time.
    pub fn fresh_id(at: Timestamp) -> String {
        outbound_id(at, &uuid::Uuid::now_v7().simple().to_string())
    }

    /// The id of an automatic message. It is derived from the cause, so that a function that is stopped and run again does
    /// not write the message twice. `order` sorts messages of the same cause.
    pub fn derived_message_id(order: usize, what: &str, thread: &Thread, because_of: &str, at: Timestamp) -> String {
        let hash = keys::short_hash(&[what, &thread.app_id, &thread.openid, because_of]);
        outbound_id(at, &format!("{}{hash}", order.min(9)))
    }

    /// The message as it is stored at this time.
    pub fn message(&self, now: Timestamp) -> Message {
        Message {
            id: self.id.clone(),
            thread: self.thread.clone(),
            direction: Direction::Out,
            kind: self.kind.clone(),
            content: self.content.clone(),
            created_at: now,
            received_at: None,
            state: if self.held.is_some() { MessageState::Held } else { MessageState::Pending },
            cid: self.cid.clone(),
            author: Some(self.author.clone()),
            failure: self.held.as_ref().map(|(failure, _)| failure.clone()),
            ai: self.ai,
            released_as: None,
            held_until: self.held.as_ref().map(|(_, until)| *until),
            parts_sent: 0,
            ignored: None,
            split: SplitRule::default(),
            attempts: 0,
            settled_at: None,
        }
    }

    pub(crate) fn item(&self, now: Timestamp, retention: Retention) -> Attributes {
        let due = self.held.as_ref().map_or(now + PENDING_GRACE, |(_, until)| *until);
        self.message(now)
            .write()
            .set("due_pk", s(keys::due(&self.thread.pk())))
            .set("due_sk", s(keys::instant(due)))
            .maybe("ttl", retention.messages.ttl(now))
            .done()
    }
}
