//! The trail of a routing decision: for each evaluated level the state of its target, the verdict, and the reason.

use serde::{Deserialize, Serialize};

use super::{Level, OverflowCondition, Target, TargetState};

/// An evaluated level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrailEntry {
    /// The number of the level, from 1.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 4))]
    pub level: u8,
    /// The target; `None` if no group or agent has the id.
    pub target: Option<Target>,
    /// The id as given.
    #[serde(rename = "named")]
    pub given_id: String,
    /// The state of the target.
    pub state: TargetState,
    /// The verdict.
    pub verdict: Verdict,
    /// The reason in one sentence, for admins.
    #[serde(rename = "because")]
    pub reason: String,
}

/// The verdict at a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The conversation is assigned to an agent.
    Assigned,
    /// The conversation is queued.
    Queued,
    /// The conversation overflows to the next level.
    PassedOn,
    /// The visitor leaves a message.
    LeftMessage,
    /// The robot answers.
    Robot,
}

/// The reason why a conversation stays at a level.
#[derive(Clone, Copy)]
pub(super) enum KeepReason {
    /// An agent is free.
    AgentFree,
    /// No level follows.
    LastLevel,
    /// Levels follow, but none has a target that exists.
    NoLaterTarget,
    /// The level does not overflow.
    NoOverflow,
    /// The level overflows only under another condition.
    OtherCondition,
}

impl OverflowCondition {
    /// Whether a conversation overflows if the target is in this state.
    pub(super) fn matches(self, state: TargetState) -> bool {
        match state {
            TargetState::Available => false,
            TargetState::OffWork => matches!(self, Self::OffWork | Self::Any),
            TargetState::Offline => matches!(self, Self::Offline | Self::Any),
            TargetState::Busy | TargetState::QueueFull | TargetState::QueueShare => {
                matches!(self, Self::Busy | Self::Any)
            }
            TargetState::NotFound => true,
        }
    }

    /// The condition in words.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Offline => "when no agent is on duty",
            Self::Busy => "when busy",
            Self::OffWork => "outside of working hours",
            Self::Any => "for any reason",
        }
    }
}

/// The reason for a conversation that overflows.
pub(super) fn overflow_reason(fact: &str, state: TargetState, level: &Level) -> String {
    match state {
        TargetState::NotFound => format!("{fact}; the next level is asked"),
        _ => format!("{fact}; this level overflows {}", level.condition.reason()),
    }
}

/// The reason for a conversation that stays.
pub(super) fn stay_reason(fact: &str, keep_reason: KeepReason, level: &Level, verdict: Verdict) -> String {
    let why = match keep_reason {
        KeepReason::AgentFree => return fact.to_owned(),
        KeepReason::LastLevel => "no level follows".to_owned(),
        KeepReason::NoLaterTarget => "no other level can be asked".to_owned(),
        KeepReason::NoOverflow => "this level does not overflow".to_owned(),
        KeepReason::OtherCondition => format!("this level overflows only {}", level.condition.reason()),
    };
    let what = match verdict {
        Verdict::Queued => "the conversation waits here",
        Verdict::LeftMessage => "the visitor leaves a message",
        Verdict::Robot => "the robot answers",
        Verdict::Assigned => "an agent takes it",
        Verdict::PassedOn => "the next level is asked",
    };
    format!("{fact}; {why}, so {what}")
}
