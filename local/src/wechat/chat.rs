//! One visitor's chat with one mini program, as the phone shows it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::push::Attempt;
use super::quota::Quota;

/// How long the phone shows that the agent is typing.
const TYPING_DURATION: SignedDuration = SignedDuration::from_secs(15);

/// The direction of an item of the chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Direction {
    /// From the mini program.
    Received,
    /// From the visitor.
    Sent,
    /// From WeChat.
    Notice,
}

/// One item of the chat.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Item {
    id: u64,
    direction: Direction,
    msgtype: String,
    content: Value,
    created_at: Timestamp,
    is_ai_msg: bool,
    msg_id: Option<String>,
    /// Whether the callback accepted the push; `None` while it is under way, and for items without a push.
    delivered: Option<bool>,
    /// The deliveries of the push.
    #[serde(default)]
    attempts: Vec<Attempt>,
}

impl Item {
    /// The item for the phone, with the content under the name of its type.
    pub(super) fn to_json(&self) -> Value {
        let mut item = Map::new();
        item.insert("id".to_owned(), json!(self.id));
        item.insert("direction".to_owned(), json!(self.direction));
        item.insert("msgtype".to_owned(), json!(self.msgtype));
        item.insert(self.msgtype.clone(), self.content.clone());
        item.insert("created_at".to_owned(), json!(self.created_at));
        if self.is_ai_msg {
            item.insert("is_ai_msg".to_owned(), json!(true));
        }
        if self.direction == Direction::Sent {
            item.insert("msg_id".to_owned(), json!(self.msg_id));
            item.insert("delivered".to_owned(), json!(self.delivered));
            item.insert("attempts".to_owned(), json!(self.attempts));
        }
        Value::Object(item)
    }
}

/// A visitor of a mini program, with the chat on the phone.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Visitor {
    items: Vec<Item>,
    pub(super) quota: Quota,
    typing_until: Option<Timestamp>,
    last_exchange: Option<Timestamp>,
    /// The number of changes of the chat. The phone waits for the next one.
    revision: u64,
}

impl Visitor {
    /// Adds a message of the mini program.
    pub(super) fn receive(&mut self, msgtype: &str, content: Value, is_ai_msg: bool, now: Timestamp) {
        self.typing_until = None;
        self.last_exchange = Some(now);
        self.add(Direction::Received, msgtype, content, now).is_ai_msg = is_ai_msg;
    }

    /// Adds a message or an event of the visitor and returns its id. A known `msg_id` adds nothing.
    pub(super) fn send(&mut self, msgtype: &str, content: Value, msg_id: Option<&str>, now: Timestamp) -> u64 {
        self.last_exchange = Some(now);
        let known = self.items.iter().find(|item| msg_id.is_some() && item.msg_id.as_deref() == msg_id);
        if let Some(item) = known {
            return item.id;
        }
        let item = self.add(Direction::Sent, msgtype, content, now);
        item.msg_id = msg_id.map(str::to_owned);
        item.id
    }

    /// Sets the result of the push of item `id`.
    pub(super) fn set_delivered(&mut self, id: u64, delivered: bool, attempts: Vec<Attempt>, now: Timestamp) {
        if let Some(item) = self.items.iter_mut().find(|item| item.id == id) {
            item.delivered = Some(delivered);
            item.attempts = attempts;
        }
        if !delivered {
            let content = json!({ "content": "该小程序客服暂时无法提供服务，请稍后再试" });
            self.add(Direction::Notice, "text", content, now);
        }
        self.revision += 1;
    }

    /// Shows or hides that the agent is typing.
    pub(super) fn set_typing(&mut self, typing: bool, now: Timestamp) {
        self.typing_until = typing.then(|| now.checked_add(TYPING_DURATION).unwrap_or(Timestamp::MAX));
        self.revision += 1;
    }

    /// Until when the phone shows that the agent is typing; `None` if it does not.
    pub(super) fn typing_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.typing_until.filter(|until| now < *until)
    }

    /// Whether the last message of either side is at most `time` old.
    pub(super) fn exchanged_within(&self, time: SignedDuration, now: Timestamp) -> bool {
        self.last_exchange.is_some_and(|last| now.duration_since(last) <= time)
    }

    /// The items that the phone has received; with `all`, all items.
    pub(super) fn items(&self, all: bool) -> Vec<Value> {
        let shown = self.items.iter().filter(|item| all || item.direction == Direction::Received);
        shown.map(Item::to_json).collect()
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    fn add(&mut self, direction: Direction, msgtype: &str, content: Value, now: Timestamp) -> &mut Item {
        self.revision += 1;
        let item = Item {
            id: self.items.len() as u64 + 1,
            direction,
            msgtype: msgtype.to_owned(),
            content,
            created_at: now,
            is_ai_msg: false,
            msg_id: None,
            delivered: None,
            attempts: Vec::new(),
        };
        let at = self.items.len();
        self.items.push(item);
        &mut self.items[at]
    }
}
