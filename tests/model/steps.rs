//! A random schedule, step by step: what happens next, what is to become of it, and whether it came as it must.

use std::{collections::VecDeque, sync::Arc};

use desk::staff::Group;
use dispatch::{HandFailure, To};
use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::{Clock, Conversation, InboundRef, NewInbound, Stage, Thread};

use crate::{
    book::{Book, Present, thread_key},
    laws::{self, Law},
    model::{Holder, Model, Said, Session},
    operations::{Done, Operation},
    rest,
    support::life::{Fate, Fault, Life, live},
    world::{World, draw_group},
};

const TEXTS: [(u32, &str, Said); 3] =
    [(85, "你好", Said::Something), (10, "转人工", Said::AskForPerson), (5, "结束会话", Said::Farewell)];

/// What a step does.
#[derive(Clone, Copy)]
enum Step {
    Message,
    Enter,
    Again,
    Agent,
    Conversation,
    Settings,
    Bench,
    Pass,
    Minute,
    Silence,
    Hours,
    AtOnce,
    Between,
}

/// How it was before an operation.
enum Before {
    Tick(Present),
    Message { is_new: bool, session: Session, model: Model },
    Other(Model),
}

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
        Self { world: World::new(seed).await, log: VecDeque::new(), steps: 0, processed: Vec::new(), numbered: 0 }
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
            Step::Bench => self.bench(),
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
        match table == self.world.watch().book {
            true => Ok(()),
            false => Err("the table is not what its writes have made it".to_owned()),
        }
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

    /// How it was before an operation, as far as what it must come to follows from it.
    fn before(&mut self, operation: &Operation) -> Before {
        let now = self.world.clock.now();
        let mut watch = self.world.watch();
        watch.step();
        let book = &watch.book;
        match operation {
            Operation::Tick => Before::Tick(book.present.clone()),
            Operation::Receive(message) => {
                let key = (thread_pk(&message.thread), format!("message#{}", message.id));
                let session = book.visitors.get(&key.0).and_then(|visitor| visitor.session_from.as_ref());
                let session = session.and_then(|text| self.world.sessions.get(text)).cloned().unwrap_or_default();
                let is_new = book.messages[&key].due.is_some();
                Before::Message { is_new, session, model: Model::of(book, now) }
            }
            _ => Before::Other(Model::of(book, now)),
        }
    }

    fn as_expected(&self, before: Before, end: &End) -> Law {
        let now = self.world.clock.now();
        let mut watch = self.world.watch();
        watch.saw("checked against the reference");
        let (model, expected) = match (before, &end.done) {
            (Before::Tick(before), Some(Ok(Done::Ticked(0)))) => return rest::after_tick(&before, &watch.book, now),
            (Before::Message { is_new: false, .. }, Some(Ok(_))) => {
                // A decision that comes to nothing may have noted that somebody is about to wait.
                return match watch.written.iter().find(|key| !key.0.starts_with("watch#")) {
                    Some(key) => Err(format!("I8: a message that was processed before has changed {key:?}")),
                    None => Ok(()),
                };
            }
            (Before::Message { session, mut model, .. }, Some(Ok(_))) => {
                if let Operation::Receive(message) = &end.operation
                    && message.kind != "event"
                {
                    let reception = &self.world.receptions[&message.thread.app_id];
                    model.message(&message.thread, &message.id, said(message), reception, &session);
                }
                (model, Ok(()))
            }
            (Before::Other(mut model), Some(Ok(_))) => {
                let expected = self.expected(&mut model, &watch.book, &end.operation);
                (model, expected)
            }
            (_, other) => return Err(format!("what nothing disturbs ends as {other:?}")),
        };
        let done = match &end.done {
            Some(Ok(Done::Handed(Err(HandFailure::GroupUnavailable(_))))) => {
                Err(HandFailure::GroupUnavailable(String::new()))
            }
            Some(Ok(Done::Handed(Err(failure)))) => Err(failure.clone()),
            _ => Ok(()),
        };
        if expected != done {
            return Err(format!("came to {done:?}, expected {expected:?}"));
        }
        same(&model, &Model::of(&watch.book, now))
    }

    fn expected(&self, model: &mut Model, book: &Book, operation: &Operation) -> Result<(), HandFailure> {
        let now = self.world.clock.now();
        match operation {
            Operation::Claim { cid, agent } => return model.claim(cid, agent),
            Operation::Accept { cid, agent } => return model.accept(cid, agent),
            Operation::Transfer { cid, to, by } => {
                let app = &book.conversation(cid).unwrap().app_id;
                return model.transfer(cid, to, by.as_deref(), &self.world.receptions[app]);
            }
            Operation::Close { cid } => model.close(cid),
            Operation::Status { agent, status } => model.set_status(agent, status),
            Operation::Heartbeat { agent } => {
                model.agents.get_mut(agent).unwrap().present_until = now.as_millisecond() + 90_000;
            }
            Operation::Capacity { agent, capacity } => model.set_capacity(agent, *capacity),
            Operation::Group { id, settings } => {
                let calendar = settings.calendar_id.as_ref().and_then(|id| self.world.calendars.get(id));
                let works = calendar.is_none_or(|calendar| calendar.is_open(now));
                model.set_group(id, (**settings).clone(), works);
            }
            Operation::Receive(_) | Operation::Tick => {}
        }
        Ok(())
    }

    /// One stands still between two of its requests, and another is done meanwhile. Often it is the tick that finds
    /// somebody gone.
    async fn between(&mut self) -> Law {
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
    async fn at_once(&mut self) -> Law {
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

    fn count(&mut self, end: &End) {
        if let Operation::Receive(message) = &end.operation {
            self.processed.push(message.clone());
        }
        let mut watch = self.world.watch();
        match (&end.done, end.fault) {
            (None, _) => watch.saw("killed"),
            (_, Some(Fault::LostAnswer | Fault::LostAnswers)) => watch.saw("answer lost"),
            (_, Some(Fault::Throttled)) => watch.saw("throttled"),
            (_, Some(Fault::Contended)) => watch.saw("contended"),
            (_, None) => {}
        }
        if let Some(Ok(Done::Handed(Err(failure)))) = &end.done {
            watch.saw(match failure {
                HandFailure::Taken { .. } => "refused: taken",
                HandFailure::AgentFull => "refused: full",
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
    fn bench(&mut self) -> Law {
        self.steps += 1;
        let agent = self.world.random.pick(&self.world.agents).unwrap().clone();
        if !self.world.benches.remove(&agent) {
            self.world.benches.insert(agent);
        }
        Ok(())
    }

    async fn draw(&mut self, step: Step) -> Option<Operation> {
        match step {
            Step::Message | Step::Enter => self.arrives(matches!(step, Step::Enter)).await.map(Operation::Receive),
            Step::Again => self.world.random.pick(&self.processed).cloned().map(Operation::Receive),
            Step::Agent => {
                let agent = self.world.random.pick(&self.world.agents).unwrap().clone();
                let status = self.world.random.weighted(&[(55, "online"), (13, "busy"), (10, "away"), (22, "offline")]);
                if status != "offline" && self.world.random.percent(70) {
                    self.world.benches.insert(agent.clone());
                }
                Some(Operation::Status { agent, status })
            }
            Step::Settings if self.world.random.percent(50) => {
                let agent = self.world.random.pick(&self.world.agents).unwrap().clone();
                Some(Operation::Capacity { agent, capacity: self.world.random.between(1, 4) })
            }
            Step::Settings => {
                let id = self.world.random.pick(&self.world.groups).unwrap().clone();
                let mut settings: Group = draw_group(&mut self.world.random, &self.world.agents);
                let kept = self.world.watch().book.groups[&id].clone();
                if self.world.random.percent(50) {
                    settings = Group { members: settings.members, ..kept };
                }
                Some(Operation::Group { id, settings: Box::new(settings) })
            }
            Step::Conversation => self.handed(),
            _ => Some(Operation::Tick),
        }
    }

    /// Something comes in and is kept, as message-ingress does.
    async fn arrives(&mut self, enters: bool) -> Option<InboundRef> {
        let random = &mut self.world.random;
        let thread = random.pick(&self.world.threads).unwrap().clone();
        self.numbered += 1;
        let now = self.world.clock.now().as_second();
        let late = if random.percent(10) { random.below(5) } else { 0 };
        let (kind, content) = if enters {
            let sessions: Vec<&String> = self.world.sessions.keys().collect();
            let session = random.pick(&sessions).unwrap().as_str();
            ("event", json!({ "event": "user_enter_tempsession", "session_from": session }))
        } else if random.percent(8) {
            ("image", json!({ "media_id": "m", "url": "http://localhost/p" }))
        } else {
            ("text", json!({ "content": random.weighted(&TEXTS.map(|(weight, text, _)| (weight, text))) }))
        };
        let new = NewInbound {
            thread: thread.clone(),
            create_time: now - i64::from(late),
            identity: format!("{}{:020}", if enters { "e" } else { "m" }, self.numbered),
            kind: kind.to_owned(),
            content,
        };
        let id = format!("{:010}-{}", new.create_time, new.identity);
        let created_at = jiff::Timestamp::from_second(new.create_time).unwrap();
        self.world.desk.table().receive(&new).await.unwrap();
        Some(InboundRef { thread, id, kind: new.kind, content: new.content, created_at })
    }

    /// An agent does something with a conversation.
    fn handed(&mut self) -> Option<Operation> {
        let random = &mut self.world.random;
        let what = random.weighted(&[(28, 'k'), (12, 'a'), (22, 't'), (38, 'c')]);
        let any = random.percent(10);
        let fits = |conversation: &&Conversation| match &conversation.stage {
            Stage::Assigned(_) => any || what != 'k',
            Stage::Closed { .. } => any,
            _ => any || what == 'k' || what == 'c',
        };
        let watch = self.world.watch.lock().unwrap();
        let ended = watch.book.closed.values().rev().take(if any { 5 } else { 0 });
        let candidates: Vec<&Conversation> = watch.book.open.values().chain(ended).filter(fits).collect();
        let conversation = *random.pick(&candidates)?;
        let cid = conversation.cid.clone();
        let anybody = random.pick(&self.world.agents).unwrap().clone();
        let assignee = conversation.assignee().map_or_else(|| anybody.clone(), ToOwned::to_owned);
        let agent = if random.percent(80) { assignee } else { anybody.clone() };
        Some(match what {
            'k' => Operation::Claim { cid, agent: anybody },
            'a' => Operation::Accept { cid, agent },
            'c' => Operation::Close { cid },
            _ => {
                let group = random.pick(&self.world.groups).unwrap().clone();
                let to = match random.below(20) {
                    0 => To::Group("g000000000fff".to_owned()),
                    1 => To::Agent("a000000000fff".to_owned()),
                    2..=9 => To::Agent(anybody),
                    _ => To::Group(group),
                };
                Operation::Transfer { cid, to, by: random.percent(85).then_some(agent) }
            }
        })
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
    let done = live(life.clone(), carry_out(&operation)).await;
    End { done, fault: life.fault(), operation }
}

/// Whether it came to its end, and nothing met it that it has to show.
fn is_undisturbed(end: &End) -> bool {
    match (&end.done, end.fault) {
        (None, _) | (_, Some(Fault::LostAnswers)) => false,
        // A transaction that meets another is decided again. What else meets one may fail.
        (Some(Err(_)), Some(Fault::Contended)) => false,
        (_, Some(Fault::Contended)) => !matches!(end.operation, Operation::Tick | Operation::Group { .. }),
        _ => true,
    }
}

fn same(expected: &Model, found: &Model) -> Law {
    let agents = |model: &Model| {
        let agent = |(id, agent): (&String, &crate::book::Agent)| {
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
        return Err(format!("(conversation, who has it, who should): {all:?}"));
    }
    if expected.lines != found.lines {
        return Err(format!("the queues are {:?}, expected {:?}", found.lines, expected.lines));
    }
    if agents(expected) != agents(found) {
        return Err(format!("the agents are {:?}, expected {:?}", found.agents, expected.agents));
    }
    Ok(())
}

fn said(message: &InboundRef) -> Said {
    let text = message.content.get("content").and_then(Value::as_str);
    TEXTS.iter().find(|(_, known, _)| text == Some(known)).map_or(Said::Something, |(_, _, said)| *said)
}

fn short(done: &Done) -> String {
    match done {
        Done::Handed(Ok(conversation)) => format!("{} {:?}", thread_key(conversation), conversation.stage),
        other => format!("{other:?}"),
    }
}

fn thread_pk(thread: &Thread) -> String {
    format!("thread#{}#{}", thread.app_id, thread.openid)
}
