//! EventBridge Scheduler: functions that are woken by time.

use serde_json::Value;
use store::SharedClock;

use crate::functions::{Functions, InvokeError};
use crate::streams::DeadLetters;
use crate::template::Schedule;

/// Fires a schedule at its rate, for the first time at once.
pub(crate) async fn run(schedule: &Schedule, functions: &Functions, dead_letters: &DeadLetters, clock: &SharedClock) {
    let mut interval = tokio::time::interval(schedule.every);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        interval.tick().await;
        // A failure is in the log and among the dead letters.
        let _ = fire(schedule, functions, dead_letters, clock).await;
    }
}

/// Fires a schedule once, with the retries that the template allows.
pub(crate) async fn fire(
    schedule: &Schedule,
    functions: &Functions,
    dead_letters: &DeadLetters,
    clock: &SharedClock,
) -> Result<Value, InvokeError> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match functions.invoke(&schedule.function, schedule.input.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(_) if attempts <= schedule.retries => {}
            Err(error) => {
                dead_letters.add_tick(schedule, attempts, clock.now());
                return Err(error);
            }
        }
    }
}
