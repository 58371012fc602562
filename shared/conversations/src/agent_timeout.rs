//! An agent's workbench has been silent for longer than the grace: their conversations are routed again.

use std::sync::Arc;

use desk::routing::{Level, Plan, Target};
use store::{Attempt, Attempted, Conversation, Duty, Result, Stage};
use tracing::{Span, field};

use crate::{
    assignment::Assigner,
    cycle::{DecisionCycle, FollowUp},
    decision::Decision,
    events::{ConversationEvent, RoutingCause},
    handles::Handles,
    routing::{Router, RoutingContext, RoutingFacts, stored_plan},
};

/// How many conversations of one agent a tick routes again. More than any agent's capacity.
const CONVERSATIONS_MAX: i32 = 1000;

/// Takes the conversations of silent agents.
#[derive(Debug, Clone)]
pub(crate) struct AgentTimeout {
    store: Arc<Handles>,
    cycle: DecisionCycle,
    router: Router,
    assigner: Assigner,
}

impl AgentTimeout {
    pub(crate) fn new(cycle: &DecisionCycle, router: &Router, assigner: &Assigner) -> Self {
        let (cycle, router, assigner) = (cycle.clone(), router.clone(), assigner.clone());
        Self { store: router.store().clone(), cycle, router, assigner }
    }

    /// Routes the conversations of a silent agent again, as if they had just arrived but with their age in the queues.
    /// Tries all of them and returns the first error.
    pub(crate) async fn reassign_all(&self, duty: &Duty) -> Result<()> {
        let mut all = Ok(());
        for cid in self.store.staff.assigned_to(&duty.agent_id, CONVERSATIONS_MAX).await? {
            all = all.and(self.reassign(&cid, &duty.agent_id).await);
        }
        all
    }

    #[tracing::instrument(skip_all, fields(app_id = field::Empty, cid = cid, uid = field::Empty))]
    async fn reassign(&self, cid: &str, agent: &str) -> Result<()> {
        let reassigned = self.cycle.retry_on_conflict(|attempt| self.try_reassign(cid, agent, attempt)).await;
        if let Err(error) = &reassigned {
            tracing::error!(%error, "a conversation of a silent agent was not reassigned");
        }
        reassigned
    }

    async fn try_reassign(&self, cid: &str, agent: &str, attempt: Attempt) -> Result<Attempted<()>> {
        let is_assigned = |conversation: &Conversation| conversation.assignee() == Some(agent);
        let Some(conversation) = self.store.conversations.conversation(cid).await?.filter(is_assigned) else {
            return Ok(Attempted::Done(()));
        };
        Span::current().record("app_id", &conversation.app_id).record("uid", conversation.thread().uid());
        let since = conversation.created_at;
        let mut decision = self.cycle.read(conversation, attempt).await?;
        let because = "the agent is gone";
        decision.event(ConversationEvent::Requeued { from: agent.to_owned(), because });
        let queue = match plan_without_agent(&decision) {
            None => {
                if let Some(after) = &mut decision.after {
                    after.stage = Stage::Unassigned;
                }
                None
            }
            Some(plan) => {
                let mut facts = RoutingFacts::new();
                let routed = self.router.route(&plan, &decision.current_routing(), &mut facts).await?;
                let (plan, facts, cause) = (&plan, &facts, RoutingCause::AgentGone(agent.to_owned()));
                let context = RoutingContext { plan, facts, robot_id: None, since, tell_visitor: false, cause };
                self.assigner.reroute(&mut decision, &routed, context).await?
            }
        };
        self.cycle.complete(&mut decision, FollowUp::queue(queue)).await
    }
}

/// The stored plan, or else the group that the conversation was assigned through or the mini program's, without a
/// preference for the visitor's last agent. `None` where there is no group at all.
fn plan_without_agent(decision: &Decision<'_>) -> Option<Plan> {
    let before = decision.before.as_ref()?;
    if let Some(plan) = stored_plan(before).filter(|plan| !plan.levels.is_empty()) {
        return Some(Plan { sticky: None, ..plan });
    }
    let group = match &before.stage {
        Stage::Assigned(assigned) => assigned.group_id.clone(),
        _ => None,
    };
    let group = group.or_else(|| decision.reception.group_id.clone())?;
    Some(Plan::new(vec![Level::from(Target::Group(group))], None, decision.reception.after_hours))
}
