//! Tokens of this API: make, list, take away.

use function::http::{self, FieldError, Problem};
use lambda_http::{Body, Request, Response, http::StatusCode};
use serde::{Deserialize, Serialize};
use store::{ApiToken, ExposeSecret, Kind, Role};

use crate::{Deps, page::Wanted, records};

const NAME_MAX: usize = 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    role: Role,
    name: String,
    agent_id: Option<String>,
}

/// The answer to a new token: the one place where it is shown.
#[derive(Serialize)]
struct Created<'a> {
    #[serde(flatten)]
    about: ApiToken,
    token: &'a str,
}

pub(crate) async fn list(deps: &Deps, request: &Request) -> Result<Response<Body>, Problem> {
    let wanted = Wanted::of(request)?;
    Ok(http::json(StatusCode::OK, &deps.table().api_tokens(wanted.cursor(), wanted.limit).await?))
}

pub(crate) async fn create(deps: &Deps, request: &Request) -> Result<Response<Body>, Problem> {
    let asked: Create = http::body(request)?;
    let name = asked.name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.contains(char::is_control) {
        return Err(Problem::invalid(vec![FieldError::new("name", "must have 1 to 60 characters")]));
    }
    let agent_id = asked.agent_id.as_deref();
    if let Some(id) = agent_id
        && !records::exists(deps, Kind::Agent, id).await?
    {
        return Err(Problem::invalid(vec![FieldError::new("agent_id", "must be the id of an agent")]));
    }
    let (about, secret) = deps.table().create_agent_token(asked.role, name, agent_id).await?;
    tracing::info!(id = about.id, role = about.grant.role().as_str(), "access token made");
    Ok(http::json(StatusCode::CREATED, &Created { about, token: secret.expose_secret() }))
}

pub(crate) async fn delete(deps: &Deps, id: &str) -> Result<Response<Body>, Problem> {
    if !deps.table().delete_api_token(id).await? {
        return Err(Problem::not_found("access token"));
    }
    tracing::info!(id, "access token taken away");
    Ok(http::empty())
}
