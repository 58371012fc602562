//! What an admin sets up, takes away, and is told when something is wrong with it.

mod described;
mod in_use;
mod names;
mod session_from;
mod visitors;
mod words;
