//! Sample groups and agents, and a driver for `route`.

use std::collections::BTreeMap;

use desk::{
    routing::{
        Facts, Level, Mode, Outcome, OverflowCondition, Plan, RoutingDecision, RoutingStep, Target, TrailEntry, route,
    },
    staff::{AfterHours, AgentFacts, AgentStatus, Group, Strategy, Visibility},
};
use jiff::Timestamp;
use serde::Serialize;

/// The time of all decisions.
pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

pub(crate) fn agent(id: &str) -> AgentFacts {
    AgentFacts {
        id: id.to_owned(),
        status: AgentStatus::Online,
        present: true,
        load: 0,
        in_flight: 0,
        capacity: 5,
        last_assigned_at: None,
    }
}

pub(crate) fn with_status(status: AgentStatus) -> AgentFacts {
    AgentFacts { status, ..agent("ann") }
}

pub(crate) fn loaded() -> AgentFacts {
    AgentFacts { load: 5, ..agent("ann") }
}

pub(crate) fn unheard_of() -> AgentFacts {
    AgentFacts { present: false, ..agent("ann") }
}

pub(crate) fn settings() -> Group {
    Group {
        name: "presale".to_owned(),
        members: Vec::new(),
        strategy: Strategy::LeastLoad,
        sticky_minutes: 0,
        max_queue: 10,
        binding_share: 50,
        max_wait_seconds: None,
        after_hours: AfterHours::LeaveMessage,
        calendar_id: None,
        visibility: Visibility::Group,
        aliases: Vec::new(),
    }
}

pub(crate) fn group(open: bool, members: &[AgentFacts], waiting: u32) -> Facts {
    Facts::Group { group: settings(), members: members.to_vec(), open, waiting, of_mini_program: None }
}

pub(crate) fn to_group(id: &str) -> Target {
    Target::Group(id.to_owned())
}

/// A level that overflows under every condition.
pub(crate) fn passing(id: &str) -> Level {
    Level { overflows: true, condition: OverflowCondition::Any, ..Level::from(to_group(id)) }
}

pub(crate) fn plan(levels: Vec<Level>) -> Plan {
    Plan::new(levels, None, AfterHours::LeaveMessage)
}

/// Calls `route` until it decides; also returns the targets whose facts were requested.
pub(crate) fn run(plan: &Plan, world: &BTreeMap<Target, Facts>, mode: Mode) -> (RoutingDecision, Vec<Target>) {
    let mut facts = BTreeMap::new();
    let mut asked = Vec::new();
    loop {
        match route(plan, &facts, mode, NOW) {
            RoutingStep::Decided(routed) => return (routed, asked),
            RoutingStep::FactsNeeded(target) => {
                assert!(!asked.contains(&target), "{target:?} was requested twice");
                facts.insert(target.clone(), world.get(&target).cloned().unwrap_or(Facts::Missing));
                asked.push(target);
            }
        }
    }
}

/// The JSON text of a state, a verdict or a code.
pub(crate) fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

pub(crate) fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Assign { level, .. } => format!("assign@{level}"),
        Outcome::Queue { level, .. } => format!("queue@{level}"),
        Outcome::LeaveMessage { level } => format!("leave_message@{level}"),
        Outcome::Robot { level } => format!("robot@{level}"),
    }
}

pub(crate) fn shown_trail(trail: &[TrailEntry]) -> String {
    let passages: Vec<String> = trail.iter().map(|at| format!("{}:{}", word(at.state), word(at.verdict))).collect();
    passages.join(" ")
}
