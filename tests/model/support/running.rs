//! The items of running transactions. dynoxide carries out one request at a time and knows no conflicts.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde_json::json;

use super::database::{Key, WriteRequest, cancelled, refusal};

/// The items of the transactions that are running. Clones share them.
#[derive(Clone, Default)]
pub(super) struct RunningTransactions(Arc<Mutex<Running>>);

#[derive(Default)]
struct Running {
    items: BTreeSet<Key>,
    /// How many requests met a running transaction.
    conflicts: u64,
}

/// A transaction that runs until this is dropped.
pub(super) struct RunningTransaction {
    all: RunningTransactions,
    items: Vec<Key>,
}

impl RunningTransactions {
    /// Starts a transaction; `None` for another request. The answer of DynamoDB if it conflicts with a running transaction
    /// (DynamoDB developer guide, "Transaction conflict handling in DynamoDB").
    pub(super) fn enter(&self, operation: &str, body: &[u8]) -> Result<Option<RunningTransaction>, Box<HttpResponse>> {
        let mut running = self.0.lock().unwrap();
        if !["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"].contains(&operation) {
            return Ok(None);
        }
        let items = serde_json::from_slice::<WriteRequest>(body).unwrap().keys();
        let conflicts = items.iter().any(|item| running.items.contains(item));
        running.conflicts += u64::from(conflicts);
        if operation != "TransactWriteItems" {
            return if conflicts {
                Err(Box::new(refusal("TransactionConflictException", json!({}))))
            } else {
                Ok(None)
            };
        }
        if conflicts {
            let code = |item| if running.items.contains(item) { "TransactionConflict" } else { "None" };
            return Err(Box::new(cancelled(items.iter().map(code))));
        }
        running.items.extend(items.iter().cloned());
        Ok(Some(RunningTransaction { all: self.clone(), items }))
    }
}

impl RunningTransactions {
    /// How many requests met a running transaction so far.
    pub(super) fn conflicts(&self) -> u64 {
        self.0.lock().unwrap().conflicts
    }
}

impl Drop for RunningTransaction {
    fn drop(&mut self) {
        let mut running = self.all.0.lock().unwrap();
        for item in &self.items {
            running.items.remove(item);
        }
    }
}
