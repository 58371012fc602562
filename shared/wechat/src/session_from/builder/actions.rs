//! The two fields that route a visitor.

use super::{BuildError, MAX_LEVELS, object};
use crate::session_from::{MAX_ID, PlatformAction, TransferLevel, field_names::Key};

/// The value of `platform_action`.
pub(super) fn platform_action(action: &PlatformAction) -> Result<String, BuildError> {
    let field = Key::PlatformAction.name();
    let members = [
        ("customer_code", "customerCode", &action.customer_code),
        ("flow_group_id", "flowGroupId", &action.flow_group_id),
    ];
    let written = object(field, members)?.to_string();
    for (name, _, id) in members {
        check_id(&format!("{field}.{name}"), id.as_deref())?;
    }
    Ok(written)
}

/// The value of `transfer_action`.
pub(super) fn levels(levels: &[TransferLevel]) -> Result<String, BuildError> {
    if levels.len() > MAX_LEVELS {
        return Err(BuildError::TooManyLevels { levels: levels.len() });
    }
    let mut written = Vec::with_capacity(levels.len());
    for (at, level) in levels.iter().enumerate() {
        let members = [
            ("action_type", "actionType", &level.action_type),
            ("deci_id", "deciId", &level.deci_id),
            ("option_id", "optionId", &level.option_id),
            ("spill_id", "spillId", &level.spill_id),
        ];
        let field = format!("{}[{at}]", Key::TransferAction.name());
        let level_written = object(&field, members)?.to_string();
        check_level_values(&field, level)?;
        written.push(level_written);
    }
    Ok(format!("[{}]", written.join(",")))
}

/// Refuses a level with undefined values. Sources: Sobot's page, `actionType`, `optionId`, `spillId`.
fn check_level_values(field: &str, level: &TransferLevel) -> Result<(), BuildError> {
    let is_within = |id: &Option<String>, allowed: &[&str]| id.as_deref().is_none_or(|id| allowed.contains(&id));
    let kind = level.action_type.as_deref();
    for (right, name, expected) in [
        (matches!(kind, Some("to_group" | "to_service")), "action_type", "to_group or to_service"),
        (is_within(&level.option_id, &["1", "2", "3", "4"]), "option_id", "1 to 4"),
        (is_within(&level.spill_id, &["1", "2", "3", "4", "5", "6", "7"]), "spill_id", "1 to 7"),
    ] {
        if !right {
            return Err(BuildError::NoMeaning { field: format!("{field}.{name}"), expected });
        }
    }
    check_id(&format!("{field}.deci_id"), Some(level.deci_id.as_deref().unwrap_or_default()))
}

/// Refuses an id that no group, agent or merchant has.
fn check_id(field: &str, id: Option<&str>) -> Result<(), BuildError> {
    match id {
        Some(id) if id.trim().is_empty() || id.len() > MAX_ID => Err(BuildError::NoMeaning {
            field: field.to_owned(),
            expected: "an id of 1 to 128 bytes that is not blank",
        }),
        _ => Ok(()),
    }
}
