//! What every change of a conversation has in common: read, decide, write, send, follow up.

use std::sync::Arc;

use channel::{Channel, RetryPolicy};
use store::{Attempt, Attempted, CommitOutcome, Conversation, Queue, Result};

use crate::handles::Handles;
use crate::{decision::Decision, queue_drain::QueueDrain, reception_settings::reception};

/// How often a decision is made before it fails with `Exhausted`.
const ATTEMPTS: u32 = 12;

/// What has to happen after a decision is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FollowUp {
    /// The queue that the conversation joined: an agent may have become free meanwhile.
    pub(crate) queue: Option<Queue>,
    /// The agent who lost the conversation and can take another one.
    pub(crate) freed_agent: Option<String>,
}

impl FollowUp {
    /// Nothing.
    pub(crate) const NONE: Self = Self { queue: None, freed_agent: None };

    /// Drains the queue that the conversation joined, if it joined one.
    pub(crate) fn queue(queue: Option<Queue>) -> Self {
        Self { queue, ..Self::NONE }
    }

    /// Drains the queues of the agent who lost the conversation, if one did.
    pub(crate) fn freed_agent(freed_agent: Option<String>) -> Self {
        Self { freed_agent, ..Self::NONE }
    }
}

/// Reads, writes and follows up. The decision between reading and writing is the caller's.
#[derive(Debug, Clone)]
pub(crate) struct DecisionCycle {
    store: Arc<Handles>,
    channel: Channel,
    drain: QueueDrain,
}

impl DecisionCycle {
    pub(crate) fn new(store: Arc<Handles>, channel: Channel, drain: QueueDrain) -> Self {
        Self { store, channel, drain }
    }

    /// Makes a decision again, with a pause before each new attempt, until no other writer interferes.
    pub(crate) async fn retry_on_conflict<T, F>(&self, mut attempt: impl FnMut(Attempt) -> F) -> Result<T>
    where
        F: Future<Output = Result<Attempted<T>>>,
    {
        // Boxed, because an attempt is a large future.
        self.store.backoff.retry_on_conflict(ATTEMPTS, |next| Box::pin(attempt(next))).await
    }

    /// Reads what a decision about this conversation needs.
    pub(crate) async fn read(&self, conversation: Conversation, attempt: Attempt) -> Result<Decision<'static>> {
        let thread = conversation.thread();
        let (visitor, binding) =
            tokio::try_join!(self.store.threads.visitor(&thread), self.store.bindings.binding(&thread.app_id))?;
        let now = self.store.clock.now();
        let decision = Decision::new(thread, reception(binding.as_ref())?, visitor, Some(conversation), now);
        Ok(decision.with_lost_races(attempt.lost_races))
    }

    /// Writes a decision and sends its messages. Done with the conversation as written.
    pub(crate) async fn write(&self, decision: &mut Decision<'_>) -> Result<Attempted<Option<Conversation>>> {
        match decision.commit(&self.store.decisions).await? {
            CommitOutcome::Written(after) => {
                self.send(decision).await?;
                Ok(Attempted::Done(after))
            }
            CommitOutcome::AgentUnavailable => Ok(Attempted::AgentTaken),
            CommitOutcome::AlreadyProcessed | CommitOutcome::Conflict | CommitOutcome::DuplicateRequest => {
                Ok(Attempted::Conflict)
            }
        }
    }

    /// Writes a decision, sends its messages and follows up.
    pub(crate) async fn complete(&self, decision: &mut Decision<'_>, follow_up: FollowUp) -> Result<Attempted<()>> {
        Ok(match self.write(decision).await? {
            Attempted::Done(_) => {
                self.follow_up(follow_up).await?;
                Attempted::Done(())
            }
            Attempted::Conflict => Attempted::Conflict,
            Attempted::AgentTaken => Attempted::AgentTaken,
        })
    }

    /// Sends the messages of a decision that is written.
    pub(crate) async fn send(&self, decision: &Decision<'_>) -> Result<()> {
        for id in decision.sends() {
            self.channel.deliver(&decision.thread, id, RetryPolicy::Retry).await?;
        }
        Ok(())
    }

    /// Assigns the conversations that wait where the written decision made this possible.
    pub(crate) async fn follow_up(&self, follow_up: FollowUp) -> Result<()> {
        if let Some(queue) = follow_up.queue {
            self.drain.drain(&[queue]).await?;
        }
        if let Some(agent) = follow_up.freed_agent {
            self.drain.drain_for(&agent).await?;
        }
        Ok(())
    }

    /// The same within the time of a request. The request's own change is written, so a failure is logged and left to
    /// the next tick.
    pub(crate) async fn follow_up_in_request(&self, follow_up: FollowUp) {
        let drained = async {
            if let Some(queue) = follow_up.queue {
                self.drain.begin_drain(&[queue]).await?;
            }
            match follow_up.freed_agent {
                Some(agent) => self.drain.drain_for(&agent).await,
                None => Ok(0),
            }
        };
        if let Err(error) = drained.await {
            tracing::error!(%error, "waiting conversations were not assigned");
        }
    }
}
