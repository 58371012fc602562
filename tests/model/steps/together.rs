//! What is done at once: one operation while another stands still, or several that take turns.

use futures_util::future::join_all;
use store::Clock;

use super::{End, Schedule, end, end_of, lot::Step};
use crate::{
    laws::Law,
    operations::Operation,
    rest,
    support::life::{Fate, Life},
};

impl Schedule {
    /// One stands still between two of its requests, and another is done meanwhile. Often it is the tick that finds
    /// somebody gone.
    pub(super) async fn between(&mut self) -> Law {
        if self.world.random.percent(30) {
            let by = self.world.random.between(180, 280);
            self.pass(i64::from(by)).await?;
        }
        self.world.watch().step();
        let others =
            [(30, Step::Message), (5, Step::Again), (20, Step::Agent), (35, Step::Conversation), (5, Step::Settings)];
        let first = self.world.random.weighted(&[
            (50, Step::Minute),
            (50, Step::Conversation),
            (30, Step::Message),
            (20, Step::Agent),
        ]);
        let other = self.world.random.weighted(&others);
        let (Some(first), Some(other)) = (self.draw(first).await, self.draw(other).await) else { return Ok(()) };
        let fate = Fate { pauses_after: Some(self.world.random.below(25)), ..Fate::NONE };
        let now = self.world.clock.now();
        self.note(format!("{now} {first:?} {fate:?}"));
        self.note(format!("    and meanwhile {other:?}"));
        let desk = self.world.desk.clone();
        let life = Life::new(fate);
        let carry_out = async |operation: &Operation| operation.carry_out(&desk).await;
        let ends = tokio::join!(
            async {
                let end = end_of(first, life.clone(), carry_out).await;
                life.is_over();
                end
            },
            life.meanwhile(end(other, Fate::NONE, carry_out)),
        );
        self.true_ends(&[ends.0, ends.1], "one between")
    }

    /// Two to four at once, each with its own fate.
    pub(super) async fn at_once(&mut self) -> Law {
        self.world.watch().step();
        let mut operations = Vec::new();
        let mut groups = 0;
        for _ in 0..self.world.random.between(2, 4) {
            let kind = self.world.random.weighted(&[
                (30, Step::Message),
                (5, Step::Again),
                (20, Step::Agent),
                (35, Step::Conversation),
                (5, Step::Settings),
                (15, Step::Minute),
            ]);
            let Some(operation) = self.draw(kind).await else { continue };
            // Two admins who change one group at once are refused by its version.
            groups += u32::from(matches!(operation, Operation::Group { .. }));
            if groups < 2 || !matches!(operation, Operation::Group { .. }) {
                operations.push(operation);
            }
        }
        if let (true, Some(first)) = (self.world.random.percent(25), operations.first().cloned()) {
            operations.push(first);
        }
        let mut fated = Vec::new();
        for operation in operations {
            let fate = Fate::of(&mut self.world.random, 15, 10);
            self.note(format!("{} at once {operation:?} {fate:?}", self.world.clock.now()));
            fated.push((operation, fate));
        }
        self.world.database.take_turns(true);
        let desk = self.world.desk.clone();
        let running = fated
            .into_iter()
            .map(|(operation, fate)| end(operation, fate, async |operation| operation.carry_out(&desk).await));
        let ends = join_all(running).await;
        self.world.database.take_turns(false);
        self.true_ends(&ends, "several at once")
    }

    /// Whatever happened at once, what was answered was true at some moment.
    fn true_ends(&mut self, ends: &[End], what: &'static str) -> Law {
        for end in ends {
            self.count(end);
        }
        self.unbroken()?;
        let mut watch = self.world.watch();
        watch.saw(what);
        ends.iter().try_for_each(|end| {
            rest::answer_was_true(&watch, &end.operation, end.done.as_ref(), self.world.clock.now())
        })
    }
}
