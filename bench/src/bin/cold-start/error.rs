//! What ends a measurement.

/// A measurement that cannot be made, or that would be worth nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// The arguments are not understood.
    #[error("{0}\nusage: cold-start [--json] [--full RUNS] [--throttled RUNS]")]
    Usage(String),
    /// A file or a socket failed.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// The certificates or the TLS server could not be made.
    #[error("TLS: {0}")]
    Tls(String),
    /// dynoxide refused.
    #[error("dynoxide: {0}")]
    Dynoxide(String),
    /// The table or the vault refused.
    #[error("store: {0}")]
    Store(#[from] store::StoreError),
    /// The clients could not be built.
    #[error(transparent)]
    Start(#[from] function::StartError),
    /// A push could not be made.
    #[error("push: {0}")]
    Push(#[from] wechat::Error),
    /// JSON that is not.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The function did not do its work, so there is nothing to measure.
    #[error("{function}: {what}\n--- its log ---\n{log}")]
    Function {
        /// Which.
        function: &'static str,
        /// What it did instead.
        what: String,
        /// What it printed.
        log: String,
    },
}

/// Names the place of an I/O error.
pub(crate) fn at(place: impl Into<String>) -> impl FnOnce(std::io::Error) -> BenchError {
    move |error| BenchError::Io(place.into(), error)
}
