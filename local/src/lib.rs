//! The whole bundle on one machine.
//!
//! The functions run in this process, with the same code as in Lambda. This crate emulates the AWS services around them, as
//! configured in `template.yaml`:
//!
//! | AWS | Local counterpart | Module |
//! |---|---|---|
//! | CloudFormation, SAM | a parser of the template; an unsupported feature is an error | [`template`] |
//! | IAM | the statements under `Policies`, checked for each request | [`iam`], `aws` |
//! | DynamoDB, Secrets Manager, SQS | dynoxide, the generated secrets and queues in memory, behind one loopback port, with conflicts between transactions | `aws`, `table`, `queues` |
//! | API Gateway | an HTTP server that creates events of payload format 2.0 and keeps the answers of authorizers | `gateway` |
//! | API Gateway's WebSocket API | connections on the same port, their events, `@connections` | `websocket`, `aws` |
//! | Event source mappings | pollers of dynoxide's stream, with filters, batching windows, concurrent batches, retries, bisecting and dead letters | `streams`, `dead_letters` |
//! | Event source mappings of queues | concurrent invocations up to a maximum, delays, visibility timeouts, receive counts, partial batch responses, dead letters | `queues` |
//! | EventBridge Scheduler | timers | `schedules` |
//! | Lambda | init, timeouts, panics, concurrency limits | `functions`, `packages`, `concurrency` |
//! | WeChat | a simulator | [`wechat`] |
//!
//! [`start`] serves a [`Bundle`] on 127.0.0.1. Every server refuses requests by another host name and those of other sites' pages. `main.rs` is the command line; the tests start bundles, too. Several bundles can run
//! in one process; they share nothing.

mod aws;
mod bundle;
mod clock;
mod concurrency;
mod controls;
mod data;
mod dead_letters;
mod demo;
mod error;
mod functions;
mod gateway;
pub mod iam;
mod options;
mod packages;
mod queues;
mod random;
mod schedules;
mod sign_in;
mod start;
mod streams;
mod table;
pub mod template;
mod trusted_hosts;
mod websocket;
pub mod wechat;

pub use aws::{Fault, OWN_KEY, RequestCounts, TableFault, TableFaults};
pub use bundle::Bundle;
pub use dead_letters::DeadLetter;
pub use error::LocalError;
pub use functions::InvokeError;
pub use options::{Options, Schedules, Streams};
pub use start::start;
pub use table::memory_database;
