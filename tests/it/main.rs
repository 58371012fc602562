//! Black-box tests of the whole bundle.
//!
//! Each test starts its own bundle on free ports, with a simulated WeChat and a manual clock, and uses the public
//! interfaces only: the callback, the API, the simulated phone. What these do not show (that nothing was written, how
//! many requests a call made) is read from the table's endpoint. Streams are delivered when a test calls `settle`,
//! except in tests of the streams.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without is its failure")]

mod open_conversation;
mod service_desk;
mod support;

mod access;
mod access_tokens;
mod admin;
mod api;
mod audit;
mod backlog;
mod bindings;
mod budgets;
mod cards;
mod cold_start;
mod console;
mod cover_fetch;
mod crash_recovery;
mod deadlines;
mod delivery;
mod duplicates;
mod environments;
mod erasure;
mod events;
mod foreign_pages;
mod frames;
mod handover;
mod iam;
mod ingress;
mod item_sizes;
mod log_entries;
mod metrics;
mod moved_clock;
mod phone_page;
mod pictures;
mod query_parameters;
mod queue;
mod quick_replies;
mod quota;
mod realtime;
mod reception;
mod refused_pushes;
mod request_deadlines;
mod restart;
mod retention;
mod robots;
mod routing;
mod secrets;
mod sends;
mod settings_cache;
mod sign_in;
mod streams;
mod table_conflicts;
mod table_failures;
mod visitor_notes;
mod workbench;
