//! How a mini program's visitors are received, as an admin sets it.

use desk::settings::Reception;
use function::http::{self, FieldError, Problem};
use serde_json::Value;
use store::Kind;

use crate::{Deps, merge::merge, records::exists, settings::fields};

/// The field of a binding.
const PLACE: &str = "reception";

/// Merges what was given into the current settings and checks what comes of it. What is wrong goes into `wrong`; then
/// the current settings are returned.
pub(crate) async fn merged(
    deps: &Deps,
    current: &Reception,
    given: Value,
    wrong: &mut Vec<FieldError>,
) -> Result<Reception, Problem> {
    if !given.is_object() {
        wrong.push(FieldError::new(PLACE, "must be an object"));
        return Ok(current.clone());
    }
    let mut value = serde_json::to_value(current).unwrap_or_default();
    merge(&mut value, given);
    let next: Reception = match http::read(value) {
        Ok(next) => next,
        Err(error) => {
            wrong.push(FieldError::new(format!("{PLACE}.{}", error.field), error.detail));
            return Ok(current.clone());
        }
    };
    wrong.extend(fields("reception.", next.faults()));
    // What was named before may have been taken away since.
    for (kind, field, before, now) in [
        (Kind::Robot, "robot_id", &current.robot_id, &next.robot_id),
        (Kind::Group, "group_id", &current.group_id, &next.group_id),
    ] {
        if let Some(id) = now.as_ref().filter(|_| before != now)
            && !exists(deps, kind, id).await?
        {
            wrong.push(FieldError::new(format!("{PLACE}.{field}"), format!("must be the id of a {}", kind.as_str())));
        }
    }
    Ok(next)
}
