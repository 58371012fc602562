//! What every function starts with.
//!
//! - [`Env`] and [`Settings`]: settings, all missing ones named at once.
//! - [`Aws`]: clients with one TLS stack, short timeouts and Amazon's roots only.
//! - [`Settings::stores`]: the table and the vault, primed while the environment starts.
//! - [`http`]: answers, problem details, the caller, bodies.
//! - [`stream`]: records of the table's stream and the minute tick.
//! - [`init_logs`]: JSON logs as Lambda's logging configuration asks for.

mod aws;
mod env;
pub mod http;
pub mod stream;

pub use aws::Aws;
pub use env::{Env, Settings, StartError};
use tracing_subscriber::filter::LevelFilter;

/// Why an event was not handled. Lambda logs it and, for a stream or a schedule, tries again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

impl From<store::StoreError> for Failure {
    fn from(error: store::StoreError) -> Self {
        Self(http::chain(&error))
    }
}

impl From<Failure> for lambda_http::lambda_runtime::Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: "Failure".to_owned(), error_message: failure.0 }
    }
}

/// Starts the log on standard output as `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL` ask for; Lambda adds the time.
///
/// `lambda_runtime` has the same with a filter by module on top, whose regular expressions are a twentieth of a
/// function's binary.
pub fn init_logs() {
    let setting = |name| std::env::var(name).unwrap_or_default();
    let level = setting("AWS_LAMBDA_LOG_LEVEL").parse().unwrap_or(LevelFilter::INFO);
    let log = tracing_subscriber::fmt().with_target(false).without_time().with_max_level(level);
    if setting("AWS_LAMBDA_LOG_FORMAT").eq_ignore_ascii_case("json") { log.json().init() } else { log.init() }
}
