//! The outer document of a push.
//!
//! ```xml
//! <xml><ToUserName><![CDATA[gh_…]]></ToUserName><Encrypt><![CDATA[…]]></Encrypt></xml>
//! ```
//! ```json
//! {"ToUserName": "gh_…", "Encrypt": "…"}
//! ```
//! In compatible mode (兼容模式) all fields of the message stand here in plain text as well. They are not signed, so only
//! `Encrypt` is taken.

use std::borrow::Cow;

use crate::{Error, Format, document};

/// The largest body that is looked at, in bytes. WeChat's are a few thousand.
pub const MAX_BODY: usize = 128 * 1024;

/// What the outside of a push says. Nothing but `encrypt` is covered by `msg_signature`.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The form of the document; a reply takes the same.
    pub format: Format,
    /// The base64 text that is signed and that holds the message.
    pub encrypt: Cow<'a, str>,
    /// `ToUserName`: whom the push is for, the original id `gh_…`.
    pub to_user_name: Option<Cow<'a, str>>,
    /// `AppId`: the platform's, on pushes of authorization events.
    pub app_id: Option<Cow<'a, str>>,
}

impl<'a> Envelope<'a> {
    /// Reads a body. Where a field is repeated the last one counts.
    pub fn parse(body: &'a [u8]) -> Result<Self, Error> {
        if body.len() > MAX_BODY {
            return Err(Error::TooLarge);
        }
        let mut encrypt = None;
        let mut to_user_name = None;
        let mut app_id = None;
        let format = document::walk(body, |name, value| match name {
            "Encrypt" => encrypt = Some(trimmed(value)),
            "ToUserName" => to_user_name = Some(trimmed(value)),
            "AppId" => app_id = Some(trimmed(value)),
            _ => {}
        })
        .map_err(|unreadable| unreadable.or(Error::Envelope))?;
        match encrypt {
            Some(encrypt) if !encrypt.is_empty() => Ok(Self { format, encrypt, to_user_name, app_id }),
            _ => Err(Error::Plaintext),
        }
    }
}

impl std::fmt::Debug for Envelope<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Envelope")
            .field("format", &self.format)
            .field("encrypt", &format_args!("{} bytes", self.encrypt.len()))
            .field("to_user_name", &self.to_user_name)
            .field("app_id", &self.app_id)
            .finish()
    }
}

fn trimmed(value: Cow<'_, str>) -> Cow<'_, str> {
    match value {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii()),
        Cow::Owned(text) => Cow::Owned(text.trim_ascii().to_owned()),
    }
}
