//! What holds of the table as it is, whatever was written last.

use std::collections::{BTreeMap, BTreeSet};

use store::{Conversation, Stage};

use super::Law;
use crate::book::{Agent, Book, thread_key};

/// Everything that can be checked without a write, all over the book.
pub(crate) fn whole(book: &Book, priorities: &BTreeMap<String, u32>) -> Law {
    book.agents.keys().try_for_each(|agent| agents(book, agent, None))?;
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
pub(super) fn agents(book: &Book, id: &str, old: Option<&Agent>) -> Law {
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
    let before = old.map_or(agent.load, |old| old.load);
    if agent.load > before && agent.load > agent.capacity {
        return Err(format!("I3: the load of {id} has grown to {} of {}", agent.load, agent.capacity));
    }
    if agent.load > 0 && agent.next_check_at.is_none() {
        return Err(format!(
            "I9: {id} has conversations ({}) and no tick will look whether they are gone",
            agent.status
        ));
    }
    Ok(())
}

/// I1.
pub(super) fn visitors(book: &Book, thread: &str) -> Law {
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
pub(super) fn numbered(book: &Book, conversation: &Conversation) -> Law {
    let events = book.events.get(&conversation.cid);
    let last = events.and_then(|events| events.last_key_value()).map_or(0, |(seq, _)| *seq);
    let count = events.map_or(0, |events| events.len() as u64);
    if last != conversation.seq || count != last {
        return Err(format!("{}: {count} events up to {last}, known are {}", conversation.cid, conversation.seq));
    }
    Ok(())
}

/// I5, I6: who waits is in one line, at the place of their age and priority.
pub(super) fn places(book: &Book, conversation: &Conversation, priorities: &BTreeMap<String, u32>) -> Law {
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
pub(super) fn queues(book: &Book, queue: &str) -> Law {
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
pub(super) fn members(book: &Book, group: &str) -> Law {
    let Some(settings) = book.groups.get(group) else { return Ok(()) };
    let knows = |agent: &&String| book.is_in.get(*agent).is_some_and(|groups| groups.contains(group));
    match settings.members.iter().find(|agent| !knows(agent)) {
        Some(agent) => Err(format!("I6: {agent} is in {group} and does not know of it")),
        None => Ok(()),
    }
}
