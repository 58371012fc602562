//! Access tokens of this API: create, list, revoke.

use api::{Access, Created, Json, NoContent, PageOf, PageRequest, Path, Problem, Routes, State, operation};
use serde::{Deserialize, Serialize};
use store::{ApiToken, ExposeSecret, Kind, Role};
use utoipa::ToSchema;

use crate::{description::RoleName, lookup, parameters::IdPath, services::Services};

const NAME_MAX: usize = 60;

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Access::Admin).route(operation!(list)).route(operation!(create)).route(operation!(delete));
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAccessToken {
    #[schema(value_type = RoleName)]
    role: Role,
    /// The holder's name.
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    /// The agent that the token stands for. A token without one gets an agent of its own when it first needs one.
    agent_id: Option<String>,
}

/// A new access token. No other answer has the token itself.
#[derive(Serialize)]
struct CreatedToken {
    #[serde(flatten)]
    about: ApiToken,
    token: String,
}

/// List all access tokens
#[utoipa::path(
    get,
    path = "/api/access-tokens",
    operation_id = "listAccessTokens",
    tag = "access tokens",
    params(PageRequest)
)]
async fn list(State(services): State<Services>, page: PageRequest) -> Result<Json<PageOf<ApiToken>>, Problem> {
    Ok(Json(services.table().api_tokens(page.cursor(), page.limit).await?.into()))
}

/// Create an access token
///
/// The token is in this answer only.
#[utoipa::path(
    post, path = "/api/access-tokens", operation_id = "createAccessToken", tag = "access tokens",
    request_body = NewAccessToken,
)]
async fn create(
    State(services): State<Services>,
    Json(new): Json<NewAccessToken>,
) -> Result<Created<CreatedToken>, Problem> {
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.contains(char::is_control) {
        return Err(Problem::invalid_field("name", "must have 1 to 60 characters"));
    }
    let agent_id = new.agent_id.as_deref();
    if let Some(id) = agent_id
        && !lookup::exists(&services, Kind::Agent, id).await?
    {
        return Err(Problem::invalid_field("agent_id", "must be the id of an agent"));
    }
    let (about, secret) = services.table().create_agent_token(new.role, name, agent_id).await?;
    tracing::info!(id = about.id, role = about.grant.role().as_str(), "access token created");
    Ok(Created(CreatedToken { about, token: secret.expose_secret().to_owned() }))
}

/// Revoke an access token
#[utoipa::path(
    delete, path = "/api/access-tokens/{id}", operation_id = "revokeAccessToken", tag = "access tokens",
    params(IdPath),
    responses((status = 204, description = "The token is revoked.")),
)]
async fn delete(State(services): State<Services>, Path(IdPath { id }): Path<IdPath>) -> Result<NoContent, Problem> {
    if !services.table().delete_api_token(&id).await? {
        return Err(Problem::not_found("access token"));
    }
    tracing::info!(id, "access token revoked");
    Ok(NoContent)
}
