//! The response to a push.
//!
//! A mini program has no passive reply, so the response is [`SUCCESS`], in plain text in safe mode too. Any other response is
//! encrypted and signed like a push, under the key that decrypted the push.

use serde::Serialize;

use crate::{
    Error, Format,
    credentials::{EncodingAesKey, Token},
    crypto, signature,
};

/// Acknowledges a push. Without it within five seconds, WeChat delivers the push again (接收消息和事件).
pub const SUCCESS: &str = "success";

/// An encrypted response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Reply {
    encrypt: String,
    msg_signature: String,
    time_stamp: i64,
    nonce: String,
}

impl Reply {
    /// Encrypts and signs `message` for `app_id`. `time_stamp` is the current time in seconds since 1970; `nonce` is that of the push.
    pub fn seal(
        token: &Token,
        key: &EncodingAesKey,
        app_id: &str,
        message: &str,
        time_stamp: i64,
        nonce: &str,
    ) -> Result<Self, Error> {
        let encrypt = crypto::encrypt(key, app_id, message)?;
        Ok(Self::sign(token, encrypt, time_stamp, nonce))
    }

    /// Signs a text from [`crypto::encrypt`] or [`crypto::encrypt_with`].
    pub fn sign(token: &Token, encrypt: String, time_stamp: i64, nonce: &str) -> Self {
        let signature = signature::msg_signature(token, &time_stamp.to_string(), nonce, &encrypt);
        Self { msg_signature: signature::as_str(&signature).to_owned(), encrypt, time_stamp, nonce: nonce.to_owned() }
    }

    /// The response in the format of the push.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Xml => self.to_xml(),
            Format::Json => self.to_json(),
        }
    }

    fn to_xml(&self) -> String {
        // The nonce comes from the URL and may hold the end of a CDATA section.
        let nonce = self.nonce.replace("]]>", "]]]]><![CDATA[>");
        format!(
            "<xml><Encrypt><![CDATA[{}]]></Encrypt><MsgSignature><![CDATA[{}]]></MsgSignature>\
             <TimeStamp>{}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>",
            self.encrypt, self.msg_signature, self.time_stamp
        )
    }

    fn to_json(&self) -> String {
        // Infallible: a struct of strings and a number.
        serde_json::to_string(self).unwrap_or_default()
    }
}
