//! Which group or agent a conversation goes to.

#![expect(clippy::unwrap_used, reason = "also the helpers of a test are tests")]

mod levels;
mod overflow;
mod properties;
mod sticky;
mod table;
mod world;
