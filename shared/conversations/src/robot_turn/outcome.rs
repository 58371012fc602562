//! Applies the outcome of a turn: the answer is sent, or the visitor is handed over.

use desk::{
    routing::{self, LastAgent, Plan},
    settings::{Mode, Reception},
    turn::{Handover, RobotAnswer, TurnDecision, TurnHistory, decide},
};
use store::{Queue, Result, Stage};

use super::{Answered, ROBOT_DELETED, RobotTurns};
use crate::{
    assignment::{LeaveMessage, LeaveMessageReason},
    automatic_message::AutomaticMessage,
    decision::Decision,
    events::{AnswerKind, ConversationEvent, RoutingCause},
    routing::{RoutingContext, RoutingFacts, current_session_from, leads_to_agent},
};

/// What became of a wish to hand over.
enum HandoverOutcome {
    /// The visitor is handed over; the queue that the conversation joined, if it joined one.
    HandedOver(Option<Queue>),
    /// The robot keeps the visitor and sends its answer.
    Declined,
}

impl Answered<'_> {
    /// Whether the robot was deleted meanwhile.
    fn is_deleted(&self) -> bool {
        self.reply.failure.as_ref().is_some_and(|failure| failure.code == ROBOT_DELETED)
    }

    /// The outcome by the rules of handover.
    pub(super) fn outcome(&self, misses: u32, repeats: u32, reception: &Reception) -> TurnDecision {
        let fallback = self.knowledge.map(|knowledge| knowledge.robot.settings.fallback.as_str()).unwrap_or_default();
        decide(self.reply.answer.clone(), TurnHistory { misses, repeats }, &reception.handover, fallback)
    }
}

impl RobotTurns {
    /// Sends the answer or hands over. Returns the queue that the conversation joined, if it joined one.
    pub(super) async fn apply_outcome(
        &self,
        decision: &mut Decision<'_>,
        outcome: &TurnDecision,
        answered: &Answered<'_>,
    ) -> Result<Option<Queue>> {
        if let Some(handover) = outcome.handover
            && let HandoverOutcome::HandedOver(queue) = self.hand_over(decision, handover, answered).await?
        {
            return Ok(queue);
        }
        let reply = &answered.reply;
        if matches!(reply.answer, RobotAnswer::OverLimit { is_told: false }) {
            return Ok(None);
        }
        decision.event(ConversationEvent::RobotAnswered {
            answer: answer_kind(&reply.answer),
            sources: reply.sources.clone(),
            failure: reply.failure.as_ref().map(|failure| failure.code.to_owned()),
            status: reply.failure.as_ref().and_then(|failure| failure.status),
            detail: reply.failure.as_ref().and_then(|failure| failure.message.clone()),
            withheld: reply.withheld.clone(),
            tokens: reply.tokens,
            misses: outcome.misses,
        });
        // The fallback is the administrator's text even where a model was asked.
        let is_own = matches!(reply.answer, RobotAnswer::Text(_));
        let ai = is_own && answered.knowledge.is_some_and(|knowledge| knowledge.robot.settings.is_ai());
        decision.say(AutomaticMessage::RobotAnswer { ai }, &outcome.text);
        Ok(None)
    }

    /// The plan of the visitor's last message, which the ids of `session-from` were resolved for, with the agent who had the
    /// visitor last. It is made again where the visitor has entered since.
    async fn handover_plan(&self, decision: &Decision<'_>) -> Result<Plan> {
        let Decision { visitor, reception, now, .. } = decision;
        let stored = match decision.before.as_ref().map(|before| &before.stage) {
            Some(Stage::Robot(robot)) => robot.plan.clone().zip(robot.planned_at),
            _ => None,
        };
        if let Some((plan, planned_at)) = stored
            && visitor.session_from_at.is_none_or(|entered_at| entered_at <= planned_at)
        {
            let sticky = visitor.last_agent.clone().map(|(agent, at)| LastAgent { agent, at });
            return Ok(Plan { sticky, ..plan });
        }
        let from = current_session_from(reception, visitor, *now);
        Ok(self.router.plan(reception, visitor, from.as_ref()).await?.plan)
    }

    /// Hands over to an agent or a queue that can take the visitor. Otherwise a visitor who asked for a person is told that
    /// no agent is there, or asked to leave a message.
    async fn hand_over(
        &self,
        decision: &mut Decision<'_>,
        handover: Handover,
        answered: &Answered<'_>,
    ) -> Result<HandoverOutcome> {
        let cause = RoutingCause::Handover(Some(handover.reason));
        let plan = &self.handover_plan(decision).await?;
        let has_agents = decision.reception.mode != Mode::RobotOnly && !plan.levels.is_empty();
        let mut facts = RoutingFacts::new();
        let routed = if has_agents {
            Some(self.router.route(plan, &decision.routing(routing::Mode::Full), &mut facts).await?)
        } else {
            None
        };
        if let Some(routed) = routed.as_ref().filter(|routed| leads_to_agent(&routed.outcome)) {
            decision.event(ConversationEvent::HandedOver { reason: handover.reason });
            let since = decision.now;
            let context = RoutingContext { plan, facts: &facts, robot_id: None, since, tell_visitor: true, cause };
            let queue = self.assigner.apply(decision, routed, &context).await?;
            return Ok(HandoverOutcome::HandedOver(queue));
        }
        if !handover.requested {
            return Ok(HandoverOutcome::Declined);
        }
        let robot_goes_on = decision.reception.mode == Mode::RobotOnly
            || matches!(routed.as_ref().map(|routed| &routed.outcome), Some(routing::Outcome::Robot { .. }));
        if robot_goes_on && !answered.is_deleted() {
            decision.say_no_agent();
        } else {
            let trail = routed.map(|routed| routed.trail);
            decision.leave_message(LeaveMessage { level: 0, reason: LeaveMessageReason::Unstaffed, cause, trail });
        }
        Ok(HandoverOutcome::HandedOver(None))
    }
}

pub(super) fn answer_kind(answer: &RobotAnswer) -> AnswerKind {
    match answer {
        RobotAnswer::Text(_) => AnswerKind::Direct,
        RobotAnswer::Choice { .. } => AnswerKind::Choice,
        RobotAnswer::DontKnow => AnswerKind::Unknown,
        RobotAnswer::HandOver | RobotAnswer::ChosePerson => AnswerKind::Handover,
        RobotAnswer::Failed | RobotAnswer::Unavailable | RobotAnswer::OverLimit { .. } => AnswerKind::Failed,
    }
}
