//! How often which function called what: what a message costs.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Requests per function and operation, as `("MessageIngress", "PutItem")`.
pub type CallCounts = BTreeMap<(String, String), u64>;

/// Counts the requests that were permitted, those that a fault then met among them.
#[derive(Debug, Default)]
pub struct Calls(Mutex<CallCounts>);

impl Calls {
    pub(super) fn count(&self, function: &str, operation: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((function.to_owned(), operation.to_owned())).or_default() += 1;
    }

    /// The counts so far.
    pub fn counts(&self) -> CallCounts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins to count from nothing.
    pub fn reset(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
