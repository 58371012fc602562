//! The WeChat protocol as a mini program's customer service meets it: what WeChat pushes to us, and what we say to WeChat.
//! This crate knows no AWS, no storage and no clock.
//!
//! A push, from the outside in:
//!
//! | Module | What it knows |
//! |---|---|
//! | [`push`] | the whole way of one push: [`push::open`], and the check of a callback URL, [`push::verify_url`] |
//! | [`envelope`] | the outer document, XML or JSON, of which only `Encrypt` is believed |
//! | [`signature`] | `signature` (3 strings) and `msg_signature` (4 strings), in constant time |
//! | [`credentials`] | [`Token`], [`EncodingAesKey`], and the pair of keys that lives through a rotation |
//! | [`crypto`] | AES-256-CBC with WeChat's padding, length prefix and trailing appid |
//! | [`message`] | the decrypted document as an [`Inbound`] message and its identity |
//! | [`reply`] | an answer to a push: `success`, or an encrypted document |
//! | [`session_from`] | what a contact button says of its visitor, in the forms of four vendors; writes it and checks its signature |
//!
//! [`is_app_id`] tells an AppID from other text.
//!
//! A call to WeChat:
//!
//! | Module | What it knows |
//! |---|---|
//! | [`outbound`] | the messages that a mini program may send |
//! | [`text`] | the length of a text and how a longer one is divided |
//! | [`errcode`] | WeChat's refusals: what they mean and what to do |
//! | `client` (feature `client`) | the HTTP calls, and for a failed one whether it may have had an effect |
//!
//! Nothing here panics on any input, and secrets appear neither in `Debug` nor in an error.

mod app_id;
#[cfg(feature = "client")]
pub mod client;
pub mod credentials;
pub mod crypto;
mod document;
pub mod envelope;
pub mod errcode;
mod error;
mod json;
pub mod message;
pub mod outbound;
pub mod push;
pub mod reply;
mod secret;
pub mod session_from;
pub mod signature;
pub mod text;
mod xml;

pub use app_id::is_app_id;
#[cfg(feature = "client")]
pub use client::{Api, ApiError, Outcome};
pub use credentials::{EncodingAesKey, PushCredentials, Token, WhichKey};
pub use document::Format;
pub use envelope::MAX_BODY;
pub use errcode::{Action, ErrCode};
pub use error::{Error, Fault};
pub use message::{Content, Identity, Inbound};
pub use outbound::Outbound;
pub use push::{Opened, PushQuery, Refusal};
pub use reply::SUCCESS;
pub use secret::Secret;
