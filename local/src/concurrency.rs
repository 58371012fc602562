//! Lambda's concurrency limits.
//!
//! AWS Lambda developer guide, "Understanding Lambda function scaling". Differs from Lambda: a limited function counts against the
//! limit of the account as well, where Lambda takes reserved concurrency out of the account's.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

/// The executions that are running, and their limits. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Concurrency(Arc<watch::Sender<Executions>>);

#[derive(Debug, Default)]
struct Executions {
    running: BTreeMap<String, u32>,
    limits: BTreeMap<String, u32>,
    account_limit: Option<u32>,
    throttles: u64,
}

/// A running execution, until this is dropped.
#[derive(Debug)]
pub(crate) struct Execution {
    all: Concurrency,
    function: String,
}

impl Concurrency {
    /// Limits the executions of all functions together.
    pub(crate) fn limit_account(&self, limit: Option<u32>) {
        self.0.send_modify(|executions| executions.account_limit = limit);
    }

    /// Limits the executions of one function.
    pub(crate) fn limit_function(&self, function: &str, limit: Option<u32>) {
        self.0.send_modify(|executions| {
            match limit {
                Some(limit) => executions.limits.insert(function.to_owned(), limit),
                None => executions.limits.remove(function),
            };
        });
    }

    /// Starts an execution; `None` if it is throttled.
    pub(crate) fn begin(&self, function: &str) -> Option<Execution> {
        let begun = self.0.send_if_modified(|executions| {
            let is_free = executions.is_free(function);
            if is_free {
                *executions.running.entry(function.to_owned()).or_default() += 1;
            } else {
                executions.throttles += 1;
            }
            is_free
        });
        begun.then(|| Execution { all: self.clone(), function: function.to_owned() })
    }

    /// How often an execution was throttled, as Lambda's metric `Throttles` counts it.
    pub(crate) fn throttles(&self) -> u64 {
        self.0.borrow().throttles
    }

    /// Starts an execution as soon as the limits allow.
    pub(crate) async fn wait(&self, function: &str) -> Execution {
        let mut changes = self.0.subscribe();
        loop {
            changes.mark_unchanged();
            if let Some(execution) = self.begin(function) {
                return execution;
            }
            // An error is impossible: the sender lives as long as `self`.
            let _ = changes.changed().await;
        }
    }
}

impl Executions {
    fn is_free(&self, function: &str) -> bool {
        let of_function = self.running.get(function).copied().unwrap_or_default();
        self.limits.get(function).is_none_or(|limit| of_function < *limit)
            && self.account_limit.is_none_or(|limit| self.running.values().sum::<u32>() < limit)
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        self.all.0.send_modify(|executions| {
            if let Some(running) = executions.running.get_mut(&self.function) {
                *running -= 1;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn execution_starts_when_the_function_and_the_account_are_below_their_limits() {
        let concurrency = Concurrency::default();
        concurrency.limit_function("F", Some(1));
        concurrency.limit_account(Some(2));
        let first = concurrency.begin("F").unwrap();
        assert!(concurrency.begin("F").is_none());
        let other = concurrency.begin("G").unwrap();
        assert!(concurrency.begin("G").is_none(), "the account has two executions");
        let waiting = tokio::spawn({
            let concurrency = concurrency.clone();
            async move { concurrency.wait("F").await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(other);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "the function has one execution");
        drop(first);
        drop(waiting.await.unwrap());
        concurrency.limit_function("F", None);
        concurrency.limit_account(None);
        let many: Vec<_> = (0..9).filter_map(|_| concurrency.begin("F")).collect();
        assert_eq!(many.len(), 9);
    }
}
