//! The rules of a service desk: pure functions, without I/O and without a clock.
//!
//! - [`reception`]: what happens next when a visitor's message has come in.

pub mod reception;
