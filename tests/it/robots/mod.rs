//! What a robot says, by its kind.

mod chat;
mod chat_fails;
mod faq;
mod turns;
mod webhook;
