//! Errors that end the measurement.

/// Why there is no valid measurement.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// Wrong arguments, or a missing binary.
    #[error(
        "{0}\nusage: cold-start [--json] [--full RUNS] [--throttled RUNS] [--baseline DIR] [--peers DIR] [--peer-runs RUNS]"
    )]
    Usage(String),
    /// An I/O error of a file or a socket.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// The certificates or the TLS server cannot be created.
    #[error("TLS: {0}")]
    Tls(String),
    /// The table cannot be created.
    #[error(transparent)]
    Local(#[from] local::LocalError),
    /// The table or the vault returned an error.
    #[error("store: {0}")]
    Store(#[from] store::StoreError),
    /// The AWS clients cannot be built.
    #[error(transparent)]
    Start(#[from] function::StartError),
    /// A push cannot be signed or encrypted.
    #[error("push: {0}")]
    Push(#[from] wechat::Error),
    /// Invalid JSON.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The deployment template cannot be read.
    #[error(transparent)]
    Template(#[from] local::template::TemplateError),
    /// The function gave a wrong answer or none.
    #[error("{function}: {problem}\n--- its log ---\n{log}")]
    Function {
        /// The program's name.
        function: String,
        /// The answer, or what is missing.
        problem: String,
        /// Standard output and standard error of the process.
        log: String,
    },
}

/// Adds the file or socket to an I/O error.
pub(crate) fn at(place: impl Into<String>) -> impl FnOnce(std::io::Error) -> BenchError {
    move |error| BenchError::Io(place.into(), error)
}
