//! Access tokens of our own API, kept as SHA-256.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    error::{Result, StoreError},
    item::{Attributes, Build, Read, at, s},
    keys,
    table::{Page, SERVICE, Table},
};

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    Admin,
    /// Conversations, not bindings.
    Agent,
}

impl Role {
    /// The role's name in our JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Agent => "agent",
        }
    }
}

/// A token of the API, without its secret.
#[derive(Debug, Clone, Serialize)]
pub struct ApiToken {
    /// The first half of the token's SHA-256: enough to name it, not enough to look it up.
    pub id: String,
    /// What its holder may do.
    pub role: Role,
    /// Whose it is.
    pub name: String,
    /// The agent whom its holder stands for, if that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// SHA-256 of a token, in hexadecimal: the form in which tokens are kept.
pub fn token_hash(token: &str) -> String {
    keys::hex(&Sha256::digest(token.as_bytes()))
}

impl Table {
    /// Makes a token. The secret is in this answer only.
    pub async fn create_api_token(&self, role: Role, name: &str) -> Result<(ApiToken, SecretString)> {
        self.create_agent_token(role, name, None).await
    }

    /// Makes a token whose holder stands for this agent, if one is named. The secret is in this answer only.
    pub async fn create_agent_token(
        &self,
        role: Role,
        name: &str,
        agent_id: Option<&str>,
    ) -> Result<(ApiToken, SecretString)> {
        let mut random = [0_u8; 32];
        getrandom::fill(&mut random).map_err(|_| StoreError::Sealed)?;
        let secret = SecretString::from(format!("kefu_{}", keys::hex(&random)));
        let hash = token_hash(secret.expose_secret());
        let now = self.clock.now();
        let id = hash[..32].to_owned();
        let item = Build::new(keys::ACCESS, keys::access(&hash), keys::ACCESS)
            .set("lists_pk", s(keys::LIST_ACCESS))
            .set("lists_sk", s(&id))
            .set("id", s(&id))
            .set("role", s(role.as_str()))
            .set("name", s(name))
            .maybe("agent_id", agent_id.map(s))
            .set("created_at", at(now))
            .done();
        self.create(item).await?;
        let agent_id = agent_id.map(ToOwned::to_owned);
        Ok((ApiToken { id, role, name: name.to_owned(), agent_id, created_at: now }, secret))
    }

    /// The token with this hash, if it is still valid.
    pub async fn api_token(&self, hash: &str) -> Result<Option<ApiToken>> {
        let item = self.get(keys::access(hash), keys::ACCESS, false).await?;
        item.as_ref().map(read).transpose()
    }

    /// All tokens, in the order of their ids.
    pub async fn api_tokens(&self, cursor: Option<&str>, limit: i32) -> Result<Page<ApiToken>> {
        let (found, cursor) = self.list_keys(keys::LIST_ACCESS, false, cursor, limit).await?;
        let items = self.get_all(&found).await?.iter().map(read).collect::<Result<_>>()?;
        Ok(Page { items, cursor })
    }

    /// Takes a token away; `false` when there is none with this id.
    pub async fn delete_api_token(&self, id: &str) -> Result<bool> {
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
        let Some(pk) = answer.items().first().and_then(|item| item.get("pk")).cloned() else {
            return Ok(false);
        };
        let request = self.client.delete_item().table_name(&self.name).key("pk", pk).key("sk", s(keys::ACCESS));
        request.send().await.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        Ok(true)
    }
}

fn read(item: &Attributes) -> Result<ApiToken> {
    let read = Read { kind: keys::ACCESS, item };
    Ok(ApiToken {
        id: read.owned("id")?,
        role: match read.s("role")? {
            "admin" => Role::Admin,
            "agent" => Role::Agent,
            _ => return Err(read.corrupt("role")),
        },
        name: read.owned("name")?,
        agent_id: read.opt_s("agent_id").map(ToOwned::to_owned),
        created_at: read.at("created_at")?,
    })
}
