//! The invariants, checked after each write on the items that it touched.
//!
//! | Invariant | Check |
//! |---|---|
//! | I1 one open conversation for each visitor | [`visitors`] |
//! | I2 one assignee at most, and the duty lists the conversation | [`agents`], [`changes_of_hands`] |
//! | I3 a load does not grow beyond the capacity | [`agents`] |
//! | I4 the load is the number of conversations | [`agents`] |
//! | I5 first in, first out within a priority that ages | [`changes_of_hands`], [`places`] |
//! | I6, I9 what the tick has to process is marked before it is written | [`places`], [`agents`] |
//! | I7 one outcome for each change, with its trail | [`changes_of_hands`] |
//! | I8 a message is processed once, and ignored beyond the limit of its minute alone | [`messages`] |
//!
//! [`state`] has the invariants of the table, [`change`] those of one write.

mod change;
mod state;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use dynoxide::{AttributeValue, Item};
use jiff::Timestamp;
use store::{Clock, Conversation, ManualClock, Stage, Timer};

pub(crate) use state::whole;

use self::{
    change::{changes_of_hands, messages},
    state::{agents, members, numbered, places, queues, visitors},
};
use crate::{
    support::database::Key,
    table_state::{Agent, Event, Message, TableState, events, text_in, thread_key},
};

pub(crate) type Check = Result<(), String>;

/// Checks every write.
pub(crate) struct Watch {
    pub(crate) table: TableState,
    clock: Arc<ManualClock>,
    /// The priority of each mini program, which is part of the places in queues.
    priorities: BTreeMap<String, u32>,
    /// The messages of a visitor in a minute that are processed, for each mini program.
    limits: BTreeMap<String, u32>,
    /// The queues when the step began.
    standing: BTreeMap<String, BTreeMap<String, String>>,
    /// The first violation.
    pub(crate) broken: Option<String>,
    /// How often each kind of event occurred.
    pub(crate) seen: BTreeMap<&'static str, u64>,
    /// The queue of robot turns: fan-out puts a conversation into it each time that it is written while it waits for its robot.
    pub(crate) turns: Vec<String>,
    /// The queue of timers: fan-out puts those into it that a write asks for, and the tick those of what is due soon.
    pub(crate) timers: Vec<Timer>,
    /// The keys that were written in the step.
    pub(crate) written: Vec<Key>,
    /// Every stage of each conversation, and every state of each agent, in the step.
    pub(crate) holders: BTreeMap<String, Vec<Stage>>,
    pub(crate) agents: BTreeMap<String, Vec<Agent>>,
}

/// The changes of one write.
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
    pub(crate) fn new(
        clock: Arc<ManualClock>,
        priorities: BTreeMap<String, u32>,
        limits: BTreeMap<String, u32>,
    ) -> Self {
        Self {
            table: TableState::default(),
            clock,
            priorities,
            limits,
            standing: BTreeMap::new(),
            broken: None,
            seen: BTreeMap::new(),
            turns: Vec::new(),
            timers: Vec::new(),
            written: Vec::new(),
            holders: BTreeMap::new(),
            agents: BTreeMap::new(),
        }
    }

    /// Begins a step.
    pub(crate) fn step(&mut self) {
        self.standing.clone_from(&self.table.lines);
        self.written.clear();
        self.holders.clear();
        self.agents.clear();
    }

    pub(crate) fn count_event(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    /// Applies a write and checks the invariants.
    pub(crate) fn wrote(&mut self, touched: &[(Key, Option<Item>)]) {
        let mut write = Write { now: self.clock.now(), ..Write::default() };
        let table = &self.table;
        let old: Vec<Option<Conversation>> = touched
            .iter()
            .map(|(key, _)| id(key, "conversation").and_then(|id| table.conversation(id)).cloned())
            .collect();
        for (key, _) in touched {
            if let Some(agent) = id(key, "agent") {
                write.agents.insert(agent.to_owned(), table.agents.get(agent).cloned());
            }
            if let Some(queue) = id(key, "queue").or(id(key, "watch")) {
                write.queues.insert(queue.to_owned());
            }
            if let Some(group) = id(key, "group") {
                write.groups.insert(group.to_owned());
            }
            if key.0.starts_with("thread#") && key.1.starts_with("message#") {
                write.messages.push((table.messages.get(key).cloned(), key.clone()));
            }
        }
        for (key, item) in touched {
            self.table.apply(key, item.as_ref());
            self.written.push(key.clone());
            let waits = item.as_ref().and_then(|item| item.get("turn"));
            if matches!(waits, Some(AttributeValue::S(turn)) if turn == "waiting") {
                self.turns.extend(id(key, "conversation").map(ToOwned::to_owned));
            }
        }
        for item in touched.iter().filter_map(|(_, item)| item.as_ref()) {
            self.timers.extend(Timer::from_image(|name| text_in(item, name)));
        }
        for ((key, item), old) in touched.iter().zip(old) {
            let Some(cid) = id(key, "conversation") else { continue };
            if key.1.starts_with("event#") {
                let events = item.iter().flat_map(events);
                write.events.extend(events.map(|(_, event)| (cid.to_owned(), event)));
            } else {
                write.conversations.push((old, self.table.conversation(cid).unwrap().clone()));
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
            states.extend(self.table.agents.get(agent).cloned());
        }
        for (_, event) in &write.events {
            let by_hand = event.data["claimed"] == true || event.data["transferred"] == true;
            self.count_event(match event.kind.as_str() {
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

    fn check(&self, write: &Write) -> Check {
        for (agent, old) in &write.agents {
            agents(&self.table, agent, old.as_ref())?;
        }
        for (old, new) in &write.conversations {
            visitors(&self.table, &thread_key(new))?;
            numbered(&self.table, new)?;
            places(&self.table, new, &self.priorities)?;
            changes_of_hands(self, old.as_ref(), new, write)?;
        }
        for queue in &write.queues {
            queues(&self.table, queue)?;
        }
        for group in &write.groups {
            members(&self.table, group)?;
        }
        for (old, key) in &write.messages {
            messages(self, old.as_ref(), key, write)?;
        }
        Ok(())
    }
}

/// The id in a partition key of this kind.
fn id<'a>(key: &'a Key, kind: &str) -> Option<&'a str> {
    key.0.strip_prefix(kind)?.strip_prefix('#')
}
