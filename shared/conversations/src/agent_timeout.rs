//! An agent is gone for good.

use desk::routing::{Level, Mode, Plan, Target};
use serde_json::json;
use store::{Committed, Conversation, Duty, Result, Stage, StoreError};

use crate::{
    Conversations, DECISIONS,
    assignment::Way,
    plan::{Known, kept_plan},
};

impl Conversations {
    /// An agent is gone for good: their conversations go where they would go if they came now, at the place of their
    /// age. `false` when not all could be handed on.
    pub(crate) async fn gone(&self, duty: &Duty) -> Result<bool> {
        let cids = self.table.assigned_to(&duty.agent_id, 1000).await?;
        let mut all = true;
        for cid in cids {
            match Box::pin(self.hand_back(&cid, &duty.agent_id)).await {
                Ok(()) => {}
                Err(error) => {
                    tracing::error!(cid, %error, "a conversation of an agent who is gone was not handed on");
                    all = false;
                }
            }
        }
        Ok(all)
    }

    async fn hand_back(&self, cid: &str, agent: &str) -> Result<()> {
        let mut lost_races = 0;
        for _ in 0..DECISIONS {
            let held = |conversation: &Conversation| conversation.assignee() == Some(agent);
            let Some(conversation) = self.table.conversation(cid).await?.filter(held) else {
                return Ok(());
            };
            let group = match &conversation.stage {
                Stage::Assigned(assigned) => assigned.group_id.clone(),
                _ => None,
            };
            let since = conversation.created_at;
            let mut plan = kept_plan(&conversation);
            let mut decision = self.decision(conversation).await?.lost_races(lost_races);
            if plan.as_ref().is_none_or(|plan| plan.levels.is_empty()) {
                let group = group.or_else(|| decision.reception.group_id.clone());
                let levels = group.map(|group| vec![Level::from(Target::Group(group))]);
                plan = levels.map(|levels| Plan::new(levels, None, decision.reception.after_hours));
            }
            decision.event("conversation.requeued", json!({ "from": agent, "because": "the agent is gone" }));
            let queue = match plan {
                None => {
                    if let Some(after) = &mut decision.after {
                        after.stage = Stage::Unassigned;
                    }
                    None
                }
                Some(plan) => {
                    let plan = Plan { sticky: None, ..plan };
                    let mut known = Known::new();
                    let routed = self.route(&plan, Mode::Full, decision.now, &mut known).await?;
                    let because = json!({ "agent_gone": agent });
                    let way = Way { plan: &plan, known: &known, robot_id: None, since, tell: false, because };
                    self.move_on(&mut decision, &routed, way).await?
                }
            };
            match decision.commit(&self.table).await? {
                Committed::Now(_) => {
                    self.send_all(&decision).await?;
                    return self.after(queue, None).await;
                }
                Committed::Agent => lost_races += 1,
                _ => {}
            }
        }
        Err(StoreError::Conflict)
    }
}
