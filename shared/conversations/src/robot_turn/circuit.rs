//! Circuit breakers: a robot whose server fails is not asked for a while, so that its visitors get the fallback at once and
//! the server is left in peace.
//!
//! [`FAILURES`] failures within [`WINDOW`] open a circuit for [`OPEN`]. Then one turn is the trial: its success closes the
//! circuit, its failure opens it again. The state is in the memory of one process.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

/// How many failures open a circuit.
const FAILURES: usize = 5;
/// The time within which they count.
const WINDOW: SignedDuration = SignedDuration::from_secs(60);
/// How long a circuit stays open.
const OPEN: SignedDuration = SignedDuration::from_secs(30);
/// How many robots are remembered at most.
const ROBOTS_MAX: usize = 64;

/// The circuit of one robot.
#[derive(Debug, Default)]
struct Circuit {
    /// The robot's version: one that was changed is asked at once.
    version: u64,
    /// The last failures, oldest first.
    failures: VecDeque<Timestamp>,
    /// When it opened, or when the trial began.
    opened_at: Option<Timestamp>,
}

/// The circuits of robots, by the robot's id. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Circuits(Arc<Mutex<HashMap<String, Circuit>>>);

impl Circuits {
    /// Whether a robot may be asked now. After [`OPEN`] the first one who asks may, and the others wait for its outcome.
    pub(crate) fn admits(&self, robot_id: &str, version: u64, now: Timestamp) -> bool {
        let mut circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(circuit) = circuits.get_mut(robot_id).filter(|circuit| circuit.version == version) else {
            return true;
        };
        match circuit.opened_at {
            Some(opened_at) if is_within(OPEN, opened_at, now) => false,
            Some(_) => {
                circuit.opened_at = Some(now);
                true
            }
            None => true,
        }
    }

    /// Closes the circuit of a robot that answered.
    pub(crate) fn succeeded(&self, robot_id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(robot_id);
    }

    /// Counts a failure. Returns whether it opens the circuit.
    pub(crate) fn failed(&self, robot_id: &str, version: u64, now: Timestamp) -> bool {
        let mut circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if circuits.len() >= ROBOTS_MAX && !circuits.contains_key(robot_id) {
            circuits.clear();
        }
        let circuit = circuits.entry(robot_id.to_owned()).or_default();
        if circuit.version != version {
            *circuit = Circuit { version, ..Circuit::default() };
        }
        circuit.failures.retain(|at| is_within(WINDOW, *at, now));
        circuit.failures.push_back(now);
        let opens = circuit.opened_at.is_some() || circuit.failures.len() >= FAILURES;
        if opens {
            circuit.failures.clear();
            circuit.opened_at = Some(now);
        }
        opens
    }
}

/// Whether this time has not passed since then. A clock that was set back ends it.
fn is_within(time: SignedDuration, since: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(since);
    !age.is_negative() && age < time
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    /// Circuits in which the robot has failed at these seconds; whether each failure opened its circuit.
    fn failed_at(circuits: &Circuits, seconds: &[i64]) -> Vec<bool> {
        seconds.iter().map(|second| circuits.failed("r1", 1, at(*second))).collect()
    }

    #[test]
    fn fifth_failure_within_a_minute_opens_the_circuit() {
        let circuits = Circuits::default();
        assert_eq!(failed_at(&circuits, &[0, 1, 2, 3]), [false; 4]);
        assert!(circuits.admits("r1", 1, at(3)));
        assert_eq!(failed_at(&circuits, &[59]), [true]);
        assert!(!circuits.admits("r1", 1, at(59)) && !circuits.admits("r1", 1, at(88)));
        assert!(circuits.admits("r2", 1, at(59)), "another robot's is closed");
        assert!(circuits.admits("r1", 2, at(59)), "the robot was changed");
        let circuits = Circuits::default();
        assert_eq!(failed_at(&circuits, &[0, 1, 2, 3, 60]), [false; 5]);
    }

    #[test]
    fn one_trial_closes_an_open_circuit_or_opens_it_again() {
        let circuits = Circuits::default();
        failed_at(&circuits, &[0, 0, 0, 0, 0]);
        assert!(circuits.admits("r1", 1, at(30)));
        assert!(!circuits.admits("r1", 1, at(30)), "one trial");
        assert_eq!(failed_at(&circuits, &[40]), [true]);
        assert!(!circuits.admits("r1", 1, at(69)) && circuits.admits("r1", 1, at(70)));
        circuits.succeeded("r1");
        assert!(circuits.admits("r1", 1, at(70)) && circuits.admits("r1", 1, at(70)));
        assert_eq!(failed_at(&circuits, &[70]), [false]);
    }

    #[test]
    fn trial_without_outcome_ends() {
        let circuits = Circuits::default();
        failed_at(&circuits, &[0, 0, 0, 0, 0]);
        assert!(circuits.admits("r1", 1, at(30)) && !circuits.admits("r1", 1, at(59)));
        assert!(circuits.admits("r1", 1, at(60)));
    }

    #[test]
    fn clock_that_was_set_back_opens_no_circuit_for_long() {
        let circuits = Circuits::default();
        failed_at(&circuits, &[1000, 1000, 1000, 1000, 1000]);
        assert!(circuits.admits("r1", 1, at(0)));
    }

    #[test]
    fn number_of_circuits_is_bounded() {
        let circuits = Circuits::default();
        for number in 0..1000 {
            circuits.failed(&number.to_string(), 1, at(0));
        }
        assert!(circuits.0.lock().unwrap().len() <= ROBOTS_MAX);
    }
}
