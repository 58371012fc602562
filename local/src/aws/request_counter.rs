//! Counts the AWS requests of each function.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The number of requests by function and operation, as `("MessageIngress", "PutItem")`.
pub type RequestCounts = BTreeMap<(String, String), u64>;

/// Counts the authorized requests, including those with an injected fault.
#[derive(Debug, Default)]
pub(crate) struct RequestCounter(Mutex<RequestCounts>);

impl RequestCounter {
    pub(super) fn count(&self, function: &str, operation: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((function.to_owned(), operation.to_owned())).or_default() += 1;
    }

    /// The counts since the last reset.
    pub(crate) fn counts(&self) -> RequestCounts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Resets the counts.
    pub(crate) fn reset(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
