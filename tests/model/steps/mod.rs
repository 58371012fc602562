//! A random schedule, step by step: what happens next, what is to become of it, and whether it came as it must.
//!
//! | Module | What |
//! |---|---|
//! | `lot` | what is drawn by lot |
//! | `together` | what is done at once |
//! | `expected` | what must have come of an operation that nothing disturbed |

mod expected;
mod lot;
mod together;

use std::{collections::VecDeque, sync::Arc};

use conversations::HandoffError;
use jiff::SignedDuration;
use store::{Clock, InboundRef};

use self::{expected::is_undisturbed, lot::Step};
use crate::{
    book::{Book, thread_key},
    laws::{self, Law},
    operations::{Done, Operation},
    rest,
    support::life::{Fate, Fault, Life, live},
    world::World,
};

/// An operation's end.
struct End {
    operation: Operation,
    done: Option<store::Result<Done>>,
    fault: Option<Fault>,
}

/// A world and what has happened in it.
pub(crate) struct Schedule {
    pub(crate) world: World,
    /// What has happened, the last of it.
    pub(crate) log: VecDeque<String>,
    /// How much has happened.
    pub(crate) steps: u64,
    processed: Vec<InboundRef>,
    numbered: u64,
}

impl Schedule {
    pub(crate) async fn new(seed: u64) -> Self {
        Self {
            world: Box::pin(World::new(seed)).await,
            log: VecDeque::new(),
            steps: 0,
            processed: Vec::new(),
            numbered: 0,
        }
    }

    /// Takes a step.
    pub(crate) async fn step(&mut self) -> Law {
        let step = self.world.random.weighted(&[
            (24, Step::Message),
            (4, Step::Enter),
            (3, Step::Again),
            (16, Step::Agent),
            (22, Step::Conversation),
            (4, Step::Settings),
            (4, Step::Bench),
            (9, Step::Pass),
            (6, Step::Minute),
            (2, Step::Silence),
            (1, Step::Hours),
            (7, Step::AtOnce),
            (6, Step::Between),
        ]);
        match step {
            Step::Bench => {
                self.bench();
                Ok(())
            }
            Step::Pass => {
                let by = self.world.random.between(1, 25);
                self.pass(i64::from(by)).await
            }
            Step::Minute => self.minute().await,
            Step::Silence => {
                // Long enough for some to be gone for longer than the grace, with a tick or without.
                let by = self.world.random.between(60, 400);
                self.pass(i64::from(by)).await?;
                if self.world.random.percent(50) { self.minute().await } else { Ok(()) }
            }
            Step::Hours => self.hours().await,
            Step::AtOnce => self.at_once().await,
            Step::Between => self.between().await,
            alone => {
                let Some(operation) = self.draw(alone).await else { return Ok(()) };
                let fate = Fate::of(&mut self.world.random, 15, 10);
                self.alone(operation, fate).await
            }
        }
    }

    /// Nothing more happens but the clock: everything comes to rest.
    pub(crate) async fn rest(&mut self) -> Law {
        for _ in 0..12 {
            self.pass(60).await?;
            self.alone(Operation::Tick, Fate::NONE).await?;
        }
        let now = self.world.clock.now();
        let watch = self.world.watch();
        rest::at_rest(&watch.book, now)?;
        laws::whole(&watch.book, &self.world.priorities)?;
        drop(watch);
        self.compare()
    }

    /// The book that was kept write by write is what lies in the table.
    pub(crate) fn compare(&self) -> Law {
        let table = Book::of(self.world.database.everything());
        if table != self.world.watch().book {
            return Err("the table is not what its writes have made it".to_owned());
        }
        Ok(())
    }

    /// One operation alone, and what came of it.
    async fn alone(&mut self, operation: Operation, fate: Fate) -> Law {
        let now = self.world.clock.now();
        let before = self.before(&operation);
        self.note(format!("{now} {operation:?} {fate:?}"));
        let desk = self.world.desk.clone();
        let end = end(operation, fate, async |operation| operation.carry_out(&desk).await).await;
        self.count(&end);
        self.unbroken()?;
        if is_undisturbed(&end) {
            self.as_expected(before, &end)?;
        }
        Ok(())
    }

    fn count(&mut self, end: &End) {
        if let Operation::Receive(message) = &end.operation {
            self.processed.push(message.clone());
        }
        let mut watch = self.world.watch();
        match (&end.done, end.fault) {
            (None, _) => watch.saw("killed"),
            (_, Some(Fault::LostAnswer | Fault::LostAnswers)) => watch.saw("answer lost"),
            (_, Some(Fault::Throttled)) => watch.saw("throttled"),
            (_, Some(Fault::Contended | Fault::AlwaysContended)) => watch.saw("contended"),
            (_, None) => {}
        }
        if let Some(Ok(Done::Handed(Err(failure)))) = &end.done {
            watch.saw(match failure {
                HandoffError::Taken { .. } => "refused: taken",
                HandoffError::AgentFull => "refused: full",
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

    fn unbroken(&self) -> Law {
        self.world.watch().broken.take().map_or(Ok(()), Err)
    }

    /// The minute passes and the tick comes.
    async fn minute(&mut self) -> Law {
        self.pass(60).await?;
        let fate = Fate::of(&mut self.world.random, 15, 10);
        self.alone(Operation::Tick, fate).await
    }

    /// Working hours begin or end somewhere.
    async fn hours(&mut self) -> Law {
        let now = self.world.clock.now();
        let calendars: Vec<_> = self.world.calendars.values().cloned().collect();
        let change = self.world.random.pick(&calendars).and_then(|calendar| calendar.next_change(now));
        self.world.watch().saw("hours changed");
        let by = change.map_or(0, |change| change.duration_since(now).as_secs());
        self.pass(by).await?;
        self.alone(Operation::Tick, Fate::NONE).await
    }

    /// Time passes, and the workbenches that are there say so.
    async fn pass(&mut self, seconds: i64) -> Law {
        self.steps += 1;
        self.world.clock.advance(SignedDuration::from_secs(seconds));
        if seconds >= 30 {
            for agent in self.world.benches.clone() {
                let offline = self.world.watch().book.agents[&agent].status == "offline";
                if !offline {
                    self.alone(Operation::Heartbeat { agent }, Fate::NONE).await?;
                }
            }
        }
        Ok(())
    }

    /// A workbench is closed without a word, or there again.
    fn bench(&mut self) {
        self.steps += 1;
        let agent = self.world.random.pick(&self.world.agents).unwrap().clone();
        if !self.world.benches.remove(&agent) {
            self.world.benches.insert(agent);
        }
    }
}

/// Carries an operation out until it ends or is ended.
async fn end<F>(operation: Operation, fate: Fate, carry_out: F) -> End
where
    F: AsyncFnOnce(&Operation) -> store::Result<Done>,
{
    end_of(operation, Life::new(fate), carry_out).await
}

async fn end_of<F>(operation: Operation, life: Arc<Life>, carry_out: F) -> End
where
    F: AsyncFnOnce(&Operation) -> store::Result<Done>,
{
    let done = live(life.clone(), Box::pin(carry_out(&operation))).await;
    End { done, fault: life.fault(), operation }
}

fn short(done: &Done) -> String {
    match done {
        Done::Handed(Ok(conversation)) => format!("{} {:?}", thread_key(conversation), conversation.stage),
        other => format!("{other:?}"),
    }
}
