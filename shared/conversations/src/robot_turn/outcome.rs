//! Applies the outcome of a turn: the answer is sent, or the visitor is handed over.

use desk::{
    routing,
    settings::{Mode, Reception},
    turn::{Handover, RobotAnswer, TurnDecision, TurnHistory, decide},
};
use store::{Queue, Result};

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
        decision.event(ConversationEvent::RobotAnswered {
            answer: answer_kind(&reply.answer),
            sources: reply.sources.clone(),
            failure: reply.failure.map(ToOwned::to_owned),
            misses: outcome.misses,
        });
        // The fallback is the administrator's text even where a model was asked.
        let is_own = matches!(reply.answer, RobotAnswer::Text(_));
        let ai = is_own && answered.knowledge.is_some_and(|knowledge| knowledge.robot.settings.is_ai());
        decision.say(AutomaticMessage::RobotAnswer { ai }, &outcome.text);
        Ok(None)
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
        let from = current_session_from(&decision.reception, &decision.visitor, decision.now);
        let planned = self.router.plan(&decision.reception, &decision.visitor, from.as_ref()).await?;
        let plan = &planned.plan;
        let has_agents = decision.reception.mode != Mode::RobotOnly && !plan.levels.is_empty();
        let mut facts = RoutingFacts::new();
        let routed = if has_agents {
            Some(self.router.route(plan, routing::Mode::Full, decision.now, decision.freshness(), &mut facts).await?)
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
        if robot_goes_on && answered.reply.failure != Some(ROBOT_DELETED) {
            decision.say_no_agent();
        } else {
            let trail = routed.map(|routed| routed.trail);
            decision.leave_message(LeaveMessage { level: 0, reason: LeaveMessageReason::Unstaffed, cause, trail });
        }
        Ok(HandoverOutcome::HandedOver(None))
    }
}

fn answer_kind(answer: &RobotAnswer) -> AnswerKind {
    match answer {
        RobotAnswer::Text(_) => AnswerKind::Direct,
        RobotAnswer::Choice { .. } => AnswerKind::Choice,
        RobotAnswer::DontKnow => AnswerKind::Unknown,
        RobotAnswer::HandOver | RobotAnswer::ChosePerson => AnswerKind::Handover,
        RobotAnswer::Failed => AnswerKind::Failed,
    }
}
