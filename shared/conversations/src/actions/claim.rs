//! Claim: an agent takes a conversation. Accept: an agent starts to work on a conversation that was assigned to them.

use store::{Attempt, Attempted, Conversation, Queue, Result, Stage};

use super::{AgentActions, HandoffError, HandoffResult, refused, unchanged};
use crate::{
    cycle::FollowUp,
    events::{AssignmentOrigin, ConversationEvent, True},
};

impl AgentActions {
    /// Assigns a conversation that no agent has to the agent who asks for it. It counts against their capacity.
    #[tracing::instrument(skip_all, fields(cid = conversation.cid, agent_id = agent))]
    pub async fn claim(&self, conversation: Conversation, agent: &str) -> Result<HandoffResult> {
        self.hand_off(conversation, |conversation, attempt| self.try_claim(conversation, agent, attempt)).await
    }

    async fn try_claim(
        &self,
        conversation: Conversation,
        agent: &str,
        attempt: Attempt,
    ) -> Result<Attempted<HandoffResult>> {
        match &conversation.stage {
            Stage::Closed { .. } => return Ok(refused(HandoffError::Closed)),
            Stage::Assigned(assigned) if assigned.agent_id == agent => return Ok(unchanged(conversation)),
            Stage::Assigned(assigned) => return Ok(refused(self.taken(&assigned.agent_id).await?)),
            _ => {}
        }
        if let Some(error) = self.cannot_take(agent, false).await? {
            return Ok(refused(error));
        }
        let group = match conversation.waiting().and_then(|waiting| Queue::named(&waiting.queue)) {
            Some(Queue::Group(id)) => Some(id),
            _ => None,
        };
        let mut decision = self.cycle.read(conversation, attempt).await?;
        let origin = AssignmentOrigin::Claimed { claimed: True };
        self.assigner.assign(&mut decision, agent, group, true, origin).await?;
        if let Some(Stage::Assigned(assigned)) = decision.after.as_mut().map(|after| &mut after.stage) {
            // To claim is to accept.
            assigned.accepted_at = Some(assigned.since);
        }
        self.complete(&mut decision, FollowUp::NONE).await
    }

    /// Records that the assigned agent works on a conversation.
    #[tracing::instrument(skip_all, fields(cid = conversation.cid, agent_id = agent))]
    pub async fn accept(&self, conversation: Conversation, agent: &str) -> Result<HandoffResult> {
        self.hand_off(conversation, |conversation, attempt| self.try_accept(conversation, agent, attempt)).await
    }

    async fn try_accept(
        &self,
        conversation: Conversation,
        agent: &str,
        attempt: Attempt,
    ) -> Result<Attempted<HandoffResult>> {
        match &conversation.stage {
            Stage::Closed { .. } => return Ok(refused(HandoffError::Closed)),
            Stage::Assigned(assigned) if assigned.agent_id != agent => {
                return Ok(refused(self.taken(&assigned.agent_id).await?));
            }
            Stage::Assigned(assigned) if assigned.accepted_at.is_some() => return Ok(unchanged(conversation)),
            Stage::Assigned(_) => {}
            _ => return Ok(refused(HandoffError::NotYours)),
        }
        let mut decision = self.cycle.read(conversation, attempt).await?;
        let now = decision.now;
        if let Some(Stage::Assigned(assigned)) = decision.after.as_mut().map(|after| &mut after.stage) {
            assigned.accepted_at = Some(now);
        }
        decision.event(ConversationEvent::Accepted { agent_id: agent.to_owned() });
        self.complete(&mut decision, FollowUp::NONE).await
    }
}
