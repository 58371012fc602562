//! A random schedule: draws the next step, runs it, and compares the result with the reference.
//!
//! | Module | Content |
//! |---|---|
//! | `draw` | draws operations |
//! | `concurrent` | runs several operations concurrently |
//! | `expected` | compares an operation without faults with the reference |

mod concurrent;
mod draw;
mod expected;

use std::{collections::VecDeque, sync::Arc};

use conversations::{HandoffError, SETTINGS_LIFE};
use jiff::{SignedDuration, Timestamp};
use store::{Clock, InboundRef};

use self::{draw::Step, expected::is_undisturbed};
use crate::{
    after_tick,
    invariants::{self, Check},
    operations::{Completed, Operation, upcoming_timers},
    support::run::{Fault, Faults, Run, live},
    table_state::{TableState, thread_key},
    world::World,
};

/// A completed operation.
struct End {
    operation: Operation,
    done: Option<store::Result<Completed>>,
    fault: Option<Fault>,
    /// Whether it has read an earlier state of an agent.
    read_stale: bool,
    /// Whether the fault was a conflict at an agent.
    agent_taken: bool,
}

/// A world and the steps taken in it.
pub(crate) struct Schedule {
    pub(crate) world: World,
    /// The last steps, for the message of a failure.
    pub(crate) log: VecDeque<String>,
    /// The number of steps.
    pub(crate) steps: u64,
    processed: Vec<InboundRef>,
    numbered: u64,
    /// Until when the desk may decide by an earlier state of a group.
    settings_are_stale_until: Timestamp,
}

impl Schedule {
    pub(crate) async fn new(seed: u64) -> Self {
        Self {
            world: Box::pin(World::new(seed)).await,
            log: VecDeque::new(),
            steps: 0,
            processed: Vec::new(),
            numbered: 0,
            settings_are_stale_until: Timestamp::MIN,
        }
    }

    /// Draws and runs a step.
    pub(crate) async fn step(&mut self) -> Check {
        let step = self.world.random.weighted(&[
            (24, Step::Message),
            (4, Step::Enter),
            (3, Step::Redelivery),
            (16, Step::Agent),
            (22, Step::Conversation),
            (10, Step::Turn),
            (4, Step::Settings),
            (4, Step::Workbench),
            (9, Step::AdvanceClock),
            (6, Step::Tick),
            (6, Step::Timers),
            (2, Step::LongPause),
            (1, Step::WorkingHours),
            (7, Step::Concurrent),
            (6, Step::Interleaved),
        ]);
        match step {
            Step::Workbench => {
                self.toggle_workbench();
                Ok(())
            }
            Step::AdvanceClock => {
                let by = self.world.random.between(1, 25);
                self.advance(i64::from(by)).await
            }
            Step::Tick => self.tick().await,
            Step::Timers => self.fire_timers().await,
            Step::LongPause => {
                // Long enough for some agents to be silent for longer than the grace.
                let by = self.world.random.between(60, 400);
                self.advance(i64::from(by)).await?;
                if self.world.random.percent(50) { self.tick().await } else { Ok(()) }
            }
            Step::WorkingHours => self.change_working_hours().await,
            Step::Concurrent => self.concurrently().await,
            Step::Interleaved => Box::pin(self.interleaved()).await,
            alone => {
                let Some(operation) = self.draw(alone).await else { return Ok(()) };
                let faults = Faults::of(&mut self.world.random, 15, 10);
                let is_group = matches!(operation, Operation::Group { .. });
                self.run_alone(operation, faults).await?;
                if is_group && self.world.random.percent(60) { self.advance(10).await } else { Ok(()) }
            }
        }
    }

    /// Only the clock advances, until nothing is due any more.
    pub(crate) async fn settle(&mut self) -> Check {
        for _ in 0..12 {
            self.advance(60).await?;
            self.run_alone(Operation::Tick, Faults::NONE).await?;
            while let Some(cid) = self.next_turn() {
                self.run_alone(Operation::Turn { cid }, Faults::NONE).await?;
            }
        }
        let now = self.world.clock.now();
        let watch = self.world.watch();
        after_tick::nothing_due(&watch.table, now)?;
        after_tick::no_turn_is_left(&watch.table)?;
        invariants::whole(&watch.table, &self.world.priorities)?;
        drop(watch);
        self.compare()
    }

    fn next_turn(&mut self) -> Option<String> {
        self.world.watch().turns.pop()
    }

    /// Compares the state that was updated write by write with the table.
    pub(crate) fn compare(&self) -> Check {
        let table = TableState::of(self.world.database.everything());
        if table != self.world.watch().table {
            return Err("the table differs from the state that its writes gave".to_owned());
        }
        Ok(())
    }

    /// Runs one operation alone and checks it.
    async fn run_alone(&mut self, operation: Operation, faults: Faults) -> Check {
        let now = self.world.clock.now();
        let before = self.before(&operation);
        self.note(format!("{now} {operation:?} {faults:?}"));
        let desk = self.world.desk.clone();
        let end = end(operation, faults, async |operation| operation.run(&desk).await).await;
        self.count(&end);
        self.check_invariants()?;
        if let (true, None, Some(Err(error))) = (end.read_stale, end.fault, &end.done) {
            return Err(format!("failed by an earlier state of an agent: {error:?}"));
        }
        if is_undisturbed(&end) && !self.may_follow_earlier_settings(&end.operation) {
            self.as_expected(before, &end)?;
        }
        Ok(())
    }

    /// Whether an operation routes messages by settings that may have changed. The reference has only the current ones.
    fn may_follow_earlier_settings(&self, operation: &Operation) -> bool {
        matches!(operation, Operation::Receive(_) | Operation::Tick | Operation::Timers(_))
            && self.world.clock.now() < self.settings_are_stale_until
    }

    fn count(&mut self, end: &End) {
        if let Operation::Receive(message) = &end.operation {
            self.processed.push(message.clone());
        }
        if let Operation::Group { .. } = &end.operation {
            self.settings_are_stale_until = self.world.clock.now() + SETTINGS_LIFE;
        }
        let mut watch = self.world.watch();
        if end.read_stale {
            watch.count_event("stale agents");
        }
        if let Operation::Turn { cid } = &end.operation {
            watch.count_event("robot's turn");
            if !matches!(end.done, Some(Ok(_))) {
                // The queue delivers it again.
                watch.turns.push(cid.clone());
            }
        }
        match (&end.done, end.fault) {
            (None, _) => watch.count_event("killed"),
            (_, Some(Fault::LostAnswer | Fault::LostAnswers)) => watch.count_event("answer lost"),
            (
                _,
                Some(
                    Fault::Throttled
                    | Fault::ThrottledThroughout
                    | Fault::TransactionThrottled
                    | Fault::TransactionInProgress,
                ),
            ) => {
                watch.count_event("throttled");
            }
            (_, Some(Fault::Contended | Fault::AlwaysContended)) => watch.count_event("contended"),
            (_, Some(Fault::Frozen)) => watch.count_event("frozen"),
            (_, None) => {}
        }
        if let Some(Ok(Completed::Handoff(Err(failure)))) = &end.done {
            watch.count_event(match failure {
                HandoffError::Taken { .. } => "refused: taken",
                HandoffError::AgentFull { .. } => "refused: full",
                _ => "refused",
            });
        }
        drop(watch);
        self.steps += 1;
        self.note(format!("    {:?}", end.done.as_ref().map(|done| done.as_ref().map(short))));
    }

    fn note(&mut self, what: String) {
        if self.log.len() > 60 {
            self.log.pop_front();
        }
        self.log.push_back(what);
    }

    fn check_invariants(&self) -> Check {
        self.world.watch().broken.take().map_or(Ok(()), Err)
    }

    /// Advances the clock by a minute and runs the tick.
    async fn tick(&mut self) -> Check {
        self.advance(60).await?;
        let faults = Faults::of(&mut self.world.random, 15, 10);
        let operation = if self.world.random.percent(10) { Operation::TickAtDeadline } else { Operation::Tick };
        self.run_alone(operation, faults).await?;
        let timers = upcoming_timers(&self.world.desk).await.unwrap();
        let mut watch = self.world.watch();
        watch.timers.extend(timers);
        after_tick::timers_are_set(&watch, self.world.clock.now())
    }

    /// Advances the clock to the next timer and fires those whose time has come.
    async fn fire_timers(&mut self) -> Check {
        let next = self.world.watch().timers.iter().map(|timer| timer.at).min();
        let wait = next.map_or(0, |at| at.duration_since(self.world.clock.now()).as_secs());
        self.advance(wait.max(0)).await?;
        let Some(operation) = self.draw(Step::Timers).await else { return Ok(()) };
        self.world.watch().count_event("timers");
        let faults = Faults::of(&mut self.world.random, 15, 10);
        self.run_alone(operation, faults).await
    }

    /// Advances the clock to the next beginning or end of working hours of a calendar.
    async fn change_working_hours(&mut self) -> Check {
        let now = self.world.clock.now();
        let calendars: Vec<_> = self.world.calendars.values().cloned().collect();
        let change = self.world.random.pick(&calendars).and_then(|calendar| calendar.next_change(now));
        self.world.watch().count_event("hours changed");
        let by = change.map_or(0, |change| change.duration_since(now).as_secs());
        self.advance(by).await?;
        self.run_alone(Operation::Tick, Faults::NONE).await
    }

    /// Advances the clock. The open workbenches send heartbeats.
    async fn advance(&mut self, seconds: i64) -> Check {
        self.steps += 1;
        self.world.clock.advance(SignedDuration::from_secs(seconds));
        if seconds >= 30 {
            for agent in self.world.workbenches.clone() {
                let offline = self.world.watch().table.agents[&agent].status == "offline";
                if !offline {
                    self.run_alone(Operation::Heartbeat { agent }, Faults::NONE).await?;
                }
            }
        }
        Ok(())
    }

    /// Closes the workbench of an agent without a status change, or opens it again.
    fn toggle_workbench(&mut self) {
        self.steps += 1;
        let agent = self.world.random.pick(&self.world.agents).unwrap().clone();
        if !self.world.workbenches.remove(&agent) {
            self.world.workbenches.insert(agent);
        }
    }
}

/// Runs an operation until it completes or is stopped.
async fn end<F>(operation: Operation, faults: Faults, carry_out: F) -> End
where
    F: AsyncFnOnce(&Operation) -> store::Result<Completed>,
{
    end_of(operation, Run::new(faults), carry_out).await
}

async fn end_of<F>(operation: Operation, run: Arc<Run>, carry_out: F) -> End
where
    F: AsyncFnOnce(&Operation) -> store::Result<Completed>,
{
    let done = live(run.clone(), Box::pin(carry_out(&operation))).await;
    End { done, fault: run.fault(), read_stale: run.has_read_stale(), agent_taken: run.agent_was_taken(), operation }
}

fn short(done: &Completed) -> String {
    match done {
        Completed::Handoff(Ok(conversation)) => format!("{} {:?}", thread_key(conversation), conversation.stage),
        other => format!("{other:?}"),
    }
}
