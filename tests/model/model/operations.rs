//! What each operation comes to, by the reference.

use conversations::{HandoffError, TransferTarget};
use desk::{
    routing::{Level, Target},
    settings::{Mode, Reception},
    staff::{AgentStatus, Group},
};
use store::Thread;

use super::{Goes, Holder, Model, Said, Session, Wish};

impl Model {
    /// A message of a visitor's that nobody has processed.
    pub(crate) fn message(&mut self, thread: &Thread, id: &str, said: Said, reception: &Reception, session: &Session) {
        let key = format!("thread#{}#{}", thread.app_id, thread.openid);
        let visitor = self.visitors.entry(key.clone()).or_default();
        let fresh = visitor
            .session_from_at
            .is_some_and(|at| self.now.duration_since(at).as_secs() <= i64::from(reception.session_from_minutes) * 60);
        if visitor.open_cid.is_none() && said == Said::Farewell {
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
        if let Some(wanted) = self.wanted.get(&cid) {
            levels.clone_from(wanted);
        }
        let asks = said == Said::AskForPerson;
        let robot = session.robot || reception.robot_id.is_some();
        let target = !levels.is_empty();
        let immediate = match (&holder, reception.mode) {
            (Holder::Queue(_) | Holder::Agent(_), _) => return,
            (Holder::Left, mode) if mode == Mode::RobotOnly || !target => return,
            (Holder::Left, _) => !asks,
            (Holder::Robot, mode) if !asks || mode == Mode::RobotOnly => return,
            (Holder::Robot, _) if !target => return self.leave(&cid, Holder::Left),
            (Holder::Robot, _) => false,
            (Holder::Nobody, Mode::RobotOnly) if robot => return self.leave(&cid, Holder::Robot),
            (Holder::Nobody, Mode::RobotFirst | Mode::AgentsFirst) if robot && !target => {
                return self.leave(&cid, if asks { Holder::Left } else { Holder::Robot });
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
        if goes == Goes::Robot && holder == Holder::Robot
            || matches!(goes, Goes::Robot | Goes::Left) && holder == Holder::Left
        {
            return;
        }
        self.go(&cid, goes, robot, reception);
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
                        let stays = self.holders.get(cid) == Some(&Holder::Queue(queue.clone()));
                        let earlier = self.handed_on.get(cid).map(|(by, _)| by.clone()).filter(|_| stays);
                        self.enqueue(cid, &queue, reception);
                        if let Some(by) = from.clone().or(earlier) {
                            self.handed_on.insert(cid.to_owned(), (by, self.now));
                        }
                        Some(queue)
                    }
                    Goes::Left | Goes::Robot => return Err(HandoffError::GroupUnavailable(String::new())),
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
            Some(agent) if agent.status == "offline" => Err(HandoffError::AgentOffline),
            Some(agent) if present && !agent.is_present(self.now) => Err(HandoffError::AgentOffline),
            Some(agent) if agent.load >= agent.capacity => Err(HandoffError::AgentFull),
            Some(_) => Ok(()),
        }
    }
}

fn taken(agent: &str) -> HandoffError {
    HandoffError::Taken { agent_id: agent.to_owned(), name: agent.to_owned() }
}
