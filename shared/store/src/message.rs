//! Messages, and how an item keeps one.

use desk::{conversation::AuthorRole, limits::Ignored};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;
use wechat::text::{MAX_TEXT, SplitRule};

use crate::{
    error::Result,
    item::{Attributes, Build, Read, at, n, s},
    keys,
    thread::Thread,
    transcript,
};

/// From the visitor (`in`) or to the visitor (`out`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the visitor.
    In,
    /// To the visitor.
    Out,
}

/// The state of a message. `held`: WeChat permits no reply now, and the text waits for the visitor's next message;
/// `released`: it was held and sent as a part of another message; `cancelled`: it was held and then cancelled; `unknown`: it
/// may have reached the visitor and is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum MessageState {
    /// From the visitor, and stored.
    Received,
    /// To be sent; no function has claimed it.
    Pending,
    /// Handed to WeChat; the answer is not known yet.
    Sending,
    /// WeChat took it.
    Sent,
    /// It did not reach the visitor; the failure says why.
    Failed,
    /// It may have reached the visitor. It is not repeated: WeChat offers no query, and a visitor must not get it twice.
    Unknown,
    /// WeChat grants no reply now; it waits for the visitor's next message.
    Held,
    /// It was held and went out, together with others, as another message.
    Released,
    /// It was held and then taken back.
    Cancelled,
}

impl MessageState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Held => "held",
            Self::Released => "released",
            Self::Cancelled => "cancelled",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [
            Self::Received,
            Self::Pending,
            Self::Sending,
            Self::Sent,
            Self::Failed,
            Self::Unknown,
            Self::Held,
            Self::Released,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|state| state.as_str() == text)
    }
}

/// Why a message did not go out, or may not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendFailure {
    /// Stable code, such as `wechat.reply_window_closed`.
    pub code: String,
    /// WeChat's errcode, where there was one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub errcode: Option<i64>,
    /// What it means and what to do, in words.
    pub detail: String,
}

/// Who wrote an outbound message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Author {
    /// The author's role.
    pub role: AuthorRole,
    /// The name to show, where a person wrote it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub name: Option<String>,
    /// The agent that this person works as. Absent in messages of earlier versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub agent_id: Option<String>,
}

impl Author {
    /// An author who is no person.
    pub fn automatic(role: AuthorRole) -> Self {
        Self { role, name: None, agent_id: None }
    }
}

/// A stored message. It serialises as the API shows it.
#[derive(Debug, Clone)]
pub struct Message {
    /// Unique within the thread. It begins with a second, by which the table sorts; the order of the messages is that of
    /// [`transcript`](crate::transcript).
    pub id: String,
    /// The visitor's thread.
    pub thread: Thread,
    /// From or to the visitor.
    pub direction: Direction,
    /// `text`, `image`, `link`, `miniprogrampage`, `event` or `raw`.
    pub kind: String,
    /// The content; its form depends on the kind.
    pub content: Value,
    /// Inbound: WeChat's CreateTime. Outbound: when it was written.
    pub created_at: Timestamp,
    /// Inbound: when the push arrived here. Absent in messages of early versions.
    pub received_at: Option<Timestamp>,
    /// The state.
    pub state: MessageState,
    /// The conversation; absent until the message is processed, and for events.
    pub cid: Option<String>,
    /// The author, if outbound.
    pub author: Option<Author>,
    /// Why it failed or may have failed.
    pub failure: Option<SendFailure>,
    /// Whether a language model wrote it; WeChat shows a label.
    pub ai: bool,
    /// Inbound: why nothing follows from it, if so.
    pub ignored: Option<Ignored>,
    /// The id of the message that a held text was sent with.
    pub released_as: Option<String>,
    /// Until when a held text waits for the visitor's next message.
    pub held_until: Option<Timestamp>,
    /// The number of parts that WeChat has accepted; a text over WeChat's limit is sent in parts.
    pub parts_sent: u32,
    /// How a text is divided into parts.
    pub split: SplitRule,
    /// Attempts so far.
    pub attempts: u32,
    /// When the last outcome of a send was stored.
    pub settled_at: Option<Timestamp>,
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("direction", &self.direction)?;
        map.serialize_entry("type", &self.kind)?;
        map.serialize_entry(&self.kind, &self.content)?;
        map.serialize_entry("created_at", &self.created_at)?;
        if let Some(at) = &self.received_at {
            map.serialize_entry("received_at", at)?;
        }
        map.serialize_entry("order", &transcript::order_of(self))?;
        map.serialize_entry("state", &self.state)?;
        if let Some(cid) = &self.cid {
            map.serialize_entry("cid", cid)?;
        }
        if let Some(author) = &self.author {
            map.serialize_entry("author", author)?;
        }
        if let Some(failure) = &self.failure {
            map.serialize_entry("failure", failure)?;
        }
        if self.ai {
            map.serialize_entry("ai_generated", &true)?;
        }
        if let Some(reason) = &self.ignored {
            map.serialize_entry("ignored", reason)?;
        }
        if let Some(by) = &self.released_as {
            map.serialize_entry("released_as", by)?;
        }
        if let Some(until) = &self.held_until {
            map.serialize_entry("held_until", until)?;
        }
        map.end()
    }
}

/// The id of an inbound message: WeChat's CreateTime and the message's own identity, so that a push that comes again finds
/// the message. Seconds come first so that a thread sorts by time.
pub(crate) fn inbound_id(create_time: i64, identity: &str) -> String {
    format!("{:010}-{identity}", create_time.clamp(0, 9_999_999_999))
}

/// The id of an outbound message. The `r` tells it from the `e` and `m` of what came in.
pub(crate) fn outbound_id(at: Timestamp, tail: &str) -> String {
    format!("{:010}-r{tail}", at.as_second().clamp(0, 9_999_999_999))
}

/// Whether a text has several parts. A shorter one is the same under every rule, so that its item does not name one.
fn has_several_parts(content: &Value) -> bool {
    content.get("content").and_then(Value::as_str).is_some_and(|text| text.len() > MAX_TEXT)
}

impl Message {
    pub(crate) fn read(item: &Attributes) -> Result<Self> {
        let read = Read { kind: "message", item };
        let content: Value = read.json("content")?;
        // A message of an earlier version that was sent in part is continued by the rule that it was begun with.
        let by_units = item.contains_key("split") || !has_several_parts(&content);
        let id = read.s("sk")?.strip_prefix(keys::MESSAGE_PREFIX).ok_or_else(|| read.corrupt("sk"))?;
        let state = MessageState::parse(read.s("state")?).ok_or_else(|| read.corrupt("state"))?;
        let due = if state == MessageState::Held { read.opt_s("due_sk")? } else { None };
        Ok(Self {
            id: id.to_owned(),
            thread: Thread::new(read.s("app_id")?, read.s("openid")?),
            direction: if read.s("kind")? == "inbound" { Direction::In } else { Direction::Out },
            kind: read.owned("type")?,
            content,
            created_at: read.at("created_at")?,
            received_at: read.opt_at("received_at")?,
            state,
            cid: read.opt_owned("cid")?,
            author: read.opt_json("author")?,
            failure: read.opt_json("failure")?,
            ai: item.contains_key("ai"),
            ignored: read.opt_s("ignored")?.and_then(Ignored::named),
            released_as: read.opt_owned("released_as")?,
            held_until: due.and_then(keys::at_instant),
            parts_sent: read.opt_n("parts_sent")?.unwrap_or(0),
            split: if by_units { SplitRule::Units } else { SplitRule::Characters },
            attempts: read.opt_n("attempts")?.unwrap_or(0),
            settled_at: read.opt_at("settled_at")?,
        })
    }

    pub(crate) fn write(&self) -> Build {
        let kind = match self.direction {
            Direction::In => "inbound",
            Direction::Out => "outbound",
        };
        let by_units =
            self.direction == Direction::Out && self.split == SplitRule::Units && has_several_parts(&self.content);
        Build::new(kind, self.thread.pk(), keys::message(&self.id))
            .set("app_id", s(&self.thread.app_id))
            .set("openid", s(&self.thread.openid))
            .set("type", s(&self.kind))
            .set("content", s(self.content.to_string()))
            .set("created_at", at(self.created_at))
            .maybe("received_at", self.received_at.map(at))
            .set("state", s(self.state.as_str()))
            .maybe("cid", self.cid.as_ref().map(s))
            .maybe("author", self.author.as_ref().and_then(|author| serde_json::to_string(author).ok()).map(s))
            .maybe("ai", self.ai.then(|| n(1)))
            .maybe("failure", self.failure.as_ref().and_then(|failure| serde_json::to_string(failure).ok()).map(s))
            .maybe("split", by_units.then(|| s("units")))
            .maybe("parts_sent", (self.parts_sent > 0).then(|| n(self.parts_sent)))
    }
}
