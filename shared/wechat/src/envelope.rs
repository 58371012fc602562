//! The outer document of a push.
//!
//! ```xml
//! <xml><ToUserName><![CDATA[gh_…]]></ToUserName><Encrypt><![CDATA[…]]></Encrypt></xml>
//! ```
//! ```json
//! {"ToUserName": "gh_…", "Encrypt": "…"}
//! ```
//! In compatible mode (兼容模式) the document also holds all fields of the message in plain text. They are not signed, so only
//! `Encrypt` is used.

use std::borrow::Cow;

use crate::{Error, Format, fields};

/// The largest body that is parsed, in bytes. WeChat's have a few thousand.
pub const MAX_BODY: usize = 128 * 1024;

/// The outer document of a push. `msg_signature` covers `encrypt` alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The format of the document, which an encrypted reply uses too.
    pub format: Format,
    /// The encrypted message in base64.
    pub encrypt: Cow<'a, str>,
    /// `ToUserName`: the original id `gh_…` of the receiving account.
    pub to_user_name: Option<Cow<'a, str>>,
    /// `AppId`: the third-party platform's appid, in authorization events.
    pub app_id: Option<Cow<'a, str>>,
}

impl<'a> Envelope<'a> {
    /// Parses a body. The last of repeated fields counts.
    pub fn parse(body: &'a [u8]) -> Result<Self, Error> {
        if body.len() > MAX_BODY {
            return Err(Error::TooLarge);
        }
        let mut encrypt = None;
        let mut to_user_name = None;
        let mut app_id = None;
        let format = fields::visit(body, |name, value| match name {
            "Encrypt" => encrypt = Some(trimmed(value)),
            "ToUserName" => to_user_name = Some(trimmed(value)),
            "AppId" => app_id = Some(trimmed(value)),
            _ => {}
        })
        .map_err(|error| error.into_error(Error::Envelope))?;
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
