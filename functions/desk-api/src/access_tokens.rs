//! Access tokens of this API: create, list, rotate, revoke; retire the bootstrap token.

mod new_token;

use std::collections::BTreeSet;

use api::{Code, Created, Json, NoContent, PageOf, PageRequest, Path, Problem, Refusal, Routes, State, operation};
use desk::policy::{Action, AppIds, Grant, Role, Scope};
use jiff::Timestamp;
use serde::Serialize;
use store::{AGENT_TOKENS_MAX, ApiToken, BOOTSTRAP, ExposeSecret, Kind, SecretString, TokenEnd};
use utoipa::ToSchema;

use self::new_token::NewAccessToken;
use crate::{
    lookup,
    parameters::IdPath,
    schema,
    services::{Acting, Services},
};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    const LAST_ADMIN: &[Refusal] = &[(409, Code::AccessTokenLastAdmin)];
    let _ = routes
        .allow(Action::ManageAccessTokens)
        .route(operation!(list))
        .route_refusing(operation!(create), &[(409, Code::AgentTooManyTokens)])
        .route_refusing(operation!(retire_bootstrap), LAST_ADMIN)
        .route_refusing(operation!(delete), LAST_ADMIN)
        .route(operation!(rotate));
}

/// An access token of this API, without the token itself.
#[derive(Serialize, ToSchema)]
#[schema(as = AccessToken)]
pub(crate) struct AccessTokenView {
    id: String,
    role: Role,
    /// The holder's name.
    name: String,
    created_at: Timestamp,
    /// The agent that the holder works as.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    agent_id: Option<String>,
    /// Of a supervisor: the groups; where they are missing, those that the agent is a member of.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    #[schema(required = false)]
    group_ids: BTreeSet<String>,
    /// Of an integrator: what the token permits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    scopes: Option<BTreeSet<Scope>>,
    /// Of an integrator: the mini programs that it is permitted for; all where they are missing.
    #[serde(skip_serializing_if = "AppIds::is_all")]
    #[schema(value_type = BTreeSet<String>, required = false)]
    app_ids: AppIds,
    /// When the token expires; never where it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    expires_at: Option<Timestamp>,
    /// When the token was last used, to the hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_used_at: Option<Timestamp>,
}

/// A new access token.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedAccessToken)]
struct CreatedToken {
    #[serde(flatten)]
    about: AccessTokenView,
    /// The token. No other answer has it.
    token: String,
}

impl CreatedToken {
    fn new(about: ApiToken, secret: &SecretString) -> Self {
        Self { about: about.into(), token: secret.expose_secret().to_owned() }
    }
}

impl From<ApiToken> for AccessTokenView {
    fn from(token: ApiToken) -> Self {
        let role = token.grant.role();
        let (group_ids, scopes, app_ids) = match token.grant {
            Grant::Admin | Grant::Agent => (BTreeSet::new(), None, AppIds::All),
            Grant::Supervisor { group_ids } => (group_ids, None, AppIds::All),
            Grant::Integrator { scopes, app_ids } => (BTreeSet::new(), Some(scopes), app_ids),
        };
        Self {
            id: token.id,
            role,
            name: token.name,
            created_at: token.created_at,
            agent_id: token.agent_id,
            group_ids,
            scopes,
            app_ids,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
        }
    }
}

/// List all access tokens
#[utoipa::path(
    get,
    path = "/api/access-tokens",
    operation_id = "listAccessTokens",
    tag = "access tokens",
    params(PageRequest),
    responses((status = 200, description = "A page of access tokens.", body = schema::AccessTokenPage)),
)]
async fn list(State(services): State<Services>, page: PageRequest) -> Result<Json<PageOf<AccessTokenView>>, Problem> {
    let tokens = services.store.api_token_writer.api_tokens(page.cursor(), page.limit).await?;
    let items = tokens.items.into_iter().map(AccessTokenView::from).collect();
    Ok(Json(PageOf { items, cursor: tokens.cursor }))
}

/// Create an access token
///
/// The token is in this answer only. A token that names an agent is revoked when the agent is deleted or
/// disabled.
#[utoipa::path(
    post,
    path = "/api/access-tokens",
    operation_id = "createAccessToken",
    tag = "access tokens",
    request_body = NewAccessToken,
    responses((status = 201, description = "The new access token.", body = CreatedToken)),
)]
async fn create(Acting(services): Acting, Json(new): Json<NewAccessToken>) -> Result<Created<CreatedToken>, Problem> {
    let new = new.validated(services.store.clock.now())?;
    let unknown_agent = || Problem::invalid_field("agent_id", "must be the id of an agent who is not disabled");
    if let Some(id) = &new.agent_id {
        if !lookup::exists(&services, Kind::Agent, id).await? {
            return Err(unknown_agent());
        }
        if services.store.api_token_writer.count_agent_tokens(id).await? >= AGENT_TOKENS_MAX {
            let detail = format!("An agent has at most {AGENT_TOKENS_MAX} access tokens. Revoke one first.");
            return Err(Problem::conflict(Code::AgentTooManyTokens, detail));
        }
    }
    new_token::must_exist(&services, &new.grant).await?;
    let (about, secret) = services.store.api_token_writer.create_access_token(new).await?.ok_or_else(unknown_agent)?;
    tracing::info!(id = about.id, role = about.grant.role().as_str(), "access token created");
    Ok(Created(CreatedToken::new(about, &secret)))
}

/// Rotate an access token
///
/// Gives the token a new secret, which is in this answer only; the old one is refused from now on. The token's id
/// and its other fields do not change.
#[utoipa::path(
    post,
    path = "/api/access-tokens/{id}/rotate",
    operation_id = "rotateAccessToken",
    tag = "access tokens",
    params(IdPath),
    responses((status = 201, description = "The token with its new secret.", body = CreatedToken)),
)]
async fn rotate(Acting(services): Acting, Path(IdPath { id }): Path<IdPath>) -> Result<Created<CreatedToken>, Problem> {
    let rotated = services.store.api_token_writer.rotate_api_token(&id).await?;
    let (about, secret) = rotated.ok_or_else(|| Problem::not_found("access token"))?;
    tracing::info!(id, "access token rotated");
    Ok(Created(CreatedToken::new(about, &secret)))
}

/// Retire the bootstrap token
///
/// The admin token of the deployment (the parameter `AdminTokenSha256`) is refused from now on. Refused while there is no
/// other valid admin token (`access_token.last_admin`). A deployment with another `AdminTokenSha256` has a bootstrap token
/// again.
#[utoipa::path(
    delete,
    path = "/api/access-tokens/bootstrap",
    operation_id = "retireBootstrapToken",
    tag = "access tokens",
    responses((status = 204, description = "The bootstrap token is retired.")),
)]
async fn retire_bootstrap(Acting(services): Acting) -> Result<NoContent, Problem> {
    if !services.store.api_token_writer.retire_bootstrap(&services.bootstrap_hash).await? {
        let detail = "There is no other valid admin token. Create one first: POST /api/access-tokens.";
        return Err(Problem::conflict(Code::AccessTokenLastAdmin, detail));
    }
    services.live.close(|open| open.watcher.token_id == BOOTSTRAP).await;
    tracing::info!("bootstrap token retired");
    Ok(NoContent)
}

/// Revoke an access token
///
/// The last valid admin token is not revoked once the bootstrap token is retired (`access_token.last_admin`).
#[utoipa::path(
    delete,
    path = "/api/access-tokens/{id}",
    operation_id = "revokeAccessToken",
    tag = "access tokens",
    params(IdPath),
    responses((status = 204, description = "The token is revoked.")),
)]
async fn delete(Acting(services): Acting, Path(IdPath { id }): Path<IdPath>) -> Result<NoContent, Problem> {
    match services.store.api_token_writer.delete_access_token(&id, &services.bootstrap_hash).await? {
        TokenEnd::Deleted => {}
        TokenEnd::NotFound => return Err(Problem::not_found("access token")),
        TokenEnd::LastAdmin => {
            let detail =
                "This is the last valid admin token, and the bootstrap token is retired. Create another first.";
            return Err(Problem::conflict(Code::AccessTokenLastAdmin, detail));
        }
    }
    services.live.close(|open| open.watcher.token_id == id).await;
    tracing::info!(id, "access token revoked");
    Ok(NoContent)
}
