//! Queues: the conversations that wait for a group or an agent, in order.
//!
//! An entry's sort key is its place: the time it began to wait, less the worth of its priority. So a queue is first in,
//! first out within a priority, and an entry that has waited long enough comes before one of higher priority.

use aws_sdk_dynamodb::types::Select;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use crate::{
    conversation::{Conversation, Waiting},
    error::{Result, StoreError},
    handles::{Lists, Queues},
    item::{Attributes, Build, Read, at, s},
    keys,
    resource::Kind,
    table::{Page, SERVICE, Table},
};

/// The worth of one step of priority: the place of a visitor who came this much earlier.
pub const PRIORITY_STEP: SignedDuration = SignedDuration::from_mins(10);

/// How many queues are read at once for one list.
const QUERIES_AT_ONCE: usize = 16;

/// How many groups and how many agents one list of everything that waits looks at.
const QUEUES_MAX: usize = 2000;

/// How many ids are read at once.
const IDS_PAGE: i32 = 1000;

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Queue {
    /// Of a group.
    Group(String),
    /// Of an agent who was asked for by name.
    Agent(String),
    /// Of left messages (留言). Nothing is assigned from it; agents claim what they answer.
    LeftMessages,
}

impl Queue {
    /// The name in the table and in a conversation.
    pub fn name(&self) -> String {
        match self {
            Self::Group(id) => format!("group:{id}"),
            Self::Agent(id) => format!("agent:{id}"),
            Self::LeftMessages => "left-messages".to_owned(),
        }
    }

    /// The queue with this name.
    pub fn named(name: &str) -> Option<Self> {
        match name.split_once(':') {
            Some(("group", id)) => Some(Self::Group(id.to_owned())),
            Some(("agent", id)) => Some(Self::Agent(id.to_owned())),
            None if name == "left-messages" => Some(Self::LeftMessages),
            _ => None,
        }
    }
}

/// An entry of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The conversation.
    pub cid: String,
    /// The mini program; `None` in entries of earlier versions.
    pub app_id: Option<String>,
    /// Its place.
    pub place: String,
    /// The agent who transferred it to this queue, and when.
    pub handed_on: Option<(String, Timestamp)>,
}

/// A place in a queue for a conversation that waits since `since`.
pub fn place(cid: &str, since: Timestamp, priority: u32) -> String {
    let ahead = PRIORITY_STEP * i32::try_from(priority).unwrap_or(i32::MAX);
    let from = since.checked_sub(ahead).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{}#{cid}", keys::instant(from))
}

pub(crate) fn entry(waiting: &Waiting, conversation: &Conversation) -> Attributes {
    let by = waiting.handed_on_by.as_ref();
    Build::new(keys::WAITING, keys::queue(&waiting.queue), waiting.place.as_str())
        .set("cid", s(&conversation.cid))
        .set("app_id", s(&conversation.app_id))
        .maybe("handed_on_by", by.map(s))
        .maybe("handed_on_at", by.map(|_| at(waiting.since)))
        .done()
}

fn read_entry(item: &Attributes) -> Result<Entry> {
    let read = Read { kind: keys::WAITING, item };
    let handed_on = read.opt_owned("handed_on_by")?.zip(read.opt_at("handed_on_at")?);
    let (cid, app_id, place) = (read.owned("cid")?, read.opt_owned("app_id")?, read.owned("sk")?);
    Ok(Entry { cid, app_id, place, handed_on })
}

/// The place that a cursor of [`Queues::waiting_in_any`] stands for.
fn place_of_cursor(cursor: &str) -> Result<String> {
    let place = keys::from_cursor(cursor)?;
    let is_place = place
        .split_once('#')
        .is_some_and(|(at, cid)| !at.is_empty() && at.bytes().all(|byte| byte.is_ascii_digit()) && !cid.is_empty());
    if is_place { Ok(place) } else { Err(StoreError::Cursor) }
}

impl Lists {
    /// The queues in which something has ever waited, of at most 2,000 groups and as many agents.
    pub async fn queues_in_use(&self) -> Result<Vec<Queue>> {
        let (groups, agents) = tokio::try_join!(self.0.ids(Kind::Group), self.0.ids(Kind::Agent))?;
        let queues: Vec<Queue> = groups.map(Queue::Group).chain(agents.map(Queue::Agent)).collect();
        let watches: Vec<_> =
            queues.iter().map(|queue| (keys::queue_watch(&queue.name()), keys::WATCH.to_owned())).collect();
        let watches = self.0.get_all(&watches).await?;
        let named = |item: &Attributes| Queue::named(&Read { kind: keys::WATCH, item }.opt_owned("queue").ok()??);
        Ok(watches.iter().filter_map(named).collect())
    }
}

impl Table {
    /// The ids of the resources of a kind, at most [`QUEUES_MAX`].
    async fn ids(&self, kind: Kind) -> Result<impl Iterator<Item = String> + use<>> {
        let (mut ids, mut cursor) = (Vec::new(), None);
        while ids.len() < QUEUES_MAX {
            let (found, next) = self.list_keys(&kind.list(), cursor.as_deref(), IDS_PAGE).await?;
            let id = |(pk, _): (String, String)| pk.split_once('#').map(|(_, id)| id.to_owned());
            ids.extend(found.into_iter().filter_map(id));
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        Ok(ids.into_iter())
    }
}

impl Queues {
    /// The entries of a queue, in order.
    pub async fn waiting(&self, queue: &Queue, limit: i32) -> Result<Vec<Entry>> {
        let items = self.0.partition(keys::queue(&queue.name()), "", limit).await?;
        items.iter().map(read_entry).collect()
    }

    /// The same by page.
    pub async fn waiting_page(&self, queue: &Queue, cursor: Option<&str>, limit: i32) -> Result<Page<Entry>> {
        let page = self.0.page(keys::queue(&queue.name()), "", cursor, limit).await?;
        Ok(Page { items: page.items.iter().map(read_entry).collect::<Result<_>>()?, cursor: page.cursor })
    }

    /// The entries of several queues by page, in the order of their places: those who wait longest first, less the worth of their
    /// priority.
    pub async fn waiting_in_any(&self, queues: &[Queue], cursor: Option<&str>, limit: i32) -> Result<Page<Entry>> {
        let after = cursor.map(place_of_cursor).transpose()?;
        let read = |queue: &Queue| {
            let (pk, after) = (keys::queue(&queue.name()), after.clone());
            async move { self.0.page_after(pk, "", after, limit).await }
        };
        let pages: Vec<Page<Attributes>> =
            stream::iter(queues.iter().map(read)).buffered(QUERIES_AT_ONCE).try_collect().await?;
        let has_more = pages.iter().any(|page| page.cursor.is_some());
        let items = pages.iter().flat_map(|page| &page.items).map(read_entry);
        let mut items: Vec<Entry> = items.collect::<Result<_>>()?;
        items.sort_by(|one, other| one.place.cmp(&other.place));
        let limit = usize::try_from(limit).unwrap_or_default();
        let has_more = has_more || items.len() > limit;
        items.truncate(limit);
        let cursor = items.last().filter(|_| has_more).map(|last| keys::cursor(&last.place));
        Ok(Page { items, cursor })
    }

    /// The number of entries of a queue, before this place if one is given. Counts up to `limit`, which bounds the cost of
    /// a long queue.
    pub async fn count_waiting(&self, queue: &Queue, before: Option<&str>, limit: u32) -> Result<u32> {
        let answer = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .key_condition_expression("pk = :pk AND sk < :before")
            .expression_attribute_values(":pk", s(keys::queue(&queue.name())))
            .expression_attribute_values(":before", s(before.unwrap_or("~")))
            .consistent_read(true)
            .select(Select::Count)
            .limit(i32::try_from(limit.max(1)).unwrap_or(i32::MAX))
            .send()
            .await;
        let answer = answer.map_err(|error| StoreError::from_sdk(SERVICE, &error))?;
        Ok(u32::try_from(answer.count).unwrap_or(0))
    }
}
