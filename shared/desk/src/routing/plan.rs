//! The routing plan of a conversation: its levels, the last agent, and the after-hours policy.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};

use crate::staff::{AfterHours, Group};

/// A target of routing, by its internal id: `{"group": id}` or `{"agent": id}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A group.
    Group(String),
    /// One agent.
    Agent(String),
}

/// The kind of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// `to_group`: 指定技能组.
    Group,
    /// `to_service`: 指定客服.
    Agent,
}

/// 溢出条件: the condition under which a conversation overflows from a level. `offline`: no agent is on duty; `busy`: an
/// agent is on duty, but no agent is free; `off_work`: the group is outside its working hours; `any`: any of these
/// (智能判断).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Spill))]
#[serde(rename_all = "snake_case")]
pub enum OverflowCondition {
    /// No agent is on duty.
    Offline,
    /// An agent is on duty, but no agent is free.
    Busy,
    /// The group is outside its working hours.
    OffWork,
    /// 智能判断: any of the other conditions.
    Any,
}

/// A level of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = PlanLevel))]
pub struct Level {
    /// The target; `None` if no group or agent has the id.
    pub target: Option<Target>,
    /// The id as given.
    #[serde(rename = "named")]
    pub given_id: String,
    /// Whether conversations overflow from this level.
    pub overflows: bool,
    /// The condition for it (`spillId`).
    #[serde(rename = "spill")]
    pub condition: OverflowCondition,
    /// Whether the target is left out because the binding's allow-list does not have it.
    #[serde(default, skip_serializing_if = "is_false")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub not_allowed: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Where a conversation may go: the levels of its route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Plan {
    /// The levels in order. Only the first four count.
    pub levels: Vec<Level>,
    /// The number of the first level: 1, or more if the conversation has already left earlier levels.
    #[serde(default = "first")]
    #[cfg_attr(feature = "openapi", schema(required = true, minimum = 1))]
    pub first: u8,
    /// The visitor's last agent, which each group prefers for its `sticky_minutes`.
    #[serde(default, deserialize_with = "deserialize_last_agent")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub sticky: Option<LastAgent>,
    /// The after-hours policy for targets without a policy of their own: the binding's.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub after_hours: AfterHours,
    /// The robot that answers where no agent is available and a policy says so: that of `robotid`, or the mini program's
    /// own.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub robot_id: Option<String>,
}

/// 熟客: the last agent of a visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Sticky))]
pub struct LastAgent {
    /// The agent's id.
    pub agent: String,
    /// The time of the assignment.
    pub at: Timestamp,
}

/// The maximum number of levels (小程序指定接待对接代码: 支持传入三级溢出策略，即第四级默认为不溢出).
pub const LEVELS_MAX: u8 = 4;

fn first() -> u8 {
    1
}

impl Target {
    /// The kind of the target.
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::Group(_) => TargetKind::Group,
            Self::Agent(_) => TargetKind::Agent,
        }
    }

    /// The internal id of the target.
    pub fn id(&self) -> &str {
        match self {
            Self::Group(id) | Self::Agent(id) => id,
        }
    }
}

impl TargetKind {
    /// Parses an `actionType`.
    pub fn from_action_type(action_type: &str) -> Option<Self> {
        match action_type {
            "to_group" => Some(Self::Group),
            "to_service" => Some(Self::Agent),
            _ => None,
        }
    }
}

impl From<Target> for Level {
    /// Makes a level that does not overflow.
    fn from(target: Target) -> Self {
        Self {
            given_id: target.id().to_owned(),
            target: Some(target),
            overflows: false,
            condition: OverflowCondition::Any,
            not_allowed: false,
        }
    }
}

impl LastAgent {
    /// Whether the group prefers the agent at `now`, that is within its `sticky_minutes`.
    pub(super) fn is_preferred_by(&self, group: &Group, now: Timestamp) -> bool {
        let sticky = SignedDuration::from_mins(i64::from(group.sticky_minutes));
        sticky.is_positive() && now.duration_since(self.at) <= sticky
    }
}

/// Deserializes the last agent. Older plans store only the agent's id; without the time the agent is ignored.
fn deserialize_last_agent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<LastAgent>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        WithTime(LastAgent),
        IdOnly(String),
    }
    let stored = Option::deserialize(deserializer)?;
    Ok(stored.and_then(|stored| match stored {
        Stored::WithTime(last) => Some(last),
        Stored::IdOnly(_agent) => None,
    }))
}

impl Plan {
    /// Makes a plan that starts at level 1 and has no robot.
    pub fn new(levels: Vec<Level>, sticky: Option<LastAgent>, after_hours: AfterHours) -> Self {
        Self { levels, first: first(), sticky, after_hours, robot_id: None }
    }

    /// The first four levels with their numbers.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (u8, &Level)> + Clone {
        (self.first.max(1)..=LEVELS_MAX).zip(&self.levels)
    }
}

/// Whether no level has a target.
pub fn all_unresolved(levels: &[Level]) -> bool {
    levels.iter().all(|level| level.target.is_none())
}

/// Appends `others` to levels without a target. The levels without a target stay as far as there is room, so that they
/// appear in the trail.
pub fn append_levels(levels: &mut Vec<Level>, others: Vec<Level>) {
    levels.truncate(usize::from(LEVELS_MAX).saturating_sub(others.len()));
    levels.extend(others);
}

/// Returns the rest of a plan for a conversation that has waited at `level` for the group's `max_wait_seconds`.
///
/// The rest consists of the levels after `level` with their numbers, regardless of the level's overflow condition. If the
/// level does not overflow, or no later level has a target, the rest is empty and the visitor leaves a message.
pub fn plan_after_wait(plan: &Plan, level: u8) -> Plan {
    let stays = plan.numbered().any(|(number, current)| number == level && !current.overflows);
    let mut rest: Vec<Level> =
        plan.numbered().filter(|(number, _)| !stays && *number > level).map(|(_, level)| level.clone()).collect();
    let mut after_hours = plan.after_hours;
    if all_unresolved(&rest) {
        rest.clear();
        after_hours = AfterHours::LeaveMessage;
    }
    Plan { levels: rest, first: plan.first.max(level.saturating_add(1)), after_hours, ..plan.clone() }
}
