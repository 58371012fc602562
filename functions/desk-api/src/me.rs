//! Who a caller is at the desk: every caller stands for an agent. A token names one, or gets one of its own.

use desk::staff::{Agent, AgentStatus};
use function::http::{self, Caller, Problem};
use lambda_http::{Body, Response, http::StatusCode};
use serde::Serialize;
use store::{Kind, Role, StoreError, Written};

use crate::{Deps, duty::Shown as DutyShown};

/// The agent of a token goes by the token's id behind this.
pub(crate) const TOKEN_ALIAS: &str = "token:";

/// How many conversations the agent of a token holds at once: a program, or somebody with curl.
const CAPACITY: u32 = 20;

#[derive(Serialize)]
struct Me<'a> {
    role: Role,
    name: Option<&'a str>,
    agent_id: Option<&'a str>,
    duty: Option<DutyShown<'a>>,
}

/// Who the caller is.
pub(crate) async fn read(deps: &Deps, caller: &Caller) -> Result<Response<Body>, Problem> {
    let agent = known(deps, caller).await?;
    let duty = match &agent {
        Some(agent) => deps.table().duty(agent).await?,
        None => None,
    };
    let now = deps.table().clock().now();
    let duty = duty.as_ref().map(|duty| DutyShown::of(duty, now));
    let me = Me { role: caller.role, name: caller.name.as_deref(), agent_id: agent.as_deref(), duty };
    Ok(http::json(StatusCode::OK, &me))
}

/// The agent for whom the caller stands, if there is one yet.
pub(crate) async fn known(deps: &Deps, caller: &Caller) -> Result<Option<String>, StoreError> {
    match &caller.agent_id {
        Some(id) => Ok(Some(id.clone())),
        None => deps.table().resolve(Kind::Agent, &alias(caller)).await,
    }
}

/// The agent for whom the caller stands; one is made for a token that names none.
pub(crate) async fn agent(deps: &Deps, caller: &Caller) -> Result<String, Problem> {
    if let Some(id) = known(deps, caller).await? {
        return Ok(id);
    }
    // Visitors may read it.
    let name = caller.name.clone().unwrap_or_else(|| "客服".to_owned());
    let agent = Agent { name, capacity: CAPACITY, disabled: false, aliases: Vec::new() };
    let record = deps.table().new_record(Kind::Agent, agent, vec![alias(caller)]);
    deps.table().set_capacity(&record.id, &record.settings.name, CAPACITY).await?;
    match deps.table().create_record(Kind::Agent, &record, None).await? {
        Written::Now => {
            Box::pin(deps.desk.set_status(&record.id, AgentStatus::Online, None)).await?;
            tracing::info!(id = record.id, token_id = caller.token_id, "an agent was made for a token");
            Ok(record.id)
        }
        // Another request of the same token was faster.
        Written::AliasTaken => {
            deps.table().end_duty(&record.id).await?;
            Ok(known(deps, caller).await?.ok_or(StoreError::Conflict)?)
        }
    }
}

/// The same, for what only somebody does who is there: whoever has no workbench that says so is there by calling.
pub(crate) async fn present(deps: &Deps, caller: &Caller) -> Result<String, Problem> {
    let id = agent(deps, caller).await?;
    if caller.agent_id.is_none() {
        match deps.table().heartbeat(&id).await {
            Err(StoreError::Conflict | StoreError::NotFound(_)) => {
                drop(Box::pin(deps.desk.set_status(&id, AgentStatus::Online, None)).await?);
            }
            other => drop(other?),
        }
    }
    Ok(id)
}

fn alias(caller: &Caller) -> String {
    format!("{TOKEN_ALIAS}{}", caller.token_id)
}
