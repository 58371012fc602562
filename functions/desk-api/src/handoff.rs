//! Handoff of a conversation: claim, accept, transfer, close.

use ::conversations::{Actor, HandedOff, HandoffError, TransferTarget};
use api::{
    Caller, Code, Json, OptionalJson, Path, Permitted, Problem, Refusal, Routes, State, handoff_refused, operation,
};
use desk::policy::{Action, Role};
use serde::Deserialize;
use serde_json::{Map, Value};
use store::{Conversation, Kind};
use utoipa::ToSchema;

use crate::{
    conversation_view::{self, ConversationView},
    parameters::ConversationPath,
    services::{Acting, Services},
};

/// Longest reason of a transfer, in characters.
const REASON_MAX: usize = 200;
/// Longest summary, in bytes of its JSON.
const SUMMARY_MAX: usize = 4096;
/// Longest id of a message, in bytes.
const MESSAGE_ID_MAX: usize = 128;

pub(crate) const CLAIM_REFUSALS: &[Refusal] = &[
    (409, Code::ConversationTaken),
    (409, Code::ConversationClosed),
    (409, Code::AgentOffline),
    (409, Code::AgentAtCapacity),
];
const ACCEPT_REFUSALS: &[Refusal] =
    &[(409, Code::ConversationTaken), (409, Code::ConversationClosed), (409, Code::ConversationNotAssigned)];
const TRANSFER_REFUSALS: &[Refusal] = &[
    (409, Code::ConversationTaken),
    (409, Code::ConversationClosed),
    (409, Code::ConversationNotAssigned),
    (409, Code::AgentOffline),
    (409, Code::AgentAtCapacity),
    (409, Code::GroupUnavailable),
];
const READ_REFUSALS: &[Refusal] = &[(409, Code::ConversationTaken), (409, Code::ConversationNotAssigned)];
const CLOSE_REFUSALS: &[Refusal] = &[(409, Code::ConversationTaken), (409, Code::ConversationNotAssigned)];

pub(crate) fn routes(routes: &mut impl Routes<Services>) {
    let _ = routes
        .allow(Action::ClaimConversation)
        .route_refusing(operation!(claim), CLAIM_REFUSALS)
        .allow(Action::AcceptConversation)
        .route_refusing(operation!(accept), ACCEPT_REFUSALS)
        .route_refusing(operation!(mark_read), READ_REFUSALS)
        .allow(Action::TransferConversation)
        .route_refusing(operation!(transfer), TRANSFER_REFUSALS)
        .allow(Action::CloseConversation)
        .route_refusing(operation!(close), CLOSE_REFUSALS);
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Claim {
    /// The agent who takes the conversation; the caller's own agent where it is missing. Only admins
    /// and supervisors may name another.
    #[schema(max_length = 100)]
    agent_id: Option<String>,
}

/// Claim a conversation
///
/// Takes a conversation that no agent has: one that waits, one that a robot has, or a left message. If another agent has
/// it already, the refusal names them (`conversation.taken`).
#[utoipa::path(
    post,
    path = "/api/conversations/{cid}/claim",
    operation_id = "claimConversation",
    tag = "handoff",
    params(ConversationPath),
    request_body = Option<Claim>,
    responses((status = 200, description = "The conversation as it is now.", body = ConversationView)),
)]
async fn claim(
    State(services): State<Services>,
    caller: Caller,
    Path(ConversationPath { cid }): Path<ConversationPath>,
    OptionalJson(claim): OptionalJson<Claim>,
) -> Result<Json<ConversationView>, Problem> {
    let conversations = &services.conversations;
    let own = conversations.known_agent(&caller).await?;
    let for_another = claim.agent_id.filter(|id| own.as_ref() != Some(id));
    let action = if for_another.is_some() { Action::ClaimForAgent } else { Action::ClaimConversation };
    // Permitted first, so that a wrong id does not register the caller as present.
    let permitted = Permitted::find(conversations, &caller, action, &cid).await?;
    let is_for_another = for_another.is_some();
    let agent = match for_another {
        Some(agent) => agent,
        None => services.actions.present_agent(&caller).await?,
    };
    if !Kind::Agent.is_id(&agent) {
        return Err(handoff_refused(HandoffError::NoAgent, None));
    }
    let claimed = Box::pin(services.actions.claim(permitted.into_conversation(), &agent)).await?;
    answer(&services, claimed, own.as_deref().or_else(|| (!is_for_another).then_some(agent.as_str()))).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReadMark {
    /// The id of the visitor's last message that the agent has seen.
    #[schema(min_length = 1, max_length = 128)]
    up_to: String,
}

/// Mark messages as read
///
/// Sets `unread` to 0 if `up_to` is the visitor's last message. If a newer one has come, nothing changes: it is not seen yet. To
/// reply marks everything as read, too.
#[utoipa::path(
    post,
    path = "/api/conversations/{cid}/read",
    operation_id = "markRead",
    tag = "handoff",
    params(ConversationPath),
    request_body = ReadMark,
    responses((status = 200, description = "The conversation as it is now.", body = ConversationView)),
)]
async fn mark_read(
    State(services): State<Services>,
    permitted: Permitted,
    Json(ReadMark { up_to }): Json<ReadMark>,
) -> Result<Json<ConversationView>, Problem> {
    if !(1..=MESSAGE_ID_MAX).contains(&up_to.len()) {
        return Err(Problem::invalid_field("up_to", "must be the id of a message, of 1 to 128 bytes"));
    }
    let conversation = permitted.conversation();
    let visitor = services.actions.mark_read(conversation, &up_to).await?;
    conversation_view::with_visitor(&services, conversation, &visitor).await.map(Json)
}

/// Accept a conversation
///
/// Takes up a conversation that was assigned to the caller.
#[utoipa::path(
    post,
    path = "/api/conversations/{cid}/accept",
    operation_id = "acceptConversation",
    tag = "handoff",
    params(ConversationPath),
    responses((status = 200, description = "The conversation as it is now.", body = ConversationView)),
)]
async fn accept(
    State(services): State<Services>,
    caller: Caller,
    permitted: Permitted,
) -> Result<Json<ConversationView>, Problem> {
    let agent = services.actions.present_agent(&caller).await?;
    let accepted = services.actions.accept(permitted.into_conversation(), &agent);
    answer(&services, Box::pin(accepted).await?, Some(&agent)).await
}

/// Either `agent_id` or `group_id`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Transfer {
    /// The agent who gets the conversation.
    #[schema(max_length = 100)]
    agent_id: Option<String>,
    /// The group that gets the conversation.
    #[schema(max_length = 100)]
    group_id: Option<String>,
    /// Why, for the next agent.
    #[schema(max_length = 200)]
    reason: Option<String>,
}

impl Transfer {
    fn target(self) -> Result<TransferTarget, Problem> {
        match (self.agent_id, self.group_id) {
            (Some(agent), None) if Kind::Agent.is_id(&agent) => Ok(TransferTarget::Agent(agent)),
            (None, Some(group)) if Kind::Group.is_id(&group) => Ok(TransferTarget::Group(group)),
            (Some(_), None) => Err(handoff_refused(HandoffError::NoAgent, None)),
            (None, Some(_)) => Err(handoff_refused(HandoffError::NoGroup, None)),
            _ => Err(Problem::invalid_field("body", "must have either an agent_id or a group_id")),
        }
    }
}

/// Transfer a conversation
///
/// To an agent: the agent may be busy or away. Refused if the agent is offline or has sent no heartbeat for 90 seconds
/// (`agent.offline`), and if the agent is at capacity (`agent.at_capacity`).
///
/// To a group: refused if no agent of the group other than the caller is available (`group.unavailable`). If all agents
/// are busy, the conversation waits. For five minutes it is not assigned to the agent who transferred it, who gets the
/// next one in the queue instead, unless no other agent of the group is on duty.
///
/// Only admins and supervisors transfer a conversation that another agent has.
#[utoipa::path(
    post,
    path = "/api/conversations/{cid}/transfer",
    operation_id = "transferConversation",
    tag = "handoff",
    params(ConversationPath),
    request_body = Transfer,
    responses((status = 200, description = "The conversation as it is now.", body = ConversationView)),
)]
async fn transfer(
    Acting(services): Acting,
    caller: Caller,
    permitted: Permitted,
    Json(mut transfer): Json<Transfer>,
) -> Result<Json<ConversationView>, Problem> {
    let reason = transfer.reason.take();
    let reason = reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    if reason.is_some_and(|reason| reason.chars().count() > REASON_MAX) {
        return Err(Problem::invalid_field("reason", "must have at most 200 characters"));
    }
    let target = transfer.target()?;
    let agent = acting_agent(&services, &caller).await?;
    let by = actor(caller.role(), agent.as_deref(), permitted.conversation());
    let transferred = services.actions.transfer(permitted.into_conversation(), &target, reason, by);
    answer(&services, Box::pin(transferred).await?, agent.as_deref()).await
}

/// The agent that the caller works as; `None` for an admin, who works as none here.
pub(crate) async fn acting_agent(services: &Services, caller: &Caller) -> Result<Option<String>, Problem> {
    if caller.role() == Role::Admin {
        return Ok(None);
    }
    Ok(Some(services.actions.get_or_create_agent(caller).await?))
}

/// Who acts on the conversation. A supervisor acts as an agent on a conversation of their own. The decision checks that an
/// agent still has the conversation.
fn actor<'a>(role: Role, agent: Option<&'a str>, conversation: &Conversation) -> Actor<'a> {
    match agent {
        None => Actor::Admin,
        Some(agent) if role == Role::Supervisor && conversation.assignee() != Some(agent) => Actor::Supervisor(agent),
        Some(agent) => Actor::Agent(agent),
    }
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Close {
    /// What is to be remembered of the conversation, at most 4096 bytes of JSON.
    #[schema(value_type = Option<Object>, example = json!({ "topic": "refund", "solved": true }))]
    summary: Option<Map<String, Value>>,
}

/// Close a conversation
///
/// The visitor's next message opens a new one. Closing a closed conversation changes nothing. Only admins
/// and supervisors close a conversation that another agent has (`conversation.taken`).
#[utoipa::path(
    post,
    path = "/api/conversations/{cid}/close",
    operation_id = "closeConversation",
    tag = "handoff",
    params(ConversationPath),
    request_body = Option<Close>,
    responses((status = 200, description = "The conversation as it is now.", body = ConversationView)),
)]
async fn close(
    Acting(services): Acting,
    caller: Caller,
    permitted: Permitted,
    OptionalJson(close): OptionalJson<Close>,
) -> Result<Json<ConversationView>, Problem> {
    let summary = close.summary.map(Value::Object);
    if summary.as_ref().is_some_and(|summary| summary.to_string().len() > SUMMARY_MAX) {
        return Err(Problem::invalid_field("summary", "must have at most 4096 bytes"));
    }
    let agent = acting_agent(&services, &caller).await?;
    let by = actor(caller.role(), agent.as_deref(), permitted.conversation());
    let closed = services.actions.close(permitted.into_conversation(), by, summary.as_ref());
    answer(&services, Box::pin(closed).await?, agent.as_deref()).await
}

async fn answer(
    services: &Services,
    result: Result<HandedOff, HandoffError>,
    own_agent: Option<&str>,
) -> Result<Json<ConversationView>, Problem> {
    match result {
        Ok(HandedOff { conversation, visitor: Some(visitor) }) => {
            conversation_view::with_visitor(services, &conversation, &visitor).await.map(Json)
        }
        Ok(HandedOff { conversation, visitor: None }) => {
            conversation_view::one(services, &conversation).await.map(Json)
        }
        Err(error) => Err(handoff_refused(error, own_agent)),
    }
}
