//! The caller.

use api::{Caller, Json, Problem, Routes, State, operation};
use desk::policy::Action;
use jiff::Timestamp;
use serde::Serialize;
use store::Role;
use utoipa::ToSchema;

use crate::{duty::DutyView, services::Services, sessions::SessionView};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Action::ReadSelf).route(operation!(read));
}

/// The caller.
#[derive(Serialize, ToSchema)]
struct Me {
    role: Role,
    /// The name of the access token.
    name: Option<String>,
    /// The agent that the access token stands for; a token that names none gets one when it first takes a conversation
    /// or sets a status.
    agent_id: Option<String>,
    duty: Option<DutyView>,
    /// The session that the request is made by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    session: Option<SessionView>,
    /// The time of the server, by which it measures windows and waits.
    now: Timestamp,
}

/// Get the caller
#[utoipa::path(
    get,
    path = "/api/me",
    operation_id = "getMe",
    tag = "me",
    responses((status = 200, description = "The caller.", body = Me)),
)]
async fn read(State(services): State<Services>, caller: Caller) -> Result<Json<Me>, Problem> {
    let agent_id = services.conversations.known_agent(&caller).await?;
    let duty = match &agent_id {
        Some(agent) => services.store.staff.duty(agent).await?,
        None => None,
    };
    let session = match &caller.session_id {
        Some(id) => services.store.sessions.session(id).await?.map(SessionView::current),
        None => None,
    };
    let now = services.store.clock.now();
    let duty = duty.as_ref().map(|duty| DutyView::of(duty, now));
    Ok(Json(Me { role: caller.role(), name: caller.0.name, agent_id, duty, session, now }))
}
