//! Who uses what is to be taken away. What is in use stays: whoever it served would silently be served otherwise.

use desk::settings::Reception;
use function::http::Problem;
use lambda_http::http::StatusCode;
use serde_json::Value;
use store::{Kind, StoreError};

use crate::Deps;

/// How many users a refusal names.
const NAMED_MAX: usize = 10;
const PAGE: i32 = 100;

/// Refuses while a group works by this calendar, while visitors or merchants are sent to this group, or while this robot
/// answers for a mini program. Whether an agent may go is for `effects` to say, which notes their groups.
pub(crate) async fn must_be_none(deps: &Deps, kind: Kind, id: &str) -> Result<(), Problem> {
    let users = match kind {
        Kind::Calendar => records(deps, Kind::Group, "calendar_id", id).await?,
        Kind::Robot => bindings(deps, |reception| reception.robot_id.as_deref(), id).await?,
        Kind::Group => {
            let mut users = bindings(deps, |reception| reception.group_id.as_deref(), id).await?;
            users.extend(records(deps, Kind::Merchant, "group_id", id).await?);
            users
        }
        Kind::Agent | Kind::Merchant => Vec::new(),
    };
    if users.is_empty() {
        return Ok(());
    }
    let others = if users.len() > NAMED_MAX { " and by others" } else { "" };
    let named = users.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    let what = kind.as_str();
    let detail = format!("The {what} is used by {named}{others}. Let them use another one, or none, first.");
    Err(Problem::new(StatusCode::CONFLICT, format!("{what}.in_use"), detail))
}

/// The records of a kind whose settings name this id, or enough of them.
async fn records(deps: &Deps, kind: Kind, field: &str, id: &str) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = deps.table().records::<Value>(kind, cursor.as_deref(), PAGE).await?;
        for record in page.items.iter().filter(|record| record.settings[field] == id) {
            let name = record.settings["name"].as_str().unwrap_or_default();
            found.push(format!("the {} {name} ({})", kind.as_str(), record.id));
        }
        cursor = page.cursor;
        if cursor.is_none() || found.len() > NAMED_MAX {
            return Ok(found);
        }
    }
}

/// The same of the mini programs' reception.
async fn bindings(
    deps: &Deps,
    field: impl Fn(&Reception) -> Option<&str>,
    id: &str,
) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = deps.table().bindings(cursor.as_deref(), PAGE).await?;
        for binding in page.items {
            if field(&binding.reception()?) == Some(id) {
                found.push(format!("the mini program {} ({})", binding.name, binding.app_id));
            }
        }
        cursor = page.cursor;
        if cursor.is_none() || found.len() > NAMED_MAX {
            return Ok(found);
        }
    }
}
