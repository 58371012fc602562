//! How access tokens end: deleted, rotated, with their agent; and the bootstrap token.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use desk::policy::Grant;
use secrecy::SecretString;
use serde::Serialize;

use super::{ApiToken, TOKEN_ALIAS, fresh_secret, read};
use crate::{
    error::{Result, StoreError},
    handles::{ApiTokenWriter, TokenVerifier},
    item::{Build, Read, at, s},
    keys,
    record::{Record, Written},
    table::{SERVICE, Table},
    transaction::{built, cancelled_at},
};

/// The result of deleting a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenEnd {
    /// It is deleted.
    Deleted,
    /// There is no such token.
    NotFound,
    /// It is the last valid admin token and the bootstrap token is retired. Nothing was changed.
    LastAdmin,
}

/// The result of deleting or disabling an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentEnd {
    /// It is done, and the agent's tokens have ended.
    Ended,
    /// The agent has conversations. Nothing was changed.
    HasConversations,
    /// An alias belongs to another agent. Nothing was changed.
    AliasTaken,
}

impl ApiTokenWriter {
    /// Deletes a token. `bootstrap` is the hash of the bootstrap token.
    pub async fn delete_access_token(&self, id: &str, bootstrap: &str) -> Result<TokenEnd> {
        let Some((item, hash)) = self.0.token_item(id).await? else {
            return Ok(TokenEnd::NotFound);
        };
        let token = read(&item)?;
        if token.grant == Grant::Admin
            && self.0.token_verifier().bootstrap_is_retired(bootstrap).await?
            && !self.has_admin_token(Some(id)).await?
        {
            return Ok(TokenEnd::LastAdmin);
        }
        let mut writes = vec![self.0.delete_write(keys::access(&hash), keys::ACCESS, None)?];
        if let Some(agent) = &token.agent_id {
            writes.push(self.0.delete_write(keys::record("agent", agent), &keys::agent_token(id), None)?);
        }
        self.0.write_together(writes).await?;
        Ok(TokenEnd::Deleted)
    }

    /// Gives a token a new secret; the old one ends at once. The secret is only in this answer. `None` when there is no
    /// such token; [`StoreError::Conflict`] when it was rotated or deleted meanwhile.
    pub async fn rotate_api_token(&self, id: &str) -> Result<Option<(ApiToken, SecretString)>> {
        let Some((old, old_hash)) = self.0.token_item(id).await? else {
            return Ok(None);
        };
        let (secret, hash) = fresh_secret()?;
        let mut item = old.clone();
        item.insert("pk".to_owned(), s(keys::access(&hash)));
        item.remove("last_used_at");
        let token = read(&item)?;
        let put = Put::builder().table_name(&self.0.name).set_item(Some(item));
        let put = built(put.condition_expression("attribute_not_exists(pk)").build())?;
        let mut writes = vec![
            self.0.delete_write(keys::access(&old_hash), keys::ACCESS, Some("attribute_exists(pk)"))?,
            TransactWriteItem::builder().put(put).build(),
        ];
        if let Some(agent) = &token.agent_id {
            writes.push(self.0.edge_write(agent, &token, &hash)?);
        }
        self.0.write_together(writes).await?;
        Ok(Some((token, secret)))
    }

    /// Whether there is a valid admin token, other than the one with this id. The bootstrap token does not count.
    pub async fn has_admin_token(&self, except: Option<&str>) -> Result<bool> {
        let now = self.0.clock.now();
        let mut cursor = None;
        loop {
            let page = self.api_tokens(cursor.as_deref(), 100).await?;
            for token in page.items {
                let counts = token.grant == Grant::Admin && !token.is_expired(now) && except != Some(token.id.as_str());
                let active = match &token.agent_id {
                    Some(agent) if counts => self.0.token_verifier().agent_is_active(agent).await?,
                    _ => true,
                };
                if counts && active {
                    return Ok(true);
                }
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(false);
            }
        }
    }

    /// Retires the bootstrap token with this hash, if another admin token is valid; `false` otherwise. Another bootstrap
    /// token, deployed later, is not affected.
    pub async fn retire_bootstrap(&self, hash: &str) -> Result<bool> {
        if !self.has_admin_token(None).await? {
            return Ok(false);
        }
        let item =
            Build::new(keys::RETIRED, keys::access(hash), keys::RETIRED).set("retired_at", at(self.0.clock.now()));
        let put = self.0.client.put_item().table_name(&self.0.name).set_item(Some(item.done())).send().await;
        put.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        Ok(true)
    }

    /// Deletes an agent and their tokens in one transaction. [`StoreError::Conflict`] when the agent was changed
    /// meanwhile.
    pub async fn delete_agent<T>(&self, seen: &Record<T>) -> Result<AgentEnd> {
        let mut writes = self.0.delete_writes(seen)?;
        let duty_at = writes.len();
        writes.push(self.0.duty_end_write(&seen.id)?);
        writes.extend(self.0.token_end_writes(seen).await?);
        match self.0.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(AgentEnd::Ended),
            Err(error) => match cancelled_at(&error) {
                Some(place) if place == duty_at => Ok(AgentEnd::HasConversations),
                Some(_) => Err(StoreError::Conflict),
                None => Err(StoreError::from_sdk(SERVICE, &error)),
            },
        }
    }

    /// Writes the settings of an agent who is disabled from now on, ends their duty and their tokens, in one
    /// transaction. [`StoreError::Conflict`] when the agent was changed meanwhile.
    pub async fn disable_agent<T: Serialize>(
        &self,
        seen: &Record<T>,
        settings: T,
        aliases: Vec<String>,
    ) -> Result<(Record<T>, AgentEnd)> {
        let mut also = vec![self.0.duty_end_write(&seen.id)?];
        also.extend(self.0.token_end_writes(seen).await?);
        let (record, written) = self.0.change_record_and(seen, settings, aliases, None, also).await?;
        let end = match written {
            Some(Written::Now) => AgentEnd::Ended,
            Some(Written::AliasTaken) => AgentEnd::AliasTaken,
            None => AgentEnd::HasConversations,
        };
        Ok((record, end))
    }
}

impl TokenVerifier {
    /// Whether the bootstrap token with this hash was retired.
    pub async fn bootstrap_is_retired(&self, hash: &str) -> Result<bool> {
        Ok(self.0.get(keys::access(hash), keys::RETIRED, true).await?.is_some())
    }
}

impl Table {
    /// Ends an agent's duty, unless they have conversations.
    fn duty_end_write(&self, agent: &str) -> Result<TransactWriteItem> {
        let delete = Delete::builder()
            .table_name(&self.name)
            .key("pk", s(keys::record("agent", agent)))
            .key("sk", s(keys::DUTY))
            .condition_expression("attribute_not_exists(pk) OR #load = :none")
            .expression_attribute_names("#load", "load")
            .expression_attribute_values(":none", crate::item::n(0));
        Ok(TransactWriteItem::builder().delete(built(delete.build())?).build())
    }

    /// Ends the tokens that name an agent, and the one that the agent was created for.
    async fn token_end_writes<T>(&self, agent: &Record<T>) -> Result<Vec<TransactWriteItem>> {
        let pk = keys::record("agent", &agent.id);
        let mut writes = Vec::new();
        for edge in self.partition(pk.clone(), keys::AGENT_TOKEN_PREFIX, 100).await? {
            let edge = Read { kind: keys::AGENT_TOKEN, item: &edge };
            writes.push(self.delete_write(keys::access(edge.s("hash")?), keys::ACCESS, None)?);
            writes.push(self.delete_write(pk.clone(), edge.s("sk")?, None)?);
        }
        for id in agent.aliases.iter().filter_map(|alias| alias.strip_prefix(TOKEN_ALIAS)) {
            if let Some((_, hash)) = self.token_item(id).await? {
                writes.push(self.delete_write(keys::access(&hash), keys::ACCESS, None)?);
            }
        }
        Ok(writes)
    }

    fn delete_write(&self, pk: String, sk: &str, condition: Option<&str>) -> Result<TransactWriteItem> {
        let delete = Delete::builder().table_name(&self.name).key("pk", s(pk)).key("sk", s(sk));
        let delete = delete.set_condition_expression(condition.map(ToOwned::to_owned));
        Ok(TransactWriteItem::builder().delete(built(delete.build())?).build())
    }
}
