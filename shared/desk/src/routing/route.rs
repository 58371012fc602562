//! The decision.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::staff::AfterHours;

use super::{
    Facts, LEVELS_MAX, Level, Passage, Plan, State, Target, TargetKind, Verdict,
    facts::{Finding, examine, exists},
    trail::{Keeps, ending, passing},
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
pub enum Next {
    /// The facts of this target are needed: add them and call again.
    Need(Target),
    /// It is decided.
    Done(Routed),
}

/// A decision and how it came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routed {
    /// The decision.
    pub outcome: Outcome,
    /// A passage for every level that was asked, in order; at most four.
    pub trail: Vec<Passage>,
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

/// Decides. Every input leads to one outcome: the caller adds what [`Next::Need`] asks for until it is there, which is
/// after four times at most.
pub fn route(plan: &Plan, facts: &BTreeMap<Target, Facts>, mode: Mode, now: Timestamp) -> Next {
    let mut trail = Vec::new();
    let mut levels = plan.numbered();
    while let Some((number, level)) = levels.next() {
        let looked_at = examine(plan, level, now, |target| facts.get(target))
            .and_then(|finding| Ok((keeps(level, finding.state, levels.clone(), facts)?, finding)));
        let (keeps, finding) = match looked_at {
            Ok(looked_at) => looked_at,
            Err(target) => return Next::Need(target.clone()),
        };
        let passed = |verdict, because| {
            let (target, named) = (level.target.clone(), level.named.clone());
            Passage { level: number, target, named, state: finding.state, verdict, because }
        };
        let Some(keeps) = keeps else {
            trail.push(passed(Verdict::PassedOn, passing(&finding.fact, finding.state, level)));
            continue;
        };
        let (outcome, verdict) = outcome(number, level.target.as_ref(), &finding, mode);
        trail.push(passed(verdict, ending(&finding.fact, keeps, level, verdict)));
        return Next::Done(Routed { outcome, trail });
    }
    // Only a plan without levels comes here: the last level keeps what it gets.
    let level = plan.first.clamp(1, LEVELS_MAX + 1) - 1;
    let (outcome, _) = unattended(plan.after_hours, None, level, mode);
    Next::Done(Routed { outcome, trail })
}

/// Whether a level keeps a conversation, and why. One that would pass it on keeps it if nobody after it can be asked: a
/// wrong id at the end of a plan must not cost a visitor their place in the queue.
fn keeps<'a>(
    level: &Level,
    state: State,
    later: impl Iterator<Item = (u8, &'a Level)>,
    facts: &'a BTreeMap<Target, Facts>,
) -> Result<Option<Keeps>, &'a Target> {
    let mut later = later.peekable();
    let keeps = match state {
        State::Takeable => Some(Keeps::Free),
        _ if later.peek().is_none() => Some(Keeps::Last),
        State::NotFound => None,
        _ if !level.overflows => Some(Keeps::NoOverflow),
        _ if !level.spill.matches(state) => Some(Keeps::OtherReason),
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
    Ok(Some(Keeps::Alone))
}

/// What happens at the level that keeps it.
fn outcome(level: u8, target: Option<&Target>, finding: &Finding, mode: Mode) -> (Outcome, Verdict) {
    let waits_for = target.filter(|_| finding.may_wait);
    match finding.state {
        State::Takeable => {
            let group = target.filter(|target| target.kind() == TargetKind::Group).map(|group| group.id().to_owned());
            (Outcome::Assign { agents: finding.agents.clone(), group, level }, Verdict::Assigned)
        }
        State::Busy | State::QueueFull => unattended(AfterHours::Queue, waits_for, level, mode),
        State::OffWork | State::Offline | State::NotFound => unattended(finding.after_hours, waits_for, level, mode),
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
