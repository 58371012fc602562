//! A simulation of the routing.

use ::conversations::Simulation;
use api::{Json, Problem, Routes, State, operation};
use desk::policy::Action;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;
use wechat::is_app_id;

use crate::services::Services;

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Action::SimulateRouting).route_refusing(operation!(simulate), &[(404, api::Code::NotFound)]);
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SimulationRequest {
    /// The mini program's AppID.
    app_id: String,
    /// The `session-from` that the visitor enters with.
    #[serde(default)]
    session_from: String,
    /// What the visitor writes.
    #[serde(default)]
    text: String,
    /// A known visitor, for the agent that they last had.
    openid: Option<String>,
    /// The working hours are those of this time, staff and queues those of now. Now where it is missing.
    at: Option<Timestamp>,
}

/// Simulate the routing of a conversation
///
/// Says who would get a conversation, and why: the same rules on the same facts, without a change.
#[utoipa::path(
    post,
    path = "/api/routing/simulate",
    operation_id = "simulateRouting",
    tag = "routing",
    request_body = SimulationRequest,
    responses((status = 200, description = "What would happen.", body = ::conversations::Simulated)),
)]
async fn simulate(
    State(services): State<Services>,
    Json(request): Json<SimulationRequest>,
) -> Result<Json<::conversations::Simulated>, Problem> {
    let simulation = Simulation {
        app_id: &request.app_id,
        session_from: &request.session_from,
        text: &request.text,
        openid: request.openid.as_deref().filter(|openid| !openid.is_empty()),
        at: request.at.unwrap_or_else(|| services.store.clock.now()),
    };
    let simulated =
        if is_app_id(simulation.app_id) { services.conversations.simulate(&simulation).await? } else { None };
    simulated.map(Json).ok_or_else(|| Problem::not_found("binding"))
}
