//! What holds at every moment, between any two writes. Each law is checked after each write, on what it touched.
//!
//! | Invariant | Law |
//! |---|---|
//! | I1 one open conversation for each visitor | [`visitors`] |
//! | I2 one assignee at most; the edges say the same | [`agents`], [`handed`] |
//! | I3 a load does not grow beyond the capacity | [`agents`] |
//! | I4 the load is the number of conversations | [`agents`] |
//! | I5 first in, first out within a priority that ages | [`handed`], [`places`] |
//! | I6, I9 what the tick has to find is noted before it is there | [`places`], [`agents`] |
//! | I7 one outcome and its trail | [`handed`] |
//! | I8 a message counts once | [`messages`] |
//!
//! [`state`] has the laws of the table as it is, [`change`] those of one write.

mod change;
mod state;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use dynoxide::Item;
use jiff::Timestamp;
use store::{Clock, Conversation, ManualClock, Stage};

pub(crate) use state::whole;

use self::{
    change::{handed, messages},
    state::{agents, members, numbered, places, queues, visitors},
};
use crate::{
    book::{Agent, Book, Event, Message, thread_key},
    support::database::Key,
};

pub(crate) type Law = Result<(), String>;

/// Looks at every write.
pub(crate) struct Watch {
    pub(crate) book: Book,
    clock: Arc<ManualClock>,
    /// What one step of an app's priority is worth is part of each place.
    priorities: BTreeMap<String, u32>,
    /// Who waited when the step began.
    standing: BTreeMap<String, BTreeMap<String, String>>,
    /// The first law that was broken.
    pub(crate) broken: Option<String>,
    /// How often something was seen.
    pub(crate) seen: BTreeMap<&'static str, u64>,
    /// What was written in the step, and how often.
    pub(crate) written: Vec<Key>,
    /// Who had each conversation at some moment of the step, and how full each agent was.
    pub(crate) holders: BTreeMap<String, Vec<Stage>>,
    pub(crate) agents: BTreeMap<String, Vec<Agent>>,
}

/// What a write has changed.
#[derive(Default)]
struct Write {
    now: Timestamp,
    conversations: Vec<(Option<Conversation>, Conversation)>,
    messages: Vec<(Option<Message>, Key)>,
    agents: BTreeMap<String, Option<Agent>>,
    queues: BTreeSet<String>,
    groups: BTreeSet<String>,
    events: Vec<(String, Event)>,
}

impl Watch {
    pub(crate) fn new(clock: Arc<ManualClock>, priorities: BTreeMap<String, u32>) -> Self {
        Self {
            book: Book::default(),
            clock,
            priorities,
            standing: BTreeMap::new(),
            broken: None,
            seen: BTreeMap::new(),
            written: Vec::new(),
            holders: BTreeMap::new(),
            agents: BTreeMap::new(),
        }
    }

    /// A step begins.
    pub(crate) fn step(&mut self) {
        self.standing.clone_from(&self.book.lines);
        self.written.clear();
        self.holders.clear();
        self.agents.clear();
    }

    pub(crate) fn saw(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    /// Takes a write in and checks every law on it.
    pub(crate) fn wrote(&mut self, touched: &[(Key, Option<Item>)]) {
        let mut write = Write { now: self.clock.now(), ..Write::default() };
        let book = &self.book;
        let old: Vec<Option<Conversation>> = touched
            .iter()
            .map(|(key, _)| id(key, "conversation").and_then(|id| book.conversation(id)).cloned())
            .collect();
        for (key, _) in touched {
            if let Some(agent) = id(key, "agent") {
                write.agents.insert(agent.to_owned(), book.agents.get(agent).cloned());
            }
            if let Some(queue) = id(key, "queue").or(id(key, "watch")) {
                write.queues.insert(queue.to_owned());
            }
            if let Some(group) = id(key, "group") {
                write.groups.insert(group.to_owned());
            }
            if key.0.starts_with("thread#") && key.1.starts_with("message#") {
                write.messages.push((book.messages.get(key).cloned(), key.clone()));
            }
        }
        for (key, item) in touched {
            self.book.apply(key, item.as_ref());
            self.written.push(key.clone());
        }
        for ((key, _), old) in touched.iter().zip(old) {
            let Some(cid) = id(key, "conversation") else { continue };
            if let Some(seq) = key.1.strip_prefix("event#") {
                let event = self.book.events[cid][&seq.parse::<u64>().unwrap()].clone();
                write.events.push((cid.to_owned(), event));
            } else {
                write.conversations.push((old, self.book.conversation(cid).unwrap().clone()));
            }
        }
        self.remember(&write);
        let law = self.check(&write);
        if let (Err(broken), None) = (law, &self.broken) {
            self.broken = Some(broken);
        }
    }

    fn remember(&mut self, write: &Write) {
        for (old, new) in &write.conversations {
            let stages = self.holders.entry(new.cid.clone()).or_default();
            stages.extend(old.iter().map(|old| old.stage.clone()));
            stages.push(new.stage.clone());
        }
        for (agent, old) in &write.agents {
            let states = self.agents.entry(agent.clone()).or_default();
            states.extend(old.iter().cloned());
            states.extend(self.book.agents.get(agent).cloned());
        }
        for (_, event) in &write.events {
            let by_hand = event.data["claimed"] == true || event.data["transferred"] == true;
            self.saw(match event.kind.as_str() {
                "conversation.assigned" if by_hand => "assigned by hand",
                "conversation.assigned" => "assigned",
                "conversation.queued" => "queued",
                "leave_message.created" => "message left",
                "conversation.robot" => "robot",
                "conversation.requeued" => "handed back",
                "conversation.overflowed" => "moved on",
                "conversation.closed" => "closed",
                _ => continue,
            });
        }
    }

    fn check(&self, write: &Write) -> Law {
        for (agent, old) in &write.agents {
            agents(&self.book, agent, old.as_ref())?;
        }
        for (old, new) in &write.conversations {
            visitors(&self.book, &thread_key(new))?;
            numbered(&self.book, new)?;
            places(&self.book, new, &self.priorities)?;
            handed(self, old.as_ref(), new, write)?;
        }
        for queue in &write.queues {
            queues(&self.book, queue)?;
        }
        for group in &write.groups {
            members(&self.book, group)?;
        }
        for (old, key) in &write.messages {
            messages(&self.book, old.as_ref(), key, write)?;
        }
        Ok(())
    }
}

/// The id in a partition key of this kind.
fn id<'a>(key: &'a Key, kind: &str) -> Option<&'a str> {
    key.0.strip_prefix(kind)?.strip_prefix('#')
}
