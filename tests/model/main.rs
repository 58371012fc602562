//! Checks the invariants of conversations against random schedules, stopped functions, lost answers and concurrency.
//!
//! - [`schedules`]: random worlds and random [`steps`]. Every write is checked against the [`invariants`], every operation
//!   that runs alone and without faults against the reference [`model`], and every tick against [`after_tick`].
//! - [`claims`]: a hundred concurrent claims.
//! - [`conflicts`]: two operations on one conversation, and operations whose every attempt meets another writer.
//! - [`office_opening`]: 500 conversations wait, and 20 agents come online at once.
//!
//! The database is dynoxide, in this process. A schedule follows from its seed: it runs on one thread, and the requests of
//! concurrent operations interleave by the seed. `KEFU_MODEL_SEED` sets the seed, `KEFU_MODEL_STEPS` the number of steps
//! (20,000).

#![expect(clippy::unwrap_used, reason = "a test fails where it cannot continue")]

mod after_tick;
mod claims;
mod conflicts;
mod invariants;
mod model;
mod office_opening;
mod operations;
mod schedules;
mod steps;
mod support;
mod table_state;
mod world;
