//! The agent that the holder of an access token works as: the one that the token names, or one that is created for the
//! token when it first needs one.

use desk::{
    policy::TokenHolder,
    staff::{Agent, AgentStatus},
};
use store::{Kind, Result, StoreError, TOKEN_ALIAS};

use crate::{AgentActions, Conversations};

/// The capacity of an agent that is created for a token, in conversations: a program, or a person without a workbench.
const CAPACITY: u32 = 20;

impl Conversations {
    /// The agent that the holder works as, if it exists.
    pub async fn known_agent(&self, holder: &TokenHolder) -> Result<Option<String>> {
        match &holder.agent_id {
            Some(id) => Ok(Some(id.clone())),
            None => self.store.settings.resolve(Kind::Agent, &alias(holder)).await,
        }
    }
}

impl AgentActions {
    /// The agent that the holder works as; it is created if the token names none and has none yet.
    pub async fn get_or_create_agent(&self, holder: &TokenHolder) -> Result<String> {
        if let Some(id) = self.conversations.known_agent(holder).await? {
            return Ok(id);
        }
        // Visitors may read the name.
        let name = holder.name.clone().unwrap_or_else(|| "客服".to_owned());
        let agent = Agent { name, capacity: CAPACITY, disabled: false, aliases: Vec::new() };
        let Some(id) = self.token_agents.create_token_agent(agent, alias(holder)).await? else {
            return self.conversations.known_agent(holder).await?.ok_or(StoreError::Conflict);
        };
        Box::pin(self.set_status(&id, AgentStatus::Online, None)).await?;
        tracing::info!(agent_id = id, token_id = holder.token_id, "agent created for access token");
        Ok(id)
    }

    /// Like [`get_or_create_agent`](Self::get_or_create_agent), for an operation that only an agent who is present carries
    /// out. A holder without a workbench, which would send heartbeats, is present by calling.
    pub async fn present_agent(&self, holder: &TokenHolder) -> Result<String> {
        let id = self.get_or_create_agent(holder).await?;
        if holder.agent_id.is_none() {
            match self.duty_writer.heartbeat(&id).await {
                Err(StoreError::Conflict | StoreError::NotFound(_)) => {
                    drop(Box::pin(self.set_status(&id, AgentStatus::Online, None)).await?);
                }
                other => drop(other?),
            }
        }
        Ok(id)
    }
}

fn alias(holder: &TokenHolder) -> String {
    format!("{TOKEN_ALIAS}{}", holder.token_id)
}
