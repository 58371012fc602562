//! Routing: modes, `session-from`, merchants, identities, simulation.

mod allow;
mod modes;
mod no_target;
mod persons;
mod platform;
mod reentry;
pub(crate) mod session_from;
mod signed_entry;
mod simulate;
mod sticky_agent;
mod unknown_targets;
mod visitor_fields;
pub(crate) mod visitor_identity;
