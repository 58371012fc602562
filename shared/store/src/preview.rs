//! What the lists of a workbench show of a conversation beside its stage: the last message, how many messages no agent has read,
//! and since when the visitor waits for an answer.
//!
//! It is stored with the visitor, because every message of either side writes the visitor anyway, and lists read the visitors of
//! their conversations. It is that of the visitor's last conversation. Its names are short, because DynamoDB charges each kilobyte
//! of the visitor with every message.

use desk::conversation::AuthorRole;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wechat::Name;

use crate::{inbox::InboundRef, message::Direction, outbox::NewOutbound};

/// The greatest number of unread messages that is counted.
pub const UNREAD_MAX: u32 = 999;

/// The longest excerpt, in bytes: 30 Chinese characters.
const EXCERPT_MAX: usize = 90;

/// What a list shows of the messages of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preview {
    /// The conversation.
    #[serde(rename = "c", alias = "cid")]
    pub cid: String,
    /// The last message.
    #[serde(rename = "l", alias = "last", with = "stored_message", skip_serializing_if = "Option::is_none")]
    pub last: Option<LastMessage>,
    /// How many of the visitor's messages no agent has read, at most [`UNREAD_MAX`].
    #[serde(rename = "u", alias = "unread")]
    pub unread: u32,
    /// The id of the visitor's last message, where another message is the last.
    #[serde(rename = "i", alias = "last_in", skip_serializing_if = "Option::is_none")]
    pub last_in: Option<String>,
    /// When the visitor wrote the first message that has no answer.
    #[serde(rename = "w", alias = "waiting_since", skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
}

/// The last message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LastMessage {
    /// The id of the message.
    pub id: String,
    /// From or to the visitor.
    pub direction: Direction,
    /// Who wrote it; absent for the visitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub role: Option<AuthorRole>,
    /// `text`, `image`, `link`, `miniprogrampage` or `raw`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The beginning of its text or its title, at most 90 bytes on one line; empty where it has neither.
    pub excerpt: String,
    /// When it was written.
    pub at: Timestamp,
}

/// The last message as it is stored.
mod stored_message {
    use serde::{Deserializer, Serializer};

    use super::{AuthorRole, Deserialize, Direction, LastMessage, Serialize, Timestamp};

    #[derive(Serialize, Deserialize)]
    struct Stored {
        #[serde(rename = "i", alias = "id")]
        id: String,
        #[serde(rename = "d", alias = "direction")]
        direction: Direction,
        #[serde(rename = "r", alias = "role", default, skip_serializing_if = "Option::is_none")]
        role: Option<AuthorRole>,
        #[serde(rename = "k", alias = "type")]
        kind: String,
        #[serde(rename = "x", alias = "excerpt")]
        excerpt: String,
        #[serde(rename = "a", alias = "at")]
        at: Timestamp,
    }

    #[expect(clippy::ref_option, reason = "serde passes the field by reference")]
    pub(super) fn serialize<S: Serializer>(last: &Option<LastMessage>, to: S) -> Result<S::Ok, S::Error> {
        let stored = last.clone().map(|LastMessage { id, direction, role, kind, excerpt, at }| Stored {
            id,
            direction,
            role,
            kind,
            excerpt,
            at,
        });
        stored.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<LastMessage>, D::Error> {
        let stored = Option::<Stored>::deserialize(from)?;
        Ok(stored.map(|Stored { id, direction, role, kind, excerpt, at }| LastMessage {
            id,
            direction,
            role,
            kind,
            excerpt,
            at,
        }))
    }
}

impl Preview {
    /// Whether nothing is known, as of a visitor of an earlier version.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Notes a visitor's message, which belongs to this conversation.
    pub fn received(&mut self, cid: &str, message: &InboundRef, now: Timestamp) {
        if self.cid != cid {
            *self = Self { cid: cid.to_owned(), ..Self::default() };
        }
        self.last = Some(LastMessage {
            id: message.id.clone(),
            direction: Direction::In,
            role: None,
            kind: message.kind.clone(),
            excerpt: excerpt(&message.content),
            at: message.created_at,
        });
        self.unread = (self.unread + 1).min(UNREAD_MAX);
        self.last_in = None;
        self.waiting_since.get_or_insert(now);
    }

    /// Notes a message to the visitor. An answer of a person, a robot or another system ends the waiting and marks what came
    /// before it as read; an automatic text does not.
    pub fn sent(&mut self, message: &NewOutbound, now: Timestamp) {
        if message.cid.as_ref().is_none_or(|cid| *cid != self.cid) {
            return;
        }
        let role = message.author.role;
        self.last_in = self.last_in().map(ToOwned::to_owned);
        self.last = Some(LastMessage {
            id: message.id.clone(),
            direction: Direction::Out,
            role: Some(role),
            kind: message.kind.clone(),
            excerpt: excerpt(&message.content),
            at: now,
        });
        if !matches!(role, AuthorRole::Prompt | AuthorRole::AutoReply) {
            self.unread = 0;
            // A held text has not reached the visitor.
            self.waiting_since = self.waiting_since.filter(|_| message.held.is_some());
        }
    }

    /// The id of the visitor's last message.
    fn last_in(&self) -> Option<&str> {
        let last = self.last.as_ref().filter(|last| last.direction == Direction::In);
        self.last_in.as_deref().or(last.map(|last| last.id.as_str()))
    }

    /// Marks the visitor's messages as read up to this one. `true` if that changes something; not if a newer message has come,
    /// which the caller has not seen.
    pub fn read(&mut self, up_to: &str) -> bool {
        let is_read = self.unread > 0 && self.last_in() == Some(up_to);
        if is_read {
            self.unread = 0;
        }
        is_read
    }
}

/// The beginning of a text, or of the title of a card or link.
fn excerpt(content: &Value) -> String {
    let text = ["content", "title"].into_iter().find_map(|field| content.get(field)?.as_str());
    let text = text.unwrap_or_default();
    // Cleaned from a bounded part: a push may have 128 KB.
    let bounded = &text[..text.floor_char_boundary(4 * EXCERPT_MAX)];
    Name::cleaned(bounded, EXCERPT_MAX).map(String::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{message::Author, thread::Thread};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn inbound(id: &str, second: i64, content: Value) -> InboundRef {
        let thread = Thread::new("wx0", "o-1");
        InboundRef {
            thread,
            id: id.to_owned(),
            kind: "text".to_owned(),
            content,
            created_at: at(second),
            received_at: at(second),
        }
    }

    fn outbound(id: &str, cid: &str, role: AuthorRole) -> NewOutbound {
        NewOutbound {
            thread: Thread::new("wx0", "o-1"),
            cid: Some(cid.to_owned()),
            id: id.to_owned(),
            kind: "text".to_owned(),
            content: json!({ "content": "您好" }),
            author: Author::automatic(role),
            ai: false,
            held: None,
        }
    }

    fn shown(preview: &Preview) -> (&str, u32, Option<i64>) {
        let last = preview.last.as_ref().map_or("", |last| last.id.as_str());
        (last, preview.unread, preview.waiting_since.map(Timestamp::as_second))
    }

    #[test]
    fn answer_ends_waiting_and_automatic_text_does_not() {
        let mut messages = Preview::default();
        messages.received("c1", &inbound("m1", 1, json!({ "content": "在吗" })), at(2));
        messages.received("c1", &inbound("m2", 3, json!({ "content": "急" })), at(4));
        assert_eq!(shown(&messages), ("m2", 2, Some(2)));
        messages.sent(&outbound("p1", "c1", AuthorRole::Prompt), at(5));
        assert_eq!(shown(&messages), ("p1", 2, Some(2)));
        messages.sent(&outbound("x", "c-other", AuthorRole::Agent), at(5));
        assert_eq!(shown(&messages), ("p1", 2, Some(2)), "a message of another conversation");
        messages.sent(&outbound("a1", "c1", AuthorRole::Agent), at(6));
        assert_eq!(shown(&messages), ("a1", 0, None));
        messages.received("c1", &inbound("m3", 7, json!({ "content": "好的" })), at(8));
        assert_eq!(shown(&messages), ("m3", 1, Some(8)));
        messages.received("c2", &inbound("m4", 9, json!({ "content": "又来了" })), at(10));
        assert_eq!((messages.cid.as_str(), shown(&messages)), ("c2", ("m4", 1, Some(10))));
    }

    #[test]
    fn messages_are_read_only_by_a_caller_who_has_seen_the_last() {
        let mut messages = Preview::default();
        assert!(!messages.read(""));
        messages.received("c1", &inbound("m1", 1, json!({})), at(1));
        messages.received("c1", &inbound("m2", 2, json!({})), at(2));
        assert!(!messages.read("m1"));
        assert_eq!(messages.unread, 2);
        assert!(messages.read("m2"));
        assert_eq!((messages.unread, messages.waiting_since), (0, Some(at(1))), "reading is no answer");
        messages.received("c1", &inbound("m3", 3, json!({})), at(3));
        messages.sent(&outbound("p1", "c1", AuthorRole::Prompt), at(4));
        messages.sent(&outbound("p2", "c1", AuthorRole::Prompt), at(5));
        assert!(!messages.read("p2") && messages.read("m3"));
        assert!(!messages.read("m2"));
    }

    #[test]
    fn preview_that_an_earlier_version_stored_is_read() {
        let mut preview = Preview::default();
        preview.received("c1", &inbound("m1", 1, json!({ "content": "在吗" })), at(2));
        preview.sent(&outbound("p1", "c1", AuthorRole::Prompt), at(5));
        let earlier = json!({
            "cid": "c1", "unread": 1, "last_in": "m1", "waiting_since": "1970-01-01T00:00:02Z",
            "last": {
                "id": "p1", "direction": "out", "role": "prompt", "type": "text", "excerpt": "您好",
                "at": "1970-01-01T00:00:05Z"
            }
        });
        assert_eq!(serde_json::from_value::<Preview>(earlier).unwrap(), preview);
        let stored = serde_json::to_string(&preview).unwrap();
        assert!(stored.len() < 150, "{stored}");
        assert_eq!(serde_json::from_str::<Preview>(&stored).unwrap(), preview);
    }

    #[test]
    fn excerpt_is_one_clean_line_within_its_bound() {
        for (content, expected) in [
            (json!({ "content": "第一行\n第二行" }), "第一行 第二行".to_owned()),
            (json!({ "title": "云南咖啡", "page_path": "x" }), "云南咖啡".to_owned()),
            (json!({ "content": "\u{202e}abc\u{0}" }), "abc".to_owned()),
            (json!({ "media_id": "x" }), String::new()),
            (json!({ "content": 7 }), String::new()),
            (json!({ "content": "好".repeat(60_000) }), "好".repeat(30)),
        ] {
            let excerpt = excerpt(&content);
            assert!(excerpt.len() <= EXCERPT_MAX);
            assert_eq!(excerpt, expected);
        }
    }
}
