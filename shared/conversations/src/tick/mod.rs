//! The minute tick: silent agents, conversations that are due, and queues.
//!
//! One item that fails does not stop the others. It is counted in the report and postponed with a growing delay, so that failing
//! items do not use up every tick. A list that cannot be read is the tick's error, returned after everything else was tried.

mod due_conversation;
mod unstaffed;

use std::sync::Arc;

use store::{Conversation, DUE_SHARDS, DueChecks, Duty, Queue, Result};

use crate::{
    Conversations, agent_timeout::AgentTimeout, assignment::Assigner, cycle::DecisionCycle, handles::Handles,
    queue_drain::QueueDrain, routing::Router,
};

/// How many items of one partition a tick processes.
const ITEMS_MAX: i32 = 100;

/// What a tick has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct TickReport {
    /// Conversations that were assigned from queues.
    pub assigned: u32,
    /// Conversations that were due.
    pub looked_at: u32,
    /// Silent agents whose conversations were reassigned.
    pub gone: u32,
    /// Items that failed and are processed again by a later tick.
    pub failed: u32,
}

/// Processes what is due. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tick {
    store: Arc<Handles>,
    due_checks: DueChecks,
    cycle: DecisionCycle,
    router: Router,
    assigner: Assigner,
    drain: QueueDrain,
    agent_timeout: AgentTimeout,
}

impl Tick {
    /// The tick of these conversations.
    pub fn new(conversations: &Conversations, due_checks: DueChecks) -> Self {
        let Conversations { store, cycle, router, assigner, drain, .. } = conversations.clone();
        let agent_timeout = AgentTimeout::new(&cycle, &router, &assigner);
        Self { store, due_checks, cycle, router, assigner, drain, agent_timeout }
    }

    /// Processes everything that is due. Items that fail are counted and postponed; a list that cannot be read is an error,
    /// returned after everything else was tried.
    #[tracing::instrument(name = "tick", skip_all)]
    pub async fn run(&self) -> Result<TickReport> {
        let mut report = TickReport::default();
        let mut listed = self.check_agents(&mut report).await;
        for shard in 0..DUE_SHARDS {
            listed = listed.and(self.check_conversations(shard, &mut report).await);
        }
        listed = listed.and(self.check_queues(&mut report).await);
        listed.map(|()| report)
    }

    async fn check_agents(&self, report: &mut TickReport) -> Result<()> {
        for duty in self.due_checks.agents_to_check(ITEMS_MAX).await? {
            self.check_agent(&duty, report).await;
        }
        Ok(())
    }

    #[tracing::instrument(skip_all, fields(agent_id = duty.agent_id))]
    async fn check_agent(&self, duty: &Duty, report: &mut TickReport) {
        match Box::pin(self.reassign_if_silent(duty)).await {
            Ok(true) => report.gone += 1,
            Ok(false) => {}
            Err(error) => {
                tracing::error!(%error, "the agent was not checked");
                report.failed += 1;
                log_postponement(self.due_checks.postpone_agent_check(&duty.agent_id).await);
            }
        }
    }

    /// Reassigns the conversations of an agent who is silent for longer than the grace. `true` if they are.
    async fn reassign_if_silent(&self, duty: &Duty) -> Result<bool> {
        let gone = duty.times_out_at() <= self.store.clock.now();
        if gone {
            self.agent_timeout.reassign_all(duty).await?;
        }
        self.due_checks.reschedule_agent_check(duty, gone).await?;
        Ok(gone)
    }

    async fn check_conversations(&self, shard: u8, report: &mut TickReport) -> Result<()> {
        for conversation in self.due_checks.due_conversations(shard, ITEMS_MAX).await? {
            report.looked_at += 1;
            if !self.process_due(&conversation).await {
                report.failed += 1;
            }
        }
        Ok(())
    }

    /// Processes a conversation that is due. `false` when it failed and was postponed.
    #[tracing::instrument(skip_all, fields(
        app_id = conversation.app_id,
        cid = conversation.cid,
        uid = conversation.thread().uid(),
    ))]
    async fn process_due(&self, conversation: &Conversation) -> bool {
        let process = self.cycle.retry_on_conflict(|attempt| self.try_process_due(&conversation.cid, attempt));
        let Err(error) = Box::pin(process).await else { return true };
        tracing::error!(%error, "a due conversation was not processed");
        log_postponement(self.due_checks.postpone_conversation(&conversation.cid).await);
        false
    }

    async fn check_queues(&self, report: &mut TickReport) -> Result<()> {
        for queue in self.due_checks.queues_to_check(ITEMS_MAX).await? {
            self.check_queue(&queue, report).await;
        }
        Ok(())
    }

    #[tracing::instrument(skip_all, fields(queue = queue.name()))]
    async fn check_queue(&self, queue: &Queue, report: &mut TickReport) {
        if let Err(error) = self.drain_queue(queue, report).await {
            tracing::error!(%error, "a queue was not drained");
            report.failed += 1;
        }
        // A queue that failed is due again like any other, after those that were due before.
        if let Err(error) = self.reschedule_queue_check(queue).await {
            tracing::error!(%error, "the next check of a queue was not scheduled");
            report.failed += 1;
        }
    }

    async fn drain_queue(&self, queue: &Queue, report: &mut TickReport) -> Result<()> {
        report.assigned += self.drain.drain(std::slice::from_ref(queue)).await?;
        Box::pin(self.reroute_unstaffed(queue)).await
    }

    async fn reschedule_queue_check(&self, queue: &Queue) -> Result<()> {
        let empty = self.store.queues.waiting(queue, 1).await?.is_empty();
        self.due_checks.reschedule_queue_check(queue, empty).await
    }
}

/// An item that could not be postponed is due again at the next tick.
fn log_postponement(result: Result<()>) {
    if let Err(error) = result {
        tracing::error!(%error, "a failed item was not postponed");
    }
}
