//! The whole bundle on one machine.
//!
//! The functions run in this process by the same code as in Lambda. Around them stands what AWS would give them, all
//! of it read from `template.yaml`:
//!
//! | In AWS | Here | Module |
//! |---|---|---|
//! | CloudFormation, SAM | a reader of the template; what it does not know is an error | [`template`] |
//! | IAM | the statements under `Policies`, enforced on every call | [`iam`], `aws` |
//! | DynamoDB, Secrets Manager | dynoxide and a few secrets behind one loopback port | `aws`, `table` |
//! | API Gateway | payload-2.0 events | `gateway` |
//! | Lambda's event source mappings | records from dynoxide's stream, with filters, windows, parallel batches, retries, bisecting and dead letters | `streams` |
//! | EventBridge Scheduler | timers | `schedules` |
//! | Lambda | init, time limits, panics | `functions`, `code` |
//! | WeChat | a simulator | [`wechat`] |
//!
//! [`start`] serves a [`Bundle`] on 127.0.0.1; `main.rs` is its command line, the tests are its other user. Many
//! bundles can run in one process: none shares anything with another.

mod aws;
mod bundle;
mod code;
mod data;
mod demo;
mod error;
mod functions;
mod gateway;
pub mod iam;
mod options;
mod random;
mod schedules;
mod start;
mod streams;
mod table;
pub mod template;
pub mod wechat;

pub use aws::{CallCounts, Calls, Fault, OWN_KEY, TableFault, TableFaults};
pub use bundle::Bundle;
pub use error::LocalError;
pub use functions::InvokeError;
pub use options::{Options, Schedules, Streams};
pub use start::start;
pub use streams::{DeadLetter, Pattern, PatternError};
