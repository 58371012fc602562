//! Who has a visitor's conversation, from the first message on.

mod astray;
mod modes;
mod people;
mod platform;
mod returning;
mod session_from;
mod simulate;
