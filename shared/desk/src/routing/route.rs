//! The decision.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::staff::AfterHours;

use super::{
    Facts, LEVELS_MAX, Level, Plan, Target, TargetKind, TargetState, TrailEntry, Verdict,
    facts::{Evaluation, evaluate, exists},
    trail::{KeepReason, ending, passing},
};

/// How far a decision may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To an agent, into a queue, to leaving a message.
    Full,
    /// To an agent who is free now; the robot has it otherwise (人工优先).
    ImmediateOnly,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoutingStep {
    /// The facts of this target are needed: add them and call again.
    FactsNeeded(Target),
    /// It is decided.
    Decided(RoutingDecision),
}

/// A decision and how it came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingDecision {
    /// The decision.
    pub outcome: Outcome,
    /// A passage for every level that was asked, in order; at most four.
    pub trail: Vec<TrailEntry>,
}

/// What happens to a conversation. The level is the number of the last that was asked; if a plan has no levels left,
/// that of the level before, which is 0 if there was none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// One of these agents takes it.
    Assign {
        /// The best first. Somebody else may be quicker: then the facts are read again, and it is decided anew
        /// ([`choose_agent`](crate::staff::choose_agent)).
        agents: Vec<String>,
        /// The group that they take it for; nothing if the level names an agent.
        group: Option<String>,
        /// The level.
        level: u8,
    },
    /// It waits.
    Queue {
        /// For whom.
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

/// Decides. Every input leads to one outcome: the caller adds what [`RoutingStep::FactsNeeded`] asks for until it is there, which is
/// after four times at most.
pub fn route(plan: &Plan, facts: &BTreeMap<Target, Facts>, mode: Mode, now: Timestamp) -> RoutingStep {
    let mut trail = Vec::new();
    let mut levels = plan.numbered();
    while let Some((number, level)) = levels.next() {
        let looked_at = evaluate(plan, level, now, |target| facts.get(target))
            .and_then(|finding| Ok((keeps(level, finding.state, levels.clone(), facts)?, finding)));
        let (keeps, finding) = match looked_at {
            Ok(looked_at) => looked_at,
            Err(target) => return RoutingStep::FactsNeeded(target.clone()),
        };
        let passed = |verdict, reason| {
            let (target, named) = (level.target.clone(), level.named.clone());
            TrailEntry { level: number, target, named, state: finding.state, verdict, reason }
        };
        let Some(keeps) = keeps else {
            trail.push(passed(Verdict::PassedOn, passing(&finding.fact, finding.state, level)));
            continue;
        };
        let (outcome, verdict) = outcome(number, level.target.as_ref(), &finding, mode);
        trail.push(passed(verdict, ending(&finding.fact, keeps, level, verdict)));
        return RoutingStep::Decided(RoutingDecision { outcome, trail });
    }
    // Only a plan without levels comes here: the last level keeps what it gets.
    let level = plan.first.clamp(1, LEVELS_MAX + 1) - 1;
    let (outcome, _) = unattended(plan.after_hours, None, level, mode);
    RoutingStep::Decided(RoutingDecision { outcome, trail })
}

/// Whether a level keeps a conversation, and why. One that would pass it on keeps it if nobody after it can be asked: a
/// wrong id at the end of a plan must not cost a visitor their place in the queue.
fn keeps<'a>(
    level: &Level,
    state: TargetState,
    later: impl Iterator<Item = (u8, &'a Level)>,
    facts: &'a BTreeMap<Target, Facts>,
) -> Result<Option<KeepReason>, &'a Target> {
    let mut later = later.peekable();
    let keeps = match state {
        TargetState::Available => Some(KeepReason::Free),
        _ if later.peek().is_none() => Some(KeepReason::Last),
        TargetState::NotFound => None,
        _ if !level.overflows => Some(KeepReason::NoOverflow),
        _ if !level.spill.matches(state) => Some(KeepReason::OtherReason),
        _ => None,
    };
    if keeps.is_some() {
        return Ok(keeps);
    }
    for (_, level) in later {
        if exists(level, |target| facts.get(target))? {
            return Ok(None);
        }
    }
    Ok(Some(KeepReason::Alone))
}

/// What happens at the level that keeps it.
fn outcome(level: u8, target: Option<&Target>, finding: &Evaluation, mode: Mode) -> (Outcome, Verdict) {
    let waits_for = target.filter(|_| finding.may_wait);
    match finding.state {
        TargetState::Available => {
            let group = target.filter(|target| target.kind() == TargetKind::Group).map(|group| group.id().to_owned());
            (Outcome::Assign { agents: finding.agents.clone(), group, level }, Verdict::Assigned)
        }
        TargetState::Busy | TargetState::QueueFull => unattended(AfterHours::Queue, waits_for, level, mode),
        TargetState::OffWork | TargetState::Offline | TargetState::NotFound => {
            unattended(finding.after_hours, waits_for, level, mode)
        }
    }
}

/// What happens when nobody takes it now. Where it should wait but cannot, for there is nobody to wait for or too many
/// wait already, a message is left.
fn unattended(policy: AfterHours, waits_for: Option<&Target>, level: u8, mode: Mode) -> (Outcome, Verdict) {
    match (mode, policy, waits_for) {
        (Mode::ImmediateOnly, ..) | (_, AfterHours::Robot, _) => (Outcome::Robot { level }, Verdict::Robot),
        (_, AfterHours::Queue, Some(target)) => (Outcome::Queue { target: target.clone(), level }, Verdict::Queued),
        (_, AfterHours::Queue | AfterHours::LeaveMessage, _) => (Outcome::LeaveMessage { level }, Verdict::LeftMessage),
    }
}
