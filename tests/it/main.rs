//! The whole bundle, from the outside.
//!
//! Each test starts a bundle of its own on free ports, with a simulated WeChat and a clock that stands still until it is
//! moved, and goes in by the front doors alone: the callback, the API, the simulated phone. What a person cannot see
//! (that nothing at all was written, what a call cost) is read from the table's own endpoint. Streams move when a
//! test says so, unless it is about their moving.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without is its failure")]

mod desk;
mod shop;
mod support;

mod access;
mod admin;
mod api;
mod bindings;
mod cards;
mod delivery;
mod duplicates;
mod events;
mod fetch;
mod handover;
mod ingress;
mod killed;
mod queue;
mod quota;
mod reception;
mod refusals;
mod restart;
mod robots;
mod routing;
mod secrets;
mod sends;
mod streams;
mod table_down;
mod tokens;
