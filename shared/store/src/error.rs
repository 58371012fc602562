//! The errors of the table and the vault.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// A result of this crate.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The error codes of throttling (DynamoDB developer guide, "Error handling with DynamoDB"; Secrets Manager API reference,
/// "Common Errors").
const THROTTLED: [&str; 3] = ["ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"];

/// The error codes of requests that the service does not accept in any state of the table.
const INVALID: [&str; 2] = ["ItemCollectionSizeLimitExceededException", "ValidationException"];

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB or Secrets Manager did not take the call: out of reach, or out of order. Nothing is known about a write;
    /// every write of this crate is conditional and may be repeated.
    #[error("{service} is unavailable ({code})")]
    Unavailable {
        /// The service that was called.
        service: &'static str,
        /// The service's own error code, or the kind of failure.
        code: String,
        /// The whole chain of causes.
        #[source]
        cause: Cause,
    },
    /// The service refused every attempt of the call, because there are too many for the table, for one of its partitions
    /// or for the account. The caller may repeat the request.
    #[error("{service} throttles the calls ({code})")]
    Throttled {
        /// The service that was called.
        service: &'static str,
        /// The service's own error code, or that of a cancelled transaction.
        code: String,
        /// The whole chain of causes.
        #[source]
        cause: Cause,
    },
    /// The service refused the call as invalid, for instance an item of more than 400 KB. Nothing was written, and repeating
    /// the call does not help.
    #[error("{service} refused the call as invalid ({code})")]
    Rejected {
        /// The service that was called.
        service: &'static str,
        /// The service's own error code, or that of a cancelled transaction.
        code: String,
        /// The whole chain of causes.
        #[source]
        cause: Cause,
    },
    /// Every attempt of a write met a running transaction on the same item. Nothing was written, and whether the write's
    /// condition holds is not known. The caller may repeat the request.
    #[error("another transaction is writing the item")]
    TransactionConflict,
    /// The function's IAM statement does not allow the call: a mistake in the template.
    #[error("{service} denied the call: {message}")]
    Denied {
        /// The service that was called.
        service: &'static str,
        /// What the service said.
        message: String,
    },
    /// The condition of a write does not hold: another writer changed the item after it was read, or has created one with
    /// the same key. Read again and decide again.
    #[error("another writer has changed or created the item")]
    Conflict,
    /// There is no item to change or to read, where one is required.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Every attempt of a read-decide-write loop met another writer. The caller may repeat the request.
    #[error("every attempt met another writer")]
    Exhausted,
    /// The arguments of the call contradict each other. A mistake in the calling code; nothing was written.
    #[error("invalid call: {0}")]
    Invalid(&'static str),
    /// A request could not be built: a value that does not serialise, or a required field left out. A mistake in this
    /// crate; nothing was written.
    #[error("internal error: {0}")]
    Internal(&'static str),
    /// An item that this version cannot read: a later version wrote it, or an attribute was changed by hand. It is
    /// never replaced by a default, which the next write would store.
    #[error("the {item} {key} is unreadable: {what}")]
    Corrupt {
        /// The item's kind.
        item: &'static str,
        /// The item's key. A visitor's openid in it is replaced by their uid.
        key: String,
        /// The attribute that is missing or that does not parse.
        what: String,
    },
    /// A sealed value could not be opened: no version of the secret that is still kept sealed it, or the item
    /// was tampered with or moved.
    #[error("a sealed value cannot be opened with any version of the secret")]
    Sealed,
    /// A cursor that this API did not give out.
    #[error("the cursor is not one of ours")]
    Cursor,
}

/// The rendered chain of causes of a failed call. It holds no item and no secret: the SDK's errors name the
/// failure. Their `Debug`, which quotes the whole answer, is no part of it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

impl Cause {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn of(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut next = error.source();
        while let Some(source) = next {
            text = format!("{text}: {source}");
            next = source.source();
        }
        Self(text)
    }
}

impl StoreError {
    /// Sorts a failed SDK call into the cases that a caller can act on.
    pub(crate) fn from_sdk<E, R>(service: &'static str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        let meta = error.as_service_error();
        match meta.and_then(ProvideErrorMetadata::code) {
            Some("ConditionalCheckFailedException") => Self::Conflict,
            Some("TransactionConflictException") => Self::TransactionConflict,
            Some(code) if THROTTLED.contains(&code) => {
                Self::Throttled { service, code: code.to_owned(), cause: Cause::of(error) }
            }
            Some(code) if INVALID.contains(&code) => {
                Self::Rejected { service, code: code.to_owned(), cause: Cause::of(error) }
            }
            Some("AccessDeniedException" | "AccessDenied") => Self::Denied {
                service,
                message: meta.and_then(ProvideErrorMetadata::message).unwrap_or("access denied").to_owned(),
            },
            code => Self::Unavailable {
                service,
                code: code.map_or_else(|| failure_kind(error).to_owned(), ToOwned::to_owned),
                cause: Cause::of(error),
            },
        }
    }
}

fn failure_kind<E, R>(error: &SdkError<E, R>) -> &'static str {
    match error {
        SdkError::ConstructionFailure(_) => "construction",
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(_) => "connection",
        SdkError::ResponseError(_) => "response",
        _ => "service",
    }
}
