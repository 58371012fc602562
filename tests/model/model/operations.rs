//! The operations of the reference.

use conversations::{HandoffError, TransferTarget};
use desk::{
    routing::{Level, Target},
    settings::{Mode, Reception},
    staff::{AgentStatus, Group},
};
use store::Thread;

use super::{Holder, Model, RoutedTo, RoutingRequest, Session, VisitorText};

/// What a visitor's message leads to before any routing.
enum FirstStep {
    Stays,
    Goes(Holder),
    Routed { immediate: bool },
}

/// `asks`: for a person. `robot` and `target`: whether there is one.
fn first_step(holder: &Holder, mode: Mode, asks: bool, robot: bool, target: bool) -> FirstStep {
    use FirstStep::{Goes, Routed, Stays};
    match (holder, mode) {
        (Holder::Queue(_) | Holder::Agent(_), _) => Stays,
        (Holder::Left, mode) if mode == Mode::RobotOnly || !target => Stays,
        (Holder::Left, _) => Routed { immediate: !asks },
        (Holder::Robot, mode) if !asks || mode == Mode::RobotOnly => Stays,
        (Holder::Robot, _) if !target => Goes(Holder::Left),
        (Holder::Robot, _) => Routed { immediate: false },
        (Holder::Unassigned, Mode::RobotOnly) if robot => Goes(Holder::Robot),
        (Holder::Unassigned, Mode::RobotFirst | Mode::AgentsFirst) if robot && !target => {
            Goes(if asks { Holder::Left } else { Holder::Robot })
        }
        (Holder::Unassigned, Mode::RobotFirst) if robot && !asks => Goes(Holder::Robot),
        (Holder::Unassigned, _) if !target => Stays,
        (Holder::Unassigned, mode) => Routed { immediate: mode == Mode::AgentsFirst && robot && !asks },
    }
}

impl Model {
    /// Processes a visitor's message.
    pub(crate) fn message(
        &mut self,
        thread: &Thread,
        id: &str,
        said: VisitorText,
        reception: &Reception,
        session: &Session,
    ) {
        let key = format!("thread#{}#{}", thread.app_id, thread.openid);
        let visitor = self.visitors.entry(key.clone()).or_default();
        let fresh = visitor
            .session_from_at
            .is_some_and(|at| self.now.duration_since(at).as_secs() <= i64::from(reception.session_from_minutes) * 60);
        if visitor.open_cid.is_none() && said == VisitorText::Farewell {
            return;
        }
        let session = if fresh && !reception.locked { session.clone() } else { Session::default() };
        let cid = if let Some(cid) = &visitor.open_cid {
            cid.clone()
        } else {
            let cid = thread.cid(id);
            visitor.open_cid = Some(cid.clone());
            self.threads.insert(cid.clone(), key);
            cid
        };
        let before = self.holders.get(&cid).cloned();
        let holder = before.clone().unwrap_or(Holder::Unassigned);
        self.holders.insert(cid.clone(), holder.clone());
        if before.is_some() && said == VisitorText::Farewell {
            self.end(&cid);
            if let Holder::Agent(agent) = holder {
                self.drain_for(&agent);
            }
            return;
        }
        let levels = self.levels(&cid, session.levels, reception);
        let asks = said == VisitorText::AskForPerson;
        let robot = session.robot || reception.robot_id.is_some();
        let target = !levels.is_empty();
        let immediate = match first_step(&holder, reception.mode, asks, robot, target) {
            FirstStep::Stays => return,
            FirstStep::Goes(holder) => return self.set_holder(&cid, holder),
            FirstStep::Routed { immediate } => immediate,
        };
        let last = self.visitors[&self.threads[&cid]].last_agent.clone();
        let goes = self.route(&RoutingRequest {
            app_id: &thread.app_id,
            levels: &levels,
            policy: reception.after_hours,
            last_agent: last.as_ref().map(|(agent, at)| (agent.as_str(), *at)),
            immediate,
            without: None,
            stands_in: None,
        });
        if goes == RoutedTo::Robot && holder == Holder::Robot
            || matches!(goes, RoutedTo::Robot | RoutedTo::Left) && holder == Holder::Left
        {
            return;
        }
        self.apply_route(&cid, goes, robot, reception);
    }

    /// The levels that a conversation is routed by.
    fn levels(&self, cid: &str, asked: Vec<Level>, reception: &Reception) -> Vec<Level> {
        if let Some(stored) = self.wanted.get(cid) {
            return stored.clone();
        }
        match &reception.group_id {
            Some(group) if asked.iter().all(|level| level.target.is_none()) => {
                vec![Level::from(Target::Group(group.clone()))]
            }
            _ => asked,
        }
    }

    pub(crate) fn claim(&mut self, cid: &str, agent: &str) -> Result<(), HandoffError> {
        match self.holders.get(cid) {
            None => Err(HandoffError::Closed),
            Some(Holder::Agent(has)) if has == agent => Ok(()),
            Some(Holder::Agent(has)) => Err(taken(has)),
            Some(_) => {
                self.can_take(agent, false)?;
                self.assign(cid, agent);
                Ok(())
            }
        }
    }

    pub(crate) fn accept(&self, cid: &str, agent: &str) -> Result<(), HandoffError> {
        match self.holders.get(cid) {
            None => Err(HandoffError::Closed),
            Some(Holder::Agent(has)) if has == agent => Ok(()),
            Some(Holder::Agent(has)) => Err(taken(has)),
            Some(_) => Err(HandoffError::NotYours),
        }
    }

    pub(crate) fn transfer(
        &mut self,
        cid: &str,
        to: &TransferTarget,
        by: Option<&str>,
        reception: &Reception,
    ) -> Result<(), HandoffError> {
        let from = match (self.holders.get(cid), by) {
            (None, _) => return Err(HandoffError::Closed),
            (Some(Holder::Agent(has)), Some(by)) if has != by => return Err(taken(has)),
            (Some(Holder::Agent(has)), _) => Some(has.clone()),
            _ => None,
        };
        let queue = match to {
            TransferTarget::Agent(agent) if from.as_ref() == Some(agent) => return Ok(()),
            TransferTarget::Agent(agent) => {
                self.can_take(agent, true)?;
                self.assign(cid, agent);
                None
            }
            TransferTarget::Group(group) => {
                let Some(settings) = self.groups.get(group) else { return Err(HandoffError::NoGroup) };
                let is_own = from.as_ref().is_some_and(|from| settings.members.contains(from));
                if is_own && self.works[group] && !self.is_staffed(settings, from.as_deref()) {
                    return Err(HandoffError::GroupUnavailable(String::new()));
                }
                let app_id = self.threads[cid].split('#').nth(1).unwrap();
                let goes = self.route(&RoutingRequest {
                    app_id,
                    levels: &[Level::from(Target::Group(group.clone()))],
                    policy: reception.after_hours,
                    last_agent: None,
                    immediate: false,
                    without: from.as_deref(),
                    stands_in: None,
                });
                match goes {
                    RoutedTo::To(agent) => {
                        self.assign(cid, &agent);
                        None
                    }
                    RoutedTo::Waits(queue) => {
                        let stays = self.holders.get(cid) == Some(&Holder::Queue(queue.clone()));
                        let earlier = self.handed_on.get(cid).map(|(by, _)| by.clone()).filter(|_| stays);
                        self.enqueue(cid, &queue, reception);
                        if let Some(by) = from.clone().or(earlier) {
                            self.handed_on.insert(cid.to_owned(), (by, self.now));
                        }
                        Some(queue)
                    }
                    RoutedTo::Left | RoutedTo::Robot => return Err(HandoffError::GroupUnavailable(String::new())),
                }
            }
        };
        self.drain(queue.as_slice());
        if let Some(from) = from {
            self.drain_for(&from);
        }
        Ok(())
    }

    /// A closed conversation stays as it is. An agent does not close another agent's.
    pub(crate) fn close(&mut self, cid: &str, by: Option<&str>) -> Result<(), HandoffError> {
        let holder = self.holders.get(cid).cloned();
        if let (Some(Holder::Agent(has)), Some(by)) = (&holder, by)
            && has != by
        {
            return Err(taken(has));
        }
        if holder.is_some() {
            self.end(cid);
        }
        if let Some(Holder::Agent(agent)) = holder {
            self.drain_for(&agent);
        }
        Ok(())
    }

    pub(crate) fn set_status(&mut self, agent: &str, status: AgentStatus) {
        let now = self.now.as_millisecond();
        let state = self.agents.get_mut(agent).unwrap();
        status.as_str().clone_into(&mut state.status);
        state.since = now;
        state.present_until = if status == AgentStatus::Offline { now } else { now + 90_000 };
        if status == AgentStatus::Online {
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
        self.drain(&[format!("group:{id}")]);
    }

    fn can_take(&self, agent: &str, present: bool) -> Result<(), HandoffError> {
        match self.agents.get(agent) {
            None => Err(HandoffError::NoAgent),
            Some(found) if found.status == "offline" || present && !found.is_present(self.now) => {
                Err(HandoffError::AgentOffline { agent_id: agent.to_owned(), name: agent.to_owned() })
            }
            Some(found) if found.load >= found.capacity => {
                Err(HandoffError::AgentFull { agent_id: agent.to_owned(), name: agent.to_owned() })
            }
            Some(_) => Ok(()),
        }
    }
}

fn taken(agent: &str) -> HandoffError {
    HandoffError::Taken { agent_id: agent.to_owned(), name: agent.to_owned() }
}
