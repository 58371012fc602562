//! The minute tick: messages and sends that were left behind, conversations that are due, silent agents, and queues. A timer is the
//! same for one item, within seconds of the time at which it is due.
//!
//! Each kind is worked on beside the others, so that a backlog of one does not delay another. One item that fails does not
//! stop the others either: it is counted in the report and postponed with a growing delay, so that failing items do not use up
//! every tick.

mod due_conversation;
mod left_behind;
mod unstaffed;

use std::sync::{Arc, Mutex, PoisonError};

use channel::Channel;
use futures_util::{StreamExt, future::join_all, stream};
use jiff::Timestamp;
use store::{Conversation, DueChecks, DueItem, DueKey, DueKind, Duty, InboundRef, Message, Queue, Result, Timer};
use tracing::{Instrument, Span};

use crate::{
    Conversations, agent_timeout::AgentTimeout, assignment::Assigner, cycle::DecisionCycle, erasure::Eraser,
    handles::Handles, queue_drain::QueueDrain, reception::Receiver, routing::Router,
};

/// How many items of one kind are processed at a time.
const CONCURRENT_ITEMS: usize = 16;

/// What a tick has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct TickReport {
    /// Messages that no function had processed.
    pub taken_up: u32,
    /// Sends that were taken over.
    pub taken_over: u32,
    /// Conversations that were assigned from queues.
    pub assigned: u32,
    /// Conversations that were due.
    pub looked_at: u32,
    /// Silent agents whose conversations were reassigned.
    pub gone: u32,
    /// Items that failed and are processed again by a later tick.
    pub failed: u32,
}

impl std::ops::AddAssign for TickReport {
    fn add_assign(&mut self, other: Self) {
        self.taken_up += other.taken_up;
        self.taken_over += other.taken_over;
        self.assigned += other.assigned;
        self.looked_at += other.looked_at;
        self.gone += other.gone;
        self.failed += other.failed;
    }
}

/// Processes what is due. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tick {
    store: Arc<Handles>,
    due_checks: DueChecks,
    channel: Channel,
    cycle: DecisionCycle,
    router: Router,
    assigner: Assigner,
    drain: QueueDrain,
    receiver: Receiver,
    agent_timeout: AgentTimeout,
    eraser: Eraser,
}

impl Tick {
    /// The tick of these conversations.
    pub fn new(conversations: &Conversations, due_checks: DueChecks) -> Self {
        let eraser = Eraser::new(conversations, due_checks.erasures());
        let Conversations { store, channel, cycle, router, assigner, drain, receiver, .. } = conversations.clone();
        let agent_timeout = AgentTimeout::new(&cycle, &router, &assigner);
        Self { store, due_checks, channel, cycle, router, assigner, drain, receiver, agent_timeout, eraser }
    }

    /// Processes items that are due. Begins none after `until`; what is left stays due.
    #[tracing::instrument(name = "tick", skip_all)]
    pub async fn process(&self, due: Vec<DueKey>, until: Timestamp) -> TickReport {
        let report = Mutex::new(TickReport::default());
        let lanes = DueKind::ALL.map(|kind| self.lane(by_partition(&due, kind), until, &report));
        join_all(lanes).await;
        report.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Processes the items of timers, as far as they are due; otherwise like [`Tick::process`].
    #[tracing::instrument(skip_all)]
    pub async fn fire(&self, timers: Vec<Timer>, until: Timestamp) -> TickReport {
        let due = stream::iter(timers).filter_map(|timer| async move {
            let begins = match timer.key().kind() {
                // A queue is always due. Its timer says that a drain has left something to do, and is for one check.
                DueKind::Queue => self.due_checks.begin_check(&timer).await,
                _ => Ok(true),
            };
            let begins = begins.unwrap_or_else(|error| {
                tracing::error!(%error, "the check of a queue begins, perhaps for the second time");
                true
            });
            begins.then(|| timer.key().clone())
        });
        let mut due: Vec<DueKey> = due.collect().await;
        // A queue delivers in no order; the messages of a visitor have one.
        due.sort();
        self.process(due, until).await
    }

    /// Processes the items of one kind: those of a partition in their order, partitions beside each other.
    async fn lane(&self, partitions: Vec<Vec<&DueKey>>, until: Timestamp, report: &Mutex<TickReport>) {
        let partitions: Vec<_> = partitions.into_iter().map(|keys| self.in_order(keys, until, report)).collect();
        stream::iter(partitions).for_each_concurrent(CONCURRENT_ITEMS, |partition| partition).await;
    }

    async fn in_order(&self, keys: Vec<&DueKey>, until: Timestamp, report: &Mutex<TickReport>) {
        for key in keys {
            if self.store.clock.now() > until {
                return;
            }
            let done = Box::pin(self.process_one(key)).await;
            *report.lock().unwrap_or_else(PoisonError::into_inner) += done;
        }
    }

    async fn process_one(&self, key: &DueKey) -> TickReport {
        let mut report = TickReport::default();
        let item = match self.due_checks.read(key).await {
            Ok(Some(item)) => item,
            Ok(None) => return report,
            Err(error) => {
                tracing::error!(kind = key.kind().name(), %error, "a due item was not read");
                report.failed += 1;
                return report;
            }
        };
        let span = span_of(&item);
        // Boxed: it has the futures of every kind of item.
        Box::pin(self.process_item(key, item, &mut report)).instrument(span).await;
        report
    }

    async fn process_item(&self, key: &DueKey, item: DueItem, report: &mut TickReport) {
        let done = match item {
            DueItem::Message(message) => self.take_up(&message, report).await,
            DueItem::Send(message) => self.take_over(&message, report).await,
            DueItem::Conversation(conversation) => Box::pin(self.check_conversation(*conversation, report)).await,
            DueItem::Agent(duty) => self.check_agent(&duty, report).await,
            DueItem::Queue(queue) => return self.check_queue(&queue, report).await,
            DueItem::Erasure(erasure) => Box::pin(self.eraser.go_on(&erasure, Eraser::TICK_PAGES)).await.map(drop),
        };
        let Err(error) = done else { return };
        tracing::error!(kind = key.kind().name(), %error, "a due item was not processed");
        report.failed += 1;
        if let Err(error) = self.due_checks.postpone(key).await {
            // It is due again at the next tick.
            tracing::error!(%error, "a failed item was not postponed");
        }
    }

    async fn check_conversation(&self, conversation: Conversation, report: &mut TickReport) -> Result<()> {
        report.looked_at += 1;
        self.cycle.decide(conversation, |conversation, attempt| self.try_process_due(conversation, attempt)).await
    }

    /// Reassigns the conversations of an agent who has timed out.
    async fn check_agent(&self, duty: &Duty, report: &mut TickReport) -> Result<()> {
        let gone = duty.times_out_at() <= self.store.clock.now();
        if gone {
            self.agent_timeout.reassign_all(duty).await?;
        }
        self.due_checks.reconcile_assignments(duty).await?;
        self.due_checks.reschedule_agent_check(duty, gone).await?;
        report.gone += u32::from(gone);
        Ok(())
    }

    async fn check_queue(&self, queue: &Queue, report: &mut TickReport) {
        let mut found_empty = None;
        if let Err(error) = self.drain_queue(queue, &mut found_empty, report).await {
            tracing::error!(%error, "a queue was not drained");
            report.failed += 1;
        }
        // A queue that failed is due again like any other, after those that were due before.
        if let Err(error) = self.due_checks.reschedule_queue_check(queue, found_empty).await {
            tracing::error!(%error, "the next check of a queue was not scheduled");
            report.failed += 1;
        }
    }

    /// Assigns what waits in a queue, and routes what is left again if no agent is there. `found_empty` becomes the time at
    /// which the queue was empty, if it was.
    async fn drain_queue(
        &self,
        queue: &Queue,
        found_empty: &mut Option<Timestamp>,
        report: &mut TickReport,
    ) -> Result<()> {
        report.assigned += self.drain.drain_checked(queue).await?;
        let now = self.store.clock.now();
        let waiting = self.due_checks.count_queue(queue).await?;
        *found_empty = waiting.is_empty().then_some(now);
        Box::pin(self.reroute_unstaffed(queue, waiting)).await
    }
}

/// The span in which an item is processed.
fn span_of(item: &DueItem) -> Span {
    match item {
        DueItem::Message(message) => {
            let InboundRef { thread, id, .. } = &**message;
            tracing::info_span!("take_up", app_id = thread.app_id, uid = thread.uid(), id)
        }
        DueItem::Send(message) => {
            let Message { thread, cid, id, .. } = &**message;
            tracing::info_span!("take_over", app_id = thread.app_id, cid, uid = thread.uid(), id)
        }
        DueItem::Conversation(conversation) => {
            let Conversation { app_id, cid, .. } = &**conversation;
            tracing::info_span!("check_conversation", app_id, cid, uid = conversation.thread().uid())
        }
        DueItem::Agent(duty) => tracing::info_span!("check_agent", agent_id = duty.agent_id),
        DueItem::Erasure(erasure) => {
            tracing::info_span!("erase", app_id = erasure.thread.app_id, uid = erasure.thread.uid())
        }
        DueItem::Queue(queue) => tracing::info_span!("check_queue", queue = queue.name()),
    }
}

/// The keys of one kind, those of a partition together and in their order.
fn by_partition(due: &[DueKey], kind: DueKind) -> Vec<Vec<&DueKey>> {
    let mut partitions: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    let mut keys: Vec<Vec<&DueKey>> = Vec::new();
    for key in due.iter().filter(|key| key.kind() == kind) {
        let place = *partitions.entry(key.partition()).or_insert(keys.len());
        match keys.get_mut(place) {
            Some(partition) => partition.push(key),
            None => keys.push(vec![key]),
        }
    }
    keys
}
