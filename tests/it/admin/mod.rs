//! Settings: validation, aliases, deletion, descriptions.

mod aliases;
mod delete_in_use;
mod error_details;
mod names;
mod odd_bodies;
mod odd_values;
mod openapi;
mod session_from;
mod visitors;
mod wrong_types;
