//! The agent that a caller stands for: the one that the access token names, or one that is created for the token when
//! it first needs one.

use api::{Caller, Problem};
use desk::staff::{Agent, AgentStatus};
use store::{Kind, StoreError, Written};

use crate::services::Services;

/// Prefix of the alias by which the agent of an access token is found; the token's id follows.
pub(crate) const TOKEN_ALIAS: &str = "token:";

/// The capacity of an agent that is created for a token, in conversations: a program, or a person without a workbench.
const CAPACITY: u32 = 20;

/// The agent that the caller stands for, if it exists.
pub(crate) async fn known(services: &Services, caller: &Caller) -> Result<Option<String>, StoreError> {
    match &caller.agent_id {
        Some(id) => Ok(Some(id.clone())),
        None => services.table().resolve(Kind::Agent, &alias(caller)).await,
    }
}

/// The agent that the caller stands for; it is created if the token names none and has none yet.
pub(crate) async fn get_or_create(services: &Services, caller: &Caller) -> Result<String, Problem> {
    if let Some(id) = known(services, caller).await? {
        return Ok(id);
    }
    // Visitors may read the name.
    let name = caller.name.clone().unwrap_or_else(|| "客服".to_owned());
    let agent = Agent { name, capacity: CAPACITY, disabled: false, aliases: Vec::new() };
    let record = services.table().new_record(Kind::Agent, agent, vec![alias(caller)]);
    services.table().set_capacity(&record.id, &record.settings.name, CAPACITY).await?;
    match services.table().create_record(Kind::Agent, &record, None).await? {
        Written::Now => {
            Box::pin(services.conversations.set_status(&record.id, AgentStatus::Online, None)).await?;
            tracing::info!(agent_id = record.id, token_id = caller.token_id, "agent created for access token");
            Ok(record.id)
        }
        // Another request of the same token was faster.
        Written::AliasTaken => {
            services.table().end_duty(&record.id).await?;
            Ok(known(services, caller).await?.ok_or(StoreError::Conflict)?)
        }
    }
}

/// Like [`get_or_create`], for an operation that only an agent who is present carries out. A caller without a workbench,
/// which would send heartbeats, is present by calling.
pub(crate) async fn present(services: &Services, caller: &Caller) -> Result<String, Problem> {
    let id = get_or_create(services, caller).await?;
    if caller.agent_id.is_none() {
        match services.table().heartbeat(&id).await {
            Err(StoreError::Conflict | StoreError::NotFound(_)) => {
                drop(Box::pin(services.conversations.set_status(&id, AgentStatus::Online, None)).await?);
            }
            other => drop(other?),
        }
    }
    Ok(id)
}

fn alias(caller: &Caller) -> String {
    format!("{TOKEN_ALIAS}{}", caller.token_id)
}
