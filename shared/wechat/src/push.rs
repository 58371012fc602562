//! The way of one push, from the request to the message.

use crate::{
    Error, Format, Inbound, PushCredentials, Token, WhichKey, credentials::EncodingAesKey, envelope::Envelope,
    reply::Reply, signature,
};

/// Why a push is refused. All refusals deserve the same answer, so that nothing is learned from it.
pub type Refusal = Error;

/// What WeChat adds to the URL of a push, decoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PushQuery<'a> {
    /// Covers token, timestamp and nonce. Never looked at here: it does not cover the body.
    pub signature: Option<&'a str>,
    /// Covers the body's `Encrypt` as well.
    pub msg_signature: Option<&'a str>,
    /// In seconds since 1970.
    pub timestamp: &'a str,
    /// Some digits.
    pub nonce: &'a str,
    /// `aes` in safe and in compatible mode. Not looked at: a body without `Encrypt` is refused in any case.
    pub encrypt_type: Option<&'a str>,
    /// The visitor. Absent on authorization events. Not signed; see [`Opened::openid_differs`].
    pub openid: Option<&'a str>,
}

/// A push that is WeChat's own, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What it says.
    pub inbound: Inbound,
    /// The key that opened it.
    pub key: WhichKey,
    /// The form of its envelope, which a reply takes too.
    pub format: Format,
    /// The URL names another visitor than the message. WeChat does not promise that they are the same: worth a line in the log,
    /// no reason to refuse. The message is right.
    pub openid_differs: bool,
}

impl Opened {
    /// An encrypted answer to this push: under the key that opened it, in its form. `time_stamp` is our own clock, in seconds since
    /// 1970; `nonce` is that of the push.
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

/// Opens a push: size, UTF-8, envelope, `msg_signature` in constant time, decryption under the current or the previous key, trailing
/// appid, message. `app_id` is the appid that messages are encrypted for: the mini program's, or the platform's own where a third-party
/// platform receives for it.
pub fn open(
    credentials: &PushCredentials,
    app_id: &str,
    query: &PushQuery<'_>,
    body: &[u8],
) -> Result<Opened, Refusal> {
    let envelope = Envelope::parse(body)?;
    let claimed = query.msg_signature.ok_or(Error::NoMsgSignature)?;
    let right = signature::msg_signature(&credentials.token, query.timestamp, query.nonce, &envelope.encrypt);
    if !signature::matches(claimed, &right) {
        return Err(Error::Signature);
    }
    let (plaintext, key) = credentials.decrypt(app_id, &envelope.encrypt)?;
    let inbound = Inbound::parse(plaintext.message())?;
    let openid_differs = query.openid.is_some_and(|openid| openid != inbound.from_user_name);
    Ok(Opened { inbound, key, format: envelope.format, openid_differs })
}

/// The check of a callback URL: whether WeChat, or whoever holds the token, made this request. If so the answer is its `echostr`, byte for
/// byte; if not, `echostr` must not be reflected.
pub fn verify_url(token: &Token, signature: &str, timestamp: &str, nonce: &str) -> bool {
    signature::matches(signature, &signature::url_signature(token, timestamp, nonce))
}
