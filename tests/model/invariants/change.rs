//! The invariants of one write: how messages are processed and how conversations change hands.

use jiff::Timestamp;
use serde_json::Value;
use store::{Conversation, Stage};

use super::{Check, Watch, Write};
use crate::{
    support::database::Key,
    table_state::{Agent, Event, Message, thread_key},
};

/// I8: a message is stored, then processed once.
pub(super) fn messages(watch: &Watch, old: Option<&Message>, key: &Key, write: &Write) -> Check {
    let table = &watch.table;
    let Some(message) = table.messages.get(key) else { return Ok(()) };
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
        within_limit(watch, key, message)?;
        if message.ignored {
            return Ok(());
        }
        let with = write.conversations.iter().find(|(_, new)| message.cid.as_ref() == Some(&new.cid));
        let fits = if let Some((_, new)) = with {
            thread_key(new) == key.0
        } else {
            // An event belongs to no conversation unless it routes one anew, and neither does a farewell without one.
            // One that another message opens at the same time may come after it.
            let open = table.visitors.get(&key.0).and_then(|visitor| visitor.open_cid.as_ref());
            let open = open.filter(|cid| table.conversation(cid).is_none_or(|open| open.created_at < write.now));
            (message.kind == "event" || message.farewell && open.is_none()) && message.cid.is_none()
        };
        if !fits {
            return Err(format!("I8: {key:?} is processed as {message:?}"));
        }
    }
    Ok(())
}

/// I8: a message is ignored if, and only if, as many messages of its minute, or of a later one, were processed as the limit is.
fn within_limit(watch: &Watch, key: &Key, message: &Message) -> Check {
    if message.kind == "event" {
        return if message.ignored { Err(format!("I8: the event {key:?} is ignored")) } else { Ok(()) };
    }
    let limit = watch.limits[key.0.split('#').nth(1).unwrap()];
    let others = watch.table.messages.iter().filter(|(other, _)| other.0 == key.0 && *other != key);
    let processed: Vec<i64> = others
        .filter(|(_, other)| other.due.is_none() && !other.ignored && other.kind != "event")
        .map(|(_, other)| other.minute)
        .collect();
    let latest = processed.iter().copied().chain([message.minute]).max().unwrap_or_default();
    // One that comes late counts towards the latest minute, and so may others have done.
    let of_latest = processed.iter().filter(|minute| **minute == latest).count();
    let is_full = processed.len() >= limit as usize;
    let fits = if message.ignored { is_full } else { of_latest < limit as usize };
    if fits {
        Ok(())
    } else {
        Err(format!("I8: {key:?} is {message:?} and {processed:?} were processed, limit {limit}"))
    }
}

/// I2, I5, I7: each change of hands has one event that says so.
pub(super) fn changes_of_hands(watch: &Watch, old: Option<&Conversation>, new: &Conversation, write: &Write) -> Check {
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
        Stage::Unassigned => ("unassigned", "", ""),
        Stage::Robot(robot) => ("robot", &robot.robot_id, ""),
        Stage::Queued(waiting) => ("queue", &waiting.queue, &waiting.place),
        Stage::Assigned(assigned) => ("agent", &assigned.agent_id, ""),
        Stage::LeftMessage(waiting) => ("left", &waiting.queue, &waiting.place),
        Stage::Closed { by } => ("closed", by.as_str(), ""),
    }
}

/// I7: the trail has every level that was tried, and its last one names the outcome.
fn trail(cid: &str, kind: &str, event: &Event) -> Check {
    let Some(Value::Array(trail)) = event.data.get("trail") else { return Ok(()) };
    let levels: Vec<u64> = trail.iter().map(|passage| passage["level"].as_u64().unwrap()).collect();
    let rises = levels.windows(2).all(|pair| pair[0] < pair[1]) && levels.iter().all(|level| (1..=4).contains(level));
    let verdicts: Vec<&str> = trail.iter().map(|passage| passage["verdict"].as_str().unwrap()).collect();
    let expected: &[&str] = match kind {
        "conversation.assigned" => &["assigned"],
        "conversation.queued" => &["queued"],
        "conversation.robot" => &["robot"],
        // Without a robot the visitor is asked to leave a message.
        _ => &["left_message", "robot"],
    };
    let told = trail.iter().all(|passage| passage["because"].as_str().is_some_and(|because| !because.is_empty()));
    let ends = match &verdicts[..] {
        [] => true,
        [passed @ .., last] => passed.iter().all(|verdict| *verdict == "passed_on") && expected.contains(last),
    };
    if rises && told && ends { Ok(()) } else { Err(format!("I7: {cid} has {kind} with the trail {trail:?}")) }
}

/// I3, I5: an assigned agent has room, and no earlier conversation waits for them.
fn assigned(
    watch: &Watch,
    old: Option<&Conversation>,
    new: &Conversation,
    event: &Event,
    by_hand: bool,
    now: Timestamp,
) -> Check {
    let (cid, id) = (&new.cid, event.data["agent_id"].as_str().unwrap_or_default());
    let stays = old.is_some_and(|old| old.assignee() == Some(id));
    let agent = &watch.table.agents[id];
    let can = if by_hand { agent.status != "offline" } else { agent.status == "online" && agent.is_present(now) };
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
    let (Some(stood), Some(stand)) = (watch.standing.get(&queue), watch.table.lines.get(&queue)) else { return Ok(()) };
    let from = match old.map(|old| &old.stage) {
        Some(Stage::Queued(waiting)) if waiting.queue == queue => Some(&waiting.place),
        _ => None,
    };
    let handed_on = |cid: &String| {
        let waiting = watch.table.open.get(cid).and_then(Conversation::waiting);
        waiting.is_some_and(|waiting| waiting.handed_on_by.as_deref() == Some(id))
    };
    let before = |(place, cid): &(&String, &String)| {
        from.is_none_or(|from| *place < from) && stand.contains_key(*place) && !handed_on(cid)
    };
    let earlier: Vec<_> = stood.iter().filter(before).collect();
    if earlier.is_empty() || i64::try_from(earlier.len()).unwrap() < room(watch, &queue, now) {
        return Ok(());
    }
    let waiting: Vec<_> =
        earlier.iter().filter_map(|(_, cid)| watch.table.open.get(*cid).map(|open| &open.stage)).collect();
    let data = &event.data;
    Err(format!("I5: {cid} went to {id} ({data}), {agent:?}, and {earlier:?} still wait in {queue}: {waiting:?}"))
}

/// How many conversations of a queue its agents had room for in this step. Concurrent drains may assign that many out of
/// order.
fn room(watch: &Watch, queue: &str, now: Timestamp) -> i64 {
    let members: Vec<&String> = match queue.split_once(':') {
        Some(("group", id)) => watch.table.groups.get(id).map_or_else(Vec::new, |group| group.members.iter().collect()),
        _ => return 1,
    };
    let of = |agent: &Agent| if agent.is_free(now) { agent.capacity - agent.load } else { 0 };
    let most = |id: &String| {
        let states = watch.agents.get(id).into_iter().flatten().chain(watch.table.agents.get(id));
        states.map(of).max().unwrap_or(0)
    };
    members.into_iter().map(most).sum()
}
