//! Faults that tests inject into AWS requests.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `ProvisionedThroughputExceededException`: too many requests for the table. Of Secrets Manager, `ThrottlingException`.
    ThrottleTable,
    /// `ThrottlingException`: too many requests of the account.
    ThrottleRequests,
    /// A transaction that is cancelled with the reason `ThrottlingError`. Applies to transactions only.
    ThrottleTransaction,
    /// A conflict with another transaction: `TransactionConflictException` of a single write, and a transaction that is cancelled
    /// with the reason `TransactionConflict`. Applies to single writes and transactions only.
    TransactionConflict,
    /// `TransactionInProgressException`: the first attempt of the same transaction is still running. Applies to
    /// `TransactWriteItems` only.
    TransactionInProgress,
    /// An internal error (500).
    InternalError,
    /// The connection is closed before the request has an effect.
    CloseBefore,
    /// The connection is closed after the request has had its effect.
    CloseAfter,
    /// The request of DynamoDB is in flight until [`TableFaults::release`], so that others can conflict with it.
    Hold,
    /// SQS does not accept the first message of a batch; the others are sent. Applies to `SendMessageBatch` only.
    RefuseFirstEntry,
}

impl Fault {
    /// Whether an operation can fail in this way.
    fn applies_to(self, operation: &str) -> bool {
        let is_transaction = operation.starts_with("Transact");
        match self {
            Self::ThrottleTransaction => is_transaction,
            Self::TransactionConflict => is_transaction || ["PutItem", "UpdateItem", "DeleteItem"].contains(&operation),
            Self::TransactionInProgress => operation == "TransactWriteItems",
            Self::RefuseFirstEntry => operation == "SendMessageBatch",
            Self::ThrottleTable
            | Self::ThrottleRequests
            | Self::InternalError
            | Self::CloseBefore
            | Self::CloseAfter
            | Self::Hold => true,
        }
    }
}

/// A fault and the requests that it applies to: by default the next one of any function.
#[derive(Debug, Clone)]
pub struct TableFault {
    fault: Fault,
    operation: Option<String>,
    function: Option<String>,
    skip: u32,
    times: u32,
}

impl TableFault {
    /// A fault of the next request.
    pub fn new(fault: Fault) -> Self {
        Self { fault, operation: None, function: None, skip: 0, times: 1 }
    }

    /// Restricts the fault to an operation, as `PutItem`.
    #[must_use]
    pub fn operation(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }

    /// Restricts the fault to a function, by logical id, as `Reception`.
    #[must_use]
    pub fn function(mut self, function: &str) -> Self {
        self.function = Some(function.to_owned());
        self
    }

    /// Skips this number of matching requests first.
    #[must_use]
    pub fn skip(mut self, calls: u32) -> Self {
        self.skip = calls;
        self
    }

    /// Applies the fault to this number of requests. Retries of the SDK count.
    #[must_use]
    pub fn times(mut self, calls: u32) -> Self {
        self.times = calls;
        self
    }

    fn matches(&self, function: &str, operation: &str) -> bool {
        self.fault.applies_to(operation)
            && self.function.as_deref().is_none_or(|expected| expected == function)
            && self.operation.as_deref().is_none_or(|expected| expected == operation)
    }
}

/// The pending faults. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct TableFaults {
    pending: Arc<Mutex<Vec<TableFault>>>,
    held: Arc<watch::Sender<Held>>,
}

/// The requests that were held, and how many of them may go on.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    requests: u64,
    released: u64,
}

impl TableFaults {
    /// Adds a fault after the pending ones.
    pub fn add(&self, fault: TableFault) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// Removes all faults.
    pub fn clear(&self) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The number of requests that have yet to fail; zero if all faults were applied.
    pub fn left(&self) -> u32 {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|fault| fault.times).sum()
    }

    /// Returns when a request is held by [`Fault::Hold`].
    pub async fn held(&self) {
        // An error is impossible: the sender lives as long as `self`.
        let _ = self.held.subscribe().wait_for(|held| held.requests > held.released).await;
    }

    /// Lets the held requests go on.
    pub fn release(&self) {
        self.held.send_modify(|held| held.released = held.requests);
    }

    /// Holds a request.
    pub(super) async fn hold(&self) {
        let mut released = self.held.subscribe();
        let mut number = 0;
        self.held.send_modify(|held| {
            held.requests += 1;
            number = held.requests;
        });
        let _ = released.wait_for(|held| held.released >= number).await;
    }

    /// The fault of a request: the first that matches.
    pub(super) fn next(&self, function: &str, operation: &str) -> Option<Fault> {
        let mut faults = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = faults.iter_mut().find(|fault| fault.times > 0 && fault.matches(function, operation))?;
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        fault.times -= 1;
        Some(fault.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_applies_to_matching_requests_as_often_as_configured() {
        let faults = TableFaults::default();
        faults.add(TableFault::new(Fault::ThrottleTable).operation("PutItem").function("Reception").skip(1).times(2));
        assert_eq!(faults.next("Reception", "GetItem"), None);
        assert_eq!(faults.next("CardSend", "PutItem"), None);
        assert_eq!(faults.next("Reception", "PutItem"), None);
        assert_eq!(faults.next("Reception", "PutItem"), Some(Fault::ThrottleTable));
        assert_eq!(faults.next("Reception", "PutItem"), Some(Fault::ThrottleTable));
        assert_eq!(faults.next("Reception", "PutItem"), None);
        assert_eq!(faults.left(), 0);
    }
}
