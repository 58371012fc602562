//! The numbers beside the lists of a workbench.

use api::{Caller, Json, Problem, Routes, State, operation};
use desk::policy;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::Serialize;
use store::{Conversation, Queue, StoreError, Visitor};
use utoipa::ToSchema;

use crate::{
    conversations::waiting_queues,
    names::Named,
    services::{Services, Store},
};

/// The most conversations of an agent that are counted: an agent's capacity is 100.
const MINE_MAX: i32 = 100;

/// The most left messages that are counted.
const LEFT_MAX: u32 = 999;

/// How many queues are read at once.
const READS_AT_ONCE: usize = 16;

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes.allow(policy::Action::ListConversations).route(operation!(read));
}

/// The numbers of conversations.
#[derive(Serialize, ToSchema)]
#[schema(as = ConversationCounts)]
struct Counts {
    /// The time of these numbers, by the clock that every time of the API is measured with.
    now: Timestamp,
    mine: Mine,
    /// Those that wait in a queue that the caller may read.
    waiting: Waiting,
    /// The same by queue; only queues in which a conversation waits.
    queues: Vec<WaitingInQueue>,
    /// Left messages of all groups, at most 999.
    #[schema(maximum = 999)]
    left_messages: u32,
}

/// The conversations of the caller's agent.
#[derive(Default, Serialize, ToSchema)]
struct Mine {
    /// How many there are.
    count: usize,
    /// How many of them have unread messages.
    unread_conversations: usize,
    /// How many messages are unread.
    unread: u32,
    /// Since when the visitor waits who waits longest for an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    waiting_since: Option<Timestamp>,
}

/// Conversations that wait.
#[derive(Default, Serialize, ToSchema)]
struct Waiting {
    /// How many there are.
    count: u32,
    /// Since when the first in the queue waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    since: Option<Timestamp>,
}

/// Conversations that wait in a queue.
#[derive(Serialize, ToSchema)]
struct WaitingInQueue {
    /// `group:<id>` or `agent:<id>`.
    #[schema(example = "group:g0123456789ab")]
    queue: String,
    /// The name of the group or the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    #[serde(flatten)]
    waiting: Waiting,
}

/// Count conversations
///
/// How many conversations are in each list that the caller may read, with what is unread and since when visitors wait.
#[utoipa::path(
    get,
    path = "/api/conversations/counts",
    operation_id = "countConversations",
    tag = "conversations",
    responses((status = 200, description = "The numbers.", body = Counts)),
)]
async fn read(State(services): State<Services>, caller: Caller) -> Result<Json<Counts>, Problem> {
    let store = &services.store;
    let reader = services.conversations.caller(&caller).await?;
    let agent = match reader.member() {
        Some(member) => member.agent_id.clone(),
        // Of other callers the groups are not read, nor their agent.
        None => services.conversations.known_agent(&caller).await?,
    };
    let queues = waiting_queues(&services, &reader).await?;
    let (mine, lengths, left_messages) = tokio::try_join!(
        mine(store, agent.as_deref()),
        lengths(store, queues),
        store.queues.count_waiting(&Queue::LeftMessages, None, LEFT_MAX)
    )?;
    let wanted = lengths.iter().filter_map(|(queue, _)| named(queue)).collect();
    let names = services.names.names(store, wanted).await;
    let count = lengths.iter().map(|(_, waiting)| waiting.count).sum();
    let since = lengths.iter().filter_map(|(_, waiting)| waiting.since).min();
    let queue = |(queue, waiting): (Queue, Waiting)| WaitingInQueue {
        name: named(&queue).and_then(|named| names.get(&named).cloned()),
        queue: queue.name(),
        waiting,
    };
    let queues = lengths.into_iter().map(queue).collect();
    let now = store.clock.now();
    Ok(Json(Counts { now, mine, waiting: Waiting { count, since }, queues, left_messages }))
}

async fn mine(store: &Store, agent: Option<&str>) -> Result<Mine, StoreError> {
    let Some(agent) = agent else { return Ok(Mine::default()) };
    let cids = store.staff.assigned_page(agent, None, MINE_MAX).await?.items;
    let mut conversations = store.conversations.conversations_of(&cids).await?;
    conversations.retain(|conversation| conversation.is_open() && conversation.assignee() == Some(agent));
    let threads: Vec<_> = conversations.iter().map(Conversation::thread).collect();
    let visitors = store.threads.visitors(&threads).await?;
    let is_mine = |visitor: &&Visitor| conversations.iter().any(|mine| mine.cid == visitor.preview.cid);
    let visitors = visitors.iter().map(|(_, visitor)| visitor).filter(is_mine);
    let mut mine = Mine { count: conversations.len(), ..Mine::default() };
    for preview in visitors.map(|visitor| &visitor.preview) {
        mine.unread += preview.unread;
        mine.unread_conversations += usize::from(preview.unread > 0);
        mine.waiting_since = mine.waiting_since.into_iter().chain(preview.waiting_since).min();
    }
    Ok(mine)
}

/// The queues in which conversations wait.
async fn lengths(store: &Store, queues: Vec<Queue>) -> Result<Vec<(Queue, Waiting)>, StoreError> {
    let read = |queue: Queue| async move {
        let count = store.queues.length(&queue).await?.entries;
        let first = if count > 0 { store.queues.waiting(&queue, 1).await? } else { Vec::new() };
        let since = match first.first() {
            Some(entry) => store.conversations.conversation(&entry.cid).await?,
            None => None,
        };
        let since = since.and_then(|conversation| conversation.waiting().map(|waiting| waiting.since));
        Ok::<_, StoreError>((queue, Waiting { count, since }))
    };
    let read: Vec<_> = stream::iter(queues.into_iter().map(read)).buffered(READS_AT_ONCE).try_collect().await?;
    Ok(read.into_iter().filter(|(_, waiting)| waiting.count > 0).collect())
}

fn named(queue: &Queue) -> Option<Named> {
    match queue {
        Queue::Group(id) => Some(Named::Group(id.clone())),
        Queue::Agent(id) => Some(Named::Agent(id.clone())),
        Queue::LeftMessages => None,
    }
}
