//! Errors that end a measurement.

/// Why there is no valid measurement.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Wrong arguments.
    #[error("{0}")]
    Usage(String),
    /// The bundle does not start, or its streams cannot be read.
    #[error(transparent)]
    Bundle(#[from] local::LocalError),
    /// A function does not start.
    #[error(transparent)]
    Start(#[from] function::StartError),
    /// The table.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// An HTTP request without an answer.
    #[error("HTTP: {0}")]
    Http(#[from] reqwest::Error),
    /// Invalid or unexpected JSON.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// An I/O error of a socket or the output.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A step did not have the expected result.
    #[error("{0}")]
    Other(String),
}

/// The result of a step of a measurement.
pub type Result<T> = std::result::Result<T, Error>;
