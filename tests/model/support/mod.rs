//! The database in this process, runs with faults, and random numbers from a seed.

pub(crate) mod database;
mod earlier;
pub(crate) mod random;
pub(crate) mod run;
mod running;
