//! The content of the table. It is updated write by write and compared with the whole table from time to time.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
};

use desk::{calendar::Calendar, staff::Group};
use dynoxide::{AttributeValue, Item};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::{Conversation, Visitor};

use crate::support::database::Key;

/// A text by which a visitor ends the conversation.
pub(crate) const FAREWELL: &str = "结束会话";

/// The content of the table.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct TableState {
    pub(crate) present: OpenState,
    pub(crate) closed: BTreeMap<String, Conversation>,
    pub(crate) messages: BTreeMap<Key, Message>,
    pub(crate) events: BTreeMap<String, BTreeMap<u64, Event>>,
}

/// The current state, without history.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct OpenState {
    /// The open conversations.
    pub(crate) open: BTreeMap<String, Conversation>,
    /// By the key of the thread.
    pub(crate) visitors: BTreeMap<String, Visitor>,
    pub(crate) agents: BTreeMap<String, Agent>,
    pub(crate) groups: BTreeMap<String, Group>,
    pub(crate) calendars: BTreeMap<String, Calendar>,
    /// The waiting conversations, by queue and place.
    pub(crate) lines: BTreeMap<String, BTreeMap<String, String>>,
    /// The edges from an agent to groups.
    pub(crate) is_in: BTreeMap<String, BTreeSet<String>>,
    /// The marked queues, and whether the tick drains them.
    pub(crate) watches: BTreeMap<String, bool>,
    /// How many conversations have joined each queue, and how many have left it.
    pub(crate) joined: BTreeMap<String, i64>,
    pub(crate) departed: BTreeMap<Key, i64>,
    /// The same for each mini program, by AppID, in each item of the queue's watch.
    pub(crate) of_mini_programs: BTreeMap<Key, BTreeMap<String, i64>>,
}

impl Deref for TableState {
    type Target = OpenState;

    fn deref(&self) -> &OpenState {
        &self.present
    }
}

/// An agent on duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Agent {
    pub(crate) status: String,
    pub(crate) since: i64,
    pub(crate) present_until: i64,
    pub(crate) load: i64,
    /// The ids of their conversations.
    pub(crate) has: BTreeSet<String>,
    pub(crate) capacity: i64,
    pub(crate) last_assigned_at: Option<i64>,
    /// When the tick checks them.
    pub(crate) next_check_at: Option<String>,
}

/// A visitor's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: String,
    /// Whether it ends the conversation.
    pub(crate) farewell: bool,
    pub(crate) cid: Option<String>,
    /// The minute in which it arrived.
    pub(crate) minute: i64,
    /// Whether nothing follows from it.
    pub(crate) ignored: bool,
    /// When the tick processes it; `None` once it is processed.
    pub(crate) due: Option<String>,
}

/// An event of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) data: Value,
}

impl TableState {
    pub(crate) fn of(items: Vec<Item>) -> Self {
        let mut table = Self::default();
        for item in items {
            let key = (text(&item, "pk").unwrap(), text(&item, "sk").unwrap());
            table.apply(&key, Some(&item));
        }
        table
    }

    /// Applies an item as it now is; `None` if it was deleted.
    pub(crate) fn apply(&mut self, key: &Key, item: Option<&Item>) {
        let now = &mut self.present;
        let (kind, id) = key.0.split_once('#').unwrap_or((&key.0, ""));
        let id = id.to_owned();
        let parts: Vec<&str> = key.1.split('#').collect();
        match (kind, parts[..].first().copied().unwrap_or_default()) {
            ("conversation", "conversation") => {
                let conversation: Option<Conversation> = item.map(data);
                let (open, closed) = match conversation {
                    Some(ended) if !ended.is_open() => (None, Some(ended)),
                    open => (open, None),
                };
                put(&mut now.open, id.clone(), open);
                put(&mut self.closed, id, closed);
            }
            ("conversation", "event") => {
                self.events.entry(id).or_default().extend(item.into_iter().flat_map(events));
            }
            ("thread", "visitor") => put(&mut now.visitors, key.0.clone(), item.map(data)),
            ("thread", "message") if item.and_then(|item| text(item, "kind")).as_deref() != Some("outbound") => {
                let message = |item| Message {
                    kind: text(item, "type").unwrap(),
                    farewell: text(item, "content").unwrap().contains(FAREWELL),
                    cid: text(item, "cid"),
                    minute: number(item, "received_at").unwrap() / 60_000,
                    ignored: item.contains_key("ignored"),
                    due: text(item, "due_pk").and(text(item, "due_sk")),
                };
                put(&mut self.messages, key.clone(), item.map(message));
            }
            ("agent", "duty") => put(&mut now.agents, id, item.map(agent)),
            ("agent", "group") => edge(&mut now.is_in, &id, parts[1], item.is_some()),
            ("group", "group") => put(&mut now.groups, id, item.map(data)),
            ("calendar", "calendar") => put(&mut now.calendars, id, item.map(data)),
            ("queue", _) => {
                let line = now.lines.entry(id.clone()).or_default();
                put(line, key.1.clone(), item.map(|item| text(item, "cid").unwrap()));
                if line.is_empty() {
                    now.lines.remove(&id);
                }
            }
            ("watch", "departures") => {
                put(&mut now.of_mini_programs, key.clone(), item.map(of_mini_programs));
                put(&mut now.departed, key.clone(), item.and_then(|item| number(item, "departed")));
            }
            ("watch", _) => {
                put(&mut now.of_mini_programs, key.clone(), item.map(of_mini_programs));
                put(&mut now.joined, id.clone(), item.and_then(|item| number(item, "joined")));
                put(&mut now.watches, id, item.map(|item| item.contains_key("due_pk")));
            }
            _ => {}
        }
    }

    /// A conversation, open or closed.
    pub(crate) fn conversation(&self, cid: &str) -> Option<&Conversation> {
        self.open.get(cid).or_else(|| self.closed.get(cid))
    }
}

impl OpenState {
    /// The stored length of a queue.
    pub(crate) fn length(&self, queue: &str) -> i64 {
        let of_queue = |(key, _): &(&Key, &i64)| key.0.strip_prefix("watch#") == Some(queue);
        let departed: i64 = self.departed.iter().filter(of_queue).map(|(_, departed)| departed).sum();
        self.joined.get(queue).copied().unwrap_or_default() - departed
    }

    /// The mini programs that use a queue, by [`store::queue_share`], each with its stored length.
    pub(crate) fn shares(&self, queue: &str) -> BTreeMap<String, i64> {
        let mut shares = BTreeMap::new();
        for (key, counts) in &self.of_mini_programs {
            if key.0.strip_prefix("watch#") == Some(queue) {
                let sign = if key.1 == "watch" { 1 } else { -1 };
                for (share, count) in counts {
                    *shares.entry(share.clone()).or_default() += sign * count;
                }
            }
        }
        shares
    }

    /// Whether a group is open now; `None` if there is no such group.
    pub(crate) fn is_open(&self, group: &str, now: Timestamp) -> Option<bool> {
        let group = self.groups.get(group)?;
        let calendar = group.calendar_id.as_ref().and_then(|id| self.calendars.get(id));
        Some(calendar.is_none_or(|calendar| calendar.is_open(now)))
    }
}

impl Agent {
    pub(crate) fn is_present(&self, now: Timestamp) -> bool {
        self.present_until > now.as_millisecond()
    }

    pub(crate) fn is_free(&self, now: Timestamp) -> bool {
        self.status == "online" && self.is_present(now) && self.load < self.capacity
    }

    /// When their conversations are reassigned: three minutes after they went offline, or after their last heartbeat.
    pub(crate) fn times_out_at(&self) -> i64 {
        if self.status == "offline" {
            self.since.min(self.present_until) + 180_000
        } else {
            // A heartbeat counts for 90 seconds.
            self.present_until + 90_000
        }
    }
}

/// The key of a conversation's thread.
pub(crate) fn thread_key(conversation: &Conversation) -> String {
    format!("thread#{}#{}", conversation.app_id, conversation.openid)
}

/// The events of an item, by their numbers.
pub(crate) fn events(item: &Item) -> Vec<(u64, Event)> {
    let json = |name| serde_json::from_str::<Value>(&text(item, name)?).ok();
    let first = (text(item, "type").unwrap(), json("data").unwrap());
    let more = json("more").unwrap_or_default();
    let more = more.as_array().into_iter().flatten();
    let more = more.map(|event| (event["type"].as_str().unwrap().to_owned(), event["data"].clone()));
    let all = std::iter::once(first).chain(more).map(|(kind, data)| Event { kind, data });
    let key = text(item, "sk").unwrap();
    (key.strip_prefix("event#").unwrap().parse().unwrap()..).zip(all).collect()
}

fn agent(item: &Item) -> Agent {
    Agent {
        status: text(item, "status").unwrap(),
        since: number(item, "since").unwrap(),
        present_until: number(item, "present_until").unwrap(),
        load: number(item, "load").unwrap(),
        has: set(item, "conversations").iter().map(|entry| entry.split_once('#').unwrap().1.to_owned()).collect(),
        capacity: number(item, "capacity").unwrap(),
        last_assigned_at: number(item, "last_assigned_at"),
        next_check_at: text(item, "due_pk").and(text(item, "due_sk")),
    }
}

fn of_mini_programs(item: &Item) -> BTreeMap<String, i64> {
    let names = item.keys().filter_map(|name| Some((name, name.strip_prefix("of-")?)));
    names.map(|(name, share)| (share.to_owned(), number(item, name).unwrap())).collect()
}

fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => drop(map.insert(key, value)),
        None => drop(map.remove(&key)),
    }
}

fn edge(edges: &mut BTreeMap<String, BTreeSet<String>>, from: &str, to: &str, is_there: bool) {
    let ends = edges.entry(from.to_owned()).or_default();
    if is_there {
        ends.insert(to.to_owned());
    } else {
        ends.remove(to);
    }
    if ends.is_empty() {
        edges.remove(from);
    }
}

fn data<T: DeserializeOwned>(item: &Item) -> T {
    serde_json::from_str(&text(item, "data").unwrap()).unwrap()
}

fn text(item: &Item, name: &str) -> Option<String> {
    text_in(item, name).map(ToOwned::to_owned)
}

/// The text of an attribute.
pub(crate) fn text_in<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    match item.get(name) {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    }
}

fn set(item: &Item, name: &str) -> Vec<String> {
    match item.get(name) {
        Some(AttributeValue::SS(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

fn number(item: &Item, name: &str) -> Option<i64> {
    match item.get(name) {
        Some(AttributeValue::N(number)) => number.parse().ok(),
        _ => None,
    }
}
