//! Runs operations concurrently: one while another is paused, or several whose requests interleave.

use futures_util::future::join_all;
use store::Clock;

use super::{End, Schedule, draw::Step, end, end_of};
use crate::{
    after_tick,
    invariants::Check,
    operations::Operation,
    support::run::{Faults, Run},
};

impl Schedule {
    /// Pauses one operation between two of its requests and runs another meanwhile. Often the paused one is a tick that
    /// reassigns the conversations of a silent agent.
    pub(super) async fn interleaved(&mut self) -> Check {
        if self.world.random.percent(30) {
            let by = self.world.random.between(180, 280);
            self.advance(i64::from(by)).await?;
        }
        self.world.watch().step();
        let others = [
            (30, Step::Message),
            (5, Step::Redelivery),
            (20, Step::Agent),
            (10, Step::Heartbeat),
            (35, Step::Conversation),
            (10, Step::Turn),
            (5, Step::Settings),
        ];
        let first = self.world.random.weighted(&[
            (50, Step::Tick),
            (20, Step::Timers),
            (50, Step::Conversation),
            (20, Step::Turn),
            (30, Step::Message),
            (20, Step::Agent),
        ]);
        let other = self.world.random.weighted(&others);
        let (Some(first), Some(other)) = (self.draw(first).await, self.draw(other).await) else { return Ok(()) };
        let stale_reads = self.world.random.percent(20);
        let faults = Faults { pauses_after: Some(self.world.random.below(25)), stale_reads, ..Faults::NONE };
        let now = self.world.clock.now();
        self.note(format!("{now} {first:?} {faults:?}"));
        self.note(format!("    and meanwhile {other:?}"));
        let desk = self.world.desk.clone();
        let run = Run::new(faults);
        let carry_out = async |operation: &Operation| operation.run(&desk).await;
        let ends = tokio::join!(
            async {
                let end = end_of(first, run.clone(), carry_out).await;
                run.is_over();
                end
            },
            run.meanwhile(end(other, Faults::NONE, carry_out)),
        );
        self.check_ends(&[ends.0, ends.1], "one between")
    }

    /// Runs two to four operations concurrently, each with its own faults.
    pub(super) async fn concurrently(&mut self) -> Check {
        self.world.watch().step();
        let mut operations = Vec::new();
        let mut groups = 0;
        for _ in 0..self.world.random.between(2, 4) {
            let kind = self.world.random.weighted(&[
                (30, Step::Message),
                (5, Step::Redelivery),
                (20, Step::Agent),
                (10, Step::Heartbeat),
                (35, Step::Conversation),
                (20, Step::Turn),
                (5, Step::Settings),
                (15, Step::Tick),
                (10, Step::Timers),
            ]);
            let Some(operation) = self.draw(kind).await else { continue };
            // Of two concurrent changes of one group the second is refused by its version.
            groups += u32::from(matches!(operation, Operation::Group { .. }));
            if groups < 2 || !matches!(operation, Operation::Group { .. }) {
                operations.push(operation);
            }
        }
        if let (true, Some(first)) = (self.world.random.percent(25), operations.first().cloned()) {
            operations.push(first);
        }
        let mut prepared = Vec::new();
        for operation in operations {
            let faults = Faults::of(&mut self.world.random, 15, 10);
            self.note(format!("{} at once {operation:?} {faults:?}", self.world.clock.now()));
            prepared.push((operation, faults));
        }
        self.world.database.take_turns(true);
        let desk = self.world.desk.clone();
        let running = prepared
            .into_iter()
            .map(|(operation, faults)| end(operation, faults, async |operation| operation.run(&desk).await));
        let ends = join_all(running).await;
        self.world.database.take_turns(false);
        self.check_ends(&ends, "several at once")
    }

    /// Checks that each answer was true at some moment of the step.
    fn check_ends(&mut self, ends: &[End], what: &'static str) -> Check {
        for end in ends {
            self.count(end);
        }
        self.check_invariants()?;
        let mut watch = self.world.watch();
        watch.count_event(what);
        ends.iter().try_for_each(|end| {
            after_tick::answer_was_true(&watch, &end.operation, end.done.as_ref(), self.world.clock.now())
        })
    }
}
