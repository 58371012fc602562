//! Finds groups, agents, merchants, robots and calendars by id.

use api::Problem;
use serde_json::Value;
use store::{Kind, Record, StoreError};

use crate::services::Services;

/// The record with this id.
pub(crate) async fn find(services: &Services, kind: Kind, id: &str) -> Result<Record<Value>, Problem> {
    let found = if kind.is_id(id) { services.store.settings.record_of(kind, id).await? } else { None };
    found.ok_or_else(|| Problem::not_found(kind.as_str()))
}

/// Whether there is a record with this id. An id of another form is not looked up.
pub(crate) async fn exists(services: &Services, kind: Kind, id: &str) -> Result<bool, StoreError> {
    Ok(kind.is_id(id) && services.store.settings.record_of(kind, id).await?.is_some())
}
