//! Calls that fail because a test wants them to.

use std::sync::{Arc, Mutex, PoisonError};

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The service answers that it is asked too often.
    Throttle,
    /// The service answers 500.
    InternalError,
    /// The connection ends without an answer, and nothing was done.
    CloseBefore,
    /// The connection ends without an answer, though everything was done.
    CloseAfter,
}

/// Which calls fail and how: by default the next one, whoever makes it.
#[derive(Debug, Clone)]
pub struct TableFault {
    fault: Fault,
    operation: Option<String>,
    function: Option<String>,
    skip: u32,
    times: u32,
}

impl TableFault {
    /// The next call fails in this way.
    pub fn new(fault: Fault) -> Self {
        Self { fault, operation: None, function: None, skip: 0, times: 1 }
    }

    /// Only calls of this operation, as `PutItem`.
    #[must_use]
    pub fn operation(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }

    /// Only calls of this function, by logical id, as `Reception`.
    #[must_use]
    pub fn function(mut self, function: &str) -> Self {
        self.function = Some(function.to_owned());
        self
    }

    /// Lets this many matching calls pass first.
    #[must_use]
    pub fn skip(mut self, calls: u32) -> Self {
        self.skip = calls;
        self
    }

    /// Fails this many calls, not one. The SDK's own retries are calls too.
    #[must_use]
    pub fn times(mut self, calls: u32) -> Self {
        self.times = calls;
        self
    }

    fn matches(&self, function: &str, operation: &str) -> bool {
        self.function.as_deref().is_none_or(|wanted| wanted == function)
            && self.operation.as_deref().is_none_or(|wanted| wanted == operation)
    }
}

/// The faults to come. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct TableFaults(Arc<Mutex<Vec<TableFault>>>);

impl TableFaults {
    /// Adds a fault behind those that are waiting.
    pub fn add(&self, fault: TableFault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// Forgets all faults.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many calls have yet to fail. Zero means that every fault was met.
    pub fn left(&self) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|fault| fault.times).sum()
    }

    /// The fault that meets this call: of those that match, the first.
    pub(super) fn next(&self, function: &str, operation: &str) -> Option<Fault> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
    fn a_fault_meets_the_calls_it_names_and_as_many_as_it_says() {
        let faults = TableFaults::default();
        faults.add(TableFault::new(Fault::Throttle).operation("PutItem").function("Reception").skip(1).times(2));
        assert_eq!(faults.next("Reception", "GetItem"), None);
        assert_eq!(faults.next("Delivery", "PutItem"), None);
        assert_eq!(faults.next("Reception", "PutItem"), None);
        assert_eq!(faults.next("Reception", "PutItem"), Some(Fault::Throttle));
        assert_eq!(faults.next("Reception", "PutItem"), Some(Fault::Throttle));
        assert_eq!(faults.next("Reception", "PutItem"), None);
        assert_eq!(faults.left(), 0);
    }
}
