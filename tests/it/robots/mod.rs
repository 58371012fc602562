//! Robots by kind, and their turns.

pub(crate) mod chat;
mod chat_failures;
mod faq;
mod own_work;
mod queue;
mod turns;
mod webhook;
