//! The assignments that this process has decided and not yet written.
//!
//! A batch of first messages is decided concurrently, and until the first decision is written all of them read the same
//! loads. Counting the assignments in flight spreads them over different agents. Those of one agent are written one after
//! the other, since their transactions exclude each other. The count is advice: the transaction checks the agent, and other
//! processes do not see the count.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::OwnedMutexGuard;

/// How long an assignment waits for those before it at most. A transaction takes about 20 ms.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Assignments in flight, by agent. Cheap to clone; clones share their counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(Arc<Mutex<HashMap<String, OfAgent>>>);

/// The assignments in flight of one agent.
#[derive(Debug, Default)]
struct OfAgent {
    count: u32,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// One assignment in flight. Counts until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlightAssignment {
    in_flight: InFlight,
    agent: String,
    turn: Option<OwnedMutexGuard<()>>,
}

impl InFlight {
    /// How many conversations are being assigned to an agent.
    pub(crate) fn count(&self, agent: &str) -> u32 {
        let in_flight = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        in_flight.get(agent).map_or(0, |of_agent| of_agent.count)
    }

    /// Counts one more assignment to an agent.
    pub(crate) fn begin(&self, agent: &str) -> InFlightAssignment {
        let mut in_flight = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        in_flight.entry(agent.to_owned()).or_default().count += 1;
        InFlightAssignment { in_flight: self.clone(), agent: agent.to_owned(), turn: None }
    }
}

impl InFlightAssignment {
    /// The same once the earlier assignments of the agent are written, or after [`WAIT_MAX`].
    pub(crate) async fn in_turn(mut self) -> Self {
        let turn = {
            let in_flight = self.in_flight.0.lock().unwrap_or_else(PoisonError::into_inner);
            in_flight.get(&self.agent).map(|of_agent| Arc::clone(&of_agent.turn))
        };
        if let Some(turn) = turn {
            self.turn = tokio::time::timeout(WAIT_MAX, turn.lock_owned()).await.ok();
        }
        self
    }
}

impl Drop for InFlightAssignment {
    fn drop(&mut self) {
        let mut in_flight = self.in_flight.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_agent) = in_flight.get_mut(&self.agent) {
            of_agent.count -= 1;
            if of_agent.count == 0 {
                in_flight.remove(&self.agent);
            }
        }
    }
}
