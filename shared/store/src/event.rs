//! Events: every change of a conversation, numbered within it without a gap. They are the outbox of webhooks and the
//! conversation's history.
//!
//! The events of one decision are one item, since each item of a transaction costs two write units. Its key is the number of
//! the first event, its attributes are those of the first event, and `more` has the others. An item of one event is thus the
//! same as in earlier versions, which wrote an item for each.

use desk::conversation::EventKind;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    conversation::Conversation,
    error::{Result, StoreError},
    handles::ConversationReader,
    item::{Attributes, Build, Read, at, json, n, name, s},
    keys,
    retention::Retention,
    table::Page,
};

/// An event to write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewEvent {
    /// What happened.
    #[serde(rename = "type")]
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

    /// The item of the events of one decision; `None` if there are none. The last of them has the conversation's `seq`.
    pub(crate) fn item(
        events: &[Self],
        conversation: &Conversation,
        now: Timestamp,
        retention: Retention,
    ) -> Result<Option<Attributes>> {
        let Some((first, more)) = events.split_first() else {
            return Ok(None);
        };
        let seq = conversation.seq - more.len() as u64;
        let item = Build::new(keys::EVENT, keys::conversation(&conversation.cid), keys::event(seq))
            .set("cid", s(&conversation.cid))
            .set("app_id", s(&conversation.app_id))
            .set("openid", s(&conversation.openid))
            .set("seq", n(seq))
            .set("type", name(&first.kind)?)
            .set("at", at(now))
            .set("data", s(first.data.to_string()))
            .maybe("ttl", retention.conversations.ttl(now));
        let more = if more.is_empty() { None } else { Some(json(&more)?) };
        Ok(Some(item.maybe("more", more).done()))
    }
}

impl Event {
    /// The events in a record of the table's stream, in their order. `None` when the image is not one of events.
    pub fn from_image<'a>(attribute: impl Fn(&str) -> Option<&'a str>) -> Option<Vec<Self>> {
        if attribute("kind") != Some(keys::EVENT) {
            return None;
        }
        let first = Self {
            seq: attribute("seq")?.parse().ok()?,
            kind: serde_json::from_value(attribute("type")?.into()).ok()?,
            at: Timestamp::from_millisecond(attribute("at")?.parse().ok()?).ok()?,
            data: serde_json::from_str(attribute("data")?).ok()?,
        };
        let more = attribute("more").map_or(Some(Vec::new()), |more| serde_json::from_str(more).ok())?;
        Some(first.followed_by(more))
    }

    fn read(item: &Attributes) -> Result<Vec<Self>> {
        let read = Read { kind: keys::EVENT, item };
        let first = Self {
            seq: read.opt_n("seq")?.ok_or_else(|| read.corrupt("seq"))?,
            kind: read.name("type")?,
            at: read.at("at")?,
            data: read.json("data")?,
        };
        Ok(first.followed_by(read.opt_json("more")?.unwrap_or_default()))
    }

    /// This event and those of the same decision after it.
    fn followed_by(self, more: Vec<NewEvent>) -> Vec<Self> {
        let (first, at) = (self.seq, self.at);
        let more = (first + 1..).zip(more).map(|(seq, NewEvent { kind, data })| Self { seq, kind, at, data });
        std::iter::once(self).chain(more).collect()
    }
}

/// The end of a page of events. As text it is the number of the last event, as in earlier versions; if the page ends within an
/// item, followed by how many events of the item have been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PageEnd {
    /// The number of the last event; 0 before the first.
    last: u64,
    /// How many events of its item have been read, if the item has more.
    of_item: u64,
}

impl PageEnd {
    const BEGIN: Self = Self { last: 0, of_item: 0 };

    fn parse(cursor: &str) -> Result<Self> {
        let number = |text: &str| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u64>().ok().filter(|_| digits).ok_or(StoreError::Cursor)
        };
        let text = keys::from_cursor(cursor)?;
        let (last, of_item) = text.split_once('-').unwrap_or((&text, "0"));
        let end = Self { last: number(last)?, of_item: number(of_item)? };
        if end.of_item <= end.last { Ok(end) } else { Err(StoreError::Cursor) }
    }

    fn cursor(self) -> String {
        match self {
            Self { last, of_item: 0 } => keys::cursor(&format!("{last:010}")),
            Self { last, of_item } => keys::cursor(&format!("{last:010}-{of_item}")),
        }
    }

    /// The sort key after which the next item with unread events comes.
    fn start_key(self) -> String {
        keys::event(self.last - self.of_item)
    }
}

impl ConversationReader {
    /// The events of a conversation, oldest first.
    pub async fn events(&self, cid: &str, cursor: Option<&str>, limit: i32) -> Result<Page<Event>> {
        let begin = cursor.map_or(Ok(PageEnd::BEGIN), PageEnd::parse)?;
        let start = cursor.map(|_| begin.start_key());
        // Each item has at least one event.
        let page = self.0.page_after(keys::conversation(cid), keys::EVENT_PREFIX, start, limit).await?;
        let items = page.items.iter().map(Event::read).collect::<Result<Vec<_>>>()?;
        Ok(cut(items, begin, usize::try_from(limit).unwrap_or(0), page.cursor.is_some()))
    }
}

/// The page with the first `limit` events of these items after `begin`. `more`: further items follow.
fn cut(items: Vec<Vec<Event>>, begin: PageEnd, limit: usize, more: bool) -> Page<Event> {
    let (mut page, mut end) = (Vec::new(), begin);
    for item in items {
        let first = item.first().map_or(0, |event| event.seq);
        for event in item.into_iter().filter(|event| event.seq > begin.last) {
            if page.len() == limit {
                // 0 when the last event is that of the item before.
                let of_item = (end.last + 1).saturating_sub(first);
                return Page { items: page, cursor: Some(PageEnd { last: end.last, of_item }.cursor()) };
            }
            end = PageEnd { last: event.seq, of_item: 0 };
            page.push(event);
        }
    }
    Page { items: page, cursor: more.then(|| end.cursor()) }
}
