//! Who has a conversation, at every moment: the invariants of reception against random schedules, stopped functions,
//! lost answers and many at once.
//!
//! - [`schedules`]: worlds of their own, in which everything happens by lot, in [`steps`]. Every write is checked
//!   against the [`laws`], on the table as it is (`laws::state`) and on what the write has changed (`laws::change`);
//!   everything that is done alone and undisturbed against the [`model`]; every tick against [`rest`].
//! - [`claims`]: a hundred at once.
//! - [`conflicts`]: two operations on one conversation, and operations whose every write meets another.
//! - [`morning`]: five hundred wait and twenty come.
//!
//! The database is dynoxide, in this process. A schedule follows from its seed: one thread carries it out, and whoever
//! runs at once takes turns by lot at each request, which is all that they share. `KEFU_MODEL_SEED` sets the seed,
//! `KEFU_MODEL_STEPS` the number of steps (100,000).

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without is its failure")]

mod book;
mod claims;
mod conflicts;
mod laws;
mod model;
mod morning;
mod operations;
mod rest;
mod schedules;
mod steps;
mod support;
mod world;
