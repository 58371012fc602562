//! Quick replies: texts that agents send often, of one agent, of a group or of all.
//!
//! Those of an agent are one partition, and all that are shared are another one, so that two queries read what a person may use. The id
//! names the owner.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Result, StoreError},
    handles::QuickReplies,
    item::{Attributes, Build, Read, at, json, n, s},
    keys,
    message::Author,
    resource::Kind,
    table::SERVICE,
    transaction::built,
};

/// The greatest number of quick replies of an agent.
pub const OWN_REPLIES_MAX: usize = 300;

/// The greatest number of quick replies that are shared, of all groups together.
pub const SHARED_REPLIES_MAX: usize = 1000;

/// Deletions of one transaction (API reference, `TransactWriteItems`: 100).
const AT_ONCE: usize = 100;

/// Who may use a quick reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyOwner {
    /// This agent.
    Agent(String),
    /// The members of this group.
    Group(String),
    /// All agents.
    All,
}

/// What a quick reply says. All fields are validated where they come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyText {
    /// What it is listed as.
    pub title: String,
    /// What finds it in the composer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortcut: Option<String>,
    /// The folder that it is listed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// The text, with variables in braces.
    pub content: String,
}

/// A quick reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuickReply {
    /// Its id.
    pub id: String,
    /// Who may use it.
    pub owner: ReplyOwner,
    /// What it says.
    pub text: ReplyText,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub updated_by: Author,
    version: u64,
}

impl ReplyOwner {
    /// The owner that an id names; `None` for what is no id.
    pub fn of_id(id: &str) -> Option<Self> {
        let (owner, unique) = id.split_once('-')?;
        let is_unique = unique.len() == 32 && unique.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match owner {
            _ if !is_unique => None,
            ALL => Some(Self::All),
            owner if Kind::Group.is_id(owner) => Some(Self::Group(owner.to_owned())),
            owner if Kind::Agent.is_id(owner) => Some(Self::Agent(owner.to_owned())),
            _ => None,
        }
    }

    fn prefix(&self) -> String {
        match self {
            Self::Agent(id) | Self::Group(id) => format!("{id}-"),
            Self::All => format!("{ALL}-"),
        }
    }

    fn pk(&self) -> String {
        keys::quick_replies(match self {
            Self::Agent(id) => Some(id),
            Self::Group(_) | Self::All => None,
        })
    }

    /// How many the owner may have, or the owners of the same partition together.
    pub fn max(&self) -> usize {
        match self {
            Self::Agent(_) => OWN_REPLIES_MAX,
            Self::Group(_) | Self::All => SHARED_REPLIES_MAX,
        }
    }
}

/// The owner in the ids of replies for all agents.
const ALL: &str = "all";

impl QuickReplies {
    /// All that are shared, and those of an agent, by owner in the order in which they were made. Two queries.
    pub async fn quick_replies(&self, agent: Option<&str>) -> Result<Vec<QuickReply>> {
        let own = async {
            match agent {
                Some(agent) => self.of_owner(&ReplyOwner::Agent(agent.to_owned()), "").await,
                None => Ok(Vec::new()),
            }
        };
        let (own, shared) = tokio::try_join!(own, self.of_owner(&ReplyOwner::All, ""))?;
        Ok(own.into_iter().chain(shared).collect())
    }

    /// One.
    pub async fn quick_reply(&self, id: &str) -> Result<Option<QuickReply>> {
        let Some(owner) = ReplyOwner::of_id(id) else { return Ok(None) };
        let item = self.0.get(owner.pk(), id, true).await?;
        item.as_ref().map(QuickReply::read).transpose()
    }

    /// Stores a new one; `None` when the owner has [`ReplyOwner::max`]. Those that are made at the same moment may be some more.
    pub async fn create_quick_reply(
        &self,
        owner: ReplyOwner,
        text: ReplyText,
        author: Author,
    ) -> Result<Option<QuickReply>> {
        if self.of_owner(&owner, "").await?.len() >= owner.max() {
            return Ok(None);
        }
        let now = self.0.clock.now();
        let id = format!("{}{}", owner.prefix(), uuid::Uuid::now_v7().simple());
        let reply = QuickReply { id, owner, text, created_at: now, updated_at: now, updated_by: author, version: 0 };
        self.0.create(reply.item()?).await?;
        Ok(Some(reply))
    }

    /// Replaces what one says that is still as it was read. [`StoreError::Conflict`] when it is not.
    pub async fn change_quick_reply(&self, seen: &QuickReply, text: ReplyText, author: Author) -> Result<QuickReply> {
        let updated_at = self.0.clock.now();
        let changed = QuickReply { text, updated_at, updated_by: author, version: seen.version + 1, ..seen.clone() };
        let put = Put::builder()
            .table_name(&self.0.name)
            .set_item(Some(changed.item()?))
            .condition_expression("version = :seen")
            .expression_attribute_values(":seen", n(seen.version));
        self.0.write_together(vec![TransactWriteItem::builder().put(built(put.build())?).build()]).await?;
        Ok(changed)
    }

    /// Deletes one; nothing happens where there is none.
    pub async fn delete_quick_reply(&self, seen: &QuickReply) -> Result<()> {
        let delete = self.0.client.delete_item().table_name(&self.0.name);
        let delete = delete.key("pk", s(seen.owner.pk())).key("sk", s(&seen.id));
        delete.send().await.map(drop).map_err(|error| StoreError::from_sdk(SERVICE, &error))
    }

    /// Deletes all of an owner, who is deleted.
    pub async fn delete_quick_replies_of(&self, owner: &ReplyOwner) -> Result<()> {
        let replies = self.of_owner(owner, &owner.prefix()).await?;
        for chunk in replies.chunks(AT_ONCE) {
            let delete = |reply: &QuickReply| {
                let delete = Delete::builder().table_name(&self.0.name);
                let delete = delete.key("pk", s(owner.pk())).key("sk", s(&reply.id));
                Ok(TransactWriteItem::builder().delete(built(delete.build())?).build())
            };
            self.0.write_together(chunk.iter().map(delete).collect::<Result<_>>()?).await?;
        }
        Ok(())
    }

    /// The replies in the partition of an owner whose ids begin with this prefix.
    async fn of_owner(&self, owner: &ReplyOwner, prefix: &str) -> Result<Vec<QuickReply>> {
        let items = self.0.partition(owner.pk(), prefix, i32::MAX).await?;
        items.iter().map(QuickReply::read).collect()
    }
}

impl QuickReply {
    fn item(&self) -> Result<Attributes> {
        Ok(Build::new(keys::QUICK_REPLY, self.owner.pk(), &self.id)
            .set("version", n(self.version))
            .set("created_at", at(self.created_at))
            .set("updated_at", at(self.updated_at))
            .set("updated_by", json(&self.updated_by)?)
            .data(&self.text)?
            .done())
    }

    fn read(item: &Attributes) -> Result<Self> {
        let read = Read { kind: keys::QUICK_REPLY, item };
        let id = read.owned("sk")?;
        Ok(Self {
            owner: ReplyOwner::of_id(&id).ok_or_else(|| read.corrupt("sk"))?,
            id,
            text: read.data()?,
            created_at: read.at("created_at")?,
            updated_at: read.at("updated_at")?,
            updated_by: read.json("updated_by")?,
            version: read.opt_n("version")?.unwrap_or(0),
        })
    }
}
