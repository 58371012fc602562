//! The invariants of the table.

use std::collections::{BTreeMap, BTreeSet};

use store::{Conversation, Stage, queue_share};

use super::Check;
use crate::table_state::{Agent, TableState, thread_key};

/// Checks all of them on the whole table.
pub(crate) fn whole(table: &TableState, priorities: &BTreeMap<String, u32>) -> Check {
    table.agents.keys().try_for_each(|agent| agents(table, agent, None))?;
    table.visitors.keys().try_for_each(|thread| visitors(table, thread))?;
    table.lines.keys().try_for_each(|queue| queues(table, queue))?;
    table.groups.keys().try_for_each(|group| members(table, group))?;
    for conversation in table.open.values().chain(table.closed.values()) {
        numbered(table, conversation)?;
        places(table, conversation, priorities)?;
    }
    Ok(())
}

/// I2, I3, I4, I9.
pub(super) fn agents(table: &TableState, id: &str, old: Option<&Agent>) -> Check {
    let Some(agent) = table.agents.get(id) else { return Ok(()) };
    let has = |conversation: &&Conversation| conversation.assignee() == Some(id);
    let cids: BTreeSet<&str> = table.open.values().filter(has).map(|has| has.cid.as_str()).collect();
    let listed: BTreeSet<&str> = agent.has.iter().map(String::as_str).collect();
    if cids != listed {
        return Err(format!("I2: {id} has {cids:?} and the duty lists {listed:?}"));
    }
    if i64::try_from(cids.len()).unwrap() != agent.load {
        return Err(format!("I4: {id} has {cids:?} and a load of {}", agent.load));
    }
    let before = old.map_or(agent.load, |old| old.load);
    if agent.load > before && agent.load > agent.capacity {
        return Err(format!("I3: the load of {id} has grown to {} of {}", agent.load, agent.capacity));
    }
    if agent.load > 0 && agent.next_check_at.is_none() {
        return Err(format!("I9: {id} has conversations ({}) and no tick will check the heartbeat", agent.status));
    }
    Ok(())
}

/// I1.
pub(super) fn visitors(table: &TableState, thread: &str) -> Check {
    let of = |open: &&Conversation| thread_key(open) == thread;
    let open: Vec<&str> = table.open.values().filter(of).map(|open| open.cid.as_str()).collect();
    let known = table.visitors.get(thread).and_then(|visitor| visitor.open_cid.as_deref());
    match (&open[..], known) {
        ([], None) => Ok(()),
        ([one], Some(known)) if *one == known => Ok(()),
        _ => Err(format!("I1: {thread} has {open:?} open and knows of {known:?}")),
    }
}

/// Events are numbered without a gap, and the conversation has the last number.
pub(super) fn numbered(table: &TableState, conversation: &Conversation) -> Check {
    let events = table.events.get(&conversation.cid);
    let last = events.and_then(|events| events.last_key_value()).map_or(0, |(seq, _)| *seq);
    let count = events.map_or(0, |events| events.len() as u64);
    if last != conversation.seq || count != last {
        return Err(format!("{}: {count} events up to {last}, known are {}", conversation.cid, conversation.seq));
    }
    Ok(())
}

/// I5, I6: a waiting conversation has one entry, at the place of its age and priority.
pub(super) fn places(table: &TableState, conversation: &Conversation, priorities: &BTreeMap<String, u32>) -> Check {
    let cid = &conversation.cid;
    let all = table.lines.iter().flat_map(|(queue, line)| line.iter().map(move |(place, of)| (queue, place, of)));
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

/// I6: a queue is marked for the tick before it has entries, its length is their number, and each entry belongs to a waiting
/// conversation.
pub(super) fn queues(table: &TableState, queue: &str) -> Check {
    let entries = table.lines.get(queue).map_or(0, BTreeMap::len);
    let length = table.length(queue);
    if queue != "left-messages" && usize::try_from(length) != Ok(entries) {
        return Err(format!("{entries} conversations wait in {queue}, whose length is {length}"));
    }
    let shares = table.shares(queue);
    for (share, length) in &shares {
        let is_of = |cid: &&String| table.open.get(*cid).is_some_and(|open| queue_share(&open.app_id) == *share);
        let entries = table.lines.get(queue).map_or(0, |line| line.values().filter(is_of).count());
        if usize::try_from(*length) != Ok(entries) {
            return Err(format!("{entries} conversations of {share} wait in {queue}, and {length} are counted"));
        }
    }
    let Some(line) = table.lines.get(queue) else { return Ok(()) };
    let is_counted =
        |cid: &String| table.open.get(cid).is_none_or(|open| shares.contains_key(&queue_share(&open.app_id)));
    if queue != "left-messages" && !line.values().all(is_counted) {
        return Err(format!("{line:?} wait in {queue}, and only {shares:?} are counted"));
    }
    if queue != "left-messages" && table.watches.get(queue) != Some(&true) {
        return Err(format!("I6: {line:?} wait in {queue}, which no tick will drain"));
    }
    for (place, cid) in line {
        let waiting = table.open.get(cid).and_then(Conversation::waiting);
        if !waiting.is_some_and(|waiting| waiting.queue == queue && waiting.place == *place) {
            return Err(format!("{cid} stands in {queue} at {place} and its conversation says {waiting:?}"));
        }
    }
    Ok(())
}

/// I6: each member has an edge to the group, so that its queue is drained when they become free.
pub(super) fn members(table: &TableState, group: &str) -> Check {
    let Some(settings) = table.groups.get(group) else { return Ok(()) };
    let knows = |agent: &&String| table.is_in.get(*agent).is_some_and(|groups| groups.contains(group));
    match settings.members.iter().find(|agent| !knows(agent)) {
        Some(agent) => Err(format!("I6: {agent} is in {group} without an edge to it")),
        None => Ok(()),
    }
}
