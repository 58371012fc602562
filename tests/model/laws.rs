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

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use dynoxide::Item;
use jiff::Timestamp;
use serde_json::Value;
use store::{Clock, Conversation, ManualClock, Stage};

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
    pub(crate) fn wrote(&mut self, touched: Vec<(Key, Option<Item>)>) {
        let mut write = Write {
            now: self.clock.now(),
            conversations: Vec::new(),
            messages: Vec::new(),
            agents: BTreeMap::new(),
            queues: BTreeSet::new(),
            groups: BTreeSet::new(),
            events: Vec::new(),
        };
        let book = &self.book;
        let old: Vec<Option<Conversation>> = touched
            .iter()
            .map(|(key, _)| id(key, "conversation").and_then(|id| book.conversation(id)).cloned())
            .collect();
        for (key, _) in &touched {
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
        for (key, item) in &touched {
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
        for agent in write.agents.keys() {
            agents(&self.book, agent, write)?;
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

/// Everything that can be checked without a write, all over the book.
pub(crate) fn whole(book: &Book, priorities: &BTreeMap<String, u32>) -> Law {
    let write = Write {
        now: Timestamp::UNIX_EPOCH,
        conversations: Vec::new(),
        messages: Vec::new(),
        agents: BTreeMap::new(),
        queues: BTreeSet::new(),
        groups: BTreeSet::new(),
        events: Vec::new(),
    };
    book.agents.keys().try_for_each(|agent| agents(book, agent, &write))?;
    book.visitors.keys().try_for_each(|thread| visitors(book, thread))?;
    book.lines.keys().try_for_each(|queue| queues(book, queue))?;
    book.groups.keys().try_for_each(|group| members(book, group))?;
    for conversation in book.open.values().chain(book.closed.values()) {
        numbered(book, conversation)?;
        places(book, conversation, priorities)?;
    }
    Ok(())
}

/// I2, I3, I4, I9.
fn agents(book: &Book, id: &str, write: &Write) -> Law {
    let Some(agent) = book.agents.get(id) else { return Ok(()) };
    let has = |conversation: &&Conversation| conversation.assignee() == Some(id);
    let cids: BTreeSet<&str> = book.open.values().filter(has).map(|has| has.cid.as_str()).collect();
    let edges: BTreeSet<&str> = book.has.get(id).into_iter().flatten().map(String::as_str).collect();
    if cids != edges {
        return Err(format!("I2: {id} has {cids:?} and the edges say {edges:?}"));
    }
    if i64::try_from(cids.len()).unwrap() != agent.load {
        return Err(format!("I4: {id} has {cids:?} and a load of {}", agent.load));
    }
    let before = write.agents.get(id).and_then(|old| old.as_ref()).map_or(agent.load, |old| old.load);
    if agent.load > before && agent.load > agent.capacity {
        return Err(format!("I3: the load of {id} has grown to {} of {}", agent.load, agent.capacity));
    }
    if agent.load > 0 && agent.look_at.is_none() {
        return Err(format!(
            "I9: {id} has conversations ({}) and no tick will look whether they are gone",
            agent.status
        ));
    }
    Ok(())
}

/// I1.
fn visitors(book: &Book, thread: &str) -> Law {
    let of = |open: &&Conversation| thread_key(open) == thread;
    let open: Vec<&str> = book.open.values().filter(of).map(|open| open.cid.as_str()).collect();
    let known = book.visitors.get(thread).and_then(|visitor| visitor.open_cid.as_deref());
    match (&open[..], known) {
        ([], None) => Ok(()),
        ([one], Some(known)) if *one == known => Ok(()),
        _ => Err(format!("I1: {thread} has {open:?} open and knows of {known:?}")),
    }
}

/// Events are numbered without a gap, and the conversation knows the last number.
fn numbered(book: &Book, conversation: &Conversation) -> Law {
    let events = book.events.get(&conversation.cid);
    let last = events.and_then(|events| events.last_key_value()).map_or(0, |(seq, _)| *seq);
    let count = events.map_or(0, |events| events.len() as u64);
    match last == conversation.seq && count == last {
        true => Ok(()),
        false => Err(format!("{}: {count} events up to {last}, known are {}", conversation.cid, conversation.seq)),
    }
}

/// I5, I6: who waits is in one line, at the place of their age and priority.
fn places(book: &Book, conversation: &Conversation, priorities: &BTreeMap<String, u32>) -> Law {
    let cid = &conversation.cid;
    let all = book.lines.iter().flat_map(|(queue, line)| line.iter().map(move |(place, of)| (queue, place, of)));
    let lines: Vec<_> = all.filter(|(_, _, of)| *of == cid).map(|(queue, place, _)| (queue, place)).collect();
    let wants: Vec<_> = conversation.waiting().iter().map(|waiting| (&waiting.queue, &waiting.place)).collect();
    if lines != wants {
        return Err(format!("{cid} waits at {wants:?} and stands at {lines:?}"));
    }
    if let Stage::Queued(waiting) = &conversation.stage {
        let ahead = i64::from(priorities[&conversation.app_id]) * 600_000;
        let place = format!("{:013}#{cid}", waiting.since.as_millisecond() - ahead);
        if place != waiting.place {
            return Err(format!("I5: {cid} stands at {} instead of {place}", waiting.place));
        }
    }
    Ok(())
}

/// I6: a queue is noted before anybody is in it, and no entry is without its conversation.
fn queues(book: &Book, queue: &str) -> Law {
    let Some(line) = book.lines.get(queue) else { return Ok(()) };
    if queue != "left-messages" && book.watches.get(queue) != Some(&true) {
        return Err(format!("I6: {line:?} wait in {queue} and no tick will look at it"));
    }
    for (place, cid) in line {
        let waiting = book.open.get(cid).and_then(Conversation::waiting);
        if !waiting.is_some_and(|waiting| waiting.queue == queue && waiting.place == *place) {
            return Err(format!("{cid} stands in {queue} at {place} and its conversation says {waiting:?}"));
        }
    }
    Ok(())
}

/// I6: whoever is a member knows of the group, so that it is drained when they are free.
fn members(book: &Book, group: &str) -> Law {
    let Some(settings) = book.groups.get(group) else { return Ok(()) };
    let knows = |agent: &&String| book.is_in.get(*agent).is_some_and(|groups| groups.contains(group));
    match settings.members.iter().find(|agent| !knows(agent)) {
        Some(agent) => Err(format!("I6: {agent} is in {group} and does not know of it")),
        None => Ok(()),
    }
}

/// I8.
fn messages(book: &Book, old: Option<&Message>, key: &Key, write: &Write) -> Law {
    let Some(message) = book.messages.get(key) else { return Ok(()) };
    let Some(old) = old else {
        return match (&message.cid, &message.due) {
            (None, Some(_)) => Ok(()),
            _ => Err(format!("I8: {key:?} is processed before it is kept")),
        };
    };
    if old.due.is_none() && old != message {
        return Err(format!("I8: {key:?} was processed as {old:?} and again as {message:?}"));
    }
    if old.due.is_some() && message.due.is_none() {
        let with = write.conversations.iter().find(|(_, new)| message.cid.as_ref() == Some(&new.cid));
        let fits = match with {
            Some((_, new)) => message.kind != "event" && thread_key(new) == key.0,
            None => message.kind == "event" && message.cid.is_none(),
        };
        if !fits {
            return Err(format!("I8: {key:?} is processed as {message:?}"));
        }
    }
    Ok(())
}

/// I2, I5, I7: how a conversation has changed hands.
fn handed(watch: &Watch, old: Option<&Conversation>, new: &Conversation, write: &Write) -> Law {
    let cid = &new.cid;
    if let Some(old) = old.filter(|old| !old.is_open())
        && old != new
    {
        return Err(format!("{cid} was closed and has changed"));
    }
    let events: Vec<&Event> = write.events.iter().filter(|(of, _)| of == cid).map(|(_, event)| event).collect();
    let kinds = [
        "conversation.assigned",
        "conversation.queued",
        "leave_message.created",
        "conversation.robot",
        "conversation.closed",
    ];
    let outcomes: Vec<&Event> = events.iter().copied().filter(|event| kinds.contains(&event.kind.as_str())).collect();
    let fits = |kind: &str| match &new.stage {
        Stage::Unassigned => false,
        Stage::Robot(_) => kind == "conversation.robot",
        Stage::Queued(_) => kind == "conversation.queued",
        Stage::Assigned(_) => kind == "conversation.assigned",
        Stage::LeftMessage(_) => kind == "leave_message.created",
        Stage::Closed { .. } => kind == "conversation.closed",
    };
    let moved = old.is_none_or(|old| holder(&old.stage) != holder(&new.stage));
    match &outcomes[..] {
        [] if !moved || new.stage == Stage::Unassigned => {}
        [event] if fits(&event.kind) => trail(cid, &event.kind, event)?,
        _ => return Err(format!("I7: {cid} went from {old:?} to {new:?} by {outcomes:?}")),
    }
    for event in events.iter().filter(|event| event.kind == "conversation.assigned") {
        let by_hand = event.data["claimed"] == true || event.data["transferred"] == true;
        assigned(watch, old, new, event, by_hand, write.now)?;
    }
    Ok(())
}

fn holder(stage: &Stage) -> (&'static str, &str, &str) {
    match stage {
        Stage::Unassigned => ("nobody", "", ""),
        Stage::Robot(robot) => ("robot", &robot.robot_id, ""),
        Stage::Queued(waiting) => ("queue", &waiting.queue, &waiting.place),
        Stage::Assigned(assigned) => ("agent", &assigned.agent_id, ""),
        Stage::LeftMessage(waiting) => ("left", &waiting.queue, &waiting.place),
        Stage::Closed { by } => ("closed", by, ""),
    }
}

/// I7: every level that was asked is in the trail, and the last one says what happened.
fn trail(cid: &str, kind: &str, event: &Event) -> Law {
    let Some(Value::Array(trail)) = event.data.get("trail") else { return Ok(()) };
    let levels: Vec<u64> = trail.iter().map(|passage| passage["level"].as_u64().unwrap()).collect();
    let rises = levels.windows(2).all(|pair| pair[0] < pair[1]) && levels.iter().all(|level| (1..=4).contains(level));
    let verdicts: Vec<&str> = trail.iter().map(|passage| passage["verdict"].as_str().unwrap()).collect();
    let expected: &[&str] = match kind {
        "conversation.assigned" => &["assigned"],
        "conversation.queued" => &["queued"],
        "conversation.robot" => &["robot"],
        // Where there is no robot, a message is left.
        _ => &["left_message", "robot"],
    };
    let told = trail.iter().all(|passage| passage["because"].as_str().is_some_and(|because| !because.is_empty()));
    let ends = match &verdicts[..] {
        [] => true,
        [passed @ .., last] => passed.iter().all(|verdict| *verdict == "passed_on") && expected.contains(last),
    };
    if rises && told && ends { Ok(()) } else { Err(format!("I7: {cid} has {kind} with the trail {trail:?}")) }
}

/// I3, I5: an agent has got a conversation.
fn assigned(
    watch: &Watch,
    old: Option<&Conversation>,
    new: &Conversation,
    event: &Event,
    by_hand: bool,
    now: Timestamp,
) -> Law {
    let (cid, id) = (&new.cid, event.data["agent_id"].as_str().unwrap_or_default());
    let stays = old.is_some_and(|old| old.assignee() == Some(id));
    let agent = &watch.book.agents[id];
    let can = match by_hand {
        true => agent.status != "offline",
        false => agent.status == "online" && agent.is_present(now),
    };
    if !stays && (!can || agent.load > agent.capacity) {
        return Err(format!("I3: {cid} went to {id}, who is {agent:?}"));
    }
    if by_hand {
        return Ok(());
    }
    let queue = match event.data["group_id"].as_str() {
        Some(group) => format!("group:{group}"),
        None => format!("agent:{id}"),
    };
    let (Some(stood), Some(stand)) = (watch.standing.get(&queue), watch.book.lines.get(&queue)) else { return Ok(()) };
    let from = match old.map(|old| &old.stage) {
        Some(Stage::Queued(waiting)) if waiting.queue == queue => Some(&waiting.place),
        _ => None,
    };
    let before = |place: &&String| from.is_none_or(|from| *place < from) && stand.contains_key(*place);
    match stood.keys().find(before) {
        Some(place) => Err(format!("I5: {cid} went to {id} and {place} still waits in {queue}")),
        None => Ok(()),
    }
}
