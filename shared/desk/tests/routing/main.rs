//! Routing: levels of `transfer_action` and `platform_action`, the overflow table, the last agent, and properties.

#![expect(clippy::unwrap_used, reason = "also the helpers of a test are tests")]

mod levels;
mod overflow;
mod properties;
mod sticky;
mod table;
mod world;
