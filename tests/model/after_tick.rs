//! Checks after a tick, after the last step, and of the answers of concurrent operations.

use conversations::HandoffError;
use desk::routing::{Plan, Target};
use jiff::Timestamp;
use store::{Conversation, QUEUE_CHECKED_AFTER, Queue, Stage, StoreError, TIMED_WITHIN, Timer, Waiting};

use crate::{
    invariants::{Check, Watch},
    model::{Model, RoutedTo, RoutingRequest, queue_of},
    operations::{Completed, Operation},
    table_state::{Agent, Message, OpenState, TableState, thread_key},
};

/// Checks the state after a tick without faults.
pub(crate) fn after_tick(before: &OpenState, table: &TableState, now: Timestamp) -> Check {
    nothing_due(table, now)?;
    let early = Model::of(before, now);
    for (waiting, old) in before.open.values().filter_map(queued) {
        let new = table.conversation(&old.cid).unwrap();
        let moved = match &new.stage {
            Stage::Queued(now_at) => now_at.queue != waiting.queue,
            Stage::Robot(_) | Stage::LeftMessage(_) | Stage::Unassigned => true,
            Stage::Assigned(_) | Stage::Closed { .. } => false,
        };
        let waited = waiting.until.is_some_and(|until| until <= now);
        if moved
            && !waited
            && !entered_again(table, old)
            && (is_staffed(before, &waiting.queue, now) || stays(&early, old, waiting))
        {
            return Err(format!("{} was moved from {} to {:?}", old.cid, waiting.queue, new.stage));
        }
    }
    Ok(())
}

/// Whether the conversation was routed anew because its visitor entered again.
fn entered_again(table: &TableState, conversation: &Conversation) -> bool {
    let key = thread_key(conversation);
    let is_event = |message: &Message| message.kind == "event" && message.cid.as_ref() == Some(&conversation.cid);
    table.messages.iter().any(|((thread, _), message)| *thread == key && is_event(message))
}

/// Checks that a tick has nothing left to do.
pub(crate) fn nothing_due(table: &TableState, now: Timestamp) -> Check {
    let due = |due: &Option<String>| due.as_ref().is_some_and(|due| *due <= format!("{:013}", now.as_millisecond()));
    if let Some((key, _)) = table.messages.iter().find(|(_, message)| due(&message.due)) {
        return Err(format!("I8: {key:?} is not processed"));
    }
    let gone = |agent: &Agent| agent.times_out_at() <= now.as_millisecond();
    if let Some((id, agent)) =
        table.agents.iter().find(|(_, agent)| gone(agent) && (agent.load > 0 || agent.status != "offline"))
    {
        return Err(format!("I9: {id} is gone and on duty: {agent:?}"));
    }
    let model = Model::of(table, now);
    for queue in table.lines.keys() {
        // Working hours may begin between two ticks that are less than a minute apart, before the queue is checked again.
        let has_just_opened = || Model::of(table, now - QUEUE_CHECKED_AFTER).next(queue).is_none();
        if let Some((_, cid, agent)) = model.next(queue)
            && !has_just_opened()
        {
            return Err(format!("I6: {agent} is free and {cid} waits in {queue}: {:?}", table.lines[queue]));
        }
    }
    for conversation in table.open.values() {
        if conversation.next_check_at.is_none_or(|at| at <= now) {
            return Err(format!("{} is due again at once: {conversation:?}", conversation.cid));
        }
    }
    for (waiting, conversation) in table.open.values().filter_map(queued) {
        if waiting.until.is_some_and(|until| until <= now) {
            return Err(format!("{} has waited too long in {}", conversation.cid, waiting.queue));
        }
        if !is_staffed(table, &waiting.queue, now) && !stays(&model, conversation, waiting) {
            return Err(format!("waits in an unstaffed queue: {conversation:?}"));
        }
    }
    Ok(())
}

/// Checks that timers that fired have left nothing to do at their items.
pub(crate) fn after_timers(table: &TableState, timers: &[Timer], now: Timestamp) -> Check {
    for timer in timers {
        let (kind, id) = timer.key().partition().split_once('#').unwrap_or_default();
        let is_done = match kind {
            "conversation" => table.open.get(id).is_none_or(|found| found.next_check_at.is_some_and(|at| at > now)),
            "agent" => table.agents.get(id).is_none_or(|agent| {
                agent.times_out_at() > now.as_millisecond() || agent.load == 0 && agent.status == "offline"
            }),
            _ => Model::of(table, now).next(id).is_none(),
        };
        if !is_done {
            return Err(format!("{timer:?} has left something to do"));
        }
    }
    Ok(())
}

/// Checks that what is due before the next tick has a timer.
pub(crate) fn timers_are_set(watch: &Watch, now: Timestamp) -> Check {
    let is_set = |partition: String, at: Timestamp| {
        let mut timers = watch.timers.iter();
        at <= now
            || at.duration_since(now) > TIMED_WITHIN
            || timers.any(|timer| timer.at == at && timer.key().partition() == partition)
    };
    for (cid, conversation) in &watch.table.open {
        if let Some(at) = conversation.next_check_at
            && !is_set(format!("conversation#{cid}"), at)
        {
            return Err(format!("{cid} has no timer at {at}: {conversation:?}"));
        }
    }
    for (id, agent) in &watch.table.agents {
        let due = agent.next_check_at.as_deref().map(|due| due.trim_end_matches('t').parse::<i64>());
        if let Some(Ok(at)) = due
            && !is_set(format!("agent#{id}"), Timestamp::from_millisecond(at).unwrap())
        {
            return Err(format!("{id} has no timer at {at}: {agent:?}"));
        }
    }
    Ok(())
}

/// Checks that every message to a robot is answered.
pub(crate) fn no_turn_is_left(table: &TableState) -> Check {
    let left =
        |conversation: &&Conversation| matches!(&conversation.stage, Stage::Robot(robot) if robot.turn.is_some());
    match table.open.values().find(left) {
        Some(conversation) => Err(format!("a robot's turn is left: {conversation:?}")),
        None => Ok(()),
    }
}

fn queued(conversation: &Conversation) -> Option<(&Waiting, &Conversation)> {
    match &conversation.stage {
        Stage::Queued(waiting) => Some((waiting, conversation)),
        _ => None,
    }
}

/// Whether an agent of the queue is on duty, or silent for less than the grace.
fn is_staffed(table: &OpenState, queue: &str, now: Timestamp) -> bool {
    let is_there = |id: &String| {
        table
            .agents
            .get(id)
            .is_some_and(|agent| agent.status != "offline" && agent.times_out_at() > now.as_millisecond())
    };
    match Queue::named(queue) {
        Some(Queue::Group(id)) => {
            table.is_open(&id, now) == Some(true) && table.groups[&id].members.iter().any(is_there)
        }
        Some(Queue::Agent(id)) => is_there(&id),
        _ => false,
    }
}

/// Whether a conversation would go to its queue again if it arrived now.
fn stays(model: &Model, conversation: &Conversation, waiting: &Waiting) -> bool {
    let plan: Plan = conversation.plan.clone().unwrap();
    let goes = model.route(&RoutingRequest {
        app_id: &conversation.app_id,
        levels: &plan.levels,
        policy: plan.after_hours,
        last_agent: None,
        immediate: false,
        without: None,
        stands_in: Some(&waiting.queue),
    });
    let stood_in = |target: &Target| queue_of(target) == waiting.queue;
    let named = plan.levels.iter().filter_map(|level| level.target.as_ref()).any(stood_in);
    named && goes == RoutedTo::Waits(waiting.queue.clone())
}

/// Checks that an operation's answer was true at some moment while it ran.
pub(crate) fn answer_was_true(
    watch: &Watch,
    operation: &Operation,
    done: Option<&store::Result<Completed>>,
    now: Timestamp,
) -> Check {
    if let (Operation::Heartbeat { agent }, Some(Err(StoreError::Conflict))) = (operation, done) {
        let mut states = watch.agents.get(agent).into_iter().flatten().chain(watch.table.agents.get(agent));
        return match states.find(|agent| agent.status == "offline") {
            Some(_) => Ok(()),
            None => Err(format!("{operation:?} was refused, and the agent was never offline")),
        };
    }
    let (Operation::Claim { cid, agent } | Operation::Accept { cid, agent }) = operation else { return Ok(()) };
    let Some(Ok(Completed::Handoff(answer))) = done else { return Ok(()) };
    let conversation = watch.table.conversation(cid);
    let was: Vec<&Stage> = match watch.holders.get(cid) {
        Some(stages) => stages.iter().collect(),
        None => conversation.iter().map(|conversation| &conversation.stage).collect(),
    };
    let was_of =
        |id: &str| was.iter().any(|stage| matches!(stage, Stage::Assigned(assigned) if assigned.agent_id == id));
    let agents: Vec<&Agent> = match watch.agents.get(agent) {
        Some(states) => states.iter().collect(),
        None => watch.table.agents.get(agent).into_iter().collect(),
    };
    let is_true = match answer {
        Ok(_) => was_of(agent),
        Err(HandoffError::Taken { agent_id, .. }) => agent_id != agent && was_of(agent_id),
        Err(HandoffError::Closed) => was.iter().any(|stage| matches!(stage, Stage::Closed { .. })),
        Err(HandoffError::AgentFull { .. }) => agents.iter().any(|agent| agent.load >= agent.capacity),
        Err(HandoffError::AgentOffline { .. }) => {
            agents.iter().any(|agent| agent.status == "offline" || !agent.is_present(now))
        }
        Err(HandoffError::NotYours) => was.iter().any(|stage| !matches!(stage, Stage::Assigned(_))),
        Err(HandoffError::NoConversation) => conversation.is_none(),
        Err(_) => false,
    };
    if is_true { Ok(()) } else { Err(format!("{operation:?} was answered {answer:?}, which was never true: {was:?}")) }
}
