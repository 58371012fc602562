//! Transfer: a person gives a conversation to another agent or group.

use desk::{
    routing::{Facts, Level, Outcome, Plan, Target, TargetState},
    staff::AgentFacts,
};
use store::{Attempt, Attempted, AuditAction, AuditDetail, Conversation, Queue, Result, Stage};

use super::{Actor, AgentActions, HandoffError, HandoffResult, TransferTarget, refused, unchanged};
use crate::{
    cycle::FollowUp,
    decision::Decision,
    events::{AssignmentOrigin, ConversationEvent, RoutingCause, True},
    routing::{RoutingContext, RoutingFacts},
};

impl TransferTarget {
    fn audit_detail(&self) -> AuditDetail {
        match self {
            Self::Agent(agent) => AuditDetail { to_agent_id: Some(agent.clone()), ..AuditDetail::default() },
            Self::Group(group) => AuditDetail { to_group_id: Some(group.clone()), ..AuditDetail::default() },
        }
    }
}

impl AgentActions {
    /// Transfers a conversation to an agent or a group, with the reason that the person gave. An agent cannot transfer the
    /// conversation of another agent.
    #[tracing::instrument(skip_all, fields(cid = conversation.cid, agent_id = by.agent_id()))]
    pub async fn transfer(
        &self,
        conversation: Conversation,
        to: &TransferTarget,
        reason: Option<&str>,
        by: Actor<'_>,
    ) -> Result<HandoffResult> {
        self.hand_off(conversation, |conversation, attempt| self.try_transfer(conversation, to, reason, by, attempt))
            .await
    }

    async fn try_transfer(
        &self,
        conversation: Conversation,
        to: &TransferTarget,
        reason: Option<&str>,
        by: Actor<'_>,
        attempt: Attempt,
    ) -> Result<Attempted<HandoffResult>> {
        if !conversation.is_open() {
            return Ok(refused(HandoffError::Closed));
        }
        let from = conversation.assignee().map(ToOwned::to_owned);
        if let Some(assignee) = from.as_deref().filter(|assignee| by.is_refused(assignee)) {
            return Ok(refused(self.taken(assignee).await?));
        }
        let mut decision = self.cycle.read(conversation.clone(), attempt).await?;
        decision.audit = self.audit(AuditAction::ConversationTransferred, by, &conversation, to.audit_detail());
        decision.event(ConversationEvent::Transferred {
            from: from.clone(),
            to: to.clone(),
            reason: reason.map(ToOwned::to_owned),
            by: by.agent_id().map(ToOwned::to_owned),
            by_role: by.role(),
        });
        let queue = match to {
            TransferTarget::Agent(agent) if from.as_ref() == Some(agent) => {
                return Ok(unchanged(conversation));
            }
            TransferTarget::Agent(agent) => {
                if let Some(error) = self.cannot_take(agent, true).await? {
                    return Ok(refused(error));
                }
                let origin = AssignmentOrigin::Transferred { transferred: True };
                self.assigner.assign(&mut decision, agent, None, true, origin).await?;
                None
            }
            TransferTarget::Group(group) => match self.route_to_group(&mut decision, group, from.as_deref()).await? {
                Ok(queue) => queue,
                Err(error) => return Ok(refused(error)),
            },
        };
        note_sender(&mut decision, from.as_ref());
        self.complete(&mut decision, FollowUp { queue, freed_agent: from }).await
    }

    async fn route_to_group(
        &self,
        decision: &mut Decision<'_>,
        group: &str,
        from: Option<&str>,
    ) -> Result<std::result::Result<Option<Queue>, HandoffError>> {
        let target = Target::Group(group.to_owned());
        let mut found = self.router.facts(&target, &decision.current_routing()).await?;
        match &mut found {
            Facts::Missing => return Ok(Err(HandoffError::NoGroup)),
            // The sender does not get the conversation back, so another agent of the group has to be on duty.
            Facts::Group { members, open, .. } => {
                let all = members.len();
                members.retain(|member| Some(member.id.as_str()) != from);
                if *open && members.len() < all && !members.iter().any(AgentFacts::is_on_duty) {
                    let why = "its other members are not on duty".to_owned();
                    return Ok(Err(HandoffError::GroupUnavailable(why)));
                }
            }
            Facts::Agent { .. } => {}
        }
        let mut facts = RoutingFacts::from([(target.clone(), found)]);
        let plan = &Plan::new(vec![Level::from(target.clone())], None, decision.reception.after_hours);
        let routed = self.router.route(plan, &decision.current_routing(), &mut facts).await?;
        if matches!(routed.outcome, Outcome::LeaveMessage { .. } | Outcome::Robot { .. }) {
            let has_members =
                matches!(facts.get(&target), Some(Facts::Group { group, .. }) if !group.members.is_empty());
            let why = why_unavailable(routed.trail.last().map(|entry| entry.state), has_members);
            return Ok(Err(HandoffError::GroupUnavailable(why.to_owned())));
        }
        let (since, cause) = (decision.now, RoutingCause::Transferred(True));
        let context = RoutingContext { plan, facts: &facts, robot_id: None, since, tell_visitor: true, cause };
        self.assigner.apply(decision, &routed, &context).await.map(Ok)
    }
}

/// Why a group cannot take a conversation, in words that go on with its name.
fn why_unavailable(state: Option<TargetState>, has_members: bool) -> &'static str {
    match state {
        Some(TargetState::OffWork) => "it is outside of its working hours",
        Some(TargetState::QueueFull) => "its queue is full",
        Some(TargetState::QueueShare) => "its queue has as many conversations of this mini program as it may have",
        Some(TargetState::Offline) if !has_members => "it has no members",
        _ => "its members are not on duty",
    }
}

/// Records the sender of a conversation that waits, who does not get it back for a while. Where no agent had it, the earlier sender
/// stays if it waits in the same queue.
fn note_sender(decision: &mut Decision<'_>, from: Option<&String>) {
    if let (Some(from), Some(Stage::Queued(waiting))) = (from, decision.after.as_mut().map(|after| &mut after.stage)) {
        waiting.handed_on_by = Some(from.clone());
    }
}
