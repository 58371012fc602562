//! The levels that a conversation passes through.

use serde::{Deserialize, Serialize};

use crate::staff::AfterHours;

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
pub enum Spill {
    /// Nobody is on duty.
    Offline,
    /// Somebody is on duty, but nobody is free.
    Busy,
    /// It is outside of working hours.
    OffWork,
    /// 智能判断: any of these.
    Any,
}

/// A level of `transfer_action` as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `actionType`; nothing if it is missing or unknown.
    pub kind: Option<TargetKind>,
    /// `deciId` as given.
    pub named: String,
    /// `optionId`: 1 (agent) and 3 (group) overflow, 2 and 4 do not.
    pub option_id: Option<u32>,
    /// `spillId`: 1 to 3 of an agent, 4 to 7 of a group.
    pub spill_id: Option<u32>,
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
    pub spill: Spill,
}

/// Where a conversation may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The levels in their order.
    pub levels: Vec<Level>,
    /// The number of the first of them: 1, or more if the conversation has been at others before.
    #[serde(default = "first")]
    pub first: u8,
    /// The agent whom the visitor had the last time, if that was not too long ago. A group whose `sticky_minutes` is 0
    /// pays no heed.
    #[serde(default)]
    pub sticky: Option<String>,
    /// What happens when nobody is there, where a target has no policy of its own: the binding's.
    #[serde(default)]
    pub after_hours: AfterHours,
}

/// Something odd in what was asked for. It never keeps a visitor from being received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The place of the level in what was asked for, from 1.
    pub level: u8,
    /// What is odd.
    pub code: Oddity,
    /// The same in words, for an admin.
    pub detail: String,
}

/// What can be odd in a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Oddity {
    /// It is beyond the fourth, and ignored with all that follow.
    TooManyLevels,
    /// `actionType` is neither `to_group` nor `to_service`; the level is skipped.
    KindUnknown,
    /// Nobody has this id; the level is passed through.
    TargetNotFound,
    /// `customerCode` is that of no merchant.
    MerchantNotFound,
    /// `optionId` is missing: it overflows if it has a `spillId` or another level follows.
    OptionMissing,
    /// `optionId` is none of 1 to 4 and counts as missing.
    OptionUnknown,
    /// `optionId` belongs to the other kind of target and is taken by its meaning.
    OptionCrossed,
    /// `spillId` is none of 1 to 7 and counts as missing, which is 智能判断.
    SpillUnknown,
    /// `spillId` belongs to the other kind of target and is taken by its meaning.
    SpillCrossed,
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
    pub fn of_action(action_type: &str) -> Option<Self> {
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
        Self { named: target.id().to_owned(), target: Some(target), overflows: false, spill: Spill::Any }
    }
}

impl Plan {
    /// A plan from its first level on.
    pub fn new(levels: Vec<Level>, sticky: Option<String>, after_hours: AfterHours) -> Self {
        Self { levels, first: first(), sticky, after_hours }
    }

    /// The levels that count, with their numbers.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (u8, &Level)> {
        (self.first.max(1)..=LEVELS_MAX).zip(&self.levels)
    }
}

/// Makes levels of what was asked for. `resolve` knows who has an id, ours or another vendor's; it is asked once for
/// each level that counts.
pub fn levels(
    asked: &[Asked],
    mut resolve: impl FnMut(TargetKind, &str) -> Option<Target>,
) -> (Vec<Level>, Vec<Warning>) {
    let mut levels = Vec::new();
    let mut warnings = Vec::new();
    let counting = &asked[..asked.len().min(usize::from(LEVELS_MAX))];
    for ((number, level), next) in (1..=LEVELS_MAX).zip(counting).zip(1..) {
        let mut warn = |code, detail: String| warnings.push(Warning { level: number, code, detail });
        let Some(kind) = level.kind else {
            warn(Oddity::KindUnknown, "actionType must be to_group or to_service; this level is skipped".to_owned());
            continue;
        };
        let target = if level.named.trim().is_empty() { None } else { resolve(kind, &level.named) };
        if target.is_none() {
            let what = if kind == TargetKind::Group { "group" } else { "agent" };
            warn(
                Oddity::TargetNotFound,
                format!("no {what} has the id {:?}; this level is passed through", level.named),
            );
        }
        let spill = spill(kind, level.spill_id, &mut warn);
        let follows = counting[next..].iter().any(|level| level.kind.is_some());
        let overflows = overflows(kind, level.option_id, &mut warn).unwrap_or(spill.is_some() || follows);
        levels.push(Level { target, named: level.named.clone(), overflows, spill: spill.unwrap_or(Spill::Any) });
    }
    if asked.len() > usize::from(LEVELS_MAX) {
        let detail = format!("{} levels were asked for; those after the fourth are ignored", asked.len());
        warnings.push(Warning { level: LEVELS_MAX + 1, code: Oddity::TooManyLevels, detail });
    }
    (levels, warnings)
}

/// What `optionId` says, if it says anything.
fn overflows(kind: TargetKind, id: Option<u32>, warn: &mut impl FnMut(Oddity, String)) -> Option<bool> {
    let instead = "this level overflows if it has a spillId or another level follows";
    let Some(id) = id else {
        warn(Oddity::OptionMissing, format!("optionId is missing; {instead}"));
        return None;
    };
    let (of, overflows) = match id {
        1 => (TargetKind::Agent, true),
        2 => (TargetKind::Agent, false),
        3 => (TargetKind::Group, true),
        4 => (TargetKind::Group, false),
        _ => {
            warn(Oddity::OptionUnknown, format!("optionId {id} is none of 1 to 4; {instead}"));
            return None;
        }
    };
    if of != kind {
        let meaning = if overflows { "overflow" } else { "no overflow" };
        let right = if kind == TargetKind::Agent { "1 or 2" } else { "3 or 4" };
        warn(
            Oddity::OptionCrossed,
            format!("optionId {id} is taken as \"{meaning}\": with this actionType it must be {right}"),
        );
    }
    Some(overflows)
}

/// What `spillId` says, if it says anything.
fn spill(kind: TargetKind, id: Option<u32>, warn: &mut impl FnMut(Oddity, String)) -> Option<Spill> {
    let id = id?;
    let (of, spill) = match id {
        1 => (TargetKind::Agent, Spill::Offline),
        2 => (TargetKind::Agent, Spill::Busy),
        3 => (TargetKind::Agent, Spill::Any),
        4 => (TargetKind::Group, Spill::Offline),
        5 => (TargetKind::Group, Spill::Busy),
        // An agent has no hours of their own: one who does not work now is one who is not there.
        6 if kind == TargetKind::Agent => (TargetKind::Group, Spill::Offline),
        6 => (TargetKind::Group, Spill::OffWork),
        7 => (TargetKind::Group, Spill::Any),
        _ => {
            warn(Oddity::SpillUnknown, format!("spillId {id} is none of 1 to 7; any reason counts instead"));
            return None;
        }
    };
    if of != kind {
        let right = if kind == TargetKind::Agent { "1 to 3" } else { "4 to 7" };
        let detail =
            format!("spillId {id} is taken as \"{}\": with this actionType it must be {right}", spill.reason());
        warn(Oddity::SpillCrossed, detail);
    }
    Some(spill)
}

/// What is left of a plan when a conversation has waited too long at a level: the levels after it, with the numbers
/// they had, whatever the reason for which that level overflows. If there are none, or that level does not overflow,
/// nothing but leaving a message.
pub fn after_wait(plan: &Plan, level: u8) -> Plan {
    let stays = plan.numbered().any(|(number, at)| number == level && !at.overflows);
    let rest: Vec<Level> =
        plan.numbered().filter(|(number, _)| !stays && *number > level).map(|(_, level)| level.clone()).collect();
    let after_hours = if rest.is_empty() { AfterHours::LeaveMessage } else { plan.after_hours };
    Plan { levels: rest, first: plan.first.max(level.saturating_add(1)), sticky: plan.sticky.clone(), after_hours }
}
