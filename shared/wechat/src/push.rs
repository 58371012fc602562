//! Verifies, decrypts and parses a push.

use crate::{
    Error, Format, Inbound, PushCredentials, Token, WhichKey, credentials::EncodingAesKey, envelope::Envelope,
    reply::Reply, signature,
};

/// The decoded query parameters of a push.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PushQuery<'a> {
    /// Covers token, timestamp and nonce. Not used: it does not cover the body.
    pub signature: Option<&'a str>,
    /// Covers token, timestamp, nonce and the body's `Encrypt`.
    pub msg_signature: Option<&'a str>,
    /// In seconds since 1970.
    pub timestamp: &'a str,
    /// A random number.
    pub nonce: &'a str,
    /// `aes` in safe and in compatible mode. Not used: a body without `Encrypt` is refused in any mode.
    pub encrypt_type: Option<&'a str>,
    /// The visitor. Absent for authorization events. Not covered by a signature; see [`VerifiedPush::openid_differs`].
    pub openid: Option<&'a str>,
}

/// A push whose signature and appid are verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPush {
    /// The message.
    pub inbound: Inbound,
    /// The key that decrypted it.
    pub key: WhichKey,
    /// The format of its envelope, which an encrypted reply uses too.
    pub format: Format,
    /// Whether the URL names another visitor than the message. The message counts; WeChat does not document that both are
    /// the same, so the difference is logged and the push is not refused.
    pub openid_differs: bool,
}

impl VerifiedPush {
    /// An encrypted response to this push, under the key that decrypted it and in its format. `time_stamp` is the current
    /// time in seconds since 1970; `nonce` is that of the push.
    pub fn reply(
        &self,
        credentials: &PushCredentials,
        app_id: &str,
        message: &str,
        time_stamp: i64,
        nonce: &str,
    ) -> Result<String, Error> {
        let key: &EncodingAesKey = credentials.key(self.key).unwrap_or(&credentials.current);
        Ok(Reply::seal(&credentials.token, key, app_id, message, time_stamp, nonce)?.render(self.format))
    }
}

/// Opens a push. In this order: checks size and encoding, parses the envelope, verifies `msg_signature`, decrypts under the
/// current or the previous key, checks the trailing appid, parses the message.
///
/// `app_id` is the appid that messages are encrypted for: the mini program's, or the platform's where a third-party platform
/// receives its pushes. Respond to every error in the same way, so that the response reveals nothing.
pub fn open(
    credentials: &PushCredentials,
    app_id: &str,
    query: &PushQuery<'_>,
    body: &[u8],
) -> Result<VerifiedPush, Error> {
    let envelope = Envelope::parse(body)?;
    let received = query.msg_signature.ok_or(Error::NoMsgSignature)?;
    let expected = signature::msg_signature(&credentials.token, query.timestamp, query.nonce, &envelope.encrypt);
    if !signature::matches(received, &expected) {
        return Err(Error::Signature);
    }
    let (plaintext, key) = credentials.decrypt(app_id, &envelope.encrypt)?;
    let inbound = Inbound::parse(plaintext.message())?;
    let openid_differs = query.openid.is_some_and(|openid| openid != inbound.from_user_name);
    Ok(VerifiedPush { inbound, key, format: envelope.format, openid_differs })
}

/// Whether a check of the callback URL is signed with the token. If so, respond with `echostr` byte for byte; if not, do not
/// return `echostr`.
pub fn verify_url(token: &Token, signature: &str, timestamp: &str, nonce: &str) -> bool {
    signature::matches(signature, &signature::url_signature(token, timestamp, nonce))
}
