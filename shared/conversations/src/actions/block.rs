//! Block: nothing follows from what a visitor writes, until a time or until a person ends it.

use desk::limits::Block;
use jiff::Timestamp;
use store::{
    Attempt, Attempted, AuditAction, AuditDetail, AuditSubject, AuditSubjectKind, Conversation, NewAudit, Result,
    Thread, Visitor,
};

use super::{Actor, AgentActions};
use crate::{decision::Decision, reception_settings::reception};

/// A block to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBlock {
    /// See [`Block::until`].
    pub until: Option<Timestamp>,
    /// See [`Block::reason`].
    pub reason: String,
}

impl AgentActions {
    /// Blocks a visitor, or ends their block. An agent's conversation stays with the agent; any other open one is closed, with
    /// its place in a queue, its robot and what was left as a message. Returns the visitor as they are then; `None` where an
    /// agent no longer has the visitor's conversation, or the visitor is being erased.
    #[tracing::instrument(skip_all, fields(app_id = thread.app_id, uid = thread.uid(), agent_id = by.agent_id()))]
    pub async fn block(&self, thread: &Thread, block: Option<&NewBlock>, by: Actor<'_>) -> Result<Option<Visitor>> {
        self.cycle.retry_on_conflict(|attempt| self.try_block(thread, block, by, attempt)).await
    }

    async fn try_block(
        &self,
        thread: &Thread,
        block: Option<&NewBlock>,
        by: Actor<'_>,
        attempt: Attempt,
    ) -> Result<Attempted<Option<Visitor>>> {
        let (visitor, binding) =
            tokio::try_join!(self.store.threads.visitor(thread), self.store.cache.binding(&thread.app_id))?;
        let open = match &visitor.open_cid {
            Some(cid) => self.store.conversations.conversation(cid).await?.filter(Conversation::is_open),
            None => None,
        };
        let assignee = open.as_ref().and_then(Conversation::assignee);
        let is_others = matches!(by, Actor::Agent(agent) if assignee != Some(agent));
        if is_others || visitor.erasing_since.is_some() {
            return Ok(Attempted::Done(None));
        }
        let now = self.store.clock.now();
        if block.is_none() && visitor.block(now).is_none() {
            return Ok(Attempted::Done(Some(visitor)));
        }
        let ends = open.filter(|open| block.is_some() && open.assignee().is_none());
        let since = visitor.block(now).map_or(now, |block| block.since);
        let decision = Decision::new(thread.clone(), reception(binding.as_deref())?, visitor, ends, now);
        let mut decision = decision.with_lost_races(attempt.lost_races);
        decision.visitor.blocked =
            block.map(|NewBlock { until, reason }| Block { since, until: *until, reason: reason.clone() });
        if decision.after.is_some() {
            decision.close(by.closed_by(), by.agent_id(), None);
        }
        decision.audit = self.audit_of_block(thread, block.is_some());
        let written = decision.written_visitor();
        Ok(match self.cycle.write(&mut decision).await? {
            Attempted::Done(_) => Attempted::Done(Some(written)),
            Attempted::Conflict => Attempted::Conflict,
            Attempted::AgentTaken => Attempted::AgentTaken,
        })
    }

    fn audit_of_block(&self, thread: &Thread, is_blocked: bool) -> Option<Box<NewAudit>> {
        let actor = self.actor.clone()?;
        let action = if is_blocked { AuditAction::VisitorBlocked } else { AuditAction::VisitorUnblocked };
        let subject = AuditSubject::new(AuditSubjectKind::Visitor, thread.uid());
        let (app_id, detail) = (Some(thread.app_id.clone()), AuditDetail::default());
        Some(Box::new(NewAudit { actor, action, subject, app_id, detail }))
    }
}
