//! A visitor who has no agent enters again, with a `session-from` that names other targets or another robot.

use desk::{
    reception::{Reentry, ReentryInput, on_reentry},
    routing::Mode,
};
use store::{Conversation, Result, Stage};
use wechat::session_from::SessionFrom;

use super::{Receiver, handler};
use crate::{
    cycle::FollowUp,
    decision::Decision,
    events::{ConversationEvent, RoutingCause, True},
    routing::{PlannedRoute, RoutingContext, RoutingFacts, current_session_from, leads_to_agent, stored_plan},
};

/// The `session-from` that the visitor's open conversation was routed by: that of the last time they entered, if it was valid
/// when the conversation began.
pub(super) fn asked_before(decision: &Decision<'_>, open: &Conversation) -> Option<SessionFrom> {
    current_session_from(&decision.reception, &decision.visitor, open.created_at)
}

/// Whether two `session-from` ask for the same targets and the same robot.
fn ask_for_the_same(one: &SessionFrom, other: &SessionFrom) -> bool {
    one.transfer_action == other.transfer_action
        && one.platform_action == other.platform_action
        && one.robotid == other.robotid
}

fn asks_for_a_target(from: &SessionFrom) -> bool {
    !from.transfer_action.is_empty() || from.platform_action.is_some() || from.robotid.is_some()
}

impl Receiver {
    /// Routes the open conversation by the `session-from` that the visitor has entered with. One that asks for what the one
    /// before asked for, or for nothing that exists and is allowed, changes nothing.
    pub(super) async fn route_anew(
        &self,
        decision: &mut Decision<'_>,
        open: Conversation,
        asked_before: Option<SessionFrom>,
    ) -> Result<FollowUp> {
        let from = current_session_from(&decision.reception, &decision.visitor, decision.now);
        let Some(from) = from.filter(asks_for_a_target) else {
            return Ok(FollowUp::NONE);
        };
        if asked_before.is_some_and(|before| ask_for_the_same(&before, &from)) {
            return Ok(FollowUp::NONE);
        }
        let planned = self.router.plan(&decision.reception, &decision.visitor, Some(&from)).await?;
        let reentry = on_reentry(&reentry_input(decision, &open, &planned));
        if reentry == Reentry::Stay {
            return Ok(FollowUp::NONE);
        }
        decision.before = Some(open.clone());
        decision.after = Some(open);
        match reentry {
            Reentry::Stay => {}
            Reentry::Robot => change_robot(decision, &planned),
            Reentry::Route => return self.change_target(decision, planned).await,
        }
        Ok(FollowUp::NONE)
    }

    /// Routes a conversation that waits by its new plan.
    async fn change_target(&self, decision: &mut Decision<'_>, planned: PlannedRoute) -> Result<FollowUp> {
        let mut facts = RoutingFacts::new();
        let routed = self.router.route(&planned.plan, &decision.routing(Mode::Full), &mut facts).await?;
        let since = match decision.before.as_ref().map(|before| &before.stage) {
            // The visitor has asked to be answered later. They are told once an agent or a queue takes them.
            Some(Stage::LeftMessage(_)) if !leads_to_agent(&routed.outcome) => {
                if let Some(after) = &mut decision.after {
                    after.plan = Some(planned.plan);
                }
                return Ok(FollowUp::NONE);
            }
            Some(Stage::Queued(waiting)) => waiting.since,
            _ => decision.now,
        };
        rerouted(decision, &planned);
        let cause = RoutingCause::EnteredAgain(True);
        let (plan, robot_id) = (&planned.plan, planned.robot_id.as_deref());
        let context = RoutingContext { plan, facts: &facts, robot_id, since, tell_visitor: true, cause };
        self.assigner.apply(decision, &routed, &context).await.map(FollowUp::queue)
    }
}

fn reentry_input(decision: &Decision<'_>, open: &Conversation, planned: &PlannedRoute) -> ReentryInput {
    let plan = stored_plan(open);
    let robot = match &open.stage {
        Stage::Robot(robot) => Some(robot.robot_id.clone()),
        _ => plan.as_ref().and_then(|plan| plan.robot_id.clone()),
    };
    ReentryInput {
        handler: handler(open),
        mode: decision.reception.mode,
        names_other_robot: planned.names_robot && planned.robot_id != robot,
        names_other_target: planned.names_target && plan.is_none_or(|plan| plan.levels != planned.plan.levels),
    }
}

/// Gives the conversation to the robot that the visitor asks for. What the visitor wrote to another robot is answered by it.
fn change_robot(decision: &mut Decision<'_>, planned: &PlannedRoute) {
    let turn = decision.robot_mut().and_then(|robot| robot.turn.take());
    rerouted(decision, planned);
    decision.start_robot(planned.robot_id.as_deref().unwrap_or_default(), None);
    let now = decision.now;
    if let Some(robot) = decision.robot_mut() {
        (robot.turn, robot.plan, robot.planned_at) = (turn, Some(planned.plan.clone()), Some(now));
    }
}

fn rerouted(decision: &mut Decision<'_>, planned: &PlannedRoute) {
    let from = match decision.before.as_ref().map(|before| &before.stage) {
        Some(Stage::Queued(waiting) | Stage::LeftMessage(waiting)) => waiting.queue.clone(),
        Some(Stage::Robot(robot)) => format!("robot:{}", robot.robot_id),
        _ => return,
    };
    decision.event(ConversationEvent::Rerouted { from, routing_warnings: planned.warnings.clone() });
}
