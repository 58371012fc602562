//! One operation's life: how many requests it gets to make, and what happens to one of them on the way.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use tokio::sync::Notify;

use super::random::Random;

/// What happens to a request instead of what should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The database does it; the answer is lost, and the SDK's second try is answered.
    LostAnswer,
    /// The database does it; the answer is lost, and that of the second try too.
    LostAnswers,
    /// The database does not take it for now; the SDK's second try is taken.
    Throttled,
    /// Another transaction is on one of the items. dynoxide never says so, DynamoDB does.
    Contended,
    /// The same for every write of the operation.
    AlwaysContended,
}

/// What is to become of an operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    /// After so many requests the function is stopped.
    pub(crate) killed_after: Option<u32>,
    /// From which request on the first one that can meets with what.
    pub(crate) fault: Option<(u32, Fault)>,
    /// After so many requests the function stands still for as long as another takes.
    pub(crate) pauses_after: Option<u32>,
}

impl Fate {
    /// Nothing happens.
    pub(crate) const NONE: Self = Self { killed_after: None, fault: None, pauses_after: None };

    pub(crate) fn of(random: &mut Random, killed: u32, faulty: u32) -> Self {
        let killed_after = random.percent(killed).then(|| random.below(14));
        let fault = random.percent(faulty).then(|| {
            let fault = random.weighted(&[
                (4, Fault::LostAnswer),
                (2, Fault::LostAnswers),
                (2, Fault::Throttled),
                (4, Fault::Contended),
            ]);
            (random.below(10), fault)
        });
        Self { killed_after, fault, pauses_after: None }
    }
}

tokio::task_local! {
    static LIFE: Arc<Life>;
}

/// The life of the operation that is being polled.
pub(crate) fn current() -> Option<Arc<Life>> {
    LIFE.try_with(Arc::clone).ok()
}

/// Carries an operation out as long as it lives; nothing if it was stopped.
pub(crate) async fn live<T>(life: Arc<Life>, operation: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = LIFE.scope(Arc::clone(&life), operation) => Some(done),
        () = life.ended.notified() => None,
    }
}

/// How far an operation has come.
#[derive(Debug)]
pub(crate) struct Life {
    fate: Fate,
    requests: AtomicU32,
    transactions: AtomicU32,
    /// A fault that met a request, and not merely one that was planned.
    met: AtomicU32,
    ended: Notify,
    paused: Notify,
    resumed: Notify,
}

impl Life {
    pub(crate) fn new(fate: Fate) -> Arc<Self> {
        let none = || AtomicU32::new(0);
        Arc::new(Self {
            fate,
            requests: none(),
            transactions: none(),
            met: none(),
            ended: Notify::new(),
            paused: Notify::new(),
            resumed: Notify::new(),
        })
    }

    /// A request is about to reach the database: what happens to it. It never does after the operation's end.
    pub(crate) async fn request(&self, writes: bool) -> Option<Fault> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        if self.fate.killed_after.is_some_and(|last| number >= last) {
            self.ended.notify_one();
            pending::<()>().await;
        }
        if self.fate.pauses_after == Some(number) {
            self.paused.notify_one();
            self.resumed.notified().await;
        }
        let (_, fault) = self.fate.fault.filter(|(from, _)| number >= *from)?;
        // What happens to reads is nothing new; the second try of a write is a write.
        let times = match fault {
            Fault::LostAnswers => 2,
            Fault::AlwaysContended => u32::MAX,
            _ => 1,
        };
        let meets = writes || fault == Fault::Throttled;
        (meets && self.met.fetch_add(1, Ordering::Relaxed) < times).then_some(fault)
    }

    /// Something that is done while this operation stands still, or when it has come to an end before that.
    pub(crate) async fn meanwhile<T>(&self, something: impl Future<Output = T>) -> T {
        self.paused.notified().await;
        let done = something.await;
        self.resumed.notify_one();
        done
    }

    /// One of its transactions was done.
    pub(crate) fn transacted(&self) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests it has made, and how many transactions were done.
    pub(crate) fn effort(&self) -> (u32, u32) {
        (self.requests.load(Ordering::Relaxed), self.transactions.load(Ordering::Relaxed))
    }

    /// It has come to an end.
    pub(crate) fn is_over(&self) {
        self.paused.notify_one();
    }

    /// The fault that this operation has met with.
    pub(crate) fn fault(&self) -> Option<Fault> {
        (self.met.load(Ordering::Relaxed) > 0).then(|| self.fate.fault.map(|(_, fault)| fault)).flatten()
    }
}
