//! EventBridge Scheduler. It delivers the `Input` of the template as the event.

use serde_json::Value;
use store::SharedClock;

use crate::dead_letters::DeadLetterQueues;
use crate::functions::{Functions, InvokeError};
use crate::template::Schedule;

/// Fires a schedule at its interval, the first time at once.
pub(crate) async fn run(
    schedule: &Schedule,
    functions: &Functions,
    dead_letters: &DeadLetterQueues,
    clock: &SharedClock,
) {
    let mut interval = tokio::time::interval(schedule.interval);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        interval.tick().await;
        // A failure is logged and sent to the dead-letter queue.
        let _ = fire(schedule, functions, dead_letters, clock).await;
    }
}

/// Fires a schedule once, with its retries.
pub(crate) async fn fire(
    schedule: &Schedule,
    functions: &Functions,
    dead_letters: &DeadLetterQueues,
    clock: &SharedClock,
) -> Result<Value, InvokeError> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match functions.invoke_unthrottled(&schedule.function, schedule.input.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(_) if attempts <= schedule.max_retries => {}
            Err(error) => {
                dead_letters.send_scheduled_event(schedule, attempts, clock.now());
                return Err(error);
            }
        }
    }
}
