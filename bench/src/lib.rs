//! Code that several measurements share: a local bundle with agents, and a reader of its table's stream.
//!
//! | Program | Measures |
//! |---|---|
//! | `cold-start` | the start of `message-ingress` and `desk-api` as Lambda starts them, compared with `hello` |
//! | `requests` | requests to DynamoDB per step and their cost, in a small and in a large service desk |
//! | `assignment` | the time from a push to its assignment to an agent |

mod desk;
mod error;
mod stream;

pub use desk::Desk;
pub use error::{Error, Result};
pub use stream::{Stream, attribute, events, written_at};
