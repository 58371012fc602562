//! The levels that a conversation passes through.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};

use crate::staff::{AfterHours, Group};

/// Whom a conversation can go to, by our ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A group.
    Group(String),
    /// One agent.
    Agent(String),
}

/// What kind of target a level names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// `to_group`: 指定技能组.
    Group,
    /// `to_service`: 指定客服.
    Agent,
}

/// 溢出条件: for which reason a level passes a conversation on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverflowCondition {
    /// Nobody is on duty.
    Offline,
    /// Somebody is on duty, but nobody is free.
    Busy,
    /// It is outside of working hours.
    OffWork,
    /// 智能判断: any of these.
    Any,
}

/// A level: whom to ask, and when to pass on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Whom to ask; nothing if nobody has the id.
    pub target: Option<Target>,
    /// The id as it was given.
    pub named: String,
    /// Whether a conversation may be passed on from here.
    pub overflows: bool,
    /// For which reason.
    pub spill: OverflowCondition,
}

/// Where a conversation may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The levels in their order.
    pub levels: Vec<Level>,
    /// The number of the first of them: 1, or more if the conversation has been at others before.
    #[serde(default = "first")]
    pub first: u8,
    /// The agent whom the visitor had the last time; each group heeds it for its `sticky_minutes`.
    #[serde(default, deserialize_with = "dated")]
    pub sticky: Option<LastAgent>,
    /// What happens when nobody is there, where a target has no policy of its own: the binding's.
    #[serde(default)]
    pub after_hours: AfterHours,
    /// The visitor's robot, which has the conversation wherever the robot is to have it.
    #[serde(default)]
    pub robot_id: Option<String>,
}

/// 熟客: the agent whom a visitor had the last time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAgent {
    /// Which agent.
    pub agent: String,
    /// When.
    pub at: Timestamp,
}

/// 支持传入三级溢出策略，即第四级默认为不溢出.
pub const LEVELS_MAX: u8 = 4;

fn first() -> u8 {
    1
}

impl Target {
    /// Its kind.
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::Group(_) => TargetKind::Group,
            Self::Agent(_) => TargetKind::Agent,
        }
    }

    /// Its id, ours.
    pub fn id(&self) -> &str {
        match self {
            Self::Group(id) | Self::Agent(id) => id,
        }
    }
}

impl TargetKind {
    /// The kind that an `actionType` means.
    pub fn from_action_type(action_type: &str) -> Option<Self> {
        match action_type {
            "to_group" => Some(Self::Group),
            "to_service" => Some(Self::Agent),
            _ => None,
        }
    }
}

impl From<Target> for Level {
    /// A level that keeps what it gets.
    fn from(target: Target) -> Self {
        Self { named: target.id().to_owned(), target: Some(target), overflows: false, spill: OverflowCondition::Any }
    }
}

impl LastAgent {
    /// Whether a group still heeds it.
    pub(super) fn counts(&self, group: &Group, now: Timestamp) -> bool {
        let life = SignedDuration::from_mins(i64::from(group.sticky_minutes));
        life.is_positive() && now.duration_since(self.at) <= life
    }
}

/// Plans were kept once that name the agent alone: without the time nobody can say how long it counts.
fn dated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<LastAgent>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Kept {
        Dated(LastAgent),
        Undated(String),
    }
    let kept = Option::deserialize(deserializer)?;
    Ok(kept.and_then(|kept| match kept {
        Kept::Dated(last) => Some(last),
        Kept::Undated(_agent) => None,
    }))
}

impl Plan {
    /// A plan from its first level on, for a visitor without a robot.
    pub fn new(levels: Vec<Level>, sticky: Option<LastAgent>, after_hours: AfterHours) -> Self {
        Self { levels, first: first(), sticky, after_hours, robot_id: None }
    }

    /// The levels that count, with their numbers.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (u8, &Level)> + Clone {
        (self.first.max(1)..=LEVELS_MAX).zip(&self.levels)
    }
}

/// Whether levels have nobody to ask.
pub fn all_unresolved(levels: &[Level]) -> bool {
    levels.iter().all(|level| level.target.is_none())
}

/// Lets `others` follow levels that lead nowhere. As many of these as there is room for stay, for the trail.
pub fn append_levels(levels: &mut Vec<Level>, others: Vec<Level>) {
    levels.truncate(usize::from(LEVELS_MAX).saturating_sub(others.len()));
    levels.extend(others);
}

/// What is left of a plan when a conversation has waited too long at a level: the levels after it, with the numbers
/// they had, whatever the reason for which that level overflows. If they lead nowhere, or that level does not
/// overflow, nothing but leaving a message.
pub fn plan_after_wait(plan: &Plan, level: u8) -> Plan {
    let stays = plan.numbered().any(|(number, at)| number == level && !at.overflows);
    let mut rest: Vec<Level> =
        plan.numbered().filter(|(number, _)| !stays && *number > level).map(|(_, level)| level.clone()).collect();
    let mut after_hours = plan.after_hours;
    if all_unresolved(&rest) {
        rest.clear();
        after_hours = AfterHours::LeaveMessage;
    }
    Plan { levels: rest, first: plan.first.max(level.saturating_add(1)), after_hours, ..plan.clone() }
}
