//! Who has a conversation, at every moment: the invariants of reception against random schedules, stopped functions,
//! lost answers and many at once.
//!
//! - [`schedules`]: worlds of their own, in which everything happens by lot. Every write is checked against the
//!   [`laws`]; everything that is done alone and undisturbed against the [`model`]; every tick against [`rest`].
//! - [`claims`]: a hundred at once.
//! - [`morning`]: five hundred wait and twenty come.
//!
//! The database is dynoxide, in this process. A schedule follows from its seed: one thread carries it out, and whoever
//! runs at once takes turns by lot at each request, which is all that they share. `KEFU_MODEL_SEED` sets the seed,
//! `KEFU_MODEL_STEPS` the number of steps (100,000).

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without is its failure")]
#![expect(clippy::large_futures, reason = "the whole desk lies within each operation; its thread has stack for it")]
#![expect(
    clippy::cast_precision_loss,
    clippy::format_push_string,
    clippy::manual_let_else,
    clippy::match_bool,
    clippy::match_same_arms,
    clippy::needless_for_each,
    clippy::needless_pass_by_value,
    clippy::similar_names,
    clippy::single_match_else,
    clippy::struct_field_names,
    clippy::unnecessary_wraps,
    clippy::use_self,
    reason = "matters of form, still to be put in order"
)]

mod book;
mod claims;
mod laws;
mod model;
mod morning;
mod operations;
mod rest;
mod schedules;
mod steps;
mod support;
mod world;
