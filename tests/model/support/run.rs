//! One run of an operation: counts its requests, and stops, pauses or fails it at one of them.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use tokio::sync::Notify;

use super::random::Random;

/// A fault of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The write is done and its answer lost; the SDK's second attempt is answered.
    LostAnswer,
    /// The write is done; the answers of both attempts are lost.
    LostAnswers,
    /// The request is throttled; the SDK's second attempt is done.
    Throttled,
    /// Both attempts of the request are throttled.
    ThrottledThroughout,
    /// The transaction is cancelled by throttling; the second attempt is done.
    TransactionThrottled,
    /// An earlier attempt of the transaction seems to be running; the SDK's second attempt is done.
    TransactionInProgress,
    /// The environment was frozen and its connection is closed: the request is not done; the SDK's second attempt is.
    Frozen,
    /// The write conflicts with another transaction. Those of concurrent operations conflict without a fault, too.
    Contended,
    /// Every write of the operation conflicts with another transaction.
    AlwaysContended,
}

/// The faults of an operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// The number of requests after which the function is stopped.
    pub(crate) stopped_after: Option<u32>,
    /// The fault, and the number of the request from which on the first possible one meets it.
    pub(crate) fault: Option<(u32, Fault)>,
    /// The number of requests after which the operation pauses until another is done.
    pub(crate) pauses_after: Option<u32>,
    /// Whether eventually consistent reads return agents as they were before their last write.
    pub(crate) stale_reads: bool,
}

impl Faults {
    /// No faults.
    pub(crate) const NONE: Self = Self { stopped_after: None, fault: None, pauses_after: None, stale_reads: false };

    pub(crate) fn of(random: &mut Random, stopped: u32, faulty: u32) -> Self {
        let stopped_after = random.percent(stopped).then(|| random.below(14));
        let fault = random.percent(faulty).then(|| {
            let fault = random.weighted(&[
                (4, Fault::LostAnswer),
                (2, Fault::LostAnswers),
                (2, Fault::Throttled),
                (2, Fault::ThrottledThroughout),
                (2, Fault::TransactionThrottled),
                (1, Fault::TransactionInProgress),
                (2, Fault::Frozen),
                (4, Fault::Contended),
            ]);
            (random.below(10), fault)
        });
        Self { stopped_after, fault, pauses_after: None, stale_reads: random.percent(10) }
    }
}

tokio::task_local! {
    static RUN: Arc<Run>;
}

/// The run of the operation that is being polled.
pub(crate) fn current() -> Option<Arc<Run>> {
    RUN.try_with(Arc::clone).ok()
}

/// Runs an operation; `None` if it was stopped.
pub(crate) async fn live<T>(run: Arc<Run>, operation: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = RUN.scope(Arc::clone(&run), operation) => Some(done),
        () = run.ended.notified() => None,
    }
}

/// The progress of an operation.
#[derive(Debug)]
pub(crate) struct Run {
    faults: Faults,
    requests: AtomicU32,
    transactions: AtomicU32,
    /// How many requests met the fault.
    met: AtomicU32,
    /// Whether a planned conflict was at an agent.
    agent_taken: AtomicBool,
    /// Whether a read returned an earlier state.
    read_stale: AtomicBool,
    ended: Notify,
    paused: Notify,
    resumed: Notify,
}

impl Run {
    pub(crate) fn new(faults: Faults) -> Arc<Self> {
        let none = || AtomicU32::new(0);
        Arc::new(Self {
            faults,
            requests: none(),
            transactions: none(),
            met: none(),
            agent_taken: AtomicBool::new(false),
            read_stale: AtomicBool::new(false),
            ended: Notify::new(),
            paused: Notify::new(),
            resumed: Notify::new(),
        })
    }

    /// Called before each request: returns its fault, waits while the operation is paused, and never returns once it is
    /// stopped.
    pub(crate) async fn request(&self, operation: &str) -> Option<Fault> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        if self.faults.stopped_after.is_some_and(|last| number >= last) {
            self.ended.notify_one();
            pending::<()>().await;
        }
        if self.faults.pauses_after == Some(number) {
            self.paused.notify_one();
            self.resumed.notified().await;
        }
        let (_, fault) = self.faults.fault.filter(|(from, _)| number >= *from)?;
        // Lost answers and conflicts of reads have no effect to test.
        let times = match fault {
            Fault::LostAnswers | Fault::ThrottledThroughout => 2,
            Fault::AlwaysContended => u32::MAX,
            _ => 1,
        };
        let meets = match fault {
            Fault::Throttled | Fault::ThrottledThroughout | Fault::Frozen => true,
            Fault::TransactionThrottled | Fault::TransactionInProgress => operation == "TransactWriteItems",
            Fault::LostAnswer | Fault::LostAnswers | Fault::Contended | Fault::AlwaysContended => {
                !["GetItem", "BatchGetItem", "Query", "Scan"].contains(&operation)
            }
        };
        (meets && self.met.fetch_add(1, Ordering::Relaxed) < times).then_some(fault)
    }

    /// Runs something else while this operation is paused, or after it if it completes without a pause.
    pub(crate) async fn meanwhile<T>(&self, something: impl Future<Output = T>) -> T {
        self.paused.notified().await;
        let done = something.await;
        self.resumed.notify_one();
        done
    }

    /// Counts a transaction that was done.
    pub(crate) fn transacted(&self) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
    }

    /// The numbers of requests and of transactions that were done.
    pub(crate) fn effort(&self) -> (u32, u32) {
        (self.requests.load(Ordering::Relaxed), self.transactions.load(Ordering::Relaxed))
    }

    /// Records the partition key of the item at which a planned conflict is.
    pub(crate) fn conflicted_at(&self, pk: &str) {
        self.agent_taken.fetch_or(pk.starts_with("agent#"), Ordering::Relaxed);
    }

    /// Whether a planned conflict was at an agent. The next attempt then chooses among several agents.
    pub(crate) fn agent_was_taken(&self) -> bool {
        self.agent_taken.load(Ordering::Relaxed)
    }

    /// Whether eventually consistent reads return earlier states.
    pub(crate) fn reads_stale(&self) -> bool {
        self.faults.stale_reads
    }

    /// Records that a read returned an earlier state.
    pub(crate) fn returned_stale(&self) {
        self.read_stale.store(true, Ordering::Relaxed);
    }

    /// Whether a read returned an earlier state.
    pub(crate) fn has_read_stale(&self) -> bool {
        self.read_stale.load(Ordering::Relaxed)
    }

    /// Marks the operation as complete.
    pub(crate) fn is_over(&self) {
        self.paused.notify_one();
    }

    /// The fault that the operation met, if it met one.
    pub(crate) fn fault(&self) -> Option<Fault> {
        (self.met.load(Ordering::Relaxed) > 0).then(|| self.faults.fault.map(|(_, fault)| fault)).flatten()
    }
}
