//! A person who works as no agent writes to the visitor of a robot: the robot leaves the conversation.

use desk::handover::Reason;
use store::{Attempt, Attempted, Conversation, Result, Stage};

use super::{AgentActions, HandoffError, HandoffResult, refused, unchanged};
use crate::{
    cycle::FollowUp,
    events::{ConversationEvent, NoData},
};

impl AgentActions {
    /// Ends the robot's part, if a robot has the conversation: its answer to the last messages is dropped, and what the
    /// visitor writes next is routed to people. A conversation that an agent has meanwhile, or that is closed, is refused.
    #[tracing::instrument(skip_all, fields(cid = conversation.cid))]
    pub async fn replace_robot(&self, conversation: Conversation) -> Result<HandoffResult> {
        self.hand_off(conversation, |conversation, attempt| self.try_replace_robot(conversation, attempt)).await
    }

    async fn try_replace_robot(
        &self,
        conversation: Conversation,
        attempt: Attempt,
    ) -> Result<Attempted<HandoffResult>> {
        match &conversation.stage {
            Stage::Closed { .. } => return Ok(refused(HandoffError::Closed)),
            Stage::Assigned(assigned) => return Ok(refused(self.taken(&assigned.agent_id).await?)),
            Stage::Robot(_) => {}
            Stage::Unassigned | Stage::Queued(_) | Stage::LeftMessage(_) => return Ok(unchanged(conversation)),
        }
        let mut decision = self.cycle.read(conversation, attempt).await?;
        let now = decision.now;
        decision.event(ConversationEvent::HandedOver { reason: Reason::Person });
        if let Some(after) = &mut decision.after {
            after.stage = Stage::Unassigned;
            after.active_at = now;
            if after.answered_at.is_none() {
                after.answered_at = Some(now);
                decision.event(ConversationEvent::Answered(NoData));
            }
        }
        self.complete(&mut decision, FollowUp::NONE).await
    }
}
