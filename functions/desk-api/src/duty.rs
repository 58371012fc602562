//! Agents on duty: who is there.

use desk::staff::AgentStatus;
use function::http::{self, Caller, FieldError, Problem};
use jiff::Timestamp;
use lambda_http::{Body, Request, Response, http::StatusCode};
use serde::{Deserialize, Serialize};
use store::{Duty, Kind, Role, StoreError};

use crate::{Deps, me};

/// Longest reason of being away, in characters.
const REASON_MAX: usize = 50;

/// An agent on duty as the API shows it.
#[derive(Serialize)]
pub(crate) struct Shown<'a> {
    status: AgentStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    since: Timestamp,
    present: bool,
    load: u32,
    capacity: u32,
}

impl<'a> Shown<'a> {
    pub(crate) fn of(duty: &'a Duty, now: Timestamp) -> Self {
        Self {
            status: duty.status,
            reason: duty.reason.as_deref(),
            since: duty.since,
            present: duty.present_until > now,
            load: duty.load,
            capacity: duty.capacity,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetStatus {
    status: AgentStatus,
    reason: Option<String>,
}

/// An agent comes, goes, or takes a break.
pub(crate) async fn set_status(
    deps: &Deps,
    request: &Request,
    caller: &Caller,
    id: &str,
) -> Result<Response<Body>, Problem> {
    let asked: SetStatus = http::body(request)?;
    let reason = asked.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    if let Some(reason) = reason {
        let wrong = if asked.status != AgentStatus::Away {
            Some("is for those who are away")
        } else if reason.chars().count() > REASON_MAX || reason.contains(char::is_control) {
            Some("must have at most 50 characters")
        } else {
            None
        };
        if let Some(detail) = wrong {
            return Err(Problem::invalid(vec![FieldError::new("reason", detail)]));
        }
    }
    let agent = on_duty(deps, caller, id).await?;
    let duty = deps.desk.set_status(&agent, asked.status, reason).await?;
    tracing::info!(agent_id = agent, status = duty.status.as_str(), "an agent's status");
    Ok(http::json(StatusCode::OK, &Shown::of(&duty, deps.table().clock().now())))
}

/// An agent is still there.
pub(crate) async fn heartbeat(deps: &Deps, caller: &Caller, id: &str) -> Result<Response<Body>, Problem> {
    let agent = on_duty(deps, caller, id).await?;
    match deps.table().heartbeat(&agent).await {
        Ok(_) => Ok(http::empty()),
        Err(StoreError::Conflict | StoreError::NotFound(_)) => Err(offline()),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn offline() -> Problem {
    let detail = "The agent is offline. Set the status first: PUT /api/agents/{id}/status.";
    Problem::new(StatusCode::CONFLICT, "agent.offline", detail)
}

/// The agent with this id, or with `me` the caller's own, if the caller may speak for them.
async fn on_duty(deps: &Deps, caller: &Caller, id: &str) -> Result<String, Problem> {
    let agent = if id == "me" {
        me::agent(deps, caller).await?
    } else if caller.role == Role::Admin || me::known(deps, caller).await?.as_deref() == Some(id) {
        id.to_owned()
    } else {
        let detail = "Your token speaks for its own agent only; /api/me says which that is.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail));
    };
    let found = if Kind::Agent.is_id(&agent) { deps.table().duty(&agent).await? } else { None };
    found.map(|duty| duty.agent_id).ok_or_else(|| Problem::not_found("agent"))
}
