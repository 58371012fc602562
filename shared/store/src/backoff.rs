//! Pauses between the attempts of a repeated request.

use std::time::Duration;

/// The upper bound of the first pause.
const FIRST: Duration = Duration::from_millis(50);

/// The upper bound of every later pause; each doubles until then.
const LONGEST: Duration = Duration::from_secs(1);

/// Waits before the next attempt, where `attempt` counts from 0: half of an exponentially growing time and a random part
/// of the other half, so that callers that were refused together do not come back together.
pub(crate) async fn pause(attempt: u32) {
    let most = FIRST.saturating_mul(2_u32.saturating_pow(attempt)).min(LONGEST);
    tokio::time::sleep(most / 2 + (most / 2).mul_f64(random())).await;
}

/// A random number from 0 to 1.
fn random() -> f64 {
    // Without entropy the pauses are equal, which is no reason to fail.
    let number = getrandom::u32().unwrap_or(u32::MAX);
    f64::from(number) / f64::from(u32::MAX)
}
