//! How access tokens end: deleted, rotated, with their agent; and the bootstrap token.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use desk::policy::Grant;
use secrecy::SecretString;
use serde::Serialize;

use super::{ApiToken, TOKEN_ALIAS, fresh_secret, read};
use crate::{
    audit::{AuditAction, AuditDetail, AuditSubject, AuditSubjectKind, ResourceChange},
    error::{Result, StoreError},
    handles::{ApiTokenWriter, TokenVerifier},
    item::{Build, Read, at, s},
    keys,
    record::{Record, Written},
    session::BOOTSTRAP,
    table::Table,
    transaction::built,
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
    /// The agent has the last valid admin token and the bootstrap token is retired. Nothing was changed.
    LastAdmin,
}

impl ApiTokenWriter {
    /// Deletes a token with the sessions that were made from it. `bootstrap` is the hash of the bootstrap token. [`StoreError::Conflict`] when the bootstrap token was
    /// retired or another admin token ended meanwhile, so that this may be the last one.
    pub async fn delete_access_token(&self, id: &str, bootstrap: &str) -> Result<TokenEnd> {
        let Some((item, hash)) = self.0.token_item(id).await? else {
            return Ok(TokenEnd::NotFound);
        };
        let token = read(&item)?;
        let mut writes = vec![self.0.delete_write(keys::access(&hash), keys::ACCESS, None)?];
        if let Some(agent) = &token.agent_id {
            writes.push(self.0.delete_write(keys::record("agent", agent), &keys::agent_token(id), None)?);
        }
        let owner = token.agent_id.as_deref().unwrap_or(id);
        writes.extend(self.0.token_session_end_writes(owner, id).await?);
        if token.grant == Grant::Admin {
            match self.0.admin_remains_check(&[&hash], bootstrap).await? {
                Some(check) => writes.push(check),
                None => return Ok(TokenEnd::LastAdmin),
            }
        }
        writes.extend(self.0.audit_of_token(AuditAction::AccessTokenRevoked, &token)?);
        self.0.write_together(writes).await?;
        // A session may have begun since the sessions were read.
        self.0.write_any(self.0.token_session_end_writes(owner, id).await?).await?;
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
        writes.extend(self.0.audit_of_token(AuditAction::AccessTokenRotated, &token)?);
        self.0.write_together(writes).await?;
        Ok(Some((token, secret)))
    }

    /// Retires the bootstrap token with this hash and ends its sessions, if another admin token is valid; `false` otherwise. Another bootstrap
    /// token, deployed later, is not affected. [`StoreError::Conflict`] when the other admin token ended meanwhile.
    pub async fn retire_bootstrap(&self, hash: &str) -> Result<bool> {
        let Some(check) = self.0.other_admin_check(&[]).await? else {
            return Ok(false);
        };
        let item =
            Build::new(keys::RETIRED, keys::access(hash), keys::RETIRED).set("retired_at", at(self.0.clock.now()));
        let put = built(Put::builder().table_name(&self.0.name).set_item(Some(item.done())).build())?;
        let mut writes = vec![TransactWriteItem::builder().put(put).build(), check];
        writes.extend(self.0.session_end_writes(BOOTSTRAP).await?);
        let subject = AuditSubject::new(AuditSubjectKind::BootstrapToken, "bootstrap");
        let action = AuditAction::BootstrapTokenRetired;
        writes.extend(self.0.audit_of_change(action, subject, AuditDetail::default())?);
        self.0.write_together(writes).await?;
        Ok(true)
    }

    /// Deletes an agent, their tokens and their sessions in one transaction. `bootstrap` is the hash of the bootstrap token.
    /// [`StoreError::Conflict`] when the agent was changed meanwhile, or another admin token ended.
    pub async fn delete_agent<T>(&self, seen: &Record<T>, bootstrap: &str) -> Result<AgentEnd> {
        let mut writes = self.0.delete_writes(seen)?;
        let duty_at = writes.len();
        writes.push(self.0.duty_end_write(&seen.id)?);
        match self.0.token_end_writes(seen, bootstrap).await? {
            Some(tokens) => writes.extend(tokens),
            None => return Ok(AgentEnd::LastAdmin),
        }
        writes.extend(self.0.audit_of_record(seen, ResourceChange::Deleted, [])?);
        match self.0.transact(writes).await? {
            None => Ok(AgentEnd::Ended),
            Some(place) if place == duty_at => Ok(AgentEnd::HasConversations),
            Some(_) => Err(StoreError::Conflict),
        }
    }

    /// Writes the settings of an agent who is disabled from now on, ends their duty, their tokens and their
    /// sessions, in one transaction, and returns the record if they did. `bootstrap` is the hash of the bootstrap token.
    /// [`StoreError::Conflict`] when the agent was changed meanwhile, or another admin token ended.
    pub async fn disable_agent<T: Serialize>(
        &self,
        seen: &Record<T>,
        settings: T,
        aliases: Vec<String>,
        bootstrap: &str,
    ) -> Result<(Option<Record<T>>, AgentEnd)> {
        let mut also = vec![self.0.duty_end_write(&seen.id)?];
        match self.0.token_end_writes(seen, bootstrap).await? {
            Some(tokens) => also.extend(tokens),
            None => return Ok((None, AgentEnd::LastAdmin)),
        }
        let (record, written) = self.0.change_record_and(seen, settings, aliases, None, also).await?;
        let end = match written {
            Some(Written::Now) => AgentEnd::Ended,
            Some(Written::AliasTaken) => AgentEnd::AliasTaken,
            None => AgentEnd::HasConversations,
        };
        Ok((Some(record), end))
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

    /// Ends the sessions of an agent, the tokens that name them, and the one that the agent was created for, with its sessions. `None` when no admin token would
    /// be left.
    async fn token_end_writes<T>(&self, agent: &Record<T>, bootstrap: &str) -> Result<Option<Vec<TransactWriteItem>>> {
        let pk = keys::record("agent", &agent.id);
        let (mut writes, mut hashes) = (self.session_end_writes(&agent.id).await?, Vec::new());
        for edge in self.partition(pk.clone(), keys::AGENT_TOKEN_PREFIX, 100).await? {
            let edge = Read { kind: keys::AGENT_TOKEN, item: &edge };
            hashes.push(edge.s("hash")?.to_owned());
            writes.push(self.delete_write(pk.clone(), edge.s("sk")?, None)?);
        }
        for id in agent.aliases.iter().filter_map(|alias| alias.strip_prefix(TOKEN_ALIAS)) {
            hashes.extend(self.token_item(id).await?.map(|(_, hash)| hash));
            writes.extend(self.session_end_writes(id).await?);
        }
        for hash in &hashes {
            writes.push(self.delete_write(keys::access(hash), keys::ACCESS, None)?);
        }
        let tokens: Vec<_> = hashes.iter().map(|hash| (keys::access(hash), keys::ACCESS.to_owned())).collect();
        let tokens = self.get_all_consistent(&tokens).await?.iter().map(read).collect::<Result<Vec<_>>>()?;
        let now = self.clock.now();
        if tokens.iter().any(|token| token.grant == Grant::Admin && !token.is_expired(now)) {
            let ending: Vec<&str> = hashes.iter().map(String::as_str).collect();
            match self.admin_remains_check(&ending, bootstrap).await? {
                Some(check) => writes.push(check),
                None => return Ok(None),
            }
        }
        Ok(Some(writes))
    }

    fn delete_write(&self, pk: String, sk: &str, condition: Option<&str>) -> Result<TransactWriteItem> {
        let delete = Delete::builder().table_name(&self.name).key("pk", s(pk)).key("sk", s(sk));
        let delete = delete.set_condition_expression(condition.map(ToOwned::to_owned));
        Ok(TransactWriteItem::builder().delete(built(delete.build())?).build())
    }
}
