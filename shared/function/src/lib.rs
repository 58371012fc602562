//! The start of every function: settings, AWS clients, logs, events.
//!
//! - [`Env`] and [`Settings`]: environment variables, with one error that names all that are missing.
//! - [`Aws`], [`CallLimits`]: AWS clients with one TLS stack, time limits and Amazon's root certificates.
//! - [`Settings::stores`]: the table and the vault, connected during init.
//! - [`callback`]: what a request to the callback URL must be before anything is read for it.
//! - [`http`]: responses of functions without a router.
//! - [`trigger`]: stream records, messages of a queue, and the schedule's tick.
//! - [`Deadline`]: what an invocation may begin before its timeout.
//! - [`queue`]: the messages that functions send each other.
//! - `Connections`: the connections of browsers.
//! - [`init_logs`]: logs in the format of Lambda's logging configuration, and metrics in them.

mod aws;
pub mod callback;
#[cfg(feature = "connections")]
mod connections;
mod deadline;
mod env;
pub mod http;
mod https;
mod logs;
pub mod queue;
mod tls;
pub mod trigger;

pub use aws::{Aws, CallLimits};
#[cfg(feature = "connections")]
pub use connections::{Connections, Delivery};
pub use deadline::{ANSWER_RESERVE, Deadline, RESERVE};
pub use env::{Env, Settings, StartError};
pub use logs::{METRICS, init_logs, json_logs};
#[cfg(feature = "queue")]
pub use queue::{Outgoing, Queue};

/// An invocation error. Lambda logs it and, for a stream or a schedule, invokes the function again.
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
