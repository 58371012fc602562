//! Applies the step that the rules of reception decided for a visitor's message.

use desk::{
    conversation::ClosedBy,
    handover,
    reception::NextStep,
    routing::{Mode, Outcome},
};
use store::{Conversation, Queue, Result, Stage, Turn};

use super::{Receiver, VisitorMessage};
use crate::{
    assignment::{LeaveMessage, LeaveMessageReason},
    automatic_message::AutomaticMessage,
    cycle::FollowUp,
    decision::Decision,
    events::{ConversationEvent, RoutingCause, True},
    routing::{RoutingContext, RoutingFacts, leads_to_agent},
};

impl Receiver {
    pub(super) async fn apply_next_step(
        &self,
        decision: &mut Decision<'_>,
        step: NextStep,
        visitor_message: &VisitorMessage<'_>,
    ) -> Result<FollowUp> {
        match step {
            NextStep::RecordOnly | NextStep::OpenUnassigned | NextStep::Append => {
                acknowledge(decision, visitor_message);
            }
            NextStep::AskRobot => {
                ensure_robot(decision, visitor_message.planned.robot_id.as_deref());
                add_to_robot_turn(decision, visitor_message);
            }
            NextStep::KeepWithRobot => {
                ensure_robot(decision, visitor_message.planned.robot_id.as_deref());
                decision.say_no_agent();
            }
            NextStep::LeaveMessage { handover } => decision.leave_message(LeaveMessage {
                level: 0,
                reason: LeaveMessageReason::Unstaffed,
                cause: RoutingCause::Handover(handover),
                trail: None,
            }),
            NextStep::RouteAgain { immediate } => {
                return self.route_left_message(decision, immediate, visitor_message).await.map(FollowUp::queue);
            }
            NextStep::Close => {
                let freed = decision.before.as_ref().and_then(Conversation::assignee).map(ToOwned::to_owned);
                decision.close(ClosedBy::Visitor, None, None);
                return Ok(FollowUp::freed_agent(freed));
            }
            NextStep::Route { immediate, handover } => {
                return self.route_to_agent(decision, immediate, handover, visitor_message).await.map(FollowUp::queue);
            }
        }
        Ok(FollowUp::NONE)
    }

    /// Routes a new conversation, or one that a robot has.
    async fn route_to_agent(
        &self,
        decision: &mut Decision<'_>,
        immediate: bool,
        handover: Option<handover::Reason>,
        visitor_message: &VisitorMessage<'_>,
    ) -> Result<Option<Queue>> {
        let plan = &visitor_message.planned.plan;
        let mut facts = RoutingFacts::new();
        let routed = self.router.route(plan, &decision.routing(mode(immediate)), &mut facts).await?;
        if let Some(reason) = handover.filter(|_| leads_to_agent(&routed.outcome)) {
            decision.event(ConversationEvent::HandedOver { reason });
        }
        let robot_id = visitor_message.planned.robot_id.as_deref();
        let cause = RoutingCause::Handover(handover);
        let context = RoutingContext { plan, facts: &facts, robot_id, since: decision.now, tell_visitor: true, cause };
        if handover.is_some() && matches!(routed.outcome, Outcome::Robot { .. }) && robot_id.is_some() {
            // The robot does not answer the request for a person.
            if !matches!(decision.before.as_ref().map(|before| &before.stage), Some(Stage::Robot(_))) {
                self.assigner.apply(decision, &routed, &context).await?;
            }
            decision.say_no_agent();
            return Ok(None);
        }
        let queue = self.assigner.apply(decision, &routed, &context).await?;
        add_to_robot_turn(decision, visitor_message);
        Ok(queue)
    }

    /// Routes the conversation of a visitor who left a message and writes again, if an agent can take it by now.
    async fn route_left_message(
        &self,
        decision: &mut Decision<'_>,
        immediate: bool,
        visitor_message: &VisitorMessage<'_>,
    ) -> Result<Option<Queue>> {
        let plan = &visitor_message.planned.plan;
        let mut facts = RoutingFacts::new();
        let routed = self.router.route(plan, &decision.routing(mode(immediate)), &mut facts).await?;
        if !leads_to_agent(&routed.outcome) {
            acknowledge(decision, visitor_message);
            return Ok(None);
        }
        let cause = RoutingCause::LeftMessage(True);
        let context =
            RoutingContext { plan, facts: &facts, robot_id: None, since: decision.now, tell_visitor: true, cause };
        self.assigner.apply(decision, &routed, &context).await
    }
}

fn mode(immediate: bool) -> Mode {
    if immediate { Mode::ImmediateOnly } else { Mode::Full }
}

/// Sends the automatic reply that belongs to a conversation that stays where it is, if there is one.
fn acknowledge(decision: &mut Decision<'_>, visitor_message: &VisitorMessage<'_>) {
    let answered = decision.before.as_ref().is_some_and(|before| before.answered_at.is_some());
    match decision.after.as_mut().map(|after| &mut after.stage) {
        Some(Stage::Unassigned) if !answered => {
            let text = visitor_message.binding.and_then(|binding| binding.auto_reply.clone()).unwrap_or_default();
            decision.say(AutomaticMessage::AutoReply, &text);
        }
        Some(Stage::LeftMessage(waiting)) if !waiting.told => {
            waiting.told = true;
            let text = decision.reception.prompts.message_left.clone();
            decision.say(AutomaticMessage::MessageLeft, &text);
        }
        _ => {}
    }
}

/// Gives the conversation to the robot, unless it has one already.
fn ensure_robot(decision: &mut Decision<'_>, robot_id: Option<&str>) {
    if decision.robot_mut().is_none() {
        decision.start_robot(robot_id.unwrap_or_default(), None);
    }
}

/// Adds the message to the robot's turn, if a robot has the conversation. Its plan is kept for the robot, which hands over
/// without resolving ids.
fn add_to_robot_turn(decision: &mut Decision<'_>, visitor_message: &VisitorMessage<'_>) {
    let (now, message) = (decision.now, visitor_message.message);
    if let Some(robot) = decision.robot_mut() {
        robot.plan = Some(visitor_message.planned.plan.clone());
        robot.planned_at = Some(now);
        match &mut robot.turn {
            Some(turn) => turn.join(&message.id, now),
            None => robot.turn = Some(Turn::new(&message.id, now)),
        }
    }
}
