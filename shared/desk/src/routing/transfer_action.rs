//! Conversion of a `transfer_action` (小程序指定接待对接代码) into the levels of a plan, with warnings.

use serde::{Deserialize, Serialize};

use super::{LEVELS_MAX, Level, OverflowCondition, Target, TargetKind};

/// A level of a `transfer_action` as given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferLevel {
    /// `actionType`; `None` if missing or unknown.
    pub kind: Option<TargetKind>,
    /// `deciId` as given.
    pub given_id: String,
    /// `optionId` as given: 1 (agent) and 3 (group) overflow, 2 (agent) and 4 (group) do not.
    pub option_id: Option<String>,
    /// `spillId` as given: 1 to 3 for an agent, 4 to 7 for a group.
    pub spill_id: Option<String>,
}

/// A warning about a `session-from`. A warning never prevents routing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = PlanWarning))]
pub struct Warning {
    /// The number of the level as given, from 1; 0 if the warning is about no level.
    pub level: u8,
    /// The code.
    pub code: WarningCode,
    /// A description for admins.
    pub detail: String,
}

/// The stable code of a warning about a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = PlanWarningCode))]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// More than four levels; the others are ignored.
    TooManyLevels,
    /// `actionType` is neither `to_group` nor `to_service`; the level is skipped.
    KindUnknown,
    /// No group or agent has the id; conversations overflow from the level.
    TargetNotFound,
    /// The binding's allow-list does not have the robot, group or agent; it counts as unknown.
    NotAllowed,
    /// No merchant has the `customerCode`.
    MerchantNotFound,
    /// No robot has the `robotid`; the binding's robot is used.
    RobotNotFound,
    /// `optionId` is missing; the level overflows if it has a `spillId` or another level follows.
    OptionMissing,
    /// `optionId` is not 1 to 4 and counts as missing.
    OptionUnknown,
    /// `optionId` belongs to the other kind of target; its meaning is used.
    OptionCrossed,
    /// `spillId` is not 1 to 7 and counts as missing, that is 智能判断.
    SpillUnknown,
    /// `spillId` belongs to the other kind of target; its meaning is used.
    SpillCrossed,
}

/// What an id in a `session-from` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// This target.
    Found(Target),
    /// No group or agent has the id.
    NotFound,
    /// A target that the binding's allow-list does not have.
    NotAllowed,
}

impl From<Option<Target>> for Lookup {
    fn from(target: Option<Target>) -> Self {
        target.map_or(Self::NotFound, Self::Found)
    }
}

impl Lookup {
    /// The target, or else the warning code and what follows.
    pub(crate) fn target(self, kind: TargetKind, given_id: &str, then: &str) -> Result<Target, (WarningCode, String)> {
        let what = if kind == TargetKind::Group { "group" } else { "agent" };
        match self {
            Self::Found(target) => Ok(target),
            Self::NotFound => Err((WarningCode::TargetNotFound, format!("no {what} has the id {given_id:?}; {then}"))),
            Self::NotAllowed => Err((
                WarningCode::NotAllowed,
                format!("the allow-list of the binding does not have the {what} {given_id:?}; {then}"),
            )),
        }
    }
}

/// Converts the levels of a `transfer_action`. `resolve` maps an id, internal or external, to a target; it is called at
/// most once for each of the first four levels.
pub fn levels_from_transfer_action<R: Into<Lookup>>(
    given: &[TransferLevel],
    mut resolve: impl FnMut(TargetKind, &str) -> R,
) -> (Vec<Level>, Vec<Warning>) {
    let mut levels = Vec::new();
    let mut warnings = Vec::new();
    let considered = &given[..given.len().min(usize::from(LEVELS_MAX))];
    for ((number, level), next) in (1..=LEVELS_MAX).zip(considered).zip(1..) {
        let mut warn = |code, detail: String| warnings.push(Warning { level: number, code, detail });
        let Some(kind) = level.kind else {
            warn(
                WarningCode::KindUnknown,
                "actionType must be to_group or to_service; this level is skipped".to_owned(),
            );
            continue;
        };
        let id = level.given_id.trim();
        let found = if id.is_empty() { Lookup::NotFound } else { resolve(kind, id).into() };
        let not_allowed = found == Lookup::NotAllowed;
        let target = found.target(kind, &level.given_id, "conversations overflow from this level");
        let target = target.map_err(|(code, detail)| warn(code, detail)).ok();
        let spill = spill(kind, level.spill_id.as_deref(), &mut warn);
        let follows = considered[next..].iter().any(|level| level.kind.is_some());
        let overflows = overflows(kind, level.option_id.as_deref(), &mut warn).unwrap_or(spill.is_some() || follows);
        levels.push(Level {
            target,
            given_id: level.given_id.clone(),
            overflows,
            condition: spill.unwrap_or(OverflowCondition::Any),
            not_allowed,
        });
    }
    if given.len() > usize::from(LEVELS_MAX) {
        let detail = format!("{} levels were given; those after the fourth are ignored", given.len());
        warnings.push(Warning { level: LEVELS_MAX + 1, code: WarningCode::TooManyLevels, detail });
    }
    (levels, warnings)
}

/// Parses `optionId`; `None` if missing or unknown.
fn overflows(kind: TargetKind, given: Option<&str>, warn: &mut impl FnMut(WarningCode, String)) -> Option<bool> {
    let instead = "this level overflows if it has a spillId or another level follows";
    let Some(given) = present(given) else {
        warn(WarningCode::OptionMissing, format!("optionId is missing; {instead}"));
        return None;
    };
    let (of, overflows) = match number(given) {
        Some(1) => (TargetKind::Agent, true),
        Some(2) => (TargetKind::Agent, false),
        Some(3) => (TargetKind::Group, true),
        Some(4) => (TargetKind::Group, false),
        _ => {
            warn(WarningCode::OptionUnknown, format!("optionId {given:?} is not 1 to 4; {instead}"));
            return None;
        }
    };
    if of != kind {
        let meaning = if overflows { "overflow" } else { "no overflow" };
        let right = if kind == TargetKind::Agent { "1 or 2" } else { "3 or 4" };
        let detail = format!("optionId {given:?} means \"{meaning}\", but for this actionType it must be {right}");
        warn(WarningCode::OptionCrossed, detail);
    }
    Some(overflows)
}

/// Parses `spillId`; `None` if missing or unknown.
fn spill(
    kind: TargetKind,
    given: Option<&str>,
    warn: &mut impl FnMut(WarningCode, String),
) -> Option<OverflowCondition> {
    let given = present(given)?;
    let (of, spill) = match number(given) {
        Some(1) => (TargetKind::Agent, OverflowCondition::Offline),
        Some(2) => (TargetKind::Agent, OverflowCondition::Busy),
        Some(3) => (TargetKind::Agent, OverflowCondition::Any),
        Some(4) => (TargetKind::Group, OverflowCondition::Offline),
        Some(5) => (TargetKind::Group, OverflowCondition::Busy),
        // An agent has no working hours; an agent who is off work is offline.
        Some(6) if kind == TargetKind::Agent => (TargetKind::Group, OverflowCondition::Offline),
        Some(6) => (TargetKind::Group, OverflowCondition::OffWork),
        Some(7) => (TargetKind::Group, OverflowCondition::Any),
        _ => {
            warn(WarningCode::SpillUnknown, format!("spillId {given:?} is not 1 to 7; any condition is used instead"));
            return None;
        }
    };
    if of != kind {
        let right = if kind == TargetKind::Agent { "1 to 3" } else { "4 to 7" };
        let detail =
            format!("spillId {given:?} means \"{}\", but for this actionType it must be {right}", spill.reason());
        warn(WarningCode::SpillCrossed, detail);
    }
    Some(spill)
}

fn present(given: Option<&str>) -> Option<&str> {
    given.filter(|given| !given.trim().is_empty())
}

/// Parses a number as JavaScript and JSON write it: `3`, `"3"`, `" 3 "`, `3.0`.
fn number(given: &str) -> Option<u32> {
    let given = given.trim();
    let whole = given.split_once('.').filter(|(_, zeros)| zeros.bytes().all(|digit| digit == b'0'));
    whole.map_or(given, |(whole, _)| whole).parse().ok()
}
