//! Whom this process is about to give a conversation.
//!
//! A batch of first messages is decided side by side, and until the first decision is written all of them read the same
//! loads. What is noted here lets each see the others on their way, so that they go to different agents. It is advice:
//! the transaction decides, and other processes know nothing of it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Conversations on their way, by agent.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(Arc<Mutex<HashMap<String, u32>>>);

/// One conversation on its way to an agent, until this is dropped.
#[derive(Debug)]
pub(crate) struct InFlightAssignment {
    in_flight: InFlight,
    agent: String,
}

impl InFlight {
    /// How many are on their way to an agent.
    pub(crate) fn taken(&self, agent: &str) -> u32 {
        let in_flight = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        in_flight.get(agent).copied().unwrap_or(0)
    }

    /// One more is on its way.
    pub(crate) fn take(&self, agent: &str) -> InFlightAssignment {
        let mut in_flight = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *in_flight.entry(agent.to_owned()).or_default() += 1;
        InFlightAssignment { in_flight: self.clone(), agent: agent.to_owned() }
    }
}

impl Drop for InFlightAssignment {
    fn drop(&mut self) {
        let mut in_flight = self.in_flight.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = in_flight.get_mut(&self.agent) {
            *taken -= 1;
            if *taken == 0 {
                in_flight.remove(&self.agent);
            }
        }
    }
}
