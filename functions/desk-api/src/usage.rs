//! What uses a record that is to be deleted. A record in use is not deleted: conversations would silently be routed
//! otherwise.

use std::collections::BTreeSet;

use api::{Code, Problem};
use desk::{settings::Reception, staff::Group};
use store::{Kind, StoreError};

use crate::services::Services;

/// How many users a refusal names.
const NAMED_MAX: usize = 10;
const PAGE: i32 = 100;

/// Refuses while a group uses this calendar, while bindings or merchants send visitors to this group, or while bindings
/// use this robot. Whether an agent may be deleted is decided in `effects`.
pub(crate) async fn refuse_if_used(services: &Services, kind: Kind, id: &str) -> Result<(), Problem> {
    let (code, users) = match kind {
        Kind::Calendar => (Code::CalendarInUse, records(services, Kind::Group, "calendar_id", id).await?),
        Kind::Robot => (Code::RobotInUse, bindings(services, |reception| reception.robot_id.as_deref(), id).await?),
        Kind::Group => {
            let mut users = bindings(services, |reception| reception.group_id.as_deref(), id).await?;
            users.extend(records(services, Kind::Merchant, "group_id", id).await?);
            (Code::GroupInUse, users)
        }
        Kind::Agent | Kind::Merchant => return Ok(()),
    };
    if users.is_empty() {
        return Ok(());
    }
    let others = if users.len() > NAMED_MAX { " and by others" } else { "" };
    let named = users.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    let what = kind.as_str();
    let detail = format!("The {what} is used by {named}{others}. Change or remove these uses first.");
    Err(Problem::conflict(code, detail))
}

/// The ids of the groups that use a calendar.
pub(crate) async fn groups_by_calendar(services: &Services, id: &str) -> Result<BTreeSet<String>, StoreError> {
    let mut found = BTreeSet::new();
    let mut cursor = None;
    loop {
        let page = services.store.lists.records::<Group>(cursor.as_deref(), PAGE).await?;
        found.extend(
            page.items
                .into_iter()
                .filter(|group| group.settings.calendar_id.as_deref() == Some(id))
                .map(|group| group.id),
        );
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(found);
        }
    }
}

/// The records of a kind whose settings name this id, at most a page more than a refusal names.
async fn records(services: &Services, kind: Kind, field: &str, id: &str) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = services.store.lists.records_of(kind, cursor.as_deref(), PAGE).await?;
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

/// The bindings whose reception names this id, with the same bound.
async fn bindings(
    services: &Services,
    field: impl Fn(&Reception) -> Option<&str>,
    id: &str,
) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = services.store.binding_list.bindings(cursor.as_deref(), PAGE).await?;
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
