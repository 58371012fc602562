//! The facts about a target, and the state of the target that follows from them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::staff::{AfterHours, AgentFacts, AgentStatus, Group, rank_free_agents};

use super::{Level, Plan, Target, TargetKind};

/// The facts about a target, which the caller reads for [`route`](fn@super::route).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    /// A group.
    Group {
        /// The group's settings.
        group: Group,
        /// The group's members.
        members: Vec<AgentFacts>,
        /// Whether the group is within its working hours.
        open: bool,
        /// The length of the group's queue, counted up to its `max_queue`.
        waiting: u32,
        /// How many of them are of the visitor's mini program; `None` if no other mini program uses the group.
        of_mini_program: Option<u32>,
    },
    /// An agent.
    Agent {
        /// The agent.
        agent: AgentFacts,
        /// The length of the agent's own queue, counted up to [`AGENT_QUEUE_MAX`].
        waiting: u32,
    },
    /// The target no longer exists.
    Missing,
}

/// The state of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TargetState {
    /// An agent is free and the queue is empty.
    #[serde(rename = "takeable")]
    Available,
    /// The group is outside its working hours.
    OffWork,
    /// No agent is on duty.
    Offline,
    /// An agent is on duty, but no agent is free or the queue is not empty.
    Busy,
    /// Like [`TargetState::Busy`], and the queue is full.
    QueueFull,
    /// Like [`TargetState::Busy`], and the visitor's mini program has its share of the queue.
    QueueShare,
    /// The target does not exist, or the binding does not allow it.
    NotFound,
}

/// The maximum length of the queue of a single agent.
pub const AGENT_QUEUE_MAX: u32 = 100;

/// The evaluation of a target's facts.
pub(super) struct Evaluation {
    pub(super) state: TargetState,
    /// The state in words, without a full stop.
    pub(super) fact: String,
    /// The ids of the free agents, best first.
    pub(super) agents: Vec<String>,
    pub(super) after_hours: AfterHours,
    /// Whether the queue accepts another conversation.
    pub(super) may_wait: bool,
}

impl Evaluation {
    fn new(state: TargetState, fact: impl Into<String>, after_hours: AfterHours) -> Self {
        Self { state, fact: fact.into(), agents: Vec::new(), after_hours, may_wait: false }
    }
}

/// Evaluates the target of a level.
///
/// # Errors
///
/// The target, if its facts are needed first.
pub(super) fn evaluate<'a>(
    plan: &Plan,
    level: &'a Level,
    now: Timestamp,
    facts_of: impl FnOnce(&'a Target) -> Option<&'a Facts>,
) -> Result<Evaluation, &'a Target> {
    let not_found = |fact| Evaluation::new(TargetState::NotFound, fact, plan.after_hours);
    let Some(target) = &level.target else {
        let fact = if level.not_allowed { "the binding does not allow this target" } else { "no target has this id" };
        return Ok(not_found(fact));
    };
    Ok(match (target.kind(), facts_of(target).ok_or(target)?) {
        (TargetKind::Group, Facts::Group { group, members, open, waiting, of_mini_program }) => {
            let length = Length { waiting: *waiting, of_mini_program: *of_mini_program };
            at_group(plan, group, members, (*open, length), now)
        }
        (TargetKind::Agent, Facts::Agent { agent, waiting }) => at_agent(plan, agent, *waiting),
        (TargetKind::Group, _) => not_found("this group does not exist any more"),
        (TargetKind::Agent, _) => not_found("this agent does not exist any more"),
    })
}

/// Whether the target of a level exists.
///
/// # Errors
///
/// The target, if its facts are needed first.
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

/// The length of a group's queue.
#[derive(Clone, Copy)]
struct Length {
    waiting: u32,
    of_mini_program: Option<u32>,
}

fn at_group(
    plan: &Plan,
    group: &Group,
    members: &[AgentFacts],
    (open, length): (bool, Length),
    now: Timestamp,
) -> Evaluation {
    let Length { waiting, of_mini_program } = length;
    let share = of_mini_program.map(|own| (own, group.places_for_one()));
    let may_wait = waiting < group.max_queue && share.is_none_or(|(own, places)| own < places);
    let on_duty = members.iter().filter(|agent| agent.is_on_duty()).count();
    let evaluation = |state, fact: String| Evaluation { may_wait, ..Evaluation::new(state, fact, group.after_hours) };
    if !open {
        return evaluation(TargetState::OffWork, "it is outside of this group's working hours".to_owned());
    }
    if on_duty == 0 {
        let fact = match members.len() {
            0 => "this group has no members".to_owned(),
            1 => "the only member is not on duty".to_owned(),
            all => format!("none of {all} members is on duty"),
        };
        return evaluation(TargetState::Offline, fact);
    }
    let sticky = plan.sticky.as_ref().filter(|last| last.is_preferred_by(group, now));
    let agents = rank_free_agents(group.strategy, members, sticky.map(|last| last.agent.as_str()));
    let free = agents.len();
    let fact =
        if free == 0 { format!("{on_duty} on duty, none free") } else { format!("{on_duty} on duty, {free} free") };
    if free > 0 && waiting == 0 {
        return Evaluation { agents, ..evaluation(TargetState::Available, fact) };
    }
    let (state, fact) = with_queue(fact, waiting, group.max_queue, share);
    evaluation(state, fact)
}

fn at_agent(plan: &Plan, agent: &AgentFacts, waiting: u32) -> Evaluation {
    let may_wait = waiting < AGENT_QUEUE_MAX;
    let evaluation = |state, fact: String| Evaluation { may_wait, ..Evaluation::new(state, fact, plan.after_hours) };
    let AgentFacts { load, capacity, .. } = agent;
    let fact = match agent.status {
        AgentStatus::Offline => "the agent is offline".to_owned(),
        _ if !agent.present => "the agent has sent no heartbeat for too long".to_owned(),
        AgentStatus::Busy => "the agent is busy".to_owned(),
        AgentStatus::Away => "the agent is away".to_owned(),
        AgentStatus::Online => format!("the agent has {load} of {capacity} conversations"),
    };
    if !agent.is_on_duty() {
        return evaluation(TargetState::Offline, fact);
    }
    if agent.is_free() && waiting == 0 {
        return Evaluation { agents: vec![agent.id.clone()], ..evaluation(TargetState::Available, fact) };
    }
    let (state, fact) = with_queue(fact, waiting, AGENT_QUEUE_MAX, None);
    evaluation(state, fact)
}

/// The state of a target whose agents are busy or whose queue is not empty. The queue comes first: a conversation is not
/// assigned before those that wait, even if an agent has just become free. `share`: how many of the mini program wait, and how
/// many may.
fn with_queue(fact: String, waiting: u32, max_queue: u32, share: Option<(u32, u32)>) -> (TargetState, String) {
    match (waiting, share) {
        _ if waiting >= max_queue => (TargetState::QueueFull, format!("{fact}, and no more than {max_queue} may wait")),
        (_, Some((own, places))) if own >= places => {
            (TargetState::QueueShare, format!("{fact}, and no more than {places} of this mini program may wait"))
        }
        (0, _) => (TargetState::Busy, fact),
        _ => (TargetState::Busy, format!("{fact}, {waiting} waiting already")),
    }
}
