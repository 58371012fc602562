//! The reception settings of a binding.

use api::{FieldError, Problem};
use desk::{
    allow::{ALLOWED_MAX, AllowedIds},
    settings::Reception,
};
use serde_json::Value;
use store::Kind;

use crate::{lookup::exists, merge::merge, services::Services, settings::fields};

/// The field of the binding.
const PLACE: &str = "reception";

/// Merges a patch into the current settings and validates the result. Errors are added to `wrong`; then the current
/// settings are returned.
pub(crate) async fn merged(
    services: &Services,
    current: &Reception,
    patch: Value,
    wrong: &mut Vec<FieldError>,
) -> Result<Reception, Problem> {
    if !patch.is_object() {
        wrong.push(FieldError::new(PLACE, "must be an object"));
        return Ok(current.clone());
    }
    let mut value = serde_json::to_value(current).unwrap_or_default();
    merge(&mut value, patch);
    let next: Reception = match api::read(value) {
        Ok(next) => next,
        Err(error) => {
            wrong.push(FieldError::new(format!("{PLACE}.{}", error.field), error.detail));
            return Ok(current.clone());
        }
    };
    wrong.extend(fields("reception.", next.faults()));
    // What the settings named before may have been deleted since.
    for (kind, field, before, now) in [
        (Kind::Robot, "robot_id", &current.robot_id, &next.robot_id),
        (Kind::Group, "group_id", &current.group_id, &next.group_id),
    ] {
        if let Some(id) = now.as_ref().filter(|_| before != now)
            && !exists(services, kind, id).await?
        {
            wrong.push(FieldError::new(format!("{PLACE}.{field}"), format!("must be the id of a {}", kind.as_str())));
        }
    }
    for (kind, field, before, now) in [
        (Kind::Robot, "robots", &current.allow.robots, &next.allow.robots),
        (Kind::Group, "groups", &current.allow.groups, &next.allow.groups),
        (Kind::Agent, "agents", &current.allow.agents, &next.allow.agents),
    ] {
        let before = before.as_ref().map(AllowedIds::ids).unwrap_or_default();
        let now = now.as_ref().map(AllowedIds::ids).unwrap_or_default();
        for (place, id) in now.iter().enumerate().take(ALLOWED_MAX).filter(|(_, id)| !before.contains(id)) {
            if !exists(services, kind, id).await? {
                let detail = format!("must be the id of a {}", kind.as_str());
                wrong.push(FieldError::new(format!("{PLACE}.allow.{field}[{place}]"), detail));
            }
        }
    }
    Ok(next)
}
