//! Assigns the conversations that wait in queues to the agents who are free for them.
//!
//! When an office opens, many functions drain the same queue at once. Each reads the heads of its queues and the free
//! agents and matches them by the same pure rule ([`matching`]): the first in the queue with the best agent, the next with
//! the next. It then assigns the matches of the agent that it drains for and reads again. Because the rule is the same
//! everywhere, twenty drains at once assign twenty different conversations, in the order of the queue. Matches of other
//! agents are left to their drains while those make progress, and assigned by any drain that sees no progress.
//!
//! A drain that ends for want of time, at its limit, or because others were always faster asks for the check of the queues in
//! which conversations still wait for free agents ([`DueNow`](store::DueNow)): another function goes on at once. It also asks for
//! the messages to be sent that it has no time for.

mod matching;
mod snapshot;

use std::{slice, sync::Arc};

use channel::{Channel, RetryPolicy};
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use store::{Assign, CommitOutcome, Conversation, Entry, Queue, Result, Stage};

use self::{
    matching::{FactsByQueue, Match, has_free_agent},
    snapshot::{NextStep, Snapshot, UnsentMessage},
};
use crate::{
    assignment::Assigner,
    decision::Decision,
    events::AssignmentOrigin,
    handles::Handles,
    reception_settings::reception,
    routing::{Router, target_of},
};

/// How often a drain reads without assigning a conversation before it ends.
const MISSES_MAX: u32 = 30;

/// How many messages are sent concurrently.
const CONCURRENT_SENDS: usize = 8;

/// How much a drain does at most. It asks for what is left.
struct DrainLimits {
    assignments: u32,
    time: SignedDuration,
    /// Whether it asks although it has assigned nothing. The check that is asked for must not, or a queue whose entries cannot be
    /// assigned would be checked again and again.
    asks_without_progress: bool,
}

/// By the check of a queue.
const BY_CHECK: DrainLimits =
    DrainLimits { assignments: 500, time: SignedDuration::from_secs(45), asks_without_progress: false };

/// Limits of a drain after a decision: as many assignments as one agent can have. The time is short, because the caller of a
/// request waits for its answer.
const AFTER_DECISION: DrainLimits =
    DrainLimits { assignments: 100, time: SignedDuration::from_secs(5), asks_without_progress: true };

/// How far a drain has come.
#[derive(Default)]
struct Progress {
    assigned: u32,
    /// Whether nothing was left for it.
    is_complete: bool,
}

/// Drains queues.
#[derive(Debug, Clone)]
pub(crate) struct QueueDrain {
    store: Arc<Handles>,
    channel: Channel,
    router: Router,
    assigner: Assigner,
}

impl QueueDrain {
    pub(crate) fn new(store: Arc<Handles>, channel: Channel, router: Router, assigner: Assigner) -> Self {
        Self { store, channel, router, assigner }
    }

    /// Assigns the conversations of a queue that is checked, the longest waiting first, as long as an agent is free for them.
    /// Returns how many.
    pub(crate) async fn drain_checked(&self, queue: &Queue) -> Result<u32> {
        self.run(slice::from_ref(queue), None, &BY_CHECK).await
    }

    /// The same for these queues, within the time of a request.
    pub(crate) async fn drain(&self, queues: &[Queue]) -> Result<u32> {
        self.run(queues, None, &AFTER_DECISION).await
    }

    /// Assigns the conversations of a queue that a conversation has just joined. If none of its agents is free, it ends with
    /// the read of the agents: an agent who becomes free after it drains the queue, and finds the conversation there.
    pub(crate) async fn drain_joined(&self, queue: &Queue) -> Result<u32> {
        match target_of(queue) {
            Some(target) if has_free_agent(&self.router.staff(&target).await?.facts) => {
                self.run(slice::from_ref(queue), None, &AFTER_DECISION).await
            }
            _ => Ok(0),
        }
    }

    /// Assigns what an agent who has become free can take, in the order of all their queues. Returns how many.
    pub(crate) async fn drain_for(&self, agent: &str) -> Result<u32> {
        let mut queues = vec![Queue::Agent(agent.to_owned())];
        queues.extend(self.store.staff.groups_of(agent).await?.into_iter().map(Queue::Group));
        self.run(&queues, Some(agent), &AFTER_DECISION).await
    }

    async fn run(&self, queues: &[Queue], agent: Option<&str>, limits: &DrainLimits) -> Result<u32> {
        let until = self.store.clock.now().checked_add(limits.time).unwrap_or(Timestamp::MAX);
        let until = self.channel.last_send_begins().map_or(until, |last| last.min(until));
        let mut snapshot = Snapshot::new(queues);
        let mut progress = Progress::default();
        let drained = self.assign_matches(&mut snapshot, &mut progress, agent, limits.assignments, until).await;
        if !progress.is_complete && (progress.assigned > 0 || limits.asks_without_progress) {
            self.ask_for_rest(&snapshot).await;
        }
        // One send takes as long as ten assignments, so they come last.
        let sends = stream::iter(snapshot.sends);
        sends.for_each_concurrent(CONCURRENT_SENDS, |message| self.send(message, until)).await;
        drained.map(|()| progress.assigned)
    }

    async fn ask_for_rest(&self, snapshot: &Snapshot) {
        for queue in snapshot.unfinished() {
            match self.store.due_now.check_queue(queue).await {
                Ok(()) => tracing::info!(queue = queue.name(), "another function goes on with the queue"),
                Err(error) => tracing::error!(queue = queue.name(), %error, "the rest of a queue is left to the tick"),
            }
        }
    }

    #[tracing::instrument(skip_all, fields(
        app_id = message.thread.app_id,
        cid = message.cid,
        uid = message.thread.uid(),
        id = message.id,
    ))]
    async fn send(&self, message: UnsentMessage, until: Timestamp) {
        let UnsentMessage { thread, id, .. } = &message;
        let sent = if self.store.clock.now() < until {
            self.channel.deliver(thread, id, RetryPolicy::Retry).await.map(drop)
        } else {
            self.store.due_now.send(thread, id).await
        };
        if let Err(error) = sent {
            tracing::error!(%error, "the connected message was not sent");
        }
    }

    async fn assign_matches(
        &self,
        snapshot: &mut Snapshot,
        progress: &mut Progress,
        agent: Option<&str>,
        at_most: u32,
        until: Timestamp,
    ) -> Result<()> {
        let (mut misses, mut is_current) = (0, false);
        // The facts of the read before, and the match that is the first now unless another drain assigned it.
        let (mut earlier, mut expected) = (FactsByQueue::default(), None);
        while progress.assigned < at_most && misses < MISSES_MAX && self.store.clock.now() < until {
            if !is_current {
                earlier = snapshot.read(&self.store, &self.router).await?;
            }
            match snapshot.next_step(agent, &earlier, &mut expected, self.store.clock.now()) {
                NextStep::End => {
                    progress.is_complete = true;
                    break;
                }
                NextStep::ReadAgain => {
                    misses += 1;
                    is_current = false;
                }
                NextStep::Assign(found) => {
                    if self.assign(&found, snapshot).await? {
                        progress.assigned += 1;
                        expected = snapshot.first_match(self.store.clock.now());
                        // A drain for one agent reads again, to leave room for others that started meanwhile.
                        is_current = agent.is_none() || expected.is_none();
                    } else {
                        misses += 1;
                        expected = Some(*found);
                        is_current = false;
                    }
                    // The heads are assigned; conversations behind them may have free agents.
                    is_current &= expected.is_some() || !snapshot.may_have_more();
                }
            }
        }
        Ok(())
    }

    /// Writes one match. `false` when another writer was faster.
    async fn assign(&self, found: &Match, snapshot: &mut Snapshot) -> Result<bool> {
        let Match { queue, entry, agent } = found;
        let now = self.store.clock.now();
        let conversation = self.store.conversations.conversation(&entry.cid).await?;
        let Some(conversation) = conversation.filter(|conversation| waits_at(conversation, queue, entry)) else {
            return Ok(false);
        };
        let thread = conversation.thread();
        let visitor = self.store.threads.visitor(&thread).await?;
        let reception = reception(self.store.cache.binding(&thread.app_id).await?.as_deref())?;
        let waited_seconds = conversation.waiting().map_or(0, |waiting| now.duration_since(waiting.since).as_secs());
        let mut decision = Decision::new(thread.clone(), reception, visitor, Some(conversation), now);
        decision.assign = Assign::Auto { at_most: Some(agent.load) };
        let group = match queue {
            Queue::Group(id) => Some(id.clone()),
            _ => None,
        };
        let origin = AssignmentOrigin::Queue { waited_seconds };
        self.assigner.assign(&mut decision, &agent.id, group, true, origin).await?;
        let CommitOutcome::Written(_) = decision.commit(&self.store.decisions).await? else {
            return Ok(false);
        };
        let unsent = |id: &str| UnsentMessage { thread: thread.clone(), cid: entry.cid.clone(), id: id.to_owned() };
        snapshot.sends.extend(decision.sends().map(unsent));
        snapshot.assigned(found, now);
        Ok(true)
    }
}

/// Whether a conversation still waits where a queue's entry says.
pub(crate) fn waits_at(conversation: &Conversation, queue: &Queue, entry: &Entry) -> bool {
    match &conversation.stage {
        Stage::Queued(waiting) => waiting.place == entry.place && waiting.queue == queue.name(),
        _ => false,
    }
}
