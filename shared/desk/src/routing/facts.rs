//! How it is at a target.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::staff::{AfterHours, AgentFacts, AgentStatus, Group, rank_free_agents};

use super::{Level, Plan, Target, TargetKind};

/// What is known of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    /// A group.
    Group {
        /// Its settings.
        group: Group,
        /// Its members.
        members: Vec<AgentFacts>,
        /// Whether it is working time.
        open: bool,
        /// How many conversations wait for it, counted up to its `max_queue`.
        waiting: u32,
    },
    /// An agent.
    Agent {
        /// The agent.
        agent: AgentFacts,
        /// How many conversations wait for them alone, counted up to [`AGENT_QUEUE_MAX`].
        waiting: u32,
    },
    /// It does not exist any more.
    Missing,
}

/// How it is at a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetState {
    /// Somebody is free, and nobody waits.
    #[serde(rename = "takeable")]
    Available,
    /// It is outside of working hours.
    OffWork,
    /// Nobody is on duty.
    Offline,
    /// Somebody is on duty, but nobody is free, or others wait already.
    Busy,
    /// Busy, and no more may wait.
    QueueFull,
    /// There is no such target.
    NotFound,
}

/// How many conversations may wait for one agent.
pub const AGENT_QUEUE_MAX: u32 = 100;

/// What the facts of a target come to.
pub(super) struct Evaluation {
    pub(super) state: TargetState,
    /// Half a sentence.
    pub(super) fact: String,
    /// Who is free, the best first.
    pub(super) agents: Vec<String>,
    pub(super) after_hours: AfterHours,
    /// Whether one more may wait, should it come to that.
    pub(super) may_wait: bool,
}

impl Evaluation {
    fn new(state: TargetState, fact: impl Into<String>, after_hours: AfterHours) -> Self {
        Self { state, fact: fact.into(), agents: Vec::new(), after_hours, may_wait: false }
    }
}

/// Looks at a level; nothing if its target's facts are needed first.
pub(super) fn evaluate<'a>(
    plan: &Plan,
    level: &'a Level,
    now: Timestamp,
    facts_of: impl FnOnce(&'a Target) -> Option<&'a Facts>,
) -> Result<Evaluation, &'a Target> {
    let not_found = |fact| Evaluation::new(TargetState::NotFound, fact, plan.after_hours);
    let Some(target) = &level.target else { return Ok(not_found("nobody has this id")) };
    Ok(match (target.kind(), facts_of(target).ok_or(target)?) {
        (TargetKind::Group, Facts::Group { group, members, open, waiting }) => {
            at_group(plan, group, members, (*open, *waiting), now)
        }
        (TargetKind::Agent, Facts::Agent { agent, waiting }) => at_agent(plan, agent, *waiting),
        (TargetKind::Group, _) => not_found("this group does not exist any more"),
        (TargetKind::Agent, _) => not_found("this agent does not exist any more"),
    })
}

/// Whether there is what a level names; nothing if its target's facts are needed first.
pub(super) fn exists<'a>(
    level: &'a Level,
    facts_of: impl FnOnce(&'a Target) -> Option<&'a Facts>,
) -> Result<bool, &'a Target> {
    let Some(target) = &level.target else { return Ok(false) };
    let facts = facts_of(target).ok_or(target)?;
    Ok(matches!(
        (target.kind(), facts),
        (TargetKind::Group, Facts::Group { .. }) | (TargetKind::Agent, Facts::Agent { .. })
    ))
}

fn at_group(
    plan: &Plan,
    group: &Group,
    members: &[AgentFacts],
    (open, waiting): (bool, u32),
    now: Timestamp,
) -> Evaluation {
    let may_wait = waiting < group.max_queue;
    let on_duty = members.iter().filter(|agent| agent.is_on_duty()).count();
    let finding = |state, fact: String| Evaluation { may_wait, ..Evaluation::new(state, fact, group.after_hours) };
    if !open {
        return finding(TargetState::OffWork, "it is outside of this group's working hours".to_owned());
    }
    if on_duty == 0 {
        let fact = match members.len() {
            0 => "this group has no members".to_owned(),
            1 => "the only member is not on duty".to_owned(),
            all => format!("none of {all} members is on duty"),
        };
        return finding(TargetState::Offline, fact);
    }
    let sticky = plan.sticky.as_ref().filter(|last| last.counts(group, now));
    let agents = rank_free_agents(group.strategy, members, sticky.map(|last| last.agent.as_str()));
    let free = agents.len();
    let fact =
        if free == 0 { format!("{on_duty} on duty, none free") } else { format!("{on_duty} on duty, {free} free") };
    if free > 0 && waiting == 0 {
        return Evaluation { agents, ..finding(TargetState::Available, fact) };
    }
    let (state, fact) = with_queue(fact, waiting, group.max_queue);
    finding(state, fact)
}

fn at_agent(plan: &Plan, agent: &AgentFacts, waiting: u32) -> Evaluation {
    let may_wait = waiting < AGENT_QUEUE_MAX;
    let finding = |state, fact: String| Evaluation { may_wait, ..Evaluation::new(state, fact, plan.after_hours) };
    let AgentFacts { load, capacity, .. } = agent;
    let fact = match agent.status {
        AgentStatus::Offline => "the agent is offline".to_owned(),
        _ if !agent.present => "the agent's workbench has not been heard from".to_owned(),
        AgentStatus::Busy => "the agent is busy".to_owned(),
        AgentStatus::Away => "the agent is away".to_owned(),
        AgentStatus::Online => format!("the agent has {load} of {capacity} conversations"),
    };
    if !agent.is_on_duty() {
        return finding(TargetState::Offline, fact);
    }
    if agent.is_free() && waiting == 0 {
        return Evaluation { agents: vec![agent.id.clone()], ..finding(TargetState::Available, fact) };
    }
    let (state, fact) = with_queue(fact, waiting, AGENT_QUEUE_MAX);
    finding(state, fact)
}

/// Whoever waits already goes first: nobody jumps the queue because an agent became free a moment ago.
fn with_queue(fact: String, waiting: u32, most: u32) -> (TargetState, String) {
    match waiting {
        _ if waiting >= most => (TargetState::QueueFull, format!("{fact}, and no more than {most} may wait")),
        0 => (TargetState::Busy, fact),
        _ => (TargetState::Busy, format!("{fact}, {waiting} waiting already")),
    }
}
