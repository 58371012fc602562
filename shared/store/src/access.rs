//! Access tokens of our own API, kept as SHA-256.

mod ending;
mod last_admin;

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, TransactWriteItem};
use desk::policy::{AppIds, Grant, Role, Scope};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};

pub use self::ending::{AgentEnd, TokenEnd};
use crate::{
    error::{Result, StoreError},
    handles::{ApiTokenWriter, TokenVerifier},
    item::{Attributes, Build, Read, at, s},
    keys,
    table::{Page, SERVICE, Table},
    transaction::built,
};

/// How often the use of a token is recorded at most.
pub const TOKEN_USE_INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// How many tokens an agent has at most: all of them end in one transaction with the agent, and a transaction has 100
/// writes (DynamoDB quotas, "Transactions").
pub const AGENT_TOKENS_MAX: usize = 20;

/// How long an expired token stays in the list.
const EXPIRED_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);

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
        let created = match &token.agent_id {
            None => self.0.create(item).await.map(|()| true)?,
            Some(agent) => self.0.create_with_agent(item, agent, &token, &hash).await?,
        };
        Ok(created.then_some((token, secret)))
    }

    /// All tokens, in the order of their ids.
    pub async fn api_tokens(&self, cursor: Option<&str>, limit: i32) -> Result<Page<ApiToken>> {
        let (found, cursor) = self.0.list_keys(keys::LIST_ACCESS, cursor, limit).await?;
        let items = self.0.get_all(&found).await?.iter().map(read).collect::<Result<_>>()?;
        Ok(Page { items, cursor })
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
    /// Writes a token together with the edge that finds it from its agent. `false` when the agent is not active.
    async fn create_with_agent(&self, item: Attributes, agent: &str, token: &ApiToken, hash: &str) -> Result<bool> {
        let put = Put::builder().table_name(&self.name).set_item(Some(item.clone()));
        let put = built(put.condition_expression("attribute_not_exists(pk)").build())?;
        let active = ConditionCheck::builder()
            .table_name(&self.name)
            .key("pk", s(keys::record("agent", agent)))
            .key("sk", s(keys::DUTY))
            .condition_expression("attribute_exists(pk)");
        let writes = vec![
            TransactWriteItem::builder().put(put).build(),
            TransactWriteItem::builder().condition_check(built(active.build())?).build(),
            self.edge_write(agent, token, hash)?,
        ];
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

/// When DynamoDB removes a token that ends then, in seconds since 1970.
fn ttl(expires_at: Timestamp) -> AttributeValue {
    let end = expires_at.checked_add(EXPIRED_LIFE).unwrap_or(Timestamp::MAX);
    AttributeValue::N(end.as_second().to_string())
}

fn write(token: &ApiToken, hash: &str) -> Attributes {
    let mut item = Build::new(keys::ACCESS, keys::access(hash), keys::ACCESS)
        .set("lists_pk", s(keys::LIST_ACCESS))
        .set("lists_sk", s(&token.id))
        .set("id", s(&token.id))
        .set("role", s(token.grant.role().as_str()))
        .set("name", s(&token.name))
        .maybe("agent_id", token.agent_id.as_ref().map(s))
        .maybe("expires_at", token.expires_at.map(at))
        .maybe("ttl", token.expires_at.map(ttl))
        .set("created_at", at(token.created_at));
    match &token.grant {
        Grant::Admin | Grant::Agent => {}
        Grant::Supervisor { group_ids } => item = item.maybe("group_ids", set(group_ids.iter().cloned())),
        Grant::Integrator { scopes, app_ids } => {
            item = item.maybe("scopes", set(scopes.iter().map(|scope| scope.as_str().to_owned())));
            if let AppIds::Named(named) = app_ids {
                // A list and no set: there are no empty sets, and none at all means all mini programs.
                let named = named.iter().map(s).collect();
                item = item.set("app_ids", AttributeValue::L(named));
            }
        }
    }
    item.done()
}

/// A string set; DynamoDB has no empty ones.
fn set(texts: impl Iterator<Item = String>) -> Option<AttributeValue> {
    let texts: Vec<String> = texts.collect();
    (!texts.is_empty()).then_some(AttributeValue::Ss(texts))
}

fn read_set(item: &Attributes, name: &str) -> BTreeSet<String> {
    item.get(name).and_then(|value| value.as_ss().ok()).into_iter().flatten().cloned().collect()
}

fn read(item: &Attributes) -> Result<ApiToken> {
    let read = Read { kind: keys::ACCESS, item };
    let grant = match Role::named(read.s("role")?) {
        Some(Role::Admin) => Grant::Admin,
        Some(Role::Agent) => Grant::Agent,
        Some(Role::Supervisor) => Grant::Supervisor { group_ids: read_set(item, "group_ids") },
        Some(Role::Integrator) => {
            // A scope of a newer version is none of this one.
            let scopes = read_set(item, "scopes").iter().filter_map(|name| Scope::named(name)).collect();
            Grant::Integrator { scopes, app_ids: read_app_ids(&read)? }
        }
        None => return Err(read.corrupt("role")),
    };
    Ok(ApiToken {
        id: read.owned("id")?,
        grant,
        name: read.shown_name("name")?,
        agent_id: read.opt_owned("agent_id")?,
        created_at: read.at("created_at")?,
        expires_at: item.contains_key("expires_at").then(|| read.at("expires_at")).transpose()?,
        last_used_at: read.opt_at("last_used_at")?,
    })
}

/// Absent means all mini programs, so anything else that is there and unreadable is an error.
fn read_app_ids(read: &Read<'_>) -> Result<AppIds> {
    let Some(value) = read.item.get("app_ids") else {
        return Ok(AppIds::All);
    };
    let named = value.as_l().map_err(|_| read.corrupt("app_ids"))?;
    let named = named.iter().map(|id| id.as_s().cloned().map_err(|_| read.corrupt("app_ids")));
    Ok(AppIds::Named(named.collect::<Result<_>>()?))
}
