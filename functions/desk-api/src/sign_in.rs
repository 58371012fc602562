//! Signing in: an admin makes a code for a person, whose browser exchanges it for a session.

use api::{Code, Created, Json, LimitedJson, Path, Problem, Routes, State, operation};
use axum::http::{HeaderMap, header};
use desk::{
    policy::{Action, Grant, Role},
    staff::Agent,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{ExposeSecret, Kind, SessionHolder, SessionSource, SignedIn};
use utoipa::ToSchema;

use crate::{
    host::Host,
    lookup,
    parameters::IdPath,
    services::{Acting, Services},
    sessions::SessionView,
};

/// Longest body of `POST /api/sign-in`, in bytes.
const BODY_MAX: usize = 1024;

/// The name of the bootstrap token in a path.
const BOOTSTRAP_PATH: &str = "bootstrap";

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes
        .allow(Action::ManageAccessTokens)
        .route_refusing(operation!(create_for_token), &[(422, Code::Invalid)])
        .route_refusing(operation!(create_for_agent), &[(409, Code::AgentDisabled)])
        .allow(Action::SignIn)
        .route_refusing(operation!(sign_in), &[(401, Code::SignInInvalid)]);
}

/// A sign-in code. No other answer has it.
#[derive(Serialize, ToSchema)]
struct SignInCode {
    /// The code: it can be used once.
    code: String,
    /// The address that signs a browser in with the code, for a link or a QR code.
    #[schema(format = Uri, example = "https://kefu.example.com/#sign-in=Zm9v")]
    url: String,
    /// When it expires, ten minutes after it was made.
    expires_at: Timestamp,
}

/// Make a sign-in code for an access token
///
/// For the person who holds the token: a browser that exchanges the code (`signIn`) gets a session with the role, the name and
/// the agent of the token. The session ends with the token. With the id `bootstrap` it is the admin token of the deployment.
/// Integrators are programs, which get no code.
#[utoipa::path(
    post,
    path = "/api/access-tokens/{id}/sign-in-code",
    operation_id = "createSignInCode",
    tag = "sessions",
    params(IdPath),
    responses((status = 201, description = "The code.", body = SignInCode)),
)]
async fn create_for_token(
    Acting(services): Acting,
    host: Host,
    Path(IdPath { id }): Path<IdPath>,
) -> Result<Created<SignInCode>, Problem> {
    let not_found = || Problem::not_found("access token");
    if id == BOOTSTRAP_PATH {
        let source = SessionSource::Bootstrap { hash: services.bootstrap_hash.to_string() };
        let holder = SessionHolder { grant: Grant::Admin, name: String::new(), agent_id: None, source };
        return create(&services, &host, holder, None).await?.ok_or_else(not_found);
    }
    let found = services.store.api_token_writer.api_token_and_hash(&id).await?;
    let now = services.store.clock.now();
    let (token, hash) = found.filter(|(token, _)| !token.is_expired(now)).ok_or_else(not_found)?;
    if token.grant.role() == Role::Integrator {
        return Err(Problem::invalid_field("id", "must be the token of a person: an integrator is a program"));
    }
    let source = SessionSource::Token { id, hash };
    let holder = SessionHolder { grant: token.grant, name: token.name, agent_id: token.agent_id, source };
    create(&services, &host, holder, token.expires_at).await?.ok_or_else(not_found)
}

/// Make a sign-in code for an agent
///
/// A browser that exchanges the code (`signIn`) gets a session with the role `agent` that works as this agent. The session ends
/// when the agent is deleted or disabled.
#[utoipa::path(
    post,
    path = "/api/agents/{id}/sign-in-code",
    operation_id = "createAgentSignInCode",
    tag = "sessions",
    params(IdPath),
    responses((status = 201, description = "The code.", body = SignInCode)),
)]
async fn create_for_agent(
    Acting(services): Acting,
    host: Host,
    Path(IdPath { id }): Path<IdPath>,
) -> Result<Created<SignInCode>, Problem> {
    let agent = lookup::find(&services, Kind::Agent, &id).await?;
    let name = agent.settings["name"].as_str().unwrap_or_default().to_owned();
    let holder = SessionHolder { grant: Grant::Agent, name, agent_id: Some(id), source: SessionSource::Agent };
    let disabled = || Problem::conflict(Code::AgentDisabled, "The agent is disabled.");
    create(&services, &host, holder, None).await?.ok_or_else(disabled)
}

/// `None` when the token or the agent has ended.
async fn create(
    services: &Services,
    host: &Host,
    holder: SessionHolder,
    session_ends_at: Option<Timestamp>,
) -> Result<Option<Created<SignInCode>>, Problem> {
    let owner = holder.owner().to_owned();
    let Some((code, expires_at)) = services.store.sessions.create_code(holder, session_ends_at).await? else {
        return Ok(None);
    };
    tracing::info!(owner, "sign-in code created");
    let code = code.expose_secret().to_owned();
    let url = host.sign_in_url(&code);
    Ok(Some(Created(SignInCode { code, url, expires_at })))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    /// The code of the address.
    #[schema(max_length = 200)]
    code: String,
}

/// A session that has begun.
#[derive(Serialize, ToSchema)]
struct SignInAnswer {
    /// The token of the session, for `Authorization: Bearer`. No other answer has it.
    token: String,
    /// When the session ends at the latest, after 14 days; it ends earlier after 12 hours without a request.
    expires_at: Timestamp,
    session: SessionView,
    /// The agent that the session works as.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    agent: Option<SignedInAgent>,
}

/// The agent of a session.
#[derive(Serialize, ToSchema)]
struct SignedInAgent {
    /// The agent's id.
    id: String,
    /// The agent's name.
    name: String,
}

/// Sign in
///
/// Exchanges a sign-in code for a session. The request has no `Authorization` header. A code that does not exist, was used or has
/// expired is refused with one and the same answer (`sign_in.invalid`). A person has at most seven sessions: a further one
/// ends the one that was not used for the longest time.
#[utoipa::path(
    post,
    path = "/api/sign-in",
    operation_id = "signIn",
    tag = "sessions",
    request_body = SignIn,
    responses((status = 200, description = "The session has begun.", body = SignInAnswer)),
    security(()),
)]
async fn sign_in(
    State(services): State<Services>,
    headers: HeaderMap,
    LimitedJson(SignIn { code }): LimitedJson<SignIn, BODY_MAX>,
) -> Result<Json<SignInAnswer>, Problem> {
    let device = headers.get(header::USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()));
    let signed_in = services.store.sessions.sign_in(&code, &device.unwrap_or_default()).await?;
    let Some(SignedIn { session, token }) = signed_in else {
        let detail = "The sign-in code is not valid: it was used, has expired, or does not exist. Ask for a new one.";
        return Err(Problem::new(401, Code::SignInInvalid, detail));
    };
    tracing::info!(session_id = session.id, "signed in");
    let agent = match &session.holder.agent_id {
        Some(id) => services.store.settings.record::<Agent>(id).await?,
        None => None,
    };
    let agent = agent.map(|agent| SignedInAgent { id: agent.id, name: agent.settings.name });
    let (expires_at, session) = (session.expires_at, SessionView::current(session));
    Ok(Json(SignInAnswer { token: token.expose_secret().to_owned(), expires_at, session, agent }))
}
