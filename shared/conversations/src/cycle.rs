//! What every change of a conversation has in common: read, decide, write, send, follow up.

use std::sync::Arc;

use channel::{Channel, RetryPolicy};
use jiff::Timestamp;
use store::{Attempt, Attempted, CommitOutcome, Conversation, Queue, Result, Thread, Visitor};

use crate::handles::Handles;
use crate::{decision::Decision, queue_drain::QueueDrain, reception_settings::reception};

/// How often a decision is made before it fails with `Exhausted`. The pauses take about 3 s in all.
const ATTEMPTS: u32 = 40;

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
    /// From when on messages are left to another function; `None` without a limit.
    sends_until: Option<Timestamp>,
}

impl DecisionCycle {
    pub(crate) fn new(
        store: Arc<Handles>,
        channel: Channel,
        drain: QueueDrain,
        sends_until: Option<Timestamp>,
    ) -> Self {
        Self { store, channel, drain, sends_until }
    }

    /// Makes a decision again, with a pause before each new attempt, until no other writer interferes.
    pub(crate) async fn retry_on_conflict<T, F>(&self, mut attempt: impl FnMut(Attempt) -> F) -> Result<T>
    where
        F: Future<Output = Result<Attempted<T>>>,
    {
        // Boxed, because an attempt is a large future.
        self.store.backoff.retry_on_conflict(ATTEMPTS, |next| Box::pin(attempt(next))).await
    }

    /// The same for a conversation that the caller has just read: the first attempt decides on it, each later one on the
    /// conversation as it is then, `None` if it is gone.
    pub(crate) async fn decide<T, F>(
        &self,
        read: Conversation,
        decide: impl Fn(Option<Conversation>, Attempt) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<Attempted<T>>>,
    {
        let (cid, decide) = (&read.cid.clone(), &decide);
        let mut read = Some(read);
        let attempt = |attempt| {
            let read = read.take();
            async move { decide(self.conversation(cid, read).await?, attempt).await }
        };
        self.retry_on_conflict(attempt).await
    }

    /// The conversation as the caller has just read it, or else as it is in the table. The first attempt of a cycle decides
    /// on what was read before it; its transaction fails if the conversation has changed since.
    pub(crate) async fn conversation(&self, cid: &str, read: Option<Conversation>) -> Result<Option<Conversation>> {
        match read {
            Some(read) => Ok(Some(read)),
            None => self.store.conversations.conversation(cid).await,
        }
    }

    /// Reads what a decision about this conversation needs.
    pub(crate) async fn read(&self, conversation: Conversation, attempt: Attempt) -> Result<Decision<'static>> {
        self.read_for(conversation, None, attempt).await
    }

    /// The same with a visitor that the caller has read before, if it has. The transaction fails if the visitor has changed
    /// since, but only where it writes the visitor: see [`Decision::changes_visitor`].
    pub(crate) async fn read_for(
        &self,
        conversation: Conversation,
        visitor: Option<Visitor>,
        attempt: Attempt,
    ) -> Result<Decision<'static>> {
        let thread = conversation.thread();
        let visitor = async {
            match visitor {
                Some(visitor) => Ok(visitor),
                None => self.store.threads.visitor(&thread).await,
            }
        };
        let (visitor, binding) = tokio::try_join!(visitor, self.store.cache.binding(&thread.app_id))?;
        let now = self.store.clock.now();
        let decision = Decision::new(thread, reception(binding.as_deref())?, visitor, Some(conversation), now);
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
            self.deliver(&decision.thread, id).await?;
        }
        Ok(())
    }

    /// Sends a message that is written, or asks another function to send it at once if the time for sends is over.
    pub(crate) async fn deliver(&self, thread: &Thread, id: &str) -> Result<()> {
        if self.sends_until.is_some_and(|until| self.store.clock.now() >= until) {
            return self.store.due_now.send(thread, id).await;
        }
        // Boxed, because every decision may send, and would carry the size of it.
        Box::pin(self.channel.deliver(thread, id, RetryPolicy::Retry)).await.map(drop)
    }

    /// Assigns the conversations that wait where the written decision made this possible.
    pub(crate) async fn follow_up(&self, follow_up: FollowUp) -> Result<()> {
        if let Some(queue) = follow_up.queue {
            // Boxed: most decisions drain nothing, and the drain would weigh on the future of each.
            Box::pin(self.drain.drain_joined(&queue)).await?;
        }
        if let Some(agent) = follow_up.freed_agent {
            Box::pin(self.drain.drain_for(&agent)).await?;
        }
        Ok(())
    }

    /// The same in a request. The request's own change is written, so a failure is logged and left to the next tick.
    pub(crate) async fn follow_up_in_request(&self, follow_up: FollowUp) {
        if let Err(error) = self.follow_up(follow_up).await {
            tracing::error!(%error, "waiting conversations were not assigned");
        }
    }
}
