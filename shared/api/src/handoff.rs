//! The refusals of a handoff.

use conversations::{Conversations, HandoffError};
use store::Conversation;

use crate::{Code, Problem, ProblemAssignee};

/// The agent is offline, so nothing can be assigned to them.
pub fn agent_offline() -> Problem {
    let detail = "The agent is offline. Set the status first: PUT /api/agents/{id}/status.";
    Problem::conflict(Code::AgentOffline, detail)
}

/// No agent has the conversation, and the operation needs that the caller's agent has it.
pub(crate) fn not_assigned() -> Problem {
    let detail = "The conversation is not assigned to an agent. Claim it to take it.";
    Problem::conflict(Code::ConversationNotAssigned, detail)
}

/// Another agent has the conversation.
pub(crate) async fn taken(conversations: &Conversations, conversation: &Conversation) -> Result<Problem, Problem> {
    let agent_id = conversation.assignee().unwrap_or_default().to_owned();
    let name = conversations.duty(&agent_id).await?.map(|duty| duty.name).unwrap_or_default();
    Ok(refused(HandoffError::Taken { agent_id, name }))
}

/// The refusal of a handoff.
pub fn refused(error: HandoffError) -> Problem {
    match error {
        HandoffError::NoConversation => Problem::not_found("conversation"),
        HandoffError::Closed => Problem::conversation_closed(),
        HandoffError::Taken { agent_id, name } => {
            let who = if name.is_empty() { &agent_id } else { &name };
            let mut problem = Problem::conflict(Code::ConversationTaken, format!("{who} has this conversation."));
            problem.assignee = Some(Box::new(ProblemAssignee { agent_id, name }));
            problem
        }
        HandoffError::NoAgent => Problem::invalid_field("agent_id", "must be the id of an agent"),
        HandoffError::NoGroup => Problem::invalid_field("group_id", "must be the id of a group"),
        HandoffError::AgentOffline => agent_offline(),
        HandoffError::AgentFull => Problem::conflict(
            Code::AgentAtCapacity,
            "The agent has as many conversations as their capacity permits. Close one, or raise the capacity.",
        ),
        HandoffError::GroupUnavailable(why) => {
            let mut detail = "The group cannot take the conversation; it stays where it is.".to_owned();
            if !why.is_empty() {
                detail = format!("{detail} Why: {why}");
            }
            Problem::conflict(Code::GroupUnavailable, detail)
        }
        HandoffError::NotYours => not_assigned(),
    }
}
