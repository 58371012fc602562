//! What the functions behind the callback URL require of a request before they read anything.
//!
//! The route is public, so a request costs no more than its check until its signature is verified: [`CallbackQuery`] bounds
//! the signed parameters, and [`Budget`] bounds the reads that requests for unknown AppIDs cause.

mod budget;
mod query;

pub use budget::{Budget, UNKNOWN_APP_IDS_PER_SECOND};
pub use query::{CallbackQuery, MAX_SKEW, ParameterError, QueryMap, echostr};
