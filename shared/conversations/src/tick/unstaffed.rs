//! Queues whose agents are all off duty: the waiting conversations are routed again.

use desk::{
    routing::{Facts, Outcome, Target},
    staff::AgentStatus,
};
use store::{Attempt, Attempted, Duty, Entry, Queue, Result};
use tracing::{Span, field};

use super::{Tick, due_conversation::plan_of};
use crate::{
    cycle::FollowUp,
    events::{ConversationEvent, RoutingCause},
    queue_drain::waits_at,
    routing::{RoutingContext, RoutingFacts, Staff, target_of},
};

/// A queue without agents.
struct UnstaffedQueue<'a> {
    queue: &'a Queue,
    target: Target,
    facts: Facts,
}

impl Tick {
    /// Routes the waiting conversations of a queue as if they had just arrived, if all its agents are off duty. An agent
    /// whose heartbeat is late by less than the grace counts as on duty.
    pub(super) async fn reroute_unstaffed(&self, queue: &Queue, waiting: Vec<Entry>) -> Result<()> {
        let now = self.store.clock.now();
        let Some(target) = target_of(queue).filter(|_| !waiting.is_empty()) else {
            return Ok(());
        };
        // The length of 0: a conversation does not lose its place because its own queue is full.
        let Staff { facts, duties } = self.router.staff(&target).await?;
        let is_closed = matches!(facts, Facts::Group { open: false, .. });
        let is_on_duty = |duty: &Duty| duty.times_out_at() > now && duty.status != AgentStatus::Offline;
        if !is_closed && duties.iter().any(is_on_duty) {
            return Ok(());
        }
        let unstaffed = UnstaffedQueue { queue, target, facts };
        let mut first_error = Ok(());
        for entry in waiting {
            first_error = first_error.and(self.reroute_entry(&unstaffed, &entry).await);
        }
        first_error
    }

    #[tracing::instrument(skip_all, fields(app_id = field::Empty, cid = entry.cid, uid = field::Empty))]
    async fn reroute_entry(&self, unstaffed: &UnstaffedQueue<'_>, entry: &Entry) -> Result<()> {
        self.cycle.retry_on_conflict(|attempt| self.try_reroute_entry(unstaffed, entry, attempt)).await
    }

    async fn try_reroute_entry(
        &self,
        unstaffed: &UnstaffedQueue<'_>,
        entry: &Entry,
        attempt: Attempt,
    ) -> Result<Attempted<()>> {
        let UnstaffedQueue { queue, target, facts } = unstaffed;
        let conversation = self.store.conversations.conversation(&entry.cid).await?;
        let Some(conversation) = conversation.filter(|conversation| waits_at(conversation, queue, entry)) else {
            return Ok(Attempted::Done(()));
        };
        Span::current().record("app_id", &conversation.app_id).record("uid", conversation.thread().uid());
        let since = conversation.waiting().map_or(conversation.created_at, |waiting| waiting.since);
        let mut decision = self.cycle.read(conversation, attempt).await?;
        let plan = &plan_of(&decision);
        let mut facts = RoutingFacts::from([(target.clone(), facts.clone())]);
        let routed = self.router.route(plan, &decision.current_routing(), &mut facts).await?;
        if matches!(&routed.outcome, Outcome::Queue { target: same, .. } if same == target) {
            return Ok(Attempted::Done(()));
        }
        let cause = RoutingCause::Unstaffed(queue.name());
        decision.event(ConversationEvent::Overflowed(cause.clone()));
        let context = RoutingContext { plan, facts: &facts, robot_id: None, since, tell_visitor: true, cause };
        let joined = self.assigner.reroute(&mut decision, &routed, context).await?;
        self.cycle.complete(&mut decision, FollowUp::queue(joined)).await
    }
}
