//! The audit log.

use api::{Json, PageOf, PageRequest, Problem, Query, Routes, State, non_empty, operation};
use desk::policy::Action;
use jiff::Timestamp;
use serde::Deserialize;
use store::{AuditAction, AuditEntry, AuditFilter};
use utoipa::IntoParams;

use crate::{schema, services::Services};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Action::ReadAudit).route(operation!(list));
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Entries from this time on.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(nullable = false)]
    from: Option<Timestamp>,
    /// Entries before this time.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(nullable = false)]
    to: Option<Timestamp>,
    /// Entries with this action.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(nullable = false)]
    action: Option<AuditAction>,
    /// Entries of this access token or agent, by id.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(nullable = false)]
    actor: Option<String>,
    /// Entries about this mini program, by AppID.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(nullable = false)]
    app_id: Option<String>,
}

impl From<AuditQuery> for AuditFilter {
    fn from(query: AuditQuery) -> Self {
        let AuditQuery { from, to, action, actor, app_id } = query;
        Self { from, to, action, actor, app_id }
    }
}

/// List the audit log
///
/// Newest first. Who changed settings, bindings or access tokens, transferred or closed conversations of others, exported or
/// erased visitors, and used an access token for the first time. An entry is written with its change and never changed. A
/// page may have fewer entries than the limit, even none, and still have a next page.
#[utoipa::path(
    get,
    path = "/api/audit",
    operation_id = "listAudit",
    tag = "audit",
    params(AuditQuery, PageRequest),
    responses((status = 200, description = "A page of entries.", body = schema::AuditPage)),
)]
async fn list(
    State(services): State<Services>,
    Query(query): Query<AuditQuery>,
    page: PageRequest,
) -> Result<Json<PageOf<AuditEntry>>, Problem> {
    Ok(Json(services.store.audit_log.entries(&query.into(), page.cursor(), page.limit).await?.into()))
}
