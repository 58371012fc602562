//! Conversations: list, read, their events, and the typing indicator.

mod selection;

use api::{Caller, Code, Json, NoContent, PageOf, PageRequest, Permitted, Problem, Query, Routes, State, operation};
use channel::TokenError;
use desk::policy;
use selection::{ConversationQuery, Selection};
use serde::Deserialize;
use store::{Conversation, Event, Queue, StoreError};
use utoipa::ToSchema;
use wechat::{Action, client};

use crate::{
    conversation_view::{self, ConversationView},
    handoff::CLAIM_REFUSALS,
    parameters::ConversationPath,
    schema,
    services::Services,
};

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

/// The queues in which conversations may wait that the caller may read.
pub(crate) async fn waiting_queues(services: &Services, reader: &policy::Caller) -> Result<Vec<Queue>, StoreError> {
    let mut queues = services.store.lists.queues_in_use().await?;
    if let policy::Caller::Agent(member) = reader {
        // A conversation that waits for another agent may belong to a group of the caller's.
        queues.retain(|queue| !matches!(queue, Queue::Group(id) if !member.groups.contains_key(id)));
    }
    Ok(queues)
}

/// List conversations
///
/// `all`: newest first. `mine`: those assigned to the caller, oldest first. `waiting`: those that wait for a group, for an
/// agent, or in any queue, in the order in which they are assigned. `left_messages`: messages left while no agent was available.
///
/// `app_id`, `group_id`, `agent_id`, `starred` and `tag` select among them.
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
    let (found, visitors) = selection.readable_page(&services, &reader, &page).await?;
    conversation_view::page_with(&services, found, visitors).await.map(Json)
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
