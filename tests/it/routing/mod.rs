//! Who has a visitor's conversation, from the first message on.

mod modes;
mod people;
mod platform;
mod session_from;
mod simulate;
