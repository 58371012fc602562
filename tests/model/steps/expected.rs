//! Compares an operation without faults with the reference.

use conversations::HandoffError;
use store::{Clock, Thread};

use super::{End, Schedule, draw::said};
use crate::{
    after_tick,
    invariants::Check,
    model::{Holder, Model, Session},
    operations::{Completed, Operation},
    support::run::Fault,
    table_state::{Agent, OpenState, TableState},
};

/// The state before an operation.
pub(super) enum Before {
    Tick(OpenState),
    Timers,
    /// Nothing may be written.
    Unchanged,
    Message {
        is_new: bool,
        session: Session,
        model: Model,
    },
    Other(Model),
}

/// Whether the operation has processed an event that routed a conversation anew.
fn routes_anew(table: &TableState, operation: &Operation) -> bool {
    let Operation::Receive(message) = operation else { return false };
    let key = (thread_pk(&message.thread), format!("message#{}", message.id));
    message.kind == "event" && table.messages.get(&key).is_some_and(|message| message.cid.is_some())
}

impl Schedule {
    /// The state before an operation, as far as the expected result depends on it.
    pub(super) fn before(&mut self, operation: &Operation) -> Before {
        let now = self.world.clock.now();
        let mut watch = self.world.watch();
        watch.step();
        let table = &watch.table;
        match operation {
            Operation::Tick => Before::Tick(table.present.clone()),
            Operation::TickAtDeadline => Before::Unchanged,
            Operation::Timers(_) => Before::Timers,
            Operation::Receive(message) => {
                let key = (thread_pk(&message.thread), format!("message#{}", message.id));
                let session = table.visitors.get(&key.0).and_then(|visitor| visitor.session_from.as_ref());
                let session = session.and_then(|text| self.world.sessions.get(text)).cloned().unwrap_or_default();
                let is_new = table.messages[&key].due.is_some();
                Before::Message { is_new, session, model: Model::of(table, now) }
            }
            _ => Before::Other(Model::of(table, now)),
        }
    }

    pub(super) fn as_expected(&self, before: Before, end: &End) -> Check {
        let now = self.world.clock.now();
        let mut watch = self.world.watch();
        watch.count_event("checked against the reference");
        let (model, expected) = match (before, &end.done) {
            (Before::Tick(before), Some(Ok(Completed::Tick(0)))) => {
                return after_tick::after_tick(&before, &watch.table, now);
            }
            (Before::Timers, Some(Ok(Completed::Tick(0)))) => {
                let Operation::Timers(timers) = &end.operation else { return Ok(()) };
                return after_tick::after_timers(&watch.table, timers, now);
            }
            (Before::Unchanged, Some(Ok(_))) => {
                let written = &watch.written;
                return if written.is_empty() { Ok(()) } else { Err(format!("written at the deadline: {written:?}")) };
            }
            (Before::Message { is_new: false, .. }, Some(Ok(_))) => {
                // A decision that is not written may have marked a queue for the tick.
                return match watch.written.iter().find(|key| !key.0.starts_with("watch#")) {
                    Some(key) => Err(format!("I8: processing a processed message changed {key:?}")),
                    None => Ok(()),
                };
            }
            (Before::Message { session, mut model, .. }, Some(Ok(_))) => {
                // The reference does not know where a visitor is routed who enters again; the invariants hold all the same.
                if routes_anew(&watch.table, &end.operation) {
                    return Ok(());
                }
                if let Operation::Receive(message) = &end.operation
                    && message.kind != "event"
                    && !is_ignored(&watch.table, &thread_pk(&message.thread), &message.id)
                {
                    let reception = &self.world.receptions[&message.thread.app_id];
                    model.message(&message.thread, &message.id, said(message), reception, &session);
                }
                (model, Ok(()))
            }
            (Before::Other(mut model), Some(Ok(_))) => {
                let expected = self.expected(&mut model, &watch.table, &end.operation);
                (model, expected)
            }
            (_, other) => return Err(format!("an operation without faults ended as {other:?}")),
        };
        let done = match &end.done {
            Some(Ok(Completed::Handoff(Err(HandoffError::GroupUnavailable(_))))) => {
                Err(HandoffError::GroupUnavailable(String::new()))
            }
            Some(Ok(Completed::Handoff(Err(failure)))) => Err(failure.clone()),
            _ => Ok(()),
        };
        if expected != done {
            return Err(format!("returned {done:?}, expected {expected:?}"));
        }
        same(&model, &Model::of(&watch.table, now))
    }

    fn expected(&self, model: &mut Model, table: &TableState, operation: &Operation) -> Result<(), HandoffError> {
        let now = self.world.clock.now();
        match operation {
            Operation::Claim { cid, agent } => return model.claim(cid, agent),
            Operation::Accept { cid, agent } => return model.accept(cid, agent),
            Operation::Transfer { cid, to, by } => {
                let app = &table.conversation(cid).unwrap().app_id;
                return model.transfer(cid, to, by.as_deref(), &self.world.receptions[app]);
            }
            Operation::Close { cid, by } => return model.close(cid, by.as_deref()),
            Operation::Status { agent, status } => model.set_status(agent, *status),
            Operation::Heartbeat { agent } => {
                model.agents.get_mut(agent).unwrap().present_until = now.as_millisecond() + 90_000;
            }
            Operation::Capacity { agent, capacity } => model.set_capacity(agent, *capacity),
            Operation::Group { id, settings } => {
                let calendar = settings.calendar_id.as_ref().and_then(|id| self.world.calendars.get(id));
                let works = calendar.is_none_or(|calendar| calendar.is_open(now));
                model.set_group(id, (**settings).clone(), works);
            }
            Operation::Receive(_)
            | Operation::Turn { .. }
            | Operation::Tick
            | Operation::TickAtDeadline
            | Operation::Timers(_) => {}
        }
        Ok(())
    }
}

/// Whether the operation completed and met no fault that may change its result.
pub(super) fn is_undisturbed(end: &End) -> bool {
    match (&end.done, end.fault) {
        // The reference has no robots' answers; what they lead to is checked by the invariants.
        _ if matches!(end.operation, Operation::Turn { .. }) => false,
        // By an earlier state of the agents another decision may be right. What it leads to is checked by the invariants.
        _ if end.read_stale => false,
        // A decision is made again after a transaction conflict. Other writes may fail.
        (None, _)
        | (_, Some(Fault::LostAnswers | Fault::ThrottledThroughout))
        | (Some(Err(_)), Some(Fault::Contended)) => false,
        // After a conflict at an agent the next attempt may choose another agent than the best.
        (_, Some(Fault::Contended)) => {
            !end.agent_taken
                && !matches!(end.operation, Operation::Tick | Operation::Timers(_) | Operation::Group { .. })
        }
        _ => true,
    }
}

fn same(expected: &Model, found: &Model) -> Check {
    let agents = |model: &Model| {
        let agent = |(id, agent): (&String, &Agent)| {
            (id.clone(), agent.status.clone(), agent.present_until, agent.load, agent.capacity, agent.last_assigned_at)
        };
        model.agents.iter().map(agent).collect::<Vec<_>>()
    };
    if expected.holders != found.holders {
        let differs = |cid: &&String| expected.holders.get(*cid) != found.holders.get(*cid);
        let of = |model: &Model, cid: &String| model.holders.get(cid).cloned();
        let all = expected.holders.keys().chain(found.holders.keys()).filter(differs);
        let all: Vec<(&String, Option<Holder>, Option<Holder>)> =
            all.map(|cid| (cid, of(found, cid), of(expected, cid))).collect();
        return Err(format!("(conversation, holder, expected holder): {all:?}"));
    }
    if expected.lines != found.lines {
        return Err(format!("the queues are {:?}, expected {:?}", found.lines, expected.lines));
    }
    if expected.handed_on != found.handed_on {
        return Err(format!("senders are {:?}, expected {:?}", found.handed_on, expected.handed_on));
    }
    if agents(expected) != agents(found) {
        return Err(format!("the agents are {:?}, expected {:?}", found.agents, expected.agents));
    }
    Ok(())
}

/// Whether nothing follows from a message; the invariants say when that is right.
fn is_ignored(table: &TableState, thread: &str, id: &str) -> bool {
    table.messages[&(thread.to_owned(), format!("message#{id}"))].ignored
}

fn thread_pk(thread: &Thread) -> String {
    format!("thread#{}#{}", thread.app_id, thread.openid)
}
