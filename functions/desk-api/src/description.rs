//! The OpenAPI description of the API.

use api::{Document, Routes, StaticJson, operation};
use desk::policy::Action;
use utoipa::{
    ToSchema,
    openapi::{InfoBuilder, OpenApi},
};

use crate::services::Services;

/// The description as it is checked in and served.
pub const OPENAPI: &str = include_str!("../openapi.json");

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Action::ReadSelf).route(operation!(read));
}

/// Get this description
///
/// The OpenAPI 3.1 document of the API.
#[utoipa::path(
    get, path = "/api/openapi.json", operation_id = "getDescription", tag = "description",
    responses((status = 200, description = "The description.", body = serde_json::Value, content_type = "application/json"))
)]
async fn read() -> StaticJson {
    StaticJson(OPENAPI)
}

/// Makes the description of this function's operations and of those that `further` mounts, which other functions serve
/// under the same API.
pub fn document(further: impl FnOnce(&mut Document)) -> OpenApi {
    let mut document = Document::default();
    crate::mount(&mut document);
    further(&mut document);
    let description = "Customer service for WeChat Mini Programs. Errors are problem details (RFC 9457) with a stable \
                       `code`; times are RFC 3339 in UTC; lists page by `cursor`.";
    document.finish(
        InfoBuilder::new().title("Kefu").version(env!("CARGO_PKG_VERSION")).description(Some(description)).build(),
    )
}

/// What a token permits: `admin` everything, `supervisor` the conversations, members and hours of some groups, `agent` the
/// own conversations and those that wait in the own groups, `integrator` what its scopes name.
#[derive(ToSchema)]
#[schema(as = Role, rename_all = "snake_case")]
#[allow(dead_code, reason = "describes `store::Role`")]
pub(crate) enum RoleName {
    Admin,
    Supervisor,
    Agent,
    Integrator,
}

/// `unverified`: WeChat has not checked the callback URL yet; `verified`: it has; `credentials_refused`: WeChat does not
/// accept the AppID, the AppSecret or this deployment's address, see `problem`.
#[derive(ToSchema)]
#[schema(as = BindingStatus, rename_all = "snake_case")]
#[allow(dead_code, reason = "describes `store::BindingStatus`")]
pub(crate) enum BindingStatusName {
    Unverified,
    Verified,
    CredentialsRefused,
}

/// `online`: takes conversations; `busy`: takes no more; `away`: will be back; `offline`: has left.
#[derive(ToSchema)]
#[schema(as = AgentStatus, rename_all = "snake_case")]
#[allow(dead_code, reason = "describes `desk::staff::AgentStatus`")]
pub(crate) enum AgentStatusName {
    Online,
    Busy,
    Away,
    Offline,
}
