//! Robots by kind, and their turns.

pub(crate) mod chat;
mod chat_failures;
mod circuit;
mod faq;
mod neighbours;
mod own_work;
mod queue;
mod trial;
mod turns;
mod webhook;
