//! Which conversations a list has.

use ::conversations::{groups_of, last_agent};
use api::{Caller, PageRequest, Problem, non_empty};
use desk::policy::{self, Role};
use serde::Deserialize;
use store::{Conversation, Kind, Page, Queue, Stage, StoreError, Visitor};
use utoipa::{IntoParams, ToSchema};

use super::waiting_queues;
use crate::{
    conversation_view::{self, Visitors},
    services::{Services, Store},
};

/// How many pages of a selection are read at most to fill one page of what the caller may read.
const PAGES_MAX: usize = 10;

/// A selection of conversations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ConversationFilter {
    /// All conversations, newest first.
    #[default]
    All,
    /// The conversations that are assigned to an agent, oldest first.
    Mine,
    /// The conversations that wait, those who wait longest first: for a group, for an agent, or for any that the caller may read.
    Waiting,
    /// Messages left while no agent was available.
    LeftMessages,
    /// Of the conversations opened last, those that a robot has, newest first.
    Robot,
    /// Of the conversations opened last, those that have ended, newest first.
    Closed,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ConversationQuery {
    /// Which conversations.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(inline, nullable = false, default = "all")]
    view: Option<ConversationFilter>,
    /// Those of this mini program.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(nullable = false)]
    app_id: Option<String>,
    /// With `view=waiting`: the group that the conversations wait for. Otherwise those that belong to this group, or would go to it.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(nullable = false)]
    group_id: Option<String>,
    /// With `view=waiting`: the agent that the conversations wait for. With `view=mine`: the agent they are assigned to;
    /// agents may name only their own. Otherwise those that this agent has, or had last.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(nullable = false)]
    agent_id: Option<String>,
    /// Those whose visitor is starred, or is not.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(nullable = false, value_type = Option<bool>)]
    starred: Option<Flag>,
    /// Those whose visitor has this tag.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(nullable = false, max_length = 64)]
    tag: Option<String>,
}

/// `true` or `false` in a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Flag {
    True,
    False,
}

/// What a request selects: a set of conversations, and a filter.
pub(super) struct Selection {
    set: Set,
    filter: Filter,
}

/// What the conversations of a set must be to be listed.
struct Filter {
    app_id: Option<String>,
    group_id: Option<String>,
    agent_id: Option<String>,
    starred: Option<bool>,
    tag: Option<String>,
}

/// A set of conversations that is read by page.
enum Set {
    All,
    AllThat(fn(&Conversation) -> bool),
    AssignedTo(Option<String>),
    Waiting(Queue),
    WaitingInAny(Vec<Queue>),
}

impl Selection {
    /// `reader` is the caller with their groups.
    pub(super) async fn new(
        services: &Services,
        caller: &Caller,
        reader: &policy::Caller,
        query: ConversationQuery,
    ) -> Result<Self, Problem> {
        use ConversationFilter as View;
        let wrong = |field: &str, detail: &str| Err(Problem::invalid_field(field, detail));
        for (kind, field, id) in
            [(Kind::Group, "group_id", &query.group_id), (Kind::Agent, "agent_id", &query.agent_id)]
        {
            if id.as_ref().is_some_and(|id| !kind.is_id(id)) {
                return wrong(field, &format!("must be the id of {}, not a name or an alias", with_article(kind)));
            }
        }
        let view = query.view.unwrap_or_default();
        let mut filter = Filter {
            app_id: query.app_id,
            group_id: query.group_id,
            agent_id: query.agent_id,
            starred: query.starred.map(|flag| flag == Flag::True),
            tag: query.tag,
        };
        let set = match view {
            View::All => Set::All,
            View::Robot => Set::AllThat(|it| matches!(it.stage, Stage::Robot(_))),
            View::Closed => Set::AllThat(|it| !it.is_open()),
            View::LeftMessages => Set::Waiting(Queue::LeftMessages),
            View::Mine => Set::AssignedTo(match filter.agent_id.take() {
                None => services.conversations.known_agent(caller).await?,
                Some(agent) => {
                    if caller.role() == Role::Agent
                        && services.conversations.known_agent(caller).await?.as_ref() != Some(&agent)
                    {
                        return Err(Problem::forbidden("Your token lists the conversations of its own agent only."));
                    }
                    Some(agent)
                }
            }),
            View::Waiting => match (filter.group_id.take(), filter.agent_id.take()) {
                (Some(_), Some(_)) => return wrong("agent_id", "cannot be together with group_id"),
                (Some(group), None) => Set::Waiting(Queue::Group(group)),
                (None, Some(agent)) => Set::Waiting(Queue::Agent(agent)),
                (None, None) => Set::WaitingInAny(waiting_queues(services, reader).await?),
            },
        };
        Ok(Self { set, filter })
    }

    /// A page of those that the caller may read, with the visitors that were read to select them. What they may not read is left
    /// out, so more than one page of the set may be read; the cursor is always the end of what was read, and nothing is skipped.
    pub(super) async fn readable_page(
        &self,
        services: &Services,
        caller: &policy::Caller,
        request: &PageRequest,
    ) -> Result<(Page<Conversation>, Visitors), StoreError> {
        let (mut items, mut visitors) = (Vec::new(), Visitors::new());
        let mut cursor = request.cursor().map(ToOwned::to_owned);
        for _ in 0..PAGES_MAX {
            let missing = request.limit - i32::try_from(items.len()).unwrap_or(request.limit);
            let mut page = self.set.page(&services.store, cursor.as_deref(), missing).await?;
            page.items.retain(|conversation| self.filter.permits(conversation));
            if self.filter.is_about_visitors() && !page.items.is_empty() {
                let read = conversation_view::visitors(services, &page.items).await?;
                page.items.retain(|it| read.get(&it.thread()).is_some_and(|its| self.filter.permits_visitor(it, its)));
                visitors.extend(read);
            }
            items.extend(services.conversations.readable(caller, page.items).await?);
            cursor = page.cursor;
            if cursor.is_none() || items.len() >= usize::try_from(request.limit).unwrap_or_default() {
                break;
            }
        }
        Ok((Page { items, cursor }, visitors))
    }
}

impl Filter {
    fn permits(&self, conversation: &Conversation) -> bool {
        self.app_id.as_ref().is_none_or(|app_id| conversation.app_id == *app_id)
            && self.group_id.as_ref().is_none_or(|group| groups_of(conversation).contains(group))
    }

    /// Whether it depends on more than the conversation.
    fn is_about_visitors(&self) -> bool {
        self.agent_id.is_some() || self.starred.is_some() || self.tag.is_some()
    }

    fn permits_visitor(&self, conversation: &Conversation, visitor: &Visitor) -> bool {
        let agent = || {
            if conversation.is_open() {
                conversation.assignee().map(ToOwned::to_owned)
            } else {
                last_agent(conversation, visitor)
            }
        };
        self.agent_id.as_ref().is_none_or(|wanted| agent().as_ref() == Some(wanted))
            && self.starred.is_none_or(|starred| visitor.marks.starred == starred)
            && self.tag.as_ref().is_none_or(|tag| visitor.marks.tags.contains(tag))
    }
}

impl Set {
    async fn page(&self, store: &Store, cursor: Option<&str>, limit: i32) -> Result<Page<Conversation>, StoreError> {
        let (cids, cursor) = match self {
            Self::All => return store.lists.conversations(cursor, limit).await,
            Self::AllThat(belongs) => {
                let mut page = store.lists.conversations(cursor, limit).await?;
                page.items.retain(belongs);
                return Ok(page);
            }
            Self::AssignedTo(None) => (Vec::new(), None),
            Self::AssignedTo(Some(agent)) => {
                let page = store.staff.assigned_page(agent, cursor, limit).await?;
                let mut items = store.conversations.conversations_of(&page.items).await?;
                items.retain(|conversation| may_be_assigned_to(conversation, agent));
                return Ok(Page { items, cursor: page.cursor });
            }
            Self::Waiting(queue) => {
                let page = store.queues.waiting_page(queue, cursor, limit).await?;
                (page.items.into_iter().map(|entry| entry.cid).collect(), page.cursor)
            }
            Self::WaitingInAny(queues) => {
                let page = store.queues.waiting_in_any(queues, cursor, limit).await?;
                (page.items.into_iter().map(|entry| entry.cid).collect(), page.cursor)
            }
        };
        Ok(Page { items: store.conversations.conversations_of(&cids).await?, cursor })
    }
}

fn with_article(kind: Kind) -> &'static str {
    if kind == Kind::Agent { "an agent" } else { "a group" }
}

/// Whether a conversation that was read from the list of an agent is assigned to them. It may have been closed or reassigned
/// since the list was read. The conversation itself is read eventually consistent: where that shows no agent, the assignment
/// is newer than what was read.
fn may_be_assigned_to(conversation: &Conversation, agent: &str) -> bool {
    conversation.is_open() && conversation.assignee().is_none_or(|assignee| assignee == agent)
}
