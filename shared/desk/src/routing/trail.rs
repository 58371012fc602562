//! The trail that a conversation leaves: for every level why it took or passed on.

use serde::{Deserialize, Serialize};

use super::{Level, OverflowCondition, Target, TargetState};

/// How a conversation passed a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailEntry {
    /// The number of the level, from 1.
    pub level: u8,
    /// Whom it asks.
    pub target: Option<Target>,
    /// The id as it was given.
    pub named: String,
    /// How it was there.
    pub state: TargetState,
    /// What came of it.
    pub verdict: Verdict,
    /// Why, in one sentence.
    #[serde(rename = "because")]
    pub reason: String,
}

/// What came of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// An agent takes it.
    Assigned,
    /// It waits here.
    Queued,
    /// The next level is asked.
    PassedOn,
    /// The visitor leaves a message.
    LeftMessage,
    /// The robot answers.
    Robot,
}

/// Why a level keeps a conversation.
#[derive(Clone, Copy)]
pub(super) enum KeepReason {
    Free,
    Last,
    Alone,
    NoOverflow,
    OtherReason,
}

impl OverflowCondition {
    /// Whether a level passes on in this state.
    pub(super) fn matches(self, state: TargetState) -> bool {
        match state {
            TargetState::Available => false,
            TargetState::OffWork => matches!(self, Self::OffWork | Self::Any),
            TargetState::Offline => matches!(self, Self::Offline | Self::Any),
            TargetState::Busy | TargetState::QueueFull => matches!(self, Self::Busy | Self::Any),
            TargetState::NotFound => true,
        }
    }

    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Offline => "when nobody is on duty",
            Self::Busy => "when busy",
            Self::OffWork => "outside of working hours",
            Self::Any => "for any reason",
        }
    }
}

/// Why a level passes on.
pub(super) fn passing(fact: &str, state: TargetState, level: &Level) -> String {
    match state {
        TargetState::NotFound => format!("{fact}; the next level is asked"),
        _ => format!("{fact}; this level overflows {}", level.spill.reason()),
    }
}

/// Why it ends here, and how.
pub(super) fn ending(fact: &str, keeps: KeepReason, level: &Level, verdict: Verdict) -> String {
    let why = match keeps {
        KeepReason::Free => return fact.to_owned(),
        KeepReason::Last => "no level follows".to_owned(),
        KeepReason::Alone => "no other level can be asked".to_owned(),
        KeepReason::NoOverflow => "this level does not overflow".to_owned(),
        KeepReason::OtherReason => format!("this level overflows only {}", level.spill.reason()),
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
