//! The reference: what a desk does, in the fewest words, one thing at a time and all in memory. It is made of the table
//! as it was before an operation and says how it must be after it, if nothing disturbs the operation. It shares
//! settings with the desk, and not one rule.

use std::collections::{BTreeMap, BTreeSet};

use desk::{
    routing::{Level, Spill, Target},
    settings::{Mode, Reception},
    staff::{AfterHours, Group, Strategy},
};
use dispatch::{HandFailure, To};
use jiff::Timestamp;
use store::{Conversation, Stage, Thread, Visitor};

use crate::book::{Agent, Present, thread_key};

/// Who has a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holder {
    Nobody,
    Robot,
    Queue(String),
    Agent(String),
    Left,
}

/// What a `session-from` asks for; its text is the key in [`World::sessions`](crate::world::World).
#[derive(Debug, Clone, Default)]
pub(crate) struct Session {
    pub(crate) levels: Vec<Level>,
    pub(crate) robot: bool,
}

/// What a visitor sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Something,
    AskForPerson,
    Farewell,
}

/// Where a conversation may go, and what else the decision knows of the visitor.
pub(crate) struct Wish<'a> {
    pub(crate) levels: &'a [Level],
    pub(crate) policy: AfterHours,
    pub(crate) last_agent: Option<(&'a str, Timestamp)>,
    pub(crate) immediate: bool,
    /// Who hands it on and does not get it back at once.
    pub(crate) without: Option<&'a str>,
    /// Who stands in a queue already counts there but does not stand in their own way.
    pub(crate) stands_in: Option<&'a str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Goes {
    To(String),
    Waits(String),
    Left,
    Robot,
}

#[derive(Debug, Clone)]
pub(crate) struct Model {
    now: Timestamp,
    pub(crate) agents: BTreeMap<String, Agent>,
    groups: BTreeMap<String, Group>,
    works: BTreeMap<String, bool>,
    is_in: BTreeMap<String, BTreeSet<String>>,
    visitors: BTreeMap<String, Visitor>,
    /// The visitor of each conversation.
    threads: BTreeMap<String, String>,
    pub(crate) lines: BTreeMap<String, BTreeMap<String, String>>,
    /// Who has each open conversation.
    pub(crate) holders: BTreeMap<String, Holder>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    Busy,
    Offline,
    OffWork,
    NotFound,
}

impl Holder {
    pub(crate) fn of(conversation: &Conversation) -> Self {
        match &conversation.stage {
            Stage::Unassigned => Self::Nobody,
            Stage::Robot(_) => Self::Robot,
            Stage::Queued(waiting) => Self::Queue(waiting.queue.clone()),
            Stage::Assigned(assigned) => Self::Agent(assigned.agent_id.clone()),
            Stage::LeftMessage(_) | Stage::Closed { .. } => Self::Left,
        }
    }
}

impl Model {
    pub(crate) fn of(present: &Present, now: Timestamp) -> Self {
        let open = present.open.values();
        Self {
            now,
            agents: present.agents.clone(),
            groups: present.groups.clone(),
            works: present.groups.keys().map(|id| (id.clone(), present.is_open(id, now).unwrap())).collect(),
            is_in: present.is_in.clone(),
            visitors: present.visitors.clone(),
            threads: open.clone().map(|open| (open.cid.clone(), thread_key(open))).collect(),
            lines: present.lines.clone(),
            holders: open.map(|open| (open.cid.clone(), Holder::of(open))).collect(),
        }
    }

    /// A message of a visitor's that nobody has processed.
    pub(crate) fn message(&mut self, thread: &Thread, id: &str, said: Said, reception: &Reception, session: &Session) {
        let key = format!("thread#{}#{}", thread.app_id, thread.openid);
        let visitor = self.visitors.entry(key.clone()).or_default();
        let fresh = visitor
            .session_from_at
            .is_some_and(|at| self.now.duration_since(at).as_secs() <= i64::from(reception.session_from_minutes) * 60);
        let session = if fresh && !reception.locked { session.clone() } else { Session::default() };
        let cid = match &visitor.open_cid {
            Some(cid) => cid.clone(),
            None => {
                let cid = thread.cid(id);
                visitor.open_cid = Some(cid.clone());
                self.threads.insert(cid.clone(), key);
                cid
            }
        };
        let before = self.holders.get(&cid).cloned();
        let holder = before.clone().unwrap_or(Holder::Nobody);
        self.holders.insert(cid.clone(), holder.clone());
        if before.is_some() && said == Said::Farewell {
            self.end(&cid);
            if let Holder::Agent(agent) = holder {
                self.drain_for(&agent);
            }
            return;
        }
        let mut levels = session.levels;
        if levels.iter().all(|level| level.target.is_none())
            && let Some(group) = &reception.group_id
        {
            levels = vec![Level::from(Target::Group(group.clone()))];
        }
        let asks = said == Said::AskForPerson;
        let robot = session.robot || reception.robot_id.is_some();
        let target = !levels.is_empty();
        let immediate = match (&holder, reception.mode) {
            (Holder::Queue(_) | Holder::Agent(_) | Holder::Left, _) => return,
            (Holder::Robot, _) if !asks => return,
            (Holder::Robot, mode) if mode == Mode::RobotOnly || !target => return self.leave(&cid, Holder::Left),
            (Holder::Robot, _) => false,
            (Holder::Nobody, Mode::RobotOnly) if robot => {
                return self.leave(&cid, if asks { Holder::Left } else { Holder::Robot });
            }
            (Holder::Nobody, Mode::RobotFirst | Mode::AgentsFirst) if robot && !target => {
                return self.leave(&cid, Holder::Robot);
            }
            (Holder::Nobody, Mode::RobotFirst) if robot && !asks => return self.leave(&cid, Holder::Robot),
            (Holder::Nobody, _) if !target => return,
            (Holder::Nobody, mode) => mode == Mode::AgentsFirst && robot && !asks,
        };
        let last = self.visitors[&self.threads[&cid]].last_agent.clone();
        let goes = self.route(&Wish {
            levels: &levels,
            policy: reception.after_hours,
            last_agent: last.as_ref().map(|(agent, at)| (agent.as_str(), *at)),
            immediate,
            without: None,
            stands_in: None,
        });
        if goes == Goes::Robot && holder == Holder::Robot {
            return;
        }
        self.go(&cid, goes, robot, reception);
    }

    pub(crate) fn claim(&mut self, cid: &str, agent: &str) -> Result<(), HandFailure> {
        match self.holders.get(cid) {
            None => Err(HandFailure::Closed),
            Some(Holder::Agent(has)) if has == agent => Ok(()),
            Some(Holder::Agent(has)) => Err(taken(has)),
            Some(_) => {
                self.can_take(agent, false)?;
                self.assign(cid, agent);
                Ok(())
            }
        }
    }

    pub(crate) fn accept(&self, cid: &str, agent: &str) -> Result<(), HandFailure> {
        match self.holders.get(cid) {
            None => Err(HandFailure::Closed),
            Some(Holder::Agent(has)) if has == agent => Ok(()),
            Some(Holder::Agent(has)) => Err(taken(has)),
            Some(_) => Err(HandFailure::NotYours),
        }
    }

    pub(crate) fn transfer(
        &mut self,
        cid: &str,
        to: &To,
        by: Option<&str>,
        reception: &Reception,
    ) -> Result<(), HandFailure> {
        let from = match (self.holders.get(cid), by) {
            (None, _) => return Err(HandFailure::Closed),
            (Some(Holder::Agent(has)), Some(by)) if has != by => return Err(taken(has)),
            (Some(Holder::Agent(has)), _) => Some(has.clone()),
            _ => None,
        };
        let queue = match to {
            To::Agent(agent) if from.as_ref() == Some(agent) => return Ok(()),
            To::Agent(agent) => {
                self.can_take(agent, true)?;
                self.assign(cid, agent);
                None
            }
            To::Group(group) => {
                if !self.groups.contains_key(group) {
                    return Err(HandFailure::NoGroup);
                }
                let goes = self.route(&Wish {
                    levels: &[Level::from(Target::Group(group.clone()))],
                    policy: reception.after_hours,
                    last_agent: None,
                    immediate: false,
                    without: from.as_deref(),
                    stands_in: None,
                });
                match goes {
                    Goes::To(agent) => {
                        self.assign(cid, &agent);
                        None
                    }
                    Goes::Waits(queue) => {
                        self.enqueue(cid, &queue, reception);
                        Some(queue)
                    }
                    Goes::Left | Goes::Robot => return Err(HandFailure::GroupUnavailable(String::new())),
                }
            }
        };
        self.drain(queue.into_iter().collect());
        if let Some(from) = from {
            self.drain_for(&from);
        }
        Ok(())
    }

    /// What is closed stays as it is.
    pub(crate) fn close(&mut self, cid: &str) {
        let holder = self.holders.get(cid).cloned();
        if holder.is_some() {
            self.end(cid);
        }
        if let Some(Holder::Agent(agent)) = holder {
            self.drain_for(&agent);
        }
    }

    pub(crate) fn set_status(&mut self, agent: &str, status: &str) {
        let now = self.now.as_millisecond();
        let state = self.agents.get_mut(agent).unwrap();
        status.clone_into(&mut state.status);
        state.since = now;
        state.present_until = if status == "offline" { now } else { now + 90_000 };
        if status == "online" {
            self.drain_for(agent);
        }
    }

    pub(crate) fn set_capacity(&mut self, agent: &str, capacity: u32) {
        self.agents.get_mut(agent).unwrap().capacity = i64::from(capacity);
        self.drain_for(agent);
    }

    pub(crate) fn set_group(&mut self, id: &str, group: Group, is_open: bool) {
        self.groups.insert(id.to_owned(), group);
        self.works.insert(id.to_owned(), is_open);
        self.drain(vec![format!("group:{id}")]);
    }

    fn can_take(&self, agent: &str, present: bool) -> Result<(), HandFailure> {
        match self.agents.get(agent) {
            None => Err(HandFailure::NoAgent),
            Some(agent) if agent.status == "offline" => Err(HandFailure::AgentOffline),
            Some(agent) if present && !agent.is_present(self.now) => Err(HandFailure::AgentOffline),
            Some(agent) if agent.load >= agent.capacity => Err(HandFailure::AgentFull),
            Some(_) => Ok(()),
        }
    }

    /// Takes a conversation from whoever has it and gives it a new holder.
    fn leave(&mut self, cid: &str, holder: Holder) {
        self.let_go(cid);
        match &holder {
            Holder::Agent(agent) => {
                let state = self.agents.get_mut(agent).unwrap();
                state.load += 1;
                state.last_assigned_at = Some(self.now.as_millisecond());
                let visitor = self.visitors.entry(self.threads[cid].clone()).or_default();
                visitor.last_agent = Some((agent.clone(), self.now));
            }
            Holder::Left => self.stand(cid, "left-messages", 0),
            _ => {}
        }
        self.holders.insert(cid.to_owned(), holder);
    }

    fn end(&mut self, cid: &str) {
        self.let_go(cid);
        self.holders.remove(cid);
        self.visitors.entry(self.threads[cid].clone()).or_default().open_cid = None;
    }

    fn let_go(&mut self, cid: &str) {
        for line in self.lines.values_mut() {
            line.retain(|_, of| of != cid);
        }
        self.lines.retain(|_, line| !line.is_empty());
        if let Some(Holder::Agent(agent)) = self.holders.get(cid) {
            self.agents.get_mut(agent).unwrap().load -= 1;
        }
    }

    fn stand(&mut self, cid: &str, queue: &str, priority: u32) {
        let place = format!("{:013}#{cid}", self.now.as_millisecond() - i64::from(priority) * 600_000);
        self.lines.entry(queue.to_owned()).or_default().insert(place, cid.to_owned());
    }

    fn assign(&mut self, cid: &str, agent: &str) {
        self.leave(cid, Holder::Agent(agent.to_owned()));
    }

    fn enqueue(&mut self, cid: &str, queue: &str, reception: &Reception) {
        self.leave(cid, Holder::Queue(queue.to_owned()));
        self.stand(cid, queue, reception.priority);
    }

    fn go(&mut self, cid: &str, goes: Goes, robot: bool, reception: &Reception) {
        match goes {
            Goes::To(agent) => self.assign(cid, &agent),
            Goes::Waits(queue) => {
                self.enqueue(cid, &queue, reception);
                self.drain(vec![queue]);
            }
            Goes::Robot if robot => self.leave(cid, Holder::Robot),
            Goes::Left | Goes::Robot => self.leave(cid, Holder::Left),
        }
    }

    pub(crate) fn drain_for(&mut self, agent: &str) {
        let groups = self.is_in.get(agent).into_iter().flatten().map(|group| format!("group:{group}"));
        let queues = std::iter::once(format!("agent:{agent}")).chain(groups).collect();
        self.drain(queues);
    }

    /// The one who has waited longest, of those who have somebody free, goes to the best of these; and again.
    fn drain(&mut self, queues: Vec<String>) {
        loop {
            let first = |queue: &String| {
                let (place, cid) = self.lines.get(queue)?.first_key_value()?;
                Some((place.clone(), cid.clone(), self.free_for(queue)?))
            };
            match queues.iter().filter_map(first).min() {
                Some((_, cid, agent)) => self.assign(&cid, &agent),
                None => return,
            }
        }
    }

    /// The best agent who is free for a queue now.
    pub(crate) fn free_for(&self, queue: &str) -> Option<String> {
        match queue.split_once(':')? {
            ("group", id) if self.works.get(id) == Some(&true) => self.best(&self.groups[id], None, None),
            ("agent", id) => self.agents.get(id).filter(|agent| agent.is_free(self.now)).map(|_| id.to_owned()),
            _ => None,
        }
    }

    fn best(&self, group: &Group, sticky: Option<&str>, without: Option<&str>) -> Option<String> {
        let part = |agent: &Agent| {
            f64::from(u32::try_from(agent.load).unwrap()) / f64::from(u32::try_from(agent.capacity).unwrap())
        };
        let members = group.members.iter().filter(|id| Some(id.as_str()) != without);
        let free = members.filter_map(|id| Some((id, self.agents.get(id).filter(|agent| agent.is_free(self.now))?)));
        let best = free.min_by(|(one, a), (other, b)| {
            let load = match group.strategy {
                Strategy::LeastLoad => part(a).total_cmp(&part(b)),
                Strategy::RoundRobin => std::cmp::Ordering::Equal,
            };
            let is_sticky = |id: &String| Some(id.as_str()) != sticky;
            let turn = || (a.last_assigned_at, one).cmp(&(b.last_assigned_at, other));
            is_sticky(one).cmp(&is_sticky(other)).then(load).then_with(turn)
        });
        best.map(|(id, _)| id.clone())
    }

    /// Where a conversation goes.
    pub(crate) fn route(&self, wish: &Wish<'_>) -> Goes {
        let levels = &wish.levels[..wish.levels.len().min(4)];
        for (number, level) in levels.iter().enumerate() {
            let (state, best, may_wait, policy) = self.look(level, wish);
            let is_last = number + 1 == levels.len();
            match (state, best) {
                (State::Free, Some(agent)) => return Goes::To(agent),
                (State::NotFound, _) if !is_last => continue,
                _ if !is_last && level.overflows && passes(level.spill, state) => continue,
                _ if wish.immediate => return Goes::Robot,
                _ => {}
            }
            return match if state == State::Busy { AfterHours::Queue } else { policy } {
                AfterHours::Robot => Goes::Robot,
                AfterHours::Queue if may_wait => Goes::Waits(level.target.as_ref().map(queue_of).unwrap()),
                AfterHours::Queue | AfterHours::LeaveMessage => Goes::Left,
            };
        }
        if wish.immediate || wish.policy == AfterHours::Robot { Goes::Robot } else { Goes::Left }
    }

    fn look(&self, level: &Level, wish: &Wish<'_>) -> (State, Option<String>, bool, AfterHours) {
        let nobody = (State::NotFound, None, false, wish.policy);
        let Some(target) = &level.target else { return nobody };
        let queue = queue_of(target);
        let stands = wish.stands_in == Some(queue.as_str());
        let waiting = self.lines.get(&queue).map_or(0, BTreeMap::len);
        let on_duty = |agent: &Agent| agent.status != "offline" && agent.is_present(self.now);
        match target {
            Target::Group(id) => {
                let Some(group) = self.groups.get(id) else { return nobody };
                let may_wait = stands || waiting < group.max_queue as usize;
                let life = i64::from(group.sticky_minutes) * 60;
                let sticky = wish
                    .last_agent
                    .filter(|(_, at)| life > 0 && self.now.duration_since(*at).as_secs_f64() <= life as f64);
                let mut members = group.members.iter().filter(|id| Some(id.as_str()) != wish.without);
                let best = self.best(group, sticky.map(|(agent, _)| agent), wish.without);
                let state = match () {
                    () if !self.works[id] => State::OffWork,
                    () if !members.any(|id| self.agents.get(id).is_some_and(on_duty)) => State::Offline,
                    () if waiting == 0 && best.is_some() => State::Free,
                    () => State::Busy,
                };
                (state, best, may_wait, group.after_hours)
            }
            Target::Agent(id) => {
                let Some(agent) = self.agents.get(id) else { return nobody };
                let state = match () {
                    () if !on_duty(agent) => State::Offline,
                    () if waiting == 0 && agent.is_free(self.now) => State::Free,
                    () => State::Busy,
                };
                (state, Some(id.clone()), stands || waiting < 100, wish.policy)
            }
        }
    }
}

fn passes(spill: Spill, state: State) -> bool {
    match spill {
        Spill::Any => true,
        Spill::Offline => state == State::Offline,
        Spill::Busy => state == State::Busy,
        Spill::OffWork => state == State::OffWork,
    }
}

pub(crate) fn queue_of(target: &Target) -> String {
    match target {
        Target::Group(id) => format!("group:{id}"),
        Target::Agent(id) => format!("agent:{id}"),
    }
}

fn taken(agent: &str) -> HandFailure {
    HandFailure::Taken { agent_id: agent.to_owned(), name: agent.to_owned() }
}
