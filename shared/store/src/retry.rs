//! Pauses between attempts: of a read-decide-write cycle that lost a race, and of a throttled request.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::error::{Result, StoreError};

/// The pauses after the attempts of one kind.
struct Pauses {
    /// The longest pause after the first attempt. It doubles with each attempt.
    first_max: Duration,
    /// The longest pause after any attempt.
    max: Duration,
}

/// After a lost race: the other writer is done by then.
const CONFLICT: Pauses = Pauses { first_max: Duration::from_millis(10), max: Duration::from_millis(160) };

/// After a throttled request: the table has new capacity each second.
const THROTTLED: Pauses = Pauses { first_max: Duration::from_millis(100), max: Duration::from_secs(1) };

/// Waits for a time. Tests replace it, so that no test waits in real time.
pub trait Sleep: Send + Sync + fmt::Debug {
    /// Completes after `duration`.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// Waits in real time.
#[derive(Debug, Clone, Copy, Default)]
struct SystemSleep;

impl Sleep for SystemSleep {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Jittered pauses that grow from one attempt to the next ("full jitter" of the AWS Architecture Blog, "Exponential
/// Backoff And Jitter"). After a lost race: 0 to 10 ms after the first attempt, up to 160 ms after the fifth and later ones.
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Backoff {
    random: Arc<Mutex<fastrand::Rng>>,
    sleep: Arc<dyn Sleep>,
}

impl Default for Backoff {
    /// Random pauses in real time.
    fn default() -> Self {
        Self::new(fastrand::Rng::new(), SystemSleep)
    }
}

/// One attempt of a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// How many earlier attempts lost their agent to another writer.
    pub lost_races: u32,
}

/// The result of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempted<T> {
    /// The cycle is complete.
    Done(T),
    /// Another writer changed what was read.
    Conflict,
    /// Another writer gave the chosen agent a conversation.
    AgentTaken,
}

impl Attempt {
    /// The first attempt.
    pub const FIRST: Self = Self { number: 1, lost_races: 0 };
}

impl Backoff {
    /// Pauses that are drawn from `random` and waited by `sleep`.
    pub fn new(random: fastrand::Rng, sleep: impl Sleep + 'static) -> Self {
        Self { random: Arc::new(Mutex::new(random)), sleep: Arc::new(sleep) }
    }

    /// Pauses after this many attempts of a throttled request.
    pub(crate) async fn pause_throttled(&self, attempts: u32) {
        self.pause(&THROTTLED, attempts).await;
    }

    /// Draws the pause after this many attempts of a request to another system: at most `first_max` after the first one,
    /// doubling to `max`.
    pub fn draw(&self, first_max: Duration, max: Duration, attempts: u32) -> Duration {
        let longest = first_max.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(max);
        longest.mul_f64(self.random.lock().unwrap_or_else(PoisonError::into_inner).f64())
    }

    /// Pauses for this time.
    pub async fn pause_for(&self, duration: Duration) {
        self.sleep.sleep(duration).await;
    }

    async fn pause(&self, pauses: &Pauses, attempts: u32) {
        self.pause_for(self.draw(pauses.first_max, pauses.max, attempts)).await;
    }

    /// Runs `attempt` until it is done, at most `attempts` times, with a pause after each one that lost a race. `attempt`
    /// has to read again each time. [`StoreError::Exhausted`] when the last one lost, too.
    pub async fn retry_on_conflict<T, F>(&self, attempts: u32, mut attempt: impl FnMut(Attempt) -> F) -> Result<T>
    where
        F: Future<Output = Result<Attempted<T>>>,
    {
        let mut next = Attempt::FIRST;
        loop {
            match attempt(next).await? {
                Attempted::Done(done) => return Ok(done),
                Attempted::Conflict => {}
                Attempted::AgentTaken => next.lost_races += 1,
            }
            if next.number >= attempts {
                return Err(StoreError::Exhausted);
            }
            self.pause(&CONFLICT, next.number).await;
            next.number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Default)]
    struct RecordingSleep(Arc<Mutex<Vec<Duration>>>);

    impl Sleep for RecordingSleep {
        fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
            self.0.lock().unwrap().push(duration);
            Box::pin(std::future::ready(()))
        }
    }

    async fn run(attempts: u32, results: &[Attempted<u32>]) -> (Result<u32>, Vec<Attempt>, Vec<Duration>) {
        let sleep = RecordingSleep::default();
        let backoff = Backoff::new(fastrand::Rng::with_seed(7), sleep.clone());
        let mut seen = Vec::new();
        let result = backoff
            .retry_on_conflict(attempts, |attempt| {
                seen.push(attempt);
                std::future::ready(Ok(results[seen.len() - 1]))
            })
            .await;
        let pauses = sleep.0.lock().unwrap().clone();
        (result, seen, pauses)
    }

    #[tokio::test]
    async fn a_first_attempt_that_succeeds_does_not_pause() {
        let (result, seen, pauses) = run(3, &[Attempted::Done(1)]).await;
        assert_eq!((result.unwrap(), seen, pauses), (1, vec![Attempt::FIRST], Vec::new()));
    }

    #[tokio::test]
    async fn only_an_attempt_that_lost_its_agent_counts_as_a_lost_race() {
        let results = [Attempted::AgentTaken, Attempted::Conflict, Attempted::AgentTaken, Attempted::Done(4)];
        let (result, seen, pauses) = run(4, &results).await;
        let lost: Vec<(u32, u32)> = seen.iter().map(|attempt| (attempt.number, attempt.lost_races)).collect();
        assert_eq!((result.unwrap(), lost), (4, vec![(1, 0), (2, 1), (3, 1), (4, 2)]));
        assert_eq!(pauses.len(), 3);
    }

    #[tokio::test]
    async fn the_last_attempt_that_loses_returns_exhausted() {
        let (result, seen, pauses) = run(12, &[Attempted::Conflict; 12]).await;
        assert!(matches!(result, Err(StoreError::Exhausted)));
        assert_eq!((seen.len(), pauses.len()), (12, 11));
    }

    #[tokio::test]
    async fn pauses_grow_to_their_limit_and_differ_between_callers() {
        let (_, _, pauses) = run(12, &[Attempted::Conflict; 12]).await;
        for (pause, limit) in pauses.iter().zip([10, 20, 40, 80, 160, 160, 160, 160, 160, 160, 160]) {
            assert!(*pause <= Duration::from_millis(limit), "{pauses:?}");
        }
        assert!(pauses.iter().max().unwrap() > &Duration::from_millis(80), "{pauses:?}");
        assert!(pauses.windows(2).any(|pair| pair[0] != pair[1]), "{pauses:?}");
    }
}
