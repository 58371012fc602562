//! Close: a person ends a conversation.

use serde_json::Value;
use store::{Attempt, Attempted, AuditAction, AuditDetail, Conversation, Result};

use super::{Actor, AgentActions, HandoffResult, refused, unchanged};
use crate::cycle::FollowUp;

impl AgentActions {
    /// Closes a conversation, with the person's notes; one that is closed already stays as it is. An agent cannot close the
    /// conversation of another agent, even if it was reassigned a moment ago.
    #[tracing::instrument(skip_all, fields(cid = conversation.cid, agent_id = by.agent_id()))]
    pub async fn close(
        &self,
        conversation: Conversation,
        by: Actor<'_>,
        summary: Option<&Value>,
    ) -> Result<HandoffResult> {
        self.hand_off(conversation, |conversation, attempt| self.try_close(conversation, by, summary, attempt)).await
    }

    async fn try_close(
        &self,
        conversation: Conversation,
        by: Actor<'_>,
        summary: Option<&Value>,
        attempt: Attempt,
    ) -> Result<Attempted<HandoffResult>> {
        if !conversation.is_open() {
            return Ok(unchanged(conversation));
        }
        let assignee = conversation.assignee().map(ToOwned::to_owned);
        if let Some(assignee) = assignee.as_deref().filter(|assignee| by.is_refused(assignee)) {
            return Ok(refused(self.taken(assignee).await?));
        }
        let audit = self.audit(AuditAction::ConversationClosed, by, &conversation, AuditDetail::default());
        let mut decision = self.cycle.read(conversation, attempt).await?;
        decision.audit = audit;
        decision.close(by.closed_by(), by.agent_id(), summary);
        self.complete(&mut decision, FollowUp::freed_agent(assignee)).await
    }
}
