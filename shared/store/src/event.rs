//! Events: every change of a conversation, numbered within it without a gap. They are the outbox of webhooks and the
//! conversation's history.

use desk::conversation::EventKind;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{
    conversation::Conversation,
    error::Result,
    handles::ConversationReader,
    item::{Attributes, Build, Read, at, n, name, s},
    keys,
    table::Page,
};

/// An event to write.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// What happened.
    pub kind: EventKind,
    /// More about it.
    pub data: Value,
}

/// A change of a conversation. It serialises as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// Its number within the conversation, from 1.
    pub seq: u64,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// More about it.
    pub data: Value,
}

impl NewEvent {
    /// An event.
    pub fn new(kind: EventKind, data: Value) -> Self {
        Self { kind, data }
    }

    pub(crate) fn item(&self, conversation: &Conversation, seq: u64, now: Timestamp) -> Result<Attributes> {
        Ok(Build::new(keys::EVENT, keys::conversation(&conversation.cid), keys::event(seq))
            .set("cid", s(&conversation.cid))
            .set("app_id", s(&conversation.app_id))
            .set("openid", s(&conversation.openid))
            .set("seq", n(seq))
            .set("type", name(&self.kind)?)
            .set("at", at(now))
            .set("data", s(self.data.to_string()))
            .done())
    }
}

impl ConversationReader {
    /// The events of a conversation, oldest first.
    pub async fn events(&self, cid: &str, cursor: Option<&str>, limit: i32) -> Result<Page<Event>> {
        let page = self.0.page(keys::conversation(cid), keys::EVENT_PREFIX, cursor, limit).await?;
        let read = |item: &Attributes| {
            let read = Read { kind: keys::EVENT, item };
            Ok(Event {
                seq: read.opt_n("seq")?.ok_or_else(|| read.corrupt("seq"))?,
                kind: read.name("type")?,
                at: read.at("at")?,
                data: read.json("data")?,
            })
        };
        Ok(Page { items: page.items.iter().map(read).collect::<Result<_>>()?, cursor: page.cursor })
    }
}
