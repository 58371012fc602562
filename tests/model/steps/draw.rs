//! Draws operations.

use conversations::TransferTarget;
use desk::staff::{AgentStatus, Group};
use jiff::Timestamp;
use serde_json::{Value, json};
use store::{Clock, Conversation, InboundRef, NewInbound, Stage, Timer};

use super::Schedule;
use crate::{model::VisitorText, operations::Operation, table_state::FAREWELL, world::draw_group};

const TEXTS: [(u32, &str, VisitorText); 3] = [
    (85, "你好", VisitorText::Something),
    (10, "转人工", VisitorText::AskForPerson),
    (5, FAREWELL, VisitorText::Farewell),
];

const STATUSES: [(u32, AgentStatus); 4] =
    [(55, AgentStatus::Online), (13, AgentStatus::Busy), (10, AgentStatus::Away), (22, AgentStatus::Offline)];

/// The kind of a step.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Message,
    Enter,
    Redelivery,
    Agent,
    Heartbeat,
    Conversation,
    Turn,
    Settings,
    Workbench,
    AdvanceClock,
    Tick,
    Timers,
    LongPause,
    WorkingHours,
    Concurrent,
    Interleaved,
}

impl Schedule {
    pub(super) async fn draw(&mut self, step: Step) -> Option<Operation> {
        match step {
            Step::Message | Step::Enter => self.arrival(matches!(step, Step::Enter)).await.map(Operation::Receive),
            Step::Redelivery => self.world.random.pick(&self.processed).cloned().map(Operation::Receive),
            Step::Agent => {
                let agent = self.world.random.pick(&self.world.agents).unwrap().clone();
                let status = self.world.random.weighted(&STATUSES);
                if status != AgentStatus::Offline && self.world.random.percent(70) {
                    self.world.workbenches.insert(agent.clone());
                }
                Some(Operation::Status { agent, status })
            }
            Step::Heartbeat => {
                let agent = self.world.random.pick(&self.world.agents).unwrap().clone();
                Some(Operation::Heartbeat { agent })
            }
            Step::Settings if self.world.random.percent(50) => {
                let agent = self.world.random.pick(&self.world.agents).unwrap().clone();
                Some(Operation::Capacity { agent, capacity: self.world.random.between(1, 4) })
            }
            Step::Settings => {
                let id = self.world.random.pick(&self.world.groups).unwrap().clone();
                let mut settings: Group = draw_group(&mut self.world.random, &self.world.agents);
                let kept = self.world.watch().table.groups[&id].clone();
                if self.world.random.percent(50) {
                    settings = Group { members: settings.members, ..kept };
                }
                Some(Operation::Group { id, settings: Box::new(settings) })
            }
            Step::Conversation => self.action(),
            Step::Turn => self.turn(),
            Step::Timers => self.timers(),
            _ => Some(Operation::Tick),
        }
    }

    /// Stores a visitor's message or event as message-ingress does.
    async fn arrival(&mut self, enters: bool) -> Option<InboundRef> {
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
        let created_at = Timestamp::from_second(new.create_time).unwrap();
        self.world.desk.table.inbox().receive(&new).await.unwrap();
        let received_at = self.world.clock.now();
        Some(InboundRef { thread, id, kind: new.kind, content: new.content, created_at, received_at })
    }

    /// A message of the queue of robot turns. A queue delivers in no order, and some messages twice.
    fn turn(&mut self) -> Option<Operation> {
        let mut watch = self.world.watch.lock().unwrap();
        let count = u32::try_from(watch.turns.len()).unwrap();
        if count == 0 {
            return None;
        }
        let place = self.world.random.below(count) as usize;
        let again = self.world.random.percent(15);
        let cid = if again { watch.turns[place].clone() } else { watch.turns.swap_remove(place) };
        Some(Operation::Turn { cid })
    }

    /// The timers whose time has come. A queue delivers some twice.
    fn timers(&mut self) -> Option<Operation> {
        let now = self.world.clock.now();
        let again = self.world.random.percent(15);
        let mut watch = self.world.watch.lock().unwrap();
        let (mut due, later): (Vec<Timer>, Vec<Timer>) = watch.timers.drain(..).partition(|timer| timer.at <= now);
        watch.timers = later;
        // One invocation gets at most ten.
        let rest = due.split_off(due.len().min(10));
        watch.timers.extend(rest.into_iter().chain(due.iter().filter(|_| again).cloned()));
        (!due.is_empty()).then_some(Operation::Timers(due))
    }

    /// An action of an agent or administrator on a conversation.
    fn action(&mut self) -> Option<Operation> {
        let random = &mut self.world.random;
        let what = random.weighted(&[(28, 'k'), (12, 'a'), (22, 't'), (38, 'c')]);
        let any = random.percent(10);
        let fits = |conversation: &&Conversation| match &conversation.stage {
            Stage::Assigned(_) => any || what != 'k',
            Stage::Closed { .. } => any,
            _ => any || what == 'k' || what == 'c',
        };
        let watch = self.world.watch.lock().unwrap();
        let ended = watch.table.closed.values().rev().take(if any { 5 } else { 0 });
        let candidates: Vec<&Conversation> = watch.table.open.values().chain(ended).filter(fits).collect();
        let conversation = *random.pick(&candidates)?;
        let cid = conversation.cid.clone();
        let any_agent = random.pick(&self.world.agents).unwrap().clone();
        let assignee = conversation.assignee().map_or_else(|| any_agent.clone(), ToOwned::to_owned);
        let agent = if random.percent(80) { assignee } else { any_agent.clone() };
        Some(match what {
            'k' => Operation::Claim { cid, agent: any_agent },
            'a' => Operation::Accept { cid, agent },
            'c' => Operation::Close { cid, by: random.percent(85).then_some(agent) },
            _ => {
                let group = random.pick(&self.world.groups).unwrap().clone();
                let to = match random.below(20) {
                    0 => TransferTarget::Group("g000000000fff".to_owned()),
                    1 => TransferTarget::Agent("a000000000fff".to_owned()),
                    2..=9 => TransferTarget::Agent(any_agent),
                    _ => TransferTarget::Group(group),
                };
                Operation::Transfer { cid, to, by: random.percent(85).then_some(agent) }
            }
        })
    }
}

pub(super) fn said(message: &InboundRef) -> VisitorText {
    let text = message.content.get("content").and_then(Value::as_str);
    TEXTS.iter().find(|(_, known, _)| text == Some(known)).map_or(VisitorText::Something, |(_, _, said)| *said)
}
