//! WeChat's protocol for the customer service of mini programs: pushes from WeChat and calls of its API.
//! The crate uses no AWS service, no storage and no clock.
//!
//! Receiving a push:
//!
//! | Module | Content |
//! |---|---|
//! | [`push`] | [`push::open`] verifies, decrypts and parses a push; [`push::verify_url`] checks a callback URL |
//! | [`envelope`] | the outer document, XML or JSON, of which only `Encrypt` is used |
//! | [`signature`] | `signature` (3 strings) and `msg_signature` (4 strings), compared in constant time |
//! | [`credentials`] | [`Token`], [`EncodingAesKey`], and both keys during a key rotation |
//! | [`crypto`] | AES-256-CBC with WeChat's padding, length prefix and trailing appid |
//! | [`message`] | the decrypted document as an [`Inbound`] message, and its [`DedupKey`] |
//! | [`reply`] | the response to a push: `success`, or an encrypted document |
//! | [`session_from`] | parses the contact button's `session-from` in the formats of four vendors, builds it, and verifies its signature |
//!
//! [`is_app_id`] checks the form of an AppID; [`WebUrl`] and [`Name`] are addresses and names that strangers give.
//!
//! Calling WeChat:
//!
//! | Module | Content |
//! |---|---|
//! | [`outbound`] | the messages that a mini program may send |
//! | [`text`] | the characters and the length limit of a text, and how to split a longer one |
//! | [`errcode`] | WeChat's return codes: their meaning and the action to take |
//! | `client` (feature `client`) | the HTTP calls, and whether a failed call may have taken effect |
//!
//! No function panics on any input. No secret appears in `Debug` output or in an error.

mod app_id;
#[cfg(feature = "client")]
pub mod client;
pub mod credentials;
pub mod crypto;
pub mod envelope;
pub mod errcode;
mod error;
mod fields;
mod json;
pub mod message;
mod name;
pub mod outbound;
mod public_address;
pub mod push;
pub mod reply;
pub mod session_from;
pub mod signature;
pub mod text;
mod web_url;
mod xml;

pub use app_id::is_app_id;
#[cfg(feature = "client")]
pub use client::{Api, ApiError, Outcome};
pub use credentials::{EncodingAesKey, PushCredentials, Token, WhichKey};
pub use envelope::MAX_BODY;
pub use errcode::{Action, ErrCode};
pub use error::{DecryptError, Error};
pub use fields::Format;
pub use message::{Content, DedupKey, Inbound};
pub use name::{Name, NameError};
pub use outbound::Outbound;
pub use public_address::is_public;
pub use push::{PushQuery, VerifiedPush};
pub use reply::SUCCESS;
pub use secrecy::{ExposeSecret, SecretString};
pub use web_url::{MAX_WEB_URL, WebUrl, WebUrlError};
