//! The trail that a conversation leaves: for every level why it took or passed on.

use serde::{Deserialize, Serialize};

use super::{Level, Spill, State, Target};

/// How a conversation passed a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// The number of the level, from 1.
    pub level: u8,
    /// Whom it asks.
    pub target: Option<Target>,
    /// The id as it was given.
    pub named: String,
    /// How it was there.
    pub state: State,
    /// What came of it.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub because: String,
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
pub(super) enum Keeps {
    Free,
    Last,
    Alone,
    NoOverflow,
    OtherReason,
}

impl Spill {
    /// Whether a level passes on in this state.
    pub(super) fn matches(self, state: State) -> bool {
        match state {
            State::Takeable => false,
            State::OffWork => matches!(self, Self::OffWork | Self::Any),
            State::Offline => matches!(self, Self::Offline | Self::Any),
            State::Busy | State::QueueFull => matches!(self, Self::Busy | Self::Any),
            State::NotFound => true,
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
pub(super) fn passing(fact: &str, state: State, level: &Level) -> String {
    match state {
        State::NotFound => format!("{fact}; the next level is asked"),
        _ => format!("{fact}; this level overflows {}", level.spill.reason()),
    }
}

/// Why it ends here, and how.
pub(super) fn ending(fact: &str, keeps: Keeps, level: &Level, verdict: Verdict) -> String {
    let why = match keeps {
        Keeps::Free => return fact.to_owned(),
        Keeps::Last => "no level follows".to_owned(),
        Keeps::Alone => "no other level can be asked".to_owned(),
        Keeps::NoOverflow => "this level does not overflow".to_owned(),
        Keeps::OtherReason => format!("this level overflows only {}", level.spill.reason()),
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
