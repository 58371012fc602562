//! Agents on duty: status and heartbeat.

use api::{Caller, Code, Json, NoContent, Path, Problem, Routes, State, agent_offline, operation};
use desk::policy::{self, Action, Groups, Member, Subject, Verdict};
use desk::staff::AgentStatus;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Duty, Kind, StoreError};
use utoipa::ToSchema;

use crate::{lookup, parameters::AgentPath, services::Services};

/// Longest reason of being away, in characters.
const REASON_MAX: usize = 50;

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes
        .allow(Action::SetAgentStatus)
        .route_refusing(operation!(set_status), &[(409, Code::AgentDisabled)])
        .route_refusing(operation!(heartbeat), &[(409, Code::AgentOffline), (409, Code::AgentDisabled)]);
}

/// The status and the load of an agent.
#[derive(Serialize, ToSchema)]
#[schema(as = Duty)]
pub(crate) struct DutyView {
    status: AgentStatus,
    /// Why the agent is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
    /// Since when the agent has this status.
    since: Timestamp,
    /// Whether the last heartbeat is less than 90 seconds old.
    present: bool,
    /// How many conversations the agent has.
    load: u32,
    /// How many conversations the agent takes at once.
    capacity: u32,
}

impl DutyView {
    pub(crate) fn of(duty: &Duty, now: Timestamp) -> Self {
        Self {
            status: duty.status,
            reason: duty.reason.clone(),
            since: duty.since,
            present: duty.present_until > now,
            load: duty.load,
            capacity: duty.capacity,
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StatusChange {
    status: AgentStatus,
    /// Why the agent is away; only with `away`.
    #[schema(max_length = 50)]
    reason: Option<String>,
}

/// Set an agent's status
///
/// An agent's token sets the status of its own agent, an admin's of any. It counts as a heartbeat. An agent who comes
/// online gets the waiting conversations, the longest waiting first; several who come online at once share them evenly.
/// What does not fit into the time of the request follows within seconds. Three minutes after an agent has gone offline, within
/// seconds, their conversations return to the queue.
#[utoipa::path(
    put,
    path = "/api/agents/{id}/status",
    operation_id = "setAgentStatus",
    tag = "agents",
    params(AgentPath),
    request_body = StatusChange,
    responses((status = 200, description = "The agent's duty as it is now.", body = DutyView)),
)]
async fn set_status(
    State(services): State<Services>,
    caller: Caller,
    Path(AgentPath { id }): Path<AgentPath>,
    Json(change): Json<StatusChange>,
) -> Result<Json<DutyView>, Problem> {
    let reason = change.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    if let Some(reason) = reason {
        let wrong = if change.status != AgentStatus::Away {
            Some("is for agents who are away")
        } else if reason.chars().count() > REASON_MAX || reason.contains(char::is_control) {
            Some("must have at most 50 characters")
        } else {
            None
        };
        if let Some(detail) = wrong {
            return Err(Problem::invalid_field("reason", detail));
        }
    }
    let agent = permitted(&services, &caller, &id).await?;
    let duty = services.actions.set_status(&agent, change.status, reason).await?;
    tracing::info!(agent_id = agent, status = duty.status.as_str(), "agent status set");
    Ok(Json(DutyView::of(&duty, services.store.clock.now())))
}

/// Send an agent's heartbeat
///
/// To be sent every 30 seconds. An agent without a heartbeat for 90 seconds gets no new conversations. Three minutes after the
/// last heartbeat, within seconds, the agent goes offline and their conversations return to the queue.
#[utoipa::path(
    post,
    path = "/api/agents/{id}/heartbeat",
    operation_id = "sendHeartbeat",
    tag = "agents",
    params(AgentPath),
    responses((status = 204, description = "The agent is present.")),
)]
async fn heartbeat(
    State(services): State<Services>,
    caller: Caller,
    Path(AgentPath { id }): Path<AgentPath>,
) -> Result<NoContent, Problem> {
    let agent = permitted(&services, &caller, &id).await?;
    match services.store.duty_writer.heartbeat(&agent).await {
        Ok(_) => Ok(NoContent),
        Err(StoreError::Conflict | StoreError::NotFound(_)) => Err(agent_offline()),
        Err(error) => Err(error.into()),
    }
}

/// The agent with this id, or with `me` the caller's own, if the caller may act for them.
async fn permitted(services: &Services, caller: &Caller, id: &str) -> Result<String, Problem> {
    let conversations = &services.conversations;
    let agent = if id == "me" { services.actions.get_or_create_agent(caller).await? } else { id.to_owned() };
    // The groups of the agent do not matter here, and heartbeats are frequent.
    let member = Member { agent_id: conversations.known_agent(caller).await?, groups: Groups::new() };
    let decided_by = policy::Caller::new(&caller.grant, member);
    if policy::may(&decided_by, Action::SetAgentStatus, &Subject::Agent(&agent)) != Verdict::Allow {
        return Err(Problem::forbidden("Your token acts for its own agent only; /api/me says which that is."));
    }
    if !Kind::Agent.is_id(&agent) {
        return Err(Problem::not_found("agent"));
    }
    if let Some(duty) = services.store.staff.duty(&agent).await? {
        return Ok(duty.agent_id);
    }
    // An agent who is disabled has no duty.
    lookup::find(services, Kind::Agent, &agent).await?;
    Err(Problem::conflict(Code::AgentDisabled, "The agent is disabled."))
}
