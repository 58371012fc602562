//! Processes what comes in from a visitor: a message, or the event of entering by the contact button.

mod next_step;
mod reentry;

use std::sync::Arc;

use channel::settle_sent;
use desk::{
    limits::{Received, receive},
    reception::{Handler, Incoming, NextStep, ReceptionInput, WithoutTarget, decide},
    routing::{LastAgent, Plan},
    settings::Reception,
};
use serde_json::Value;
use store::{Attempt, Attempted, Binding, CommitOutcome, Conversation, InboundRef, Result, Stage, Vault};
use tracing::Span;
use wechat::session_from::SessionFrom;

use crate::{
    assignment::Assigner,
    cycle::{DecisionCycle, FollowUp},
    decision::Decision,
    events::ConversationEvent,
    handles::Handles,
    held_texts::release_held_texts,
    reception::reentry::asked_before,
    reception_settings::reception,
    routing::{PlannedRoute, Router, current_session_from, stored_plan},
    session_start::{greet, start_session},
};

/// Processes inbound messages.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    store: Arc<Handles>,
    vault: Vault,
    cycle: DecisionCycle,
    router: Router,
    assigner: Assigner,
}

/// What was read for a visitor's message.
pub(super) struct VisitorMessage<'a> {
    pub(super) message: &'a InboundRef,
    pub(super) binding: Option<&'a Binding>,
    pub(super) planned: PlannedRoute,
}

impl Receiver {
    pub(crate) fn new(vault: &Vault, cycle: &DecisionCycle, router: &Router, assigner: &Assigner) -> Self {
        let (vault, cycle) = (vault.clone(), cycle.clone());
        let (router, assigner) = (router.clone(), assigner.clone());
        let store = router.store().clone();
        Self { store, vault, cycle, router, assigner }
    }

    /// Processes a message: decides, writes, sends the automatic replies and follows up. It may be repeated, because the
    /// transaction requires that the message is unprocessed.
    pub(crate) async fn receive(&self, message: &InboundRef) -> Result<()> {
        self.cycle.retry_on_conflict(|attempt| self.try_receive(message, attempt)).await
    }

    async fn try_receive(&self, message: &InboundRef, attempt: Attempt) -> Result<Attempted<()>> {
        let Some((mut decision, follow_up)) = Box::pin(self.decide(message, attempt)).await? else {
            tracing::info!("the visitor is being erased; the message waits for the tick");
            return Ok(Attempted::Done(()));
        };
        Span::current().record("cid", decision.after.as_ref().map(|after| after.cid.as_str()));
        match decision.commit(&self.store.decisions).await? {
            CommitOutcome::Written(_) => {
                self.cycle.send(&decision).await?;
                self.cycle.follow_up(follow_up).await?;
                Ok(Attempted::Done(()))
            }
            CommitOutcome::AlreadyProcessed => {
                self.send_pending(message).await?;
                Ok(Attempted::Done(()))
            }
            CommitOutcome::AgentUnavailable => Ok(Attempted::AgentTaken),
            CommitOutcome::Conflict | CommitOutcome::DuplicateRequest => Ok(Attempted::Conflict),
        }
    }

    /// Sends what an earlier run of the function wrote for a message and may have been stopped before sending.
    async fn send_pending(&self, message: &InboundRef) -> Result<()> {
        for id in self.store.threads.pending_since(&message.thread, &message.id).await? {
            self.cycle.deliver(&message.thread, &id).await?;
        }
        Ok(())
    }

    /// `None` while the visitor is being erased: the message stays unprocessed and is then that of a new visitor.
    async fn decide<'a>(&self, message: &'a InboundRef, attempt: Attempt) -> Result<Option<(Decision<'a>, FollowUp)>> {
        let now = self.store.clock.now();
        let thread = &message.thread;
        let ((visitor, sends), binding) =
            tokio::try_join!(self.store.threads.visitor_with_sends(thread), self.store.cache.binding(&thread.app_id))?;
        if visitor.erasing_since.is_some() {
            return Ok(None);
        }
        let open = match &visitor.open_cid {
            Some(cid) => self.store.conversations.conversation(cid).await?.filter(Conversation::is_open),
            None => None,
        };
        let decision = Decision::new(thread.clone(), reception(binding.as_deref())?, visitor, open, now);
        let mut decision = decision.with_message(message).with_lost_races(attempt.lost_races);
        settle_sent(&mut decision.visitor.ledger, &sends);
        decision.visitor.first_seen_at.get_or_insert(now);
        decision.visitor.last_seen_at = Some(now);
        if thread.openid.is_empty() || message.kind == "event" {
            let follow_up = self.process_event(&mut decision, message, binding.as_deref()).await?;
            return Ok(Some((decision, follow_up)));
        }
        decision.visitor.ledger.record_message(message.created_at, now);
        if let Received::Ignored { reason, is_told } = received(&mut decision, message) {
            decision.ignore(reason, is_told);
            decision.note_message(message);
            return Ok(Some((decision, FollowUp::NONE)));
        }
        release_held_texts(&self.store.threads, &mut decision).await?;
        let follow_up = self.process_message(&mut decision, message, binding.as_deref()).await?;
        decision.note_message(message);
        Ok(Some((decision, follow_up)))
    }

    /// Processes an event. It belongs to no conversation, unless the visitor enters again and is routed anew.
    async fn process_event(
        &self,
        decision: &mut Decision<'_>,
        message: &InboundRef,
        binding: Option<&Binding>,
    ) -> Result<FollowUp> {
        let (open, _) = (decision.before.take(), decision.after.take());
        let asked = open.as_ref().and_then(|open| asked_before(decision, open));
        if !start_session(&self.vault, decision, message, binding).await? {
            return Ok(FollowUp::NONE);
        }
        let Some(open) = open else { return Ok(FollowUp::NONE) };
        if ignores_reentry(decision) {
            return Ok(FollowUp::NONE);
        }
        // Boxed, because few events route a conversation and all would pay for the size of the future.
        Box::pin(self.route_anew(decision, open, asked)).await
    }

    async fn process_message(
        &self,
        decision: &mut Decision<'_>,
        message: &InboundRef,
        binding: Option<&Binding>,
    ) -> Result<FollowUp> {
        let now = decision.now;
        let text = message.content.get("content").and_then(Value::as_str).filter(|_| message.kind == "text");
        let handler = decision.before.as_ref().map(handler);
        let may_be_routed = matches!(
            handler,
            None | Some(Handler::Unassigned | Handler::Person | Handler::Robot | Handler::LeftMessage)
        );
        let from = current_session_from(&decision.reception, &decision.visitor, now).filter(|_| may_be_routed);
        let left_message = decision.before.as_ref().filter(|_| handler == Some(Handler::LeftMessage));
        let planned = match left_message.and_then(stored_plan).filter(|plan| !plan.levels.is_empty()) {
            // The plan was stored when the visitor left the message. If the last agent had timed out then, the plan has no
            // last agent. That agent may be present again by now.
            Some(plan) => {
                let last = decision.visitor.last_agent.clone();
                let sticky = last.map(|(agent, at)| LastAgent { agent, at });
                PlannedRoute { plan: Plan { sticky, ..plan }, ..PlannedRoute::empty(&decision.reception) }
            }
            None if may_be_routed => self.router.plan(&decision.reception, &decision.visitor, from.as_ref()).await?,
            None => PlannedRoute::empty(&decision.reception),
        };
        let step = decide(&reception_input(text, handler, &planned, &decision.reception, binding));
        if let Some(after) = &mut decision.after {
            after.join(message, now);
        } else if step == NextStep::RecordOnly {
            return Ok(FollowUp::NONE);
        } else {
            open_conversation(decision, message, from, &planned);
        }
        self.apply_next_step(decision, step, &VisitorMessage { message, binding, planned }).await
    }
}

/// Counts a visitor's message and decides whether anything follows from it.
fn received(decision: &mut Decision<'_>, message: &InboundRef) -> Received {
    let Decision { visitor, reception, now, .. } = decision;
    receive(visitor.blocked.as_ref(), &mut visitor.messages, reception.messages_per_minute, message.received_at, *now)
}

/// Whether nothing follows from entering again, because nothing would from a message now. Entering itself does not count.
fn ignores_reentry(Decision { visitor, reception, now, .. }: &Decision<'_>) -> bool {
    let mut messages = visitor.messages;
    let message = receive(visitor.blocked.as_ref(), &mut messages, reception.messages_per_minute, *now, *now);
    message != Received::Processed
}

/// Opens a conversation with its first message.
fn open_conversation(
    decision: &mut Decision<'_>,
    message: &InboundRef,
    from: Option<SessionFrom>,
    planned: &PlannedRoute,
) {
    let opened = Conversation::new(&decision.thread, message, Stage::Unassigned, decision.now);
    decision.visitor.open_cid = Some(opened.cid.clone());
    decision.after = Some(opened);
    let verification = from.as_ref().and(decision.visitor.verification);
    let signature_version = from.as_ref().and(decision.visitor.signature_version);
    decision.event(ConversationEvent::Created {
        session_from_warnings: from.map(|from| from.warnings).unwrap_or_default(),
        verification,
        signature_version,
        routing_warnings: planned.warnings.clone(),
    });
    greet(decision);
}

fn reception_input<'a>(
    text: Option<&'a str>,
    handler: Option<Handler>,
    planned: &PlannedRoute,
    reception: &'a Reception,
    binding: Option<&Binding>,
) -> ReceptionInput<'a> {
    let prompts = &reception.prompts;
    // Nothing can be said for a mini program that is no longer bound.
    let without_target =
        binding.map_or(WithoutTarget::Unassigned, |binding| WithoutTarget::of(prompts, binding.auto_reply.as_deref()));
    ReceptionInput {
        incoming: text.map_or(Incoming::Other, Incoming::Text),
        handler,
        mode: reception.mode,
        has_robot: planned.robot_id.is_some(),
        has_target: !planned.plan.levels.is_empty(),
        without_target,
        keywords: &reception.handover.keywords,
    }
}

fn handler(open: &Conversation) -> Handler {
    match &open.stage {
        Stage::Unassigned if open.answered_at.is_some() => Handler::Person,
        Stage::Unassigned | Stage::Closed { .. } => Handler::Unassigned,
        Stage::Robot(_) => Handler::Robot,
        Stage::Queued(_) => Handler::Queue,
        Stage::Assigned(_) => Handler::Agent,
        Stage::LeftMessage(_) => Handler::LeftMessage,
    }
}
