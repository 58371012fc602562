//! The assignments that this process has decided and not yet written.
//!
//! A batch of first messages is decided concurrently, and until the first decision is written all of them read the same
//! loads. Counting the assignments in flight spreads them over different agents. The count is advice: the transaction
//! checks the agent, and other processes do not see the count.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Assignments in flight, by agent. Cheap to clone; clones share their counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(Arc<Mutex<HashMap<String, u32>>>);

/// One assignment in flight. Counts until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlightAssignment {
    in_flight: InFlight,
    agent: String,
}

impl InFlight {
    /// How many conversations are being assigned to an agent.
    pub(crate) fn count(&self, agent: &str) -> u32 {
        let in_flight = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        in_flight.get(agent).copied().unwrap_or(0)
    }

    /// Counts one more assignment to an agent.
    pub(crate) fn begin(&self, agent: &str) -> InFlightAssignment {
        let mut in_flight = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *in_flight.entry(agent.to_owned()).or_default() += 1;
        InFlightAssignment { in_flight: self.clone(), agent: agent.to_owned() }
    }
}

impl Drop for InFlightAssignment {
    fn drop(&mut self) {
        let mut in_flight = self.in_flight.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = in_flight.get_mut(&self.agent) {
            *count -= 1;
            if *count == 0 {
                in_flight.remove(&self.agent);
            }
        }
    }
}
