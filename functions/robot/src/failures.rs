//! Records why a robot could not be asked, for the health of its bindings.
//!
//! A robot is asked for every message, so only a change is written: what this process has written is not written again for
//! [`TRUSTED`]. After that it is, because another process may have written something else.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use conversations::{AskFailure, AskedRobot};
use jiff::{SignedDuration, Timestamp};
use store::{RobotFailure, RobotFailureWriter};

/// How long what was written is taken for what is stored.
const TRUSTED: SignedDuration = SignedDuration::from_mins(10);

/// How many robots are remembered at most.
const ROBOTS_MAX: usize = 64;

/// What was written last about a robot, and when.
type Written = (Timestamp, Option<AskFailure>);

/// Records failures of robots. Clones share what they have written.
#[derive(Debug, Clone)]
pub(crate) struct RobotFailures {
    writer: RobotFailureWriter,
    written: Arc<Mutex<HashMap<String, Written>>>,
}

impl RobotFailures {
    pub(crate) fn new(writer: RobotFailureWriter) -> Self {
        Self { writer, written: Arc::default() }
    }

    /// Records what came of asking a robot. An error is logged: the turn is answered already.
    pub(crate) async fn record(&self, asked: AskedRobot, now: Timestamp) {
        let AskedRobot { robot_id, failure } = asked;
        if self.is_written(&robot_id, failure.as_ref(), now) {
            return;
        }
        let done = match &failure {
            None => self.writer.robot_answered(&robot_id).await,
            Some(AskFailure { code, status, message }) => {
                let (code, message) = ((*code).to_owned(), message.clone());
                let failure = RobotFailure { code, status: *status, message, at: now };
                self.writer.robot_failed(&robot_id, &failure).await
            }
        };
        match done {
            Ok(()) => self.remember(robot_id, failure, now),
            Err(error) => tracing::warn!(robot_id, %error, "the robot's state was not recorded"),
        }
    }

    fn is_written(&self, robot_id: &str, failure: Option<&AskFailure>, now: Timestamp) -> bool {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.get(robot_id).is_some_and(|(at, last)| {
            let age = now.duration_since(*at);
            !age.is_negative() && age < TRUSTED && last.as_ref() == failure
        })
    }

    fn remember(&self, robot_id: String, failure: Option<AskFailure>, now: Timestamp) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.len() >= ROBOTS_MAX {
            written.clear();
        }
        written.insert(robot_id, (now, failure));
    }
}
