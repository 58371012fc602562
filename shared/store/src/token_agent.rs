//! Agents that are created for the holders of tokens of the API.

use desk::staff::Agent;

use crate::{error::Result, handles::TokenAgents, record::Written};

impl TokenAgents {
    /// Creates an agent, offline, who is found by this alias, and returns its id. `None` when another agent has the alias:
    /// another request of the same token was faster.
    pub async fn create_token_agent(&self, agent: Agent, alias: String) -> Result<Option<String>> {
        let settings = self.0.settings_writer();
        let record = settings.new_record(agent, vec![alias]);
        // Before the record, so that an agent who is found has a duty.
        settings.set_capacity(&record.id, &record.settings.name, record.settings.capacity).await?;
        match settings.create_record(&record, None).await? {
            Written::Now => Ok(Some(record.id)),
            Written::AliasTaken => {
                settings.end_duty(&record.id).await?;
                Ok(None)
            }
        }
    }
}
