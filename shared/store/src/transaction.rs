//! What a transaction is made of, and why DynamoDB cancelled one.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, TransactWriteItem},
};

use crate::{
    error::{Result, StoreError},
    table::{SERVICE, Table},
};

impl Table {
    /// Writes these items together. [`StoreError::Conflict`] when the condition of one does not hold. A repetition by the SDK is
    /// recognised by its `ClientRequestToken`.
    pub(crate) async fn write_together(&self, writes: Vec<TransactWriteItem>) -> Result<()> {
        match self.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(()),
            Err(error) if cancelled_at(&error).is_some() => Err(StoreError::Conflict),
            Err(error) => Err(StoreError::from_sdk(SERVICE, &error)),
        }
    }
}

/// The SDK's builders fail only when a required field was left out, which no input can cause.
pub(crate) fn built<T, E>(write: std::result::Result<T, E>) -> Result<T> {
    write.map_err(|_| StoreError::Internal("a write lacks a required field"))
}

/// Which write of a cancelled transaction failed its condition. A conflict with another transaction counts as
/// the last, so that the caller decides again.
pub(crate) fn cancelled_at<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<usize> {
    let failed = |code: &str| reasons(error)?.iter().position(|reason| reason.code() == Some(code));
    failed("ConditionalCheckFailed").or_else(|| failed(CONFLICT).map(|_| usize::MAX))
}

/// Whether another transaction was at the item of this write.
pub(crate) fn met_another_at<R>(error: &SdkError<TransactWriteItemsError, R>, place: usize) -> bool {
    let reason = reasons(error).and_then(|reasons| reasons.get(place));
    reason.is_some_and(|reason| reason.code() == Some(CONFLICT))
}

/// One for each write (API reference, `TransactionCanceledException`).
fn reasons<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<&[CancellationReason]> {
    match error.as_service_error()? {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => Some(cancelled.cancellation_reasons()),
        _ => None,
    }
}

const CONFLICT: &str = "TransactionConflict";
