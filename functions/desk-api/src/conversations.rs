//! Conversations: list, read, their events, and the typing indicator.

use api::{
    Caller, Code, Json, NoContent, PageOf, PageRequest, Permitted, Problem, Query, Routes, State, non_empty, operation,
};
use channel::TokenError;
use desk::policy::{self, Role};
use serde::Deserialize;
use store::{Conversation, Event, Kind, Page, Queue, Stage, StoreError};
use utoipa::{IntoParams, ToSchema};
use wechat::{Action, client};

use crate::{
    conversation_view::{self, ConversationView},
    handoff::CLAIM_REFUSALS,
    parameters::ConversationPath,
    schema,
    services::{Services, Store},
};

/// How many pages of a selection are read at most to fill one page of what the caller may read.
const PAGES_MAX: usize = 10;

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let mut refusals = CLAIM_REFUSALS.to_vec();
    refusals.extend(Code::of_failed_sends());
    let _ = routes
        .allow(policy::Action::ListConversations)
        .route(operation!(list))
        .allow(policy::Action::ReadConversation)
        .route(operation!(read))
        .route(operation!(list_events))
        .allow(policy::Action::ShowTyping)
        .route_refusing(operation!(set_typing), &refusals);
}

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
struct ConversationQuery {
    /// Which conversations.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(inline, nullable = false, default = "all")]
    view: Option<ConversationFilter>,
    /// With `view=waiting`: the group that the conversations wait for.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(nullable = false)]
    group_id: Option<String>,
    /// With `view=waiting`: the agent that the conversations wait for. With `view=mine`: the agent they are assigned to;
    /// agents may name only their own.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(nullable = false)]
    agent_id: Option<String>,
}

/// A selection with the ids that it needs.
enum Selection {
    All,
    AllThat(fn(&Conversation) -> bool),
    AssignedTo(Option<String>),
    Waiting(Queue),
    WaitingInAny(Vec<Queue>),
}

impl Selection {
    /// `reader` is the caller with their groups.
    async fn new(
        services: &Services,
        caller: &Caller,
        reader: &policy::Caller,
        query: ConversationQuery,
    ) -> Result<Self, Problem> {
        use ConversationFilter as Filter;
        let wrong = |field: &str, detail: &str| Err(Problem::invalid_field(field, detail));
        for (kind, field, id) in
            [(Kind::Group, "group_id", &query.group_id), (Kind::Agent, "agent_id", &query.agent_id)]
        {
            if id.as_ref().is_some_and(|id| !kind.is_id(id)) {
                return wrong(field, &format!("must be the id of {}, not a name or an alias", with_article(kind)));
            }
        }
        match (query.view.unwrap_or_default(), query.group_id, query.agent_id) {
            (Filter::All, None, None) => Ok(Self::All),
            (Filter::Robot, None, None) => Ok(Self::AllThat(|it| matches!(it.stage, Stage::Robot(_)))),
            (Filter::Closed, None, None) => Ok(Self::AllThat(|it| !it.is_open())),
            (Filter::Mine, None, None) => Ok(Self::AssignedTo(services.conversations.known_agent(caller).await?)),
            (Filter::Mine, None, Some(agent)) => {
                if caller.role() == Role::Agent
                    && services.conversations.known_agent(caller).await?.as_ref() != Some(&agent)
                {
                    return Err(Problem::forbidden("Your token lists the conversations of its own agent only."));
                }
                Ok(Self::AssignedTo(Some(agent)))
            }
            (Filter::Waiting, Some(group), None) => Ok(Self::Waiting(Queue::Group(group))),
            (Filter::Waiting, None, Some(agent)) => Ok(Self::Waiting(Queue::Agent(agent))),
            (Filter::LeftMessages, None, None) => Ok(Self::Waiting(Queue::LeftMessages)),
            (Filter::Waiting, None, None) => Ok(Self::WaitingInAny(waiting_queues(services, reader).await?)),
            (Filter::Waiting, Some(_), Some(_)) => wrong("agent_id", "cannot be together with group_id"),
            (_, Some(_), _) => wrong("group_id", "goes with view=waiting"),
            (_, None, Some(_)) => wrong("agent_id", "goes with view=waiting or view=mine"),
        }
    }

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

    /// A page of those that the caller may read. What they may not read is left out, so more than one page of the selection
    /// may be read; the cursor is always the end of what was read, and nothing is skipped.
    async fn readable_page(
        &self,
        services: &Services,
        caller: &policy::Caller,
        request: &PageRequest,
    ) -> Result<Page<Conversation>, StoreError> {
        let mut items = Vec::new();
        let mut cursor = request.cursor().map(ToOwned::to_owned);
        for _ in 0..PAGES_MAX {
            let missing = request.limit - i32::try_from(items.len()).unwrap_or(request.limit);
            let page = self.page(&services.store, cursor.as_deref(), missing).await?;
            items.extend(services.conversations.readable(caller, page.items).await?);
            cursor = page.cursor;
            if cursor.is_none() || items.len() >= usize::try_from(request.limit).unwrap_or_default() {
                break;
            }
        }
        Ok(Page { items, cursor })
    }
}

/// The queues in which conversations may wait that the caller may read.
pub(crate) async fn waiting_queues(services: &Services, reader: &policy::Caller) -> Result<Vec<Queue>, StoreError> {
    let mut queues = services.store.lists.queues_in_use().await?;
    if let policy::Caller::Agent(member) = reader {
        // A conversation that waits for another agent may belong to a group of the caller's.
        queues.retain(|queue| !matches!(queue, Queue::Group(id) if !member.groups.contains_key(id)));
    }
    Ok(queues)
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

/// List conversations
///
/// `all`: newest first. `mine`: those assigned to the caller, oldest first. `waiting`: those that wait for a group, for an
/// agent, or in any queue, in the order in which they are assigned. `left_messages`: messages left while no agent was available.
///
/// Only conversations that the caller may read. A page may have fewer than the limit, even none, and still have a next
/// page.
#[utoipa::path(
    get,
    path = "/api/conversations",
    operation_id = "listConversations",
    tag = "conversations",
    params(ConversationQuery, PageRequest),
    responses((status = 200, description = "A page of conversations.", body = schema::ConversationPage)),
)]
async fn list(
    State(services): State<Services>,
    caller: Caller,
    Query(query): Query<ConversationQuery>,
    page: PageRequest,
) -> Result<Json<PageOf<ConversationView>>, Problem> {
    let reader = services.conversations.caller(&caller).await?;
    let selection = Selection::new(&services, &caller, &reader, query).await?;
    let found = selection.readable_page(&services, &reader, &page).await?;
    conversation_view::page(&services, found).await.map(Json)
}

/// Get a conversation
#[utoipa::path(
    get,
    path = "/api/conversations/{cid}",
    operation_id = "getConversation",
    tag = "conversations",
    params(ConversationPath),
    responses((status = 200, description = "The conversation.", body = ConversationView)),
)]
async fn read(State(services): State<Services>, permitted: Permitted) -> Result<Json<ConversationView>, Problem> {
    conversation_view::one(&services, permitted.conversation()).await.map(Json)
}

/// List the events of a conversation
///
/// Oldest first.
#[utoipa::path(
    get,
    path = "/api/conversations/{cid}/events",
    operation_id = "listConversationEvents",
    tag = "conversations",
    params(ConversationPath, PageRequest),
    responses((status = 200, description = "A page of events.", body = schema::EventPage)),
)]
async fn list_events(
    State(services): State<Services>,
    permitted: Permitted,
    page: PageRequest,
) -> Result<Json<PageOf<Event>>, Problem> {
    let cid = &permitted.conversation().cid;
    Ok(Json(services.store.conversations.events(cid, page.cursor(), page.limit).await?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TypingIndicator {
    /// Whether the indicator is shown.
    typing: bool,
}

/// Show or hide the typing indicator
///
/// Shows the visitor that an agent is typing, or ends that. To type is to claim, as to write is: see `sendMessage`. To end the
/// indicator where it is not the caller's changes nothing.
#[utoipa::path(
    post,
    path = "/api/conversations/{cid}/typing",
    operation_id = "setTyping",
    tag = "conversations",
    params(ConversationPath),
    request_body = TypingIndicator,
    responses((status = 204, description = "The indicator is set, or WeChat does not show one now.")),
)]
async fn set_typing(
    State(services): State<Services>,
    caller: Caller,
    permitted: Permitted,
    Json(indicator): Json<TypingIndicator>,
) -> Result<NoContent, Problem> {
    // To stop typing writes nothing, so that it does not claim the conversation.
    if !indicator.typing {
        return tell_typing(&services, permitted.conversation(), client::Typing::Cancel).await;
    }
    let conversation = permitted.claimed(&services.actions, &caller).await?;
    tell_typing(&services, &conversation, client::Typing::Start).await
}

async fn tell_typing(
    services: &Services,
    conversation: &Conversation,
    command: client::Typing,
) -> Result<NoContent, Problem> {
    match services.channel().typing(&conversation.app_id, &conversation.openid, command).await {
        Ok(()) => Ok(NoContent),
        // WeChat does not show the indicator now, or shows it already: that has no consequence.
        Err(TokenError::WeChat(error)) if error.action() == Action::Ignore => Ok(NoContent),
        Err(error) => Err(Problem::unsent(&error.failure())),
    }
}
