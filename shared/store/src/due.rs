//! What falls due: the partitions of the index `due`, and the items in them that the minute tick processes.
//!
//! Everything that the tick processes is in one index partition for each shard, so that one query finds what is due in a
//! shard, of every kind. The items of one thread are in one shard.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    conversation::Conversation,
    duty::Duty,
    erasure::Erasure,
    error::Result,
    handles::DueChecks,
    inbox::InboundRef,
    item::Read,
    keys,
    message::Message,
    queue::Queue,
    table::IndexedKey,
    timer::{TIMED_WITHIN, Timer},
};

/// A partition of the index that the tick reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DuePartition(String);

impl DuePartition {
    /// All partitions: the shards, and those into which earlier versions put items.
    pub fn all() -> impl Iterator<Item = Self> {
        keys::due_shards().chain(keys::earlier_due_partitions()).map(Self)
    }
}

/// The key of an item that is due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DueKey {
    pk: String,
    sk: String,
}

/// What an item that is due is, by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DueKind {
    /// A message that no function has processed.
    Message,
    /// A send whose function stopped, or a held text that has expired.
    Send,
    /// A conversation to check.
    Conversation,
    /// An agent to check.
    Agent,
    /// A queue to check.
    Queue,
    /// An erasure to go on with.
    Erasure,
}

impl DueKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Message, Self::Send, Self::Conversation, Self::Agent, Self::Queue, Self::Erasure];

    /// Its name in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Send => "send",
            Self::Conversation => "conversation",
            Self::Agent => "agent",
            Self::Queue => "queue",
            Self::Erasure => "erasure",
        }
    }
}

/// What a tick finds in a partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upcoming {
    /// What is due now, the most overdue first.
    pub due: Vec<DueKey>,
    /// The timers to set: conversations and agents that are due within [`TIMED_WITHIN`] and have no timer yet.
    pub timers: Vec<Timer>,
}

/// An item that is due, as far as its processing needs it.
#[derive(Debug, Clone)]
pub enum DueItem {
    /// A message that no function has processed.
    Message(Box<InboundRef>),
    /// A send: pending after its grace or retry time, sending after its lease, or held after its expiry.
    Send(Box<Message>),
    /// A conversation to check.
    Conversation(Box<Conversation>),
    /// An agent to check.
    Agent(Box<Duty>),
    /// A queue to check.
    Queue(Queue),
    /// An erasure to go on with.
    Erasure(Box<Erasure>),
}

impl DueKey {
    pub(crate) fn new(pk: String, sk: String) -> Self {
        Self { pk, sk }
    }

    /// The sort key of the item in the table.
    pub(crate) fn sk(&self) -> &str {
        &self.sk
    }

    /// The kind of the item. A key that this version does not know counts as a message; reading it postpones it.
    pub fn kind(&self) -> DueKind {
        match self.pk.split_once('#').map(|(kind, _)| kind) {
            Some(keys::CONVERSATION) => DueKind::Conversation,
            Some("agent") => DueKind::Agent,
            Some(keys::WATCH) => DueKind::Queue,
            Some(keys::ERASURE) => DueKind::Erasure,
            _ if keys::is_outbound(&self.sk) => DueKind::Send,
            _ => DueKind::Message,
        }
    }

    /// The partition key of the item in the table. Items of one thread share it, and their order counts.
    pub fn partition(&self) -> &str {
        &self.pk
    }
}

impl DueChecks {
    /// The keys of what is due in a partition now, the most overdue first. Without a limit, as many as one query returns,
    /// which are several thousand. The index may lag behind the table by a moment.
    pub async fn due(&self, partition: &DuePartition, limit: Option<i32>) -> Result<Vec<DueKey>> {
        Ok(self.found(partition, self.0.clock.now(), limit).await?.into_iter().map(|(key, _)| key).collect())
    }

    /// What is due in a partition now, and the timers to set for what is due before a later tick could see it; at most `limit`
    /// items together, those that are due first. A tick that comes late sets some timers again.
    ///
    /// Messages and sends get no timer: most of them are done before they are due, and the others were left behind. Queues get
    /// none either, because their checks are regular.
    pub async fn upcoming(&self, partition: &DuePartition, limit: i32) -> Result<Upcoming> {
        let now = self.0.clock.now();
        let (bound, mut upcoming) = (keys::due_until(now), Upcoming::default());
        for (key, due) in self.found(partition, now + TIMED_WITHIN, Some(limit)).await? {
            if due <= bound {
                upcoming.due.push(key);
            } else if matches!(key.kind(), DueKind::Conversation | DueKind::Agent)
                && let Some(at) = keys::at_instant(&due)
            {
                upcoming.timers.push(Timer { key, at });
            }
        }
        Ok(upcoming)
    }

    /// The keys in a partition up to a time, each once, with their sort keys in the index.
    async fn found(
        &self,
        partition: &DuePartition,
        until: Timestamp,
        limit: Option<i32>,
    ) -> Result<Vec<(DueKey, String)>> {
        let found = self.0.due_keys(&partition.0, until, limit).await?;
        let mut known = HashSet::new();
        let keys = found.into_iter().map(|IndexedKey { pk, sk, due }| (DueKey { pk, sk }, due));
        Ok(keys.filter(|(key, _)| known.insert(key.clone())).collect())
    }

    /// Reads an item that is due. `None` when it is due no longer.
    ///
    /// An item that this version cannot read must not block the others: it is logged, left out, and due again in an hour.
    pub async fn read(&self, key: &DueKey) -> Result<Option<DueItem>> {
        let item = match key.kind() {
            DueKind::Queue => key.pk.split_once('#').and_then(|(_, name)| Queue::named(name)).map(DueItem::Queue),
            _ => match self.read_stored(key).await? {
                Stored::NotDue => return Ok(None),
                Stored::Unreadable => None,
                Stored::Due(item) => Some(item),
            },
        };
        if item.is_none() {
            self.0.postpone_unreadable(key.pk.clone(), &key.sk).await?;
        }
        Ok(item)
    }

    async fn read_stored(&self, key: &DueKey) -> Result<Stored> {
        let Some(item) = self.0.get(key.pk.clone(), &key.sk, true).await? else {
            return Ok(Stored::NotDue);
        };
        let read = Read { kind: "due", item: &item };
        let until = keys::due_until(self.0.clock.now());
        if !item.contains_key("due_pk") || read.opt_s("due_sk")?.is_none_or(|due| due > until.as_str()) {
            return Ok(Stored::NotDue);
        }
        let found = match read.opt_s("kind")? {
            Some("inbound") => InboundRef::read(&item).map(|message| DueItem::Message(Box::new(message))),
            Some("outbound") => Message::read(&item).map(|message| DueItem::Send(Box::new(message))),
            Some(keys::CONVERSATION) => {
                Conversation::read(&item).map(|conversation| DueItem::Conversation(Box::new(conversation)))
            }
            Some(keys::ERASURE) => Erasure::read(&item).map(|erasure| DueItem::Erasure(Box::new(erasure))),
            Some(keys::DUTY) => Duty::read(&item).map(|duty| DueItem::Agent(Box::new(duty))),
            _ => Err(read.corrupt("kind")),
        };
        Ok(match found {
            Ok(item) => Stored::Due(item),
            Err(error) => {
                tracing::error!(sk = key.sk, %error, "a due item is unreadable and was postponed by an hour");
                Stored::Unreadable
            }
        })
    }

    /// Postpones an item that could not be processed, so that failing items do not use up every tick. The delay doubles with
    /// each failure from one minute to an hour. Nothing happens when the item is due no longer. A change of a conversation,
    /// or of an agent's status, ends the delay.
    pub async fn postpone(&self, key: &DueKey) -> Result<()> {
        self.0.postpone_item(key.pk.clone(), &key.sk, key.kind()).await
    }
}

/// An item of the table whose key is in the index.
enum Stored {
    Due(DueItem),
    NotDue,
    Unreadable,
}
