//! A conversation that is due: it is closed, moves to the next level, warns its visitor, or shows its robot turn again.

use desk::{
    conversation::ClosedBy,
    routing::{self, Plan},
    settings::IDLE_MAX,
};
use jiff::{SignedDuration, Timestamp};
use store::{Attempt, Attempted, Conversation, Message, Queue, Result, Stage};

use super::Tick;
use crate::{
    assignment::{LeaveMessage, LeaveMessageReason},
    automatic_message::AutomaticMessage,
    cycle::FollowUp,
    decision::Decision,
    due::{close_after_minutes, is_answered_by_turns},
    events::{ConversationEvent, NoData, RoutingCause},
    last_word::{LastWord, MESSAGES_SEARCHED, last_word},
    routing::{RoutingContext, RoutingFacts, stored_plan},
};

impl Tick {
    pub(super) async fn try_process_due(
        &self,
        conversation: Option<Conversation>,
        attempt: Attempt,
    ) -> Result<Attempted<()>> {
        let Some(conversation) = conversation.filter(Conversation::is_open) else {
            return Ok(Attempted::Done(()));
        };
        let said = self.store.threads.last_messages(&conversation.thread(), MESSAGES_SEARCHED).await?;
        let mut decision = self.cycle.read(conversation, attempt).await?;
        // The commit sets it again.
        if let Some(after) = &mut decision.after {
            after.next_check_at = None;
        }
        note_last_word(&mut decision, &said);
        let follow_up = self.decide_due(&mut decision).await?;
        self.cycle.complete(&mut decision, follow_up).await
    }

    async fn decide_due(&self, decision: &mut Decision<'_>) -> Result<FollowUp> {
        let now = decision.now;
        let Some(after) = decision.after.clone() else {
            return Ok(FollowUp::NONE);
        };
        let idle = now.duration_since(after.active_at);
        let gave_up = decision.check_by.is_some_and(|by| by <= now);
        if gave_up || idle >= minutes(close_after_minutes(&after, &decision.reception)) {
            let text = decision.reception.prompts.closed.clone();
            decision.say(AutomaticMessage::Closed, &text);
            decision.close(ClosedBy::Idle, None, None);
            return Ok(FollowUp::freed_agent(after.assignee().map(ToOwned::to_owned)));
        }
        if let Stage::Queued(waiting) = &after.stage
            && waiting.until.is_some_and(|until| until <= now)
        {
            return self.end_wait(decision, &after).await.map(FollowUp::queue);
        }
        if let Some(turn) = decision.robot_mut().and_then(|robot| robot.turn.as_mut())
            && turn.answering_until.is_none_or(|until| until <= now)
        {
            // The write shows the turn to the stream again.
            turn.answering_until = None;
        }
        warn_if_idle(decision, &after, idle);
        Ok(FollowUp::NONE)
    }

    /// The visitor waited as long as the group allows: the conversation moves to the next level that can take it, or the
    /// visitor is asked to leave a message.
    async fn end_wait(&self, decision: &mut Decision<'_>, after: &Conversation) -> Result<Option<Queue>> {
        let Some(waiting) = after.waiting() else {
            return Ok(None);
        };
        let cause = RoutingCause::WaitedSeconds(decision.now.duration_since(waiting.since).as_secs());
        // The stored plan becomes the rest, so that the conversation does not come back to this level later.
        let plan = &routing::plan_after_wait(&plan_of(decision), waiting.level);
        decision.event(ConversationEvent::Overflowed(cause.clone()));
        if plan.levels.is_empty() {
            let (level, reason) = (waiting.level, LeaveMessageReason::WaitedTooLong);
            decision.leave_message(LeaveMessage { level, reason, cause, trail: None });
            return Ok(None);
        }
        let mut facts = RoutingFacts::new();
        let routed = self.router.route(plan, &decision.current_routing(), &mut facts).await?;
        let (facts, since) = (&facts, waiting.since);
        let context = RoutingContext { plan, facts, robot_id: None, since, tell_visitor: true, cause };
        self.assigner.reroute(decision, &routed, context).await
    }
}

/// Takes into the conversation what its last word means for the time without a message.
fn note_last_word(decision: &mut Decision<'_>, said: &[Message]) {
    let now = decision.now;
    let Some(after) = &mut decision.after else {
        return;
    };
    match last_word(after, said) {
        LastWord::Ours(at) => {
            after.active_at = after.active_at.max(at);
            // A message since the warning ends it.
            after.warned_at = after.warned_at.filter(|warned| at <= *warned);
        }
        LastWord::Visitors(at) if is_answered_by_turns(after) => {
            after.active_at = now;
            after.warned_at = None;
            decision.check_by = Some(at.checked_add(minutes(IDLE_MAX)).unwrap_or(Timestamp::MAX));
        }
        LastWord::Visitors(_) => {}
    }
}

/// Warns the visitor once that an idle conversation will be closed.
fn warn_if_idle(decision: &mut Decision<'_>, after: &Conversation, idle: SignedDuration) {
    let now = decision.now;
    let is_due = decision.reception.idle.warn_after_minutes.is_some_and(|warn| idle >= minutes(warn));
    if !is_due || after.warned_at.is_some() || !matches!(after.stage, Stage::Assigned(_) | Stage::Robot(_)) {
        return;
    }
    if let Some(after) = &mut decision.after {
        after.warned_at = Some(now);
    }
    let text = decision.reception.prompts.idle_warning.clone();
    decision.say(AutomaticMessage::IdleWarning, &text);
    decision.event(ConversationEvent::IdleWarned(NoData));
}

fn minutes(minutes: u32) -> SignedDuration {
    SignedDuration::from_mins(i64::from(minutes))
}

/// The plan that the conversation was last routed by; one without levels if it never was.
pub(super) fn plan_of(decision: &Decision<'_>) -> Plan {
    let stored = decision.before.as_ref().and_then(stored_plan);
    stored.unwrap_or_else(|| Plan::new(Vec::new(), None, decision.reception.after_hours))
}
