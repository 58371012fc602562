//! Sessions: list, end.

use api::{Caller, Json, NoContent, PageOf, Path, Problem, Query, Routes, State, non_empty, operation};
use desk::policy::{self, Action, Member, Role, may_ever};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::Session;
use utoipa::{IntoParams, ToSchema};

use crate::{
    parameters::IdPath,
    schema,
    services::{Acting, Services},
};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes
        .allow(Action::ManageSessions)
        .route(operation!(list))
        .route(operation!(revoke))
        .route(operation!(revoke_others));
}

/// A session, without its token.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionView {
    /// The session's id.
    id: String,
    role: Role,
    /// The name of the person.
    name: String,
    /// The agent that the session works as.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    agent_id: Option<String>,
    /// The `User-Agent` of the browser that signed in, at most 200 bytes.
    device: String,
    created_at: Timestamp,
    /// When it was last used, to five minutes.
    last_used_at: Timestamp,
    /// When it ends at the latest.
    expires_at: Timestamp,
    /// When it ends without a further request.
    idle_expires_at: Timestamp,
    /// Whether the request was made by this session.
    current: bool,
}

impl SessionView {
    fn new(session: Session, current: Option<&str>) -> Self {
        Self {
            current: current == Some(&session.id),
            idle_expires_at: session.idle_expires_at(),
            id: session.id,
            role: session.holder.grant.role(),
            name: session.holder.name,
            agent_id: session.holder.agent_id,
            device: session.device,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
        }
    }

    /// The session that the caller has, or gets.
    pub(crate) fn current(session: Session) -> Self {
        let id = session.id.clone();
        Self::new(session, Some(&id))
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SessionQuery {
    /// The agent whose sessions are meant, for admins; the caller's own where it is missing.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(nullable = false)]
    agent_id: Option<String>,
}

/// Whose sessions the caller has: their agent's, or those of their token if it names no agent.
fn owner(caller: &Caller) -> &str {
    caller.agent_id.as_deref().unwrap_or(&caller.token_id)
}

/// Whether the caller may see and end the sessions of others.
fn manages_others(caller: &Caller) -> bool {
    may_ever(&policy::Caller::new(&caller.grant, Member::default()), Action::ManageAccessTokens)
}

/// The owner that a query names, if the caller may ask for their sessions.
fn asked(caller: &Caller, query: SessionQuery) -> Result<String, Problem> {
    match query.agent_id {
        None => Ok(owner(caller).to_owned()),
        Some(agent) if agent == owner(caller) || manages_others(caller) => Ok(agent),
        Some(_) => Err(Problem::forbidden("Only admins list and end the sessions of others.")),
    }
}

/// List sessions
///
/// The caller's own, or those of an agent. Oldest first, at most seven.
#[utoipa::path(
    get,
    path = "/api/sessions",
    operation_id = "listSessions",
    tag = "sessions",
    params(SessionQuery),
    responses((status = 200, description = "The sessions.", body = schema::SessionPage)),
)]
async fn list(
    State(services): State<Services>,
    caller: Caller,
    Query(query): Query<SessionQuery>,
) -> Result<Json<PageOf<SessionView>>, Problem> {
    let sessions = services.store.sessions.sessions_of(&asked(&caller, query)?).await?;
    let current = caller.session_id.as_deref();
    let items = sessions.into_iter().map(|session| SessionView::new(session, current)).collect();
    Ok(Json(PageOf { items, cursor: None }))
}

/// End a session
///
/// The caller's own, also the one that the request is made by; an admin ends any. Its connections are closed at once, and
/// its token is refused within 60 seconds.
#[utoipa::path(
    delete,
    path = "/api/sessions/{id}",
    operation_id = "endSession",
    tag = "sessions",
    params(IdPath),
    responses((status = 204, description = "The session has ended.")),
)]
async fn revoke(
    Acting(services): Acting,
    caller: Caller,
    Path(IdPath { id }): Path<IdPath>,
) -> Result<NoContent, Problem> {
    let found = services.store.sessions.session(&id).await?;
    let is_reachable = |session: &Session| session.holder.owner() == owner(&caller) || manages_others(&caller);
    let session = found.filter(is_reachable).ok_or_else(|| Problem::not_found("session"))?;
    end(&services, &[session]).await
}

/// End all other sessions
///
/// All of the caller's but the one that the request is made by, or all of an agent.
#[utoipa::path(
    delete,
    path = "/api/sessions",
    operation_id = "endSessions",
    tag = "sessions",
    params(SessionQuery),
    responses((status = 204, description = "The sessions have ended.")),
)]
async fn revoke_others(
    Acting(services): Acting,
    caller: Caller,
    Query(query): Query<SessionQuery>,
) -> Result<NoContent, Problem> {
    let mut sessions = services.store.sessions.sessions_of(&asked(&caller, query)?).await?;
    sessions.retain(|session| caller.session_id.as_ref() != Some(&session.id));
    end(&services, &sessions).await
}

async fn end(services: &Services, sessions: &[Session]) -> Result<NoContent, Problem> {
    services.store.sessions.end_sessions(sessions).await?;
    if !sessions.is_empty() {
        services.live.close(|open| sessions.iter().any(|session| session.id == open.watcher.session_id)).await;
    }
    for session in sessions {
        tracing::info!(session_id = session.id, "session ended");
    }
    Ok(NoContent)
}
