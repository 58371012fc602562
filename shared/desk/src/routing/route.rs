//! The routing decision.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::staff::AfterHours;

use super::{
    Facts, LEVELS_MAX, Level, Plan, Target, TargetKind, TargetState, TrailEntry, Verdict,
    facts::{Evaluation, evaluate, exists},
    trail::{KeepReason, overflow_reason, stay_reason},
};

/// The outcomes that a decision can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All outcomes.
    Full,
    /// Assignment to an agent who is free now; otherwise the robot answers (人工优先).
    ImmediateOnly,
}

/// The result of a call of [`route`](fn@route).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoutingStep {
    /// The facts about this target are needed. Add them and call again.
    FactsNeeded(Target),
    /// The decision.
    Decided(RoutingDecision),
}

/// A routing decision with its trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingDecision {
    /// The outcome.
    pub outcome: Outcome,
    /// An entry for each evaluated level in order, at most four.
    pub trail: Vec<TrailEntry>,
}

/// The outcome of routing.
///
/// `level` is the number of the last evaluated level. If the plan has no levels left, it is the number before the plan's
/// first level, that is 0 for a new plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Assign the conversation to one of these agents.
    Assign {
        /// The ids of the free agents, best first.
        agents: Vec<String>,
        /// The id of the group; `None` if the level names an agent.
        group: Option<String>,
        /// The level.
        level: u8,
    },
    /// Put the conversation into a queue.
    Queue {
        /// The target whose queue it is.
        target: Target,
        /// The level.
        level: u8,
    },
    /// The visitor leaves a message.
    LeaveMessage {
        /// The level.
        level: u8,
    },
    /// The robot answers.
    Robot {
        /// The level.
        level: u8,
    },
}

/// Decides where a conversation goes.
///
/// Every input leads to one decision. The caller adds the facts that [`RoutingStep::FactsNeeded`] requests and calls again,
/// at most four times.
pub fn route(plan: &Plan, facts: &BTreeMap<Target, Facts>, mode: Mode, now: Timestamp) -> RoutingStep {
    let mut trail = Vec::new();
    let mut levels = plan.numbered();
    while let Some((number, level)) = levels.next() {
        let evaluated = evaluate(plan, level, now, |target| facts.get(target))
            .and_then(|evaluation| Ok((keep_reason(level, evaluation.state, levels.clone(), facts)?, evaluation)));
        let (keep_reason, evaluation) = match evaluated {
            Ok(evaluated) => evaluated,
            Err(target) => return RoutingStep::FactsNeeded(target.clone()),
        };
        let passed = |verdict, reason| {
            let (target, given_id) = (level.target.clone(), level.given_id.clone());
            TrailEntry { level: number, target, given_id, state: evaluation.state, verdict, reason }
        };
        let Some(keep_reason) = keep_reason else {
            trail.push(passed(Verdict::PassedOn, overflow_reason(&evaluation.fact, evaluation.state, level)));
            continue;
        };
        let (outcome, verdict) = outcome(number, level.target.as_ref(), &evaluation, mode);
        trail.push(passed(verdict, stay_reason(&evaluation.fact, keep_reason, level, verdict)));
        return RoutingStep::Decided(RoutingDecision { outcome, trail });
    }
    // The plan has no levels: the last level would have returned.
    let level = plan.first.clamp(1, LEVELS_MAX + 1) - 1;
    let (outcome, _) = without_free_agent(plan.after_hours, None, level, mode);
    RoutingStep::Decided(RoutingDecision { outcome, trail })
}

/// Whether the conversation stays at a level, and why.
///
/// It stays at an overflowing level if no later target exists, so that a wrong id at the end of a plan does not cost the
/// visitor the place in the queue.
fn keep_reason<'a>(
    level: &Level,
    state: TargetState,
    later: impl Iterator<Item = (u8, &'a Level)>,
    facts: &'a BTreeMap<Target, Facts>,
) -> Result<Option<KeepReason>, &'a Target> {
    let mut later = later.peekable();
    let keep_reason = match state {
        TargetState::Available => Some(KeepReason::AgentFree),
        _ if later.peek().is_none() => Some(KeepReason::LastLevel),
        TargetState::NotFound => None,
        _ if !level.overflows => Some(KeepReason::NoOverflow),
        _ if !level.condition.matches(state) => Some(KeepReason::OtherCondition),
        _ => None,
    };
    if keep_reason.is_some() {
        return Ok(keep_reason);
    }
    for (_, level) in later {
        if exists(level, |target| facts.get(target))? {
            return Ok(None);
        }
    }
    Ok(Some(KeepReason::NoLaterTarget))
}

/// The outcome at the level where the conversation stays.
fn outcome(level: u8, target: Option<&Target>, evaluation: &Evaluation, mode: Mode) -> (Outcome, Verdict) {
    let waits_for = target.filter(|_| evaluation.may_wait);
    match evaluation.state {
        TargetState::Available => {
            let group = target.filter(|target| target.kind() == TargetKind::Group).map(|group| group.id().to_owned());
            (Outcome::Assign { agents: evaluation.agents.clone(), group, level }, Verdict::Assigned)
        }
        TargetState::Busy | TargetState::QueueFull | TargetState::QueueShare => {
            without_free_agent(AfterHours::Queue, waits_for, level, mode)
        }
        TargetState::OffWork | TargetState::Offline | TargetState::NotFound => {
            without_free_agent(evaluation.after_hours, waits_for, level, mode)
        }
    }
}

/// The outcome if no agent is free. If the policy is to queue and there is no queue or the queue is full, the visitor leaves
/// a message.
fn without_free_agent(policy: AfterHours, waits_for: Option<&Target>, level: u8, mode: Mode) -> (Outcome, Verdict) {
    match (mode, policy, waits_for) {
        (Mode::ImmediateOnly, ..) | (_, AfterHours::Robot, _) => (Outcome::Robot { level }, Verdict::Robot),
        (_, AfterHours::Queue, Some(target)) => (Outcome::Queue { target: target.clone(), level }, Verdict::Queued),
        (_, AfterHours::Queue | AfterHours::LeaveMessage, _) => (Outcome::LeaveMessage { level }, Verdict::LeftMessage),
    }
}
