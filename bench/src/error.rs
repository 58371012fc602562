//! What ends a measurement.

/// A measurement that cannot be made, or that would be worth nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The arguments are not understood.
    #[error("{0}")]
    Usage(String),
    /// The bundle does not start, or its streams cannot be read.
    #[error(transparent)]
    Bundle(#[from] local::LocalError),
    /// A function does not start.
    #[error(transparent)]
    Start(#[from] function::StartError),
    /// A request got no answer.
    #[error("HTTP: {0}")]
    Http(#[from] reqwest::Error),
    /// JSON that is not, or not of the form that was expected.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A socket or the output failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Something else happened than what was to be measured.
    #[error("{0}")]
    Other(String),
}

/// What a step of a measurement gives.
pub type Result<T> = std::result::Result<T, Error>;
