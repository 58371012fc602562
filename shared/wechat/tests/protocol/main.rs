//! What WeChat sends, in every form that it may have, and what only looks like it.

#![expect(clippy::unwrap_used, reason = "also the helpers of a test are tests")]

mod hostile;
mod keys;
mod messages;
mod properties;
mod push;
mod reply;
mod split;
mod support;
mod vectors;
