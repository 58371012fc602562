//! Transactions: how one is written, and why DynamoDB cancelled one.
//!
//! DynamoDB developer guide, "Transaction conflict handling in DynamoDB"; API reference, `TransactionCanceledException`.

use aws_sdk_dynamodb::{
    config::{
        interceptors::InterceptorContext,
        retry::{ClassifyRetry, RetryAction},
    },
    error::SdkError,
    operation::{
        delete_item::DeleteItemError, put_item::PutItemError, transact_write_items::TransactWriteItemsError,
        update_item::UpdateItemError,
    },
    types::{ConditionCheck, TransactWriteItem},
};

use crate::{
    error::{Cause, Result, StoreError},
    item::s,
    keys,
    retry::{Attempt, Attempted},
    table::{SERVICE, Table},
};

/// How often a transaction is written that conflicts with other requests.
const ATTEMPTS: u32 = 5;

/// The same for a transaction that conflicts only at counters, which many functions write at once.
const COUNTER_ATTEMPTS: u32 = 10;

/// The SDK's builders fail only when a required field was left out, which no input can cause.
pub(crate) fn built<T, E>(write: std::result::Result<T, E>) -> Result<T> {
    write.map_err(|_| StoreError::Internal("a write lacks a required field"))
}

/// The result of a transaction.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Transacted {
    /// All writes are done.
    Written,
    /// The condition of this write does not hold, the first one if there are several.
    ConditionFailed(usize),
    /// Other transactions contain the items of these writes at this moment. Whether the conditions hold is not known.
    InConflict(Vec<usize>),
}

impl Table {
    /// A condition on an item that a transaction does not write.
    pub(crate) fn condition_check(&self, pk: String, sk: &str, condition: &str) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder().table_name(&self.name).key("pk", s(pk)).key("sk", s(sk));
        let check = built(check.condition_expression(condition).build())?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// The condition that an agent exists and is not disabled.
    pub(crate) fn agent_check(&self, agent: &str) -> Result<TransactWriteItem> {
        self.condition_check(keys::record("agent", agent), keys::DUTY, "attribute_exists(pk)")
    }

    /// Writes a transaction, again after a pause while it conflicts with others. Returns the index of the first write whose
    /// condition does not hold, or `None` if all are written. [`StoreError::TransactionConflict`] if every attempt conflicts.
    pub(crate) async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<Option<usize>> {
        let attempt = |_| {
            let attempt = self.transact_once(writes.clone());
            async {
                Ok(match attempt.await? {
                    Transacted::Written => Attempted::Done(None),
                    Transacted::ConditionFailed(place) => Attempted::Done(Some(place)),
                    Transacted::InConflict(_) => Attempted::Conflict,
                })
            }
        };
        match self.backoff().retry_on_conflict(ATTEMPTS, attempt).await {
            Err(StoreError::Exhausted) => Err(StoreError::TransactionConflict),
            written => written,
        }
    }

    /// Writes these items together. [`StoreError::Conflict`] when the condition of one does not hold.
    pub(crate) async fn write_together(&self, writes: Vec<TransactWriteItem>) -> Result<()> {
        match self.transact(writes).await? {
            None => Ok(()),
            Some(_) => Err(StoreError::Conflict),
        }
    }

    /// Writes a transaction once, and again after a pause while it conflicts only at counters, whose writes do not depend on
    /// what was read.
    pub(crate) async fn transact_past_counters(
        &self,
        writes: Vec<TransactWriteItem>,
        is_counter: impl Fn(usize) -> bool,
    ) -> Result<Transacted> {
        if !(0..writes.len()).any(&is_counter) {
            return self.transact_once(writes).await;
        }
        let is_counter = &is_counter;
        let attempt = |attempt: Attempt| {
            let written = self.transact_once(writes.clone());
            async move {
                Ok(match written.await? {
                    Transacted::InConflict(places)
                        if attempt.number < COUNTER_ATTEMPTS && places.iter().all(|place| is_counter(*place)) =>
                    {
                        Attempted::Conflict
                    }
                    written => Attempted::Done(written),
                })
            }
        };
        // Boxed, because every decision has this future within its own.
        Box::pin(self.backoff().retry_on_conflict(COUNTER_ATTEMPTS, attempt)).await
    }

    /// Writes a transaction once, for a caller who reads again before the next attempt.
    pub(crate) async fn transact_once(&self, writes: Vec<TransactWriteItem>) -> Result<Transacted> {
        match self.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(Transacted::Written),
            Err(error) => cancelled(&error),
        }
    }
}

fn cancelled<R: std::fmt::Debug>(error: &SdkError<TransactWriteItemsError, R>) -> Result<Transacted> {
    match error.as_service_error().map(Cancellation::of) {
        Some(Cancellation::Condition(place)) => Ok(Transacted::ConditionFailed(place)),
        Some(Cancellation::Conflict(places)) => Ok(Transacted::InConflict(places)),
        Some(Cancellation::Invalid(code)) => {
            Err(StoreError::Rejected { service: SERVICE, code, cause: Cause::of(error) })
        }
        Some(Cancellation::Throttled(code)) => {
            Err(StoreError::Throttled { service: SERVICE, code, cause: Cause::of(error) })
        }
        Some(Cancellation::Other) | None => Err(StoreError::from_sdk(SERVICE, error)),
    }
}

/// Why DynamoDB cancelled a transaction. With several reasons the one that the caller can act on first.
#[derive(Debug, PartialEq, Eq)]
enum Cancellation {
    /// The condition of this write does not hold.
    Condition(usize),
    /// A write is invalid, so that repeating the transaction does not help.
    Invalid(String),
    /// Too many requests for the partition of an item. The SDK does not repeat a cancelled transaction by itself.
    Throttled(String),
    /// Other transactions contain the items of these writes.
    Conflict(Vec<usize>),
    /// The transaction was not cancelled, or for another reason.
    Other,
}

impl Cancellation {
    fn of(error: &TransactWriteItemsError) -> Self {
        let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else { return Self::Other };
        let codes =
            || cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or_default()).enumerate();
        let first = |expected: &[&str]| codes().find(|(_, code)| expected.contains(code));
        if let Some((place, _)) = first(&["ConditionalCheckFailed"]) {
            return Self::Condition(place);
        }
        if let Some((_, code)) = first(&["ValidationError", "ItemCollectionSizeLimitExceeded"]) {
            return Self::Invalid(code.to_owned());
        }
        if let Some((_, code)) = first(&["ThrottlingError", "ProvisionedThroughputExceeded"]) {
            return Self::Throttled(code.to_owned());
        }
        let conflicts: Vec<usize> =
            codes().filter(|(_, code)| *code == "TransactionConflict").map(|(place, _)| place).collect();
        if conflicts.is_empty() { Self::Other } else { Self::Conflict(conflicts) }
    }
}

/// Makes the SDK repeat what its own classifiers do not: a single write to an item in a running transaction, and a transaction
/// that was cancelled by throttling. Neither was written. A transaction in conflict with another one is not repeated here,
/// because most callers have to read again first.
#[derive(Debug)]
pub(crate) struct UnwrittenRequests;

impl ClassifyRetry for UnwrittenRequests {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else { return RetryAction::NoActionIndicated };
        let Some(error) = error.as_operation_error() else { return RetryAction::NoActionIndicated };
        let in_transaction = error.downcast_ref().is_some_and(PutItemError::is_transaction_conflict_exception)
            || error.downcast_ref().is_some_and(UpdateItemError::is_transaction_conflict_exception)
            || error.downcast_ref().is_some_and(DeleteItemError::is_transaction_conflict_exception);
        if in_transaction {
            return RetryAction::transient_error();
        }
        match error.downcast_ref().map(Cancellation::of) {
            Some(Cancellation::Throttled(_)) => RetryAction::throttling_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "DynamoDB requests that were not written"
    }
}
