//! A simulation of the routing.

use ::conversations::Simulation;
use api::{FieldError, Json, Problem, Routes, State, operation};
use desk::policy::Action;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;
use wechat::is_app_id;

use crate::services::Services;

/// Longest `session-from` and longest text, in bytes. WeChat passes 1000 characters and 2048 bytes.
const TEXT_MAX: usize = 4096;
/// Longest openid, in bytes: those of WeChat have 28.
const OPENID_MAX: usize = 128;

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(Action::SimulateRouting).route_refusing(operation!(simulate), &[(404, api::Code::NotFound)]);
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SimulationRequest {
    /// The mini program's AppID.
    #[schema(max_length = 18)]
    app_id: String,
    /// The `session-from` that the visitor enters with, at most 4096 bytes.
    #[serde(default)]
    #[schema(max_length = 4096)]
    session_from: String,
    /// What the visitor writes, at most 4096 bytes.
    #[serde(default)]
    #[schema(max_length = 4096)]
    text: String,
    /// A known visitor, for the agent that they last had; at most 128 bytes.
    #[schema(max_length = 128)]
    openid: Option<String>,
    /// The working hours are those of this time, staff and queues those of now. Now where it is missing.
    at: Option<Timestamp>,
}

impl SimulationRequest {
    fn check(&self) -> Result<(), Problem> {
        let openid = self.openid.as_deref().unwrap_or_default();
        let fields = [
            ("session_from", &*self.session_from, TEXT_MAX),
            ("text", &self.text, TEXT_MAX),
            ("openid", openid, OPENID_MAX),
        ];
        let too_long = fields.into_iter().filter(|(_, text, max)| text.len() > *max);
        let wrong: Vec<_> =
            too_long.map(|(field, _, max)| FieldError::new(field, format!("must have at most {max} bytes"))).collect();
        if wrong.is_empty() { Ok(()) } else { Err(Problem::invalid(wrong)) }
    }
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
    request.check()?;
    let simulation = Simulation {
        app_id: &request.app_id,
        session_from: &request.session_from,
        text: &request.text,
        openid: request.openid.as_deref().filter(|openid| !openid.is_empty()),
        at: request.at.unwrap_or_else(|| services.store.clock.now()),
    };
    // Boxed, because the future is large and simulations are rare.
    let simulated =
        if is_app_id(simulation.app_id) { Box::pin(services.conversations.simulate(&simulation)).await? } else { None };
    simulated.map(Json).ok_or_else(|| Problem::not_found("binding"))
}
