//! Access tokens of our own API, kept as SHA-256.

mod ending;
mod item;
mod last_admin;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use desk::policy::Grant;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};

pub use self::ending::{AgentEnd, TokenEnd};
use self::item::{read, ttl, write};
use crate::{
    audit::{AuditAction, AuditActor, AuditDetail, AuditSubject, AuditSubjectKind},
    commit::update_item,
    error::{Result, StoreError},
    handles::{ApiTokenWriter, TokenVerifier},
    item::{Attributes, Build, at, s},
    keys,
    table::{Page, SERVICE, Table},
    transaction::{Transacted, built},
};

/// How often the use of a token is recorded at most.
pub const TOKEN_USE_INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// How many tokens an agent has at most: all of them end in one transaction with the agent, and a transaction has 100
/// writes (DynamoDB quotas, "Transactions").
pub const AGENT_TOKENS_MAX: usize = 20;

/// The alias of an agent who was created for a token: this, then the token's id.
pub const TOKEN_ALIAS: &str = "token:";

/// A token of the API, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiToken {
    /// 32 hexadecimal digits that name the token and do not authorize. They stay when the token is rotated.
    pub id: String,
    /// What its holder may do.
    #[serde(flatten)]
    pub grant: Grant,
    /// A name for people, 1 to 60 characters.
    pub name: String,
    /// The agent that its holder works as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ends; never when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the hour; see [`TOKEN_USE_INTERVAL`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

impl ApiToken {
    /// Whether it has ended by then.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// A token to be created.
#[derive(Debug, Clone)]
pub struct NewApiToken {
    /// See [`ApiToken::grant`].
    pub grant: Grant,
    /// See [`ApiToken::name`].
    pub name: String,
    /// See [`ApiToken::agent_id`].
    pub agent_id: Option<String>,
    /// See [`ApiToken::expires_at`].
    pub expires_at: Option<Timestamp>,
}

impl NewApiToken {
    /// A token without an agent and without an end.
    pub fn new(grant: Grant, name: impl Into<String>) -> Self {
        Self { grant, name: name.into(), agent_id: None, expires_at: None }
    }
}

/// SHA-256 of a token, in hexadecimal: the form in which tokens are kept.
pub fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// A fresh secret and its hash.
fn fresh_secret() -> Result<(SecretString, String)> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(|_| StoreError::Internal("no random bytes"))?;
    let secret = SecretString::from(format!("kefu_{}", hex::encode(random)));
    let hash = token_hash(secret.expose_secret());
    Ok((secret, hash))
}

impl ApiTokenWriter {
    /// Creates a token. The secret is only in this answer. `None` when the agent does not exist or is disabled.
    pub async fn create_access_token(&self, new: NewApiToken) -> Result<Option<(ApiToken, SecretString)>> {
        let (secret, hash) = fresh_secret()?;
        let NewApiToken { grant, name, agent_id, expires_at } = new;
        let (id, created_at) = (hash[..32].to_owned(), self.0.clock.now());
        let token = ApiToken { id, grant, name, agent_id, created_at, expires_at, last_used_at: None };
        let item = write(&token, &hash);
        let audit = self.0.audit_of_token(AuditAction::AccessTokenCreated, &token)?;
        let created = match &token.agent_id {
            None => self.0.create_and(item, audit).await.map(|()| true)?,
            Some(agent) => self.0.create_with_agent(item, agent, &token, &hash, audit).await?,
        };
        Ok(created.then_some((token, secret)))
    }

    /// All tokens, in the order of their ids.
    pub async fn api_tokens(&self, cursor: Option<&str>, limit: i32) -> Result<Page<ApiToken>> {
        let (found, cursor) = self.0.list_keys(keys::LIST_ACCESS, cursor, limit).await?;
        let items = self.0.get_all(&found).await?.iter().map(read).collect::<Result<_>>()?;
        Ok(Page { items, cursor })
    }

    /// The token with this id, and the hash of its secret.
    pub async fn api_token_and_hash(&self, id: &str) -> Result<Option<(ApiToken, String)>> {
        let found = self.0.token_item(id).await?;
        found.map(|(item, hash)| Ok((read(&item)?, hash))).transpose()
    }

    /// How many tokens name this agent.
    pub async fn count_agent_tokens(&self, agent: &str) -> Result<usize> {
        Ok(self.0.partition(keys::record("agent", agent), keys::AGENT_TOKEN_PREFIX, 100).await?.len())
    }
}

impl TokenVerifier {
    /// The token with this hash, whether or not it has expired.
    pub async fn api_token(&self, hash: &str) -> Result<Option<ApiToken>> {
        let item = self.0.get(keys::access(hash), keys::ACCESS, true).await?;
        item.as_ref().map(read).transpose()
    }

    /// Whether an agent exists and is not disabled: an agent who is neither has no duty item.
    pub async fn agent_is_active(&self, agent: &str) -> Result<bool> {
        Ok(self.0.get(keys::record("agent", agent), keys::DUTY, true).await?.is_some())
    }

    /// Records that the token with this hash was used, once in [`TOKEN_USE_INTERVAL`].
    pub async fn record_token_use(&self, token: &ApiToken, hash: &str) -> Result<()> {
        let now = self.0.clock.now();
        let before = now - TOKEN_USE_INTERVAL;
        if token.last_used_at.is_some_and(|last| last > before) {
            return Ok(());
        }
        if token.last_used_at.is_none() {
            return self.0.record_first_use(token, hash).await;
        }
        let update = self
            .0
            .client
            .update_item()
            .table_name(&self.0.name)
            .key("pk", s(keys::access(hash)))
            .key("sk", s(keys::ACCESS))
            .update_expression("SET last_used_at = :now")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(last_used_at) OR last_used_at <= :before)",
            )
            .expression_attribute_values(":now", at(now))
            .expression_attribute_values(":before", at(before));
        match update.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error)) {
            // Another request has recorded it, or the token has ended.
            Ok(_) | Err(StoreError::Conflict | StoreError::TransactionConflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Table {
    /// The entry of the audit log about a token, if a person acts on it.
    fn audit_of_token(&self, action: AuditAction, token: &ApiToken) -> Result<Option<TransactWriteItem>> {
        let subject = AuditSubject::new(AuditSubjectKind::AccessToken, &token.id);
        let (role, agent_id) = (Some(token.grant.role()), token.agent_id.clone());
        self.audit_of_change(action, subject, AuditDetail { role, agent_id, ..AuditDetail::default() })
    }

    /// Writes a new item together with another write; [`StoreError::Conflict`] when another item is there.
    async fn create_and(&self, item: Attributes, also: Option<TransactWriteItem>) -> Result<()> {
        let Some(also) = also else {
            return self.create(item).await;
        };
        let put = self.put_new(item.clone())?;
        match self.write_together(vec![put, also]).await {
            // The answer to an earlier attempt of this call was lost.
            Err(StoreError::Conflict) if self.is_stored(&item).await? => Ok(()),
            written => written,
        }
    }

    /// Writes a token together with the edge that finds it from its agent. `false` when the agent is not active.
    async fn create_with_agent(
        &self,
        item: Attributes,
        agent: &str,
        token: &ApiToken,
        hash: &str,
        audit: Option<TransactWriteItem>,
    ) -> Result<bool> {
        let put = Put::builder().table_name(&self.name).set_item(Some(item.clone()));
        let put = built(put.condition_expression("attribute_not_exists(pk)").build())?;
        let mut writes = vec![
            TransactWriteItem::builder().put(put).build(),
            self.agent_check(agent)?,
            self.edge_write(agent, token, hash)?,
        ];
        writes.extend(audit);
        match self.transact(writes).await? {
            None => Ok(true),
            // The answer to an earlier attempt of this call was lost.
            Some(0) if self.get(keys::access(hash), keys::ACCESS, true).await?.as_ref() == Some(&item) => Ok(true),
            Some(1) => Ok(false),
            Some(_) => Err(StoreError::Conflict),
        }
    }

    /// Writes which token an agent has.
    fn edge_write(&self, agent: &str, token: &ApiToken, hash: &str) -> Result<TransactWriteItem> {
        let edge = Build::new(keys::AGENT_TOKEN, keys::record("agent", agent), keys::agent_token(&token.id))
            .set("hash", s(hash))
            .maybe("ttl", token.expires_at.map(ttl))
            .done();
        let put = Put::builder().table_name(&self.name).set_item(Some(edge));
        Ok(TransactWriteItem::builder().put(built(put.build())?).build())
    }

    /// Records the first use of a token since it was created or rotated, with an entry of the audit log.
    async fn record_first_use(&self, token: &ApiToken, hash: &str) -> Result<()> {
        let update = Update::builder()
            .table_name(&self.name)
            .key("pk", s(keys::access(hash)))
            .key("sk", s(keys::ACCESS))
            .update_expression("SET last_used_at = :now")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(last_used_at)")
            .expression_attribute_values(":now", at(self.clock.now()));
        let actor = AuditActor {
            token_id: token.id.clone(),
            name: Some(token.name.clone()),
            role: token.grant.role(),
            agent_id: token.agent_id.clone(),
        };
        let acting = self.acting(actor.into());
        let mut writes = vec![update_item(update)?];
        writes.extend(acting.audit_of_token(AuditAction::AccessTokenFirstUsed, token)?);
        match self.transact_once(writes).await? {
            // Another request has recorded it or does so at this moment, or the token has ended.
            Transacted::Written | Transacted::ConditionFailed(_) | Transacted::InConflict(_) => Ok(()),
        }
    }

    /// The item of the token with this id, and its hash.
    async fn token_item(&self, id: &str) -> Result<Option<(Attributes, String)>> {
        let answer = self
            .client
            .query()
            .table_name(&self.name)
            .index_name("lists")
            .key_condition_expression("lists_pk = :list AND lists_sk = :id")
            .expression_attribute_values(":list", s(keys::LIST_ACCESS))
            .expression_attribute_values(":id", s(id))
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        // After a rotation the index may name the old item for a moment.
        for found in answer.items() {
            let Some(hash) = found.get("pk").and_then(|pk| pk.as_s().ok()).and_then(|pk| keys::access_hash(pk)) else {
                continue;
            };
            if let Some(item) = self.get(keys::access(hash), keys::ACCESS, true).await? {
                return Ok(Some((item, hash.to_owned())));
            }
        }
        Ok(None)
    }
}
