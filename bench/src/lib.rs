//! What several measurements share: a bundle with people who answer, and the stream of its table.
//!
//! | Program | Measures |
//! |---|---|
//! | `cold-start` | the start of `message-ingress` as Lambda starts it, beside `hello` |
//! | `requests` | requests to DynamoDB and what they cost, and that neither grows with what a decision does not concern |
//! | `assignment` | the time from a push to its assignment to an agent |

mod desk;
mod error;
mod stream;

pub use desk::Desk;
pub use error::{Error, Result};
pub use stream::{Stream, attribute, written_at};
