//! Conversations: list, read, their events, and the typing indicator.

use api::{
    Access, Caller, Code, Json, NoContent, PageOf, PageRequest, Path, Problem, Query, Routes, State, non_empty,
    operation,
};
use channel::TokenError;
use serde::Deserialize;
use store::{Conversation, Event, Page, Queue, Role, StoreError, Table};
use utoipa::{IntoParams, ToSchema};
use wechat::{Action, client};

use crate::{
    caller_agent,
    conversation_view::{self, ConversationView},
    parameters::ConversationPath,
    services::Services,
};

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let sends: Vec<_> = Code::of_failed_sends().collect();
    let _ = routes
        .allow(Access::Agent)
        .route(operation!(list))
        .route(operation!(read))
        .route(operation!(list_events))
        .route_refusing(operation!(set_typing), &sends);
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
    /// The conversations that wait for a group or an agent, the first in the queue in front.
    Waiting,
    /// Messages left while no agent was available.
    LeftMessages,
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
    /// only admins may name another agent than their own.
    #[serde(default, deserialize_with = "non_empty")]
    #[param(nullable = false)]
    agent_id: Option<String>,
}

/// A selection with the ids that it needs.
enum Selection {
    All,
    AssignedTo(Option<String>),
    Waiting(Queue),
}

impl Selection {
    async fn new(services: &Services, caller: &Caller, query: ConversationQuery) -> Result<Self, Problem> {
        use ConversationFilter as Filter;
        let wrong = |field: &str, detail: &str| Err(Problem::invalid_field(field, detail));
        match (query.view.unwrap_or_default(), query.group_id, query.agent_id) {
            (Filter::All, None, None) => Ok(Self::All),
            (Filter::Mine, None, None) => Ok(Self::AssignedTo(caller_agent::known(services, caller).await?)),
            (Filter::Mine, None, Some(agent)) => {
                if caller.role != Role::Admin && caller_agent::known(services, caller).await?.as_ref() != Some(&agent) {
                    Access::Admin.check(caller)?;
                }
                Ok(Self::AssignedTo(Some(agent)))
            }
            (Filter::Waiting, Some(group), None) => Ok(Self::Waiting(Queue::Group(group))),
            (Filter::Waiting, None, Some(agent)) => Ok(Self::Waiting(Queue::Agent(agent))),
            (Filter::LeftMessages, None, None) => Ok(Self::Waiting(Queue::LeftMessages)),
            (Filter::Waiting, ..) => wrong("view", "needs either group_id or agent_id"),
            (_, Some(_), _) => wrong("group_id", "goes with view=waiting"),
            (_, None, Some(_)) => wrong("agent_id", "goes with view=waiting or view=mine"),
        }
    }

    async fn page(&self, table: &Table, request: &PageRequest) -> Result<Page<Conversation>, StoreError> {
        let (cursor, limit) = (request.cursor(), request.limit);
        let (cids, cursor) = match self {
            Self::All => return table.conversations(cursor, limit).await,
            Self::AssignedTo(None) => (Vec::new(), None),
            Self::AssignedTo(Some(agent)) => {
                let page = table.assigned_page(agent, cursor, limit).await?;
                (page.items, page.cursor)
            }
            Self::Waiting(queue) => {
                let page = table.waiting_page(queue, cursor, limit).await?;
                (page.items.into_iter().map(|entry| entry.cid).collect(), page.cursor)
            }
        };
        Ok(Page { items: table.conversations_of(&cids).await?, cursor })
    }
}

/// List conversations
///
/// `all`: newest first. `mine`: those assigned to the caller, oldest first. `waiting`: those that wait for a group or an
/// agent, the first in the queue in front. `left_messages`: messages left while no agent was available.
#[utoipa::path(
    get,
    path = "/api/conversations",
    operation_id = "listConversations",
    tag = "conversations",
    params(ConversationQuery, PageRequest)
)]
async fn list(
    State(services): State<Services>,
    caller: Caller,
    Query(query): Query<ConversationQuery>,
    page: PageRequest,
) -> Result<Json<PageOf<ConversationView>>, Problem> {
    let found = Selection::new(&services, &caller, query).await?.page(services.table(), &page).await?;
    conversation_view::page(services.table(), found).await.map(Json)
}

/// Get a conversation
#[utoipa::path(
    get,
    path = "/api/conversations/{cid}",
    operation_id = "getConversation",
    tag = "conversations",
    params(ConversationPath)
)]
async fn read(
    State(services): State<Services>,
    Path(ConversationPath { cid }): Path<ConversationPath>,
) -> Result<Json<ConversationView>, Problem> {
    let conversation = find(&services, &cid).await?;
    conversation_view::one(services.table(), &conversation).await.map(Json)
}

pub(crate) async fn find(services: &Services, cid: &str) -> Result<Conversation, Problem> {
    services.table().conversation(cid).await?.ok_or_else(|| Problem::not_found("conversation"))
}

/// List the events of a conversation
///
/// Oldest first.
#[utoipa::path(
    get,
    path = "/api/conversations/{cid}/events",
    operation_id = "listConversationEvents",
    tag = "conversations",
    params(ConversationPath, PageRequest)
)]
async fn list_events(
    State(services): State<Services>,
    Path(ConversationPath { cid }): Path<ConversationPath>,
    page: PageRequest,
) -> Result<Json<PageOf<Event>>, Problem> {
    find(&services, &cid).await?;
    Ok(Json(services.table().events(&cid, page.cursor(), page.limit).await?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TypingIndicator {
    /// Whether the indicator is shown.
    typing: bool,
}

/// Show or hide the typing indicator
///
/// Tells the visitor that an agent is typing, or no longer.
#[utoipa::path(
    post, path = "/api/conversations/{cid}/typing", operation_id = "setTyping", tag = "conversations",
    params(ConversationPath), request_body = TypingIndicator,
    responses((status = 204, description = "The indicator is set, or WeChat does not show one now.")),
)]
async fn set_typing(
    State(services): State<Services>,
    Path(ConversationPath { cid }): Path<ConversationPath>,
    Json(indicator): Json<TypingIndicator>,
) -> Result<NoContent, Problem> {
    let conversation = find(&services, &cid).await?;
    let command = if indicator.typing { client::Typing::Start } else { client::Typing::Cancel };
    match services.channel().typing(&conversation.app_id, &conversation.openid, command).await {
        Ok(()) => Ok(NoContent),
        // WeChat does not show the indicator now, or shows it already: that has no consequence.
        Err(TokenError::WeChat(error)) if error.action() == Action::Ignore => Ok(NoContent),
        Err(error) => Err(Problem::unsent(&error.failure())),
    }
}
