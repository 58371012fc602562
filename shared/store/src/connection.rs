//! WebSocket connections of browsers, and the tickets that open them. Of a ticket, only the SHA-256 is kept.
//!
//! All connections are in one partition, so that one query finds all of them, and each is found by its own id, which is all that API
//! Gateway tells when it ends. A version beside them counts the connections that have begun. A function keeps the connections and the
//! version in memory; it reads the version, a small item, and reads the connections again if the version has changed. A connection that
//! has ended is noticed when a message to it fails.

use aws_sdk_dynamodb::types::{ConditionCheck, Put, ReturnValue, TransactWriteItem};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use desk::policy::{Caller, Grant, Groups, Member};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{
    access::token_hash,
    error::{Result, StoreError},
    handles::{Connected, Connecting, Tickets},
    item::{Attributes, Build, Read, at, json, n, s},
    keys,
    session::{SESSION_IDLE, Session, random},
    table::SERVICE,
    transaction::built,
};

/// How long a ticket is valid.
pub const TICKET_LIFE: SignedDuration = SignedDuration::from_secs(30);

/// How long a connection is kept: the two hours after which API Gateway ends it ("Amazon API Gateway quotas", WebSocket API), and
/// a margin.
pub const CONNECTION_LIFE: SignedDuration = SignedDuration::from_mins(130);

/// The most connections that are read.
const CONNECTIONS_READ: i32 = 20_000;

/// The person behind a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watcher {
    /// What they may do.
    pub grant: Grant,
    /// The agent that they work as, if any.
    pub agent_id: Option<String>,
    /// The session by which the connection was opened.
    pub session_id: String,
    /// The token that the session was made from; see [`Session::token_id`].
    pub token_id: String,
}

impl Watcher {
    /// The holder of a session, who works as this agent.
    pub fn of(session: &Session, agent_id: Option<String>) -> Self {
        let (grant, session_id) = (session.holder.grant.clone(), session.id.clone());
        Self { grant, agent_id, session_id, token_id: session.token_id().to_owned() }
    }

    /// The person as a caller who is a member of these groups.
    pub fn caller(&self, groups: Groups) -> Caller {
        Caller::new(&self.grant, Member { agent_id: self.agent_id.clone(), groups })
    }
}

/// A ticket that was redeemed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    watcher: Watcher,
    /// The keys of the session.
    session: (String, String),
    origin: String,
    expires_at: Timestamp,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// API Gateway's id of it.
    pub id: String,
    /// Who is behind it.
    pub watcher: Watcher,
    /// When it has ended at the latest.
    pub expires_at: Timestamp,
}

impl Ticket {
    fn write(&self, ticket: &str) -> Result<Attributes> {
        Ok(Build::new(keys::TICKET, keys::ticket(&token_hash(ticket)), keys::TICKET)
            .set("watcher", json(&self.watcher)?)
            .set("session_pk", s(&self.session.0))
            .set("session_sk", s(&self.session.1))
            .set("origin", s(&self.origin))
            .set("expires_at", at(self.expires_at))
            .set("ttl", keys::ttl(self.expires_at))
            .done())
    }

    fn read(item: &Attributes) -> Result<Self> {
        let read = Read { kind: keys::TICKET, item };
        Ok(Self {
            watcher: read.json("watcher")?,
            session: (read.owned("session_pk")?, read.owned("session_sk")?),
            origin: read.owned("origin")?,
            expires_at: read.at("expires_at")?,
        })
    }
}

impl Connection {
    fn write(&self) -> Result<Attributes> {
        let item = Build::new(keys::CONNECTION, keys::CONNECTIONS.to_owned(), keys::connection(&self.id));
        let item = item.set("connection_id", s(&self.id)).set("watcher", json(&self.watcher)?);
        Ok(item.set("expires_at", at(self.expires_at)).set("ttl", keys::ttl(self.expires_at)).done())
    }

    fn read(item: &Attributes) -> Result<Self> {
        let read = Read { kind: keys::CONNECTION, item };
        Ok(Self {
            id: read.owned("connection_id")?,
            watcher: read.json("watcher")?,
            expires_at: read.at("expires_at")?,
        })
    }
}

impl Tickets {
    /// Makes a ticket for a page of this origin whose session is this one, and returns it with the end of its validity.
    pub async fn create_ticket(
        &self,
        session: &Session,
        agent_id: Option<String>,
        origin: &str,
    ) -> Result<(SecretString, Timestamp)> {
        let text = BASE64_URL_SAFE_NO_PAD.encode(random()?);
        let expires_at = self.0.clock.now() + TICKET_LIFE;
        let watcher = Watcher::of(session, agent_id);
        let ticket = Ticket { watcher, session: session.key(), origin: origin.to_owned(), expires_at };
        self.0.create(ticket.write(&text)?).await?;
        Ok((text.into(), expires_at))
    }
}

impl Connecting {
    /// Redeems a ticket for a page of this origin. It is used up, also where it is refused. `None` for a ticket that does not exist,
    /// was used, has expired, or is that of a page of another origin.
    pub async fn redeem(&self, ticket: &str, origin: &str) -> Result<Option<Ticket>> {
        let delete = self.0.client.delete_item().table_name(&self.0.name);
        let delete = delete.key("pk", s(keys::ticket(&token_hash(ticket)))).key("sk", s(keys::TICKET));
        let answer = delete.return_values(ReturnValue::AllOld).send().await;
        let answer = answer.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        let Some(item) = answer.attributes else {
            return Ok(None);
        };
        let ticket = Ticket::read(&item)?;
        Ok(Some(ticket).filter(|ticket| ticket.expires_at > self.0.clock.now() && ticket.origin == origin))
    }

    /// Keeps a connection. `false` when the session of its ticket or the agent has ended: then nothing is kept.
    pub async fn connect(&self, ticket: Ticket, id: &str) -> Result<bool> {
        let Ticket { watcher, session, .. } = ticket;
        let expires_at = self.0.clock.now() + CONNECTION_LIFE;
        let mut writes = vec![self.session_check(session)?];
        if let Some(agent) = &watcher.agent_id {
            writes.push(self.0.agent_check(agent)?);
        }
        let connection = Connection { id: id.to_owned(), watcher, expires_at };
        let put = Put::builder().table_name(&self.0.name).set_item(Some(connection.write()?));
        writes.push(TransactWriteItem::builder().put(built(put.build())?).build());
        if self.0.transact(writes).await?.is_some() {
            return Ok(false);
        }
        self.count_connection().await?;
        Ok(true)
    }

    /// Not part of the transaction: transactions on one item exclude each other, and many people connect at once.
    async fn count_connection(&self) -> Result<()> {
        let update = self.0.client.update_item().table_name(&self.0.name);
        let update = update.key("pk", s(keys::CONNECTIONS)).key("sk", s(keys::CONNECTIONS_VERSION));
        let update = update
            .update_expression("SET kind = :kind ADD version :one")
            .expression_attribute_values(":kind", s(keys::CONNECTIONS_VERSION_KIND))
            .expression_attribute_values(":one", n(1));
        update.send().await.map(drop).map_err(|error| StoreError::from_sdk(SERVICE, &error))
    }

    fn session_check(&self, (pk, sk): (String, String)) -> Result<TransactWriteItem> {
        let now = self.0.clock.now();
        let check = ConditionCheck::builder()
            .table_name(&self.0.name)
            .key("pk", s(pk))
            .key("sk", s(sk))
            .condition_expression("attribute_exists(pk) AND expires_at > :now AND last_used_at > :idle")
            .expression_attribute_values(":now", at(now))
            .expression_attribute_values(":idle", at(now - SESSION_IDLE));
        Ok(TransactWriteItem::builder().condition_check(built(check.build())?).build())
    }

    /// The connection with this id, if it is kept.
    pub async fn connection(&self, id: &str) -> Result<Option<Connection>> {
        let item = self.0.get(keys::CONNECTIONS.to_owned(), &keys::connection(id), true).await?;
        item.as_ref().map(Connection::read).transpose()
    }

    /// Forgets a connection that has ended.
    pub async fn disconnect(&self, id: &str) -> Result<()> {
        Connected(self.0.clone()).forget(id).await
    }
}

impl Connected {
    /// How many connections have begun until now.
    pub async fn version(&self) -> Result<u64> {
        let item = self.0.get(keys::CONNECTIONS.to_owned(), keys::CONNECTIONS_VERSION, false).await?;
        let version = item.map(|item| Read { kind: keys::CONNECTIONS_VERSION_KIND, item: &item }.opt_n("version"));
        Ok(version.transpose()?.flatten().unwrap_or_default())
    }

    /// All connections that may still be open.
    pub async fn connections(&self) -> Result<Vec<Connection>> {
        let now = self.0.clock.now();
        let prefix = keys::connection("");
        let items = self.0.partition(keys::CONNECTIONS.to_owned(), &prefix, CONNECTIONS_READ).await?;
        let mut connections = items.iter().map(Connection::read).collect::<Result<Vec<_>>>()?;
        connections.retain(|connection| connection.expires_at > now);
        Ok(connections)
    }

    /// Forgets a connection that has ended.
    pub async fn forget(&self, id: &str) -> Result<()> {
        let delete = self.0.client.delete_item().table_name(&self.0.name);
        let delete = delete.key("pk", s(keys::CONNECTIONS)).key("sk", s(keys::connection(id)));
        delete.send().await.map(drop).map_err(|error| StoreError::from_sdk(SERVICE, &error))
    }
}
