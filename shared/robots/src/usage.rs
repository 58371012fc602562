//! What language models have used.

use std::sync::atomic::{AtomicU64, Ordering};

use desk::limits::ModelUse;

/// Counts what language models use, whatever comes of it: a request that fails and a completion that cannot be read cost as
/// much as others.
#[derive(Debug, Default)]
pub struct Usage {
    calls: AtomicU64,
    tokens: AtomicU64,
}

impl Usage {
    /// What was used so far.
    pub fn total(&self) -> ModelUse {
        ModelUse { calls: self.calls.load(Ordering::Relaxed), tokens: self.tokens.load(Ordering::Relaxed) }
    }

    /// Counts a request.
    pub(crate) fn add_call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the tokens of a completion, at most [`TOKENS_MAX`] of them: the number is the server's.
    pub(crate) fn add_tokens(&self, tokens: u64) {
        self.tokens.fetch_add(tokens.min(TOKENS_MAX), Ordering::Relaxed);
    }
}

/// The most tokens of one completion that count. Models read some millions at most.
const TOKENS_MAX: u64 = 10_000_000;
