//! Routing decisions and the choice of an agent in the reference.

use std::collections::BTreeMap;

use desk::{
    routing::{Level, OverflowCondition, Target},
    staff::{AfterHours, Group, Strategy},
};
use jiff::{SignedDuration, Timestamp};

use super::Model;
use crate::table_state::Agent;

/// The input of a routing decision.
pub(crate) struct RoutingRequest<'a> {
    pub(crate) app_id: &'a str,
    pub(crate) levels: &'a [Level],
    pub(crate) policy: AfterHours,
    pub(crate) last_agent: Option<(&'a str, Timestamp)>,
    pub(crate) immediate: bool,
    /// The sender of a transfer, who does not get the conversation back.
    pub(crate) without: Option<&'a str>,
    /// The queue in which the conversation waits already, which is never full for it.
    pub(crate) stands_in: Option<&'a str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RoutedTo {
    To(String),
    Waits(String),
    Left,
    Robot,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    Busy,
    Offline,
    OffWork,
    NotFound,
}

impl Model {
    /// The best agent who is free for a conversation in a queue. The sender of a transfer does not get it back within five
    /// minutes, unless no other agent is on duty.
    pub(super) fn free_for(&self, queue: &str, cid: &str) -> Option<String> {
        match queue.split_once(':')? {
            ("group", id) if self.works.get(id) == Some(&true) => {
                let lately = |at: &Timestamp| self.now.duration_since(*at) < SignedDuration::from_mins(5);
                let by = self.handed_on.get(cid).filter(|(_, at)| lately(at)).map(|(by, _)| by.as_str());
                self.best(&self.groups[id], None, by.filter(|by| self.is_staffed(&self.groups[id], Some(by))))
            }
            ("agent", id) => self.agents.get(id).filter(|agent| agent.is_free(self.now)).map(|_| id.to_owned()),
            _ => None,
        }
    }

    /// Whether an agent of a group is on duty, without counting `without`.
    pub(super) fn is_staffed(&self, group: &Group, without: Option<&str>) -> bool {
        let mut members = group.members.iter().filter(|id| Some(id.as_str()) != without);
        members.any(|id| self.agents.get(id).is_some_and(|agent| self.is_on_duty(agent)))
    }

    fn is_on_duty(&self, agent: &Agent) -> bool {
        agent.status != "offline" && agent.is_present(self.now)
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
            let turn = a.last_assigned_at.cmp(&b.last_assigned_at).then(part(a).total_cmp(&part(b)));
            is_sticky(one).cmp(&is_sticky(other)).then(load).then(turn).then(one.cmp(other))
        });
        best.map(|(id, _)| id.clone())
    }

    /// Where a conversation goes.
    pub(crate) fn route(&self, request: &RoutingRequest<'_>) -> RoutedTo {
        let levels = &request.levels[..request.levels.len().min(4)];
        for (number, level) in levels.iter().enumerate() {
            let (state, best, may_wait, policy) = self.state_of(level, request);
            let is_last = !levels[number + 1..].iter().any(|level| self.is_known(level));
            match (state, best) {
                (State::Free, Some(agent)) => return RoutedTo::To(agent),
                (State::NotFound, _) if !is_last => continue,
                _ if !is_last && level.overflows && passes(level.condition, state) => continue,
                _ if request.immediate => return RoutedTo::Robot,
                _ => {}
            }
            return match if state == State::Busy { AfterHours::Queue } else { policy } {
                AfterHours::Robot => RoutedTo::Robot,
                AfterHours::Queue if may_wait => RoutedTo::Waits(level.target.as_ref().map(queue_of).unwrap()),
                AfterHours::Queue | AfterHours::LeaveMessage => RoutedTo::Left,
            };
        }
        if request.immediate || request.policy == AfterHours::Robot { RoutedTo::Robot } else { RoutedTo::Left }
    }

    /// Whether the target of a level exists.
    fn is_known(&self, level: &Level) -> bool {
        match &level.target {
            Some(Target::Group(id)) => self.groups.contains_key(id),
            Some(Target::Agent(id)) => self.agents.contains_key(id),
            None => false,
        }
    }

    /// Whether a mini program has fewer conversations in a queue than its share, or uses it alone.
    fn has_share(&self, queue: &str, group: &Group, app_id: &str) -> bool {
        let is_shared =
            self.users.get(queue).is_some_and(|users| users.iter().any(|user| *user != store::queue_share(app_id)));
        let is_own = |cid: &&String| self.threads[*cid].split('#').nth(1) == Some(app_id);
        let own = self.lines.get(queue).map_or(0, |line| line.values().filter(is_own).count());
        let share = (group.max_queue * group.binding_share / 100).max(1);
        !is_shared || own < share as usize
    }

    fn state_of(&self, level: &Level, request: &RoutingRequest<'_>) -> (State, Option<String>, bool, AfterHours) {
        let not_found = (State::NotFound, None, false, request.policy);
        let Some(target) = &level.target else { return not_found };
        let queue = queue_of(target);
        let stands = request.stands_in == Some(queue.as_str());
        let waiting = self.lines.get(&queue).map_or(0, BTreeMap::len);
        match target {
            Target::Group(id) => {
                let Some(group) = self.groups.get(id) else { return not_found };
                let may_wait =
                    stands || waiting < group.max_queue as usize && self.has_share(&queue, group, request.app_id);
                let run = SignedDuration::from_mins(i64::from(group.sticky_minutes));
                let sticky =
                    request.last_agent.filter(|(_, at)| run.is_positive() && self.now.duration_since(*at) <= run);
                let best = self.best(group, sticky.map(|(agent, _)| agent), request.without);
                let state = match () {
                    () if !self.works[id] => State::OffWork,
                    () if !self.is_staffed(group, request.without) => State::Offline,
                    () if waiting == 0 && best.is_some() => State::Free,
                    () => State::Busy,
                };
                (state, best, may_wait, group.after_hours)
            }
            Target::Agent(id) => {
                let Some(agent) = self.agents.get(id) else { return not_found };
                let state = match () {
                    () if !self.is_on_duty(agent) => State::Offline,
                    () if waiting == 0 && agent.is_free(self.now) => State::Free,
                    () => State::Busy,
                };
                (state, Some(id.clone()), stands || waiting < 100, request.policy)
            }
        }
    }
}

fn passes(spill: OverflowCondition, state: State) -> bool {
    match spill {
        OverflowCondition::Any => true,
        OverflowCondition::Offline => state == State::Offline,
        OverflowCondition::Busy => state == State::Busy,
        OverflowCondition::OffWork => state == State::OffWork,
    }
}

pub(crate) fn queue_of(target: &Target) -> String {
    match target {
        Target::Group(id) => format!("group:{id}"),
        Target::Agent(id) => format!("agent:{id}"),
    }
}
