//! The refusals of a handoff.

use conversations::{Conversations, HandoffError};
use store::Conversation;

use crate::{Code, Problem, ProblemAssignee};

/// The caller's agent is offline, or the agent that the caller acts for: their status has to be set first.
pub fn agent_offline() -> Problem {
    let detail = "The agent is offline. Set the status first: PUT /api/agents/{id}/status.";
    Problem::conflict(Code::AgentOffline, detail)
}

/// The refusal that names another agent than the caller's: what is in the way is not the caller's to mend.
fn of_colleague(code: Code, name: &str, why: &str) -> Problem {
    Problem::conflict(code, format!("{name} {why} Choose another agent, or a group."))
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
    Ok(taken_by(agent_id, name))
}

/// This agent has the conversation.
fn taken_by(agent_id: String, name: String) -> Problem {
    let who = if name.is_empty() { &agent_id } else { &name };
    let mut problem = Problem::conflict(Code::ConversationTaken, format!("{who} has this conversation."));
    problem.assignee = Some(Box::new(ProblemAssignee { agent_id, name }));
    problem
}

/// The conversation changed hands while the request was under way: it was closed, or an agent or a robot has it.
pub async fn reassigned(conversations: &Conversations, conversation: &Conversation) -> Result<Problem, Problem> {
    if !conversation.is_open() {
        return Ok(Problem::conversation_closed());
    }
    if conversation.assignee().is_none() {
        return Ok(not_assigned());
    }
    taken(conversations, conversation).await
}

/// The refusal of a handoff. `own` is the caller's agent, who can mend what is in the way.
pub fn refused(error: HandoffError, own: Option<&str>) -> Problem {
    match error {
        HandoffError::NoConversation => Problem::not_found("conversation"),
        HandoffError::Closed => Problem::conversation_closed(),
        HandoffError::Taken { agent_id, name } => taken_by(agent_id, name),
        HandoffError::NoAgent => Problem::invalid_field("agent_id", "must be the id of an agent"),
        HandoffError::NoGroup => Problem::invalid_field("group_id", "must be the id of a group"),
        HandoffError::AgentOffline { agent_id, .. } if own == Some(&agent_id) => {
            Problem::conflict(Code::AgentOffline, "You are offline. Set your status first: PUT /api/agents/me/status.")
        }
        HandoffError::AgentOffline { name, .. } => {
            of_colleague(Code::AgentOffline, &name, "is offline, or their workbench is closed.")
        }
        HandoffError::AgentFull { agent_id, .. } if own == Some(&agent_id) => Problem::conflict(
            Code::AgentAtCapacity,
            "You have as many conversations as your capacity permits. Close one first.",
        ),
        HandoffError::AgentFull { name, .. } => {
            of_colleague(Code::AgentAtCapacity, &name, "has as many conversations as their capacity permits.")
        }
        HandoffError::GroupUnavailable(why) => {
            let detail = format!("The group cannot take the conversation: {why}. The conversation stays where it is.");
            Problem::conflict(Code::GroupUnavailable, detail)
        }
        HandoffError::NotYours => not_assigned(),
    }
}
