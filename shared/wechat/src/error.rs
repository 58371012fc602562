//! Errors of pushes and credentials.

/// Why a push is refused, or why credentials are invalid.
///
/// No variant holds any part of a secret or of a message, so an `Error` can be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The body is longer than [`MAX_BODY`](crate::envelope::MAX_BODY), or a reply exceeds its 4-byte length prefix.
    #[error("the body is too large")]
    TooLarge,
    /// The body, or the message in it, is not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// The document has a DOCTYPE. WeChat never sends one.
    #[error("the document has a DOCTYPE")]
    Doctype,
    /// The outer document cannot be parsed.
    #[error("the envelope cannot be read: {0}")]
    Envelope(&'static str),
    /// The envelope has no `Encrypt`. A plaintext body is refused: `signature` does not cover the body, so a signature
    /// that was seen once would authenticate any message.
    #[error("the envelope has no Encrypt")]
    Plaintext,
    /// The query has no `msg_signature`.
    #[error("the query has no msg_signature")]
    NoMsgSignature,
    /// `msg_signature` does not match the token and the body.
    #[error("msg_signature does not match")]
    Signature,
    /// The message could not be decrypted. The text is the same for every [`DecryptError`].
    #[error("the message could not be decrypted")]
    Undecryptable(DecryptError),
    /// The message was encrypted for another appid.
    #[error("the message is for another appid")]
    WrongApp,
    /// The decrypted document cannot be parsed.
    #[error("the message cannot be read: {0}")]
    Message(&'static str),
    /// The message has no `CreateTime`, or one that is not a whole number of seconds.
    #[error("the message has no readable CreateTime")]
    CreateTime,
    /// A token is 3 to 32 letters or digits.
    #[error("a token is 3 to 32 letters or digits")]
    BadToken,
    /// An `EncodingAESKey` is 43 letters or digits.
    #[error("an EncodingAESKey is 43 letters or digits")]
    BadEncodingAesKey,
    /// The operating system returned no random bytes.
    #[error("the system gave no random bytes")]
    NoRandom,
    /// The base URL of WeChat's API is not an `http` or `https` URL.
    #[error("the API's address is not an http or https URL")]
    BadBaseUrl,
}

/// The step at which a decryption failed, for logs and tests. The response to WeChat must not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecryptError {
    /// `Encrypt` is not base64.
    Base64,
    /// The ciphertext is empty or not a whole number of AES blocks.
    Block,
    /// The padding is not 1 to 32 equal bytes of their own number.
    Padding,
    /// The length prefix reaches past the end, or the text is too short to hold one.
    Length,
    /// No appid follows the message.
    NoAppId,
}

impl Error {
    /// The stable code of the error, for logs and problem details.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "push.too_large",
            Self::NotUtf8 => "push.not_utf8",
            Self::Doctype => "push.doctype",
            Self::Envelope(_) => "push.envelope_unreadable",
            Self::Plaintext => "push.plaintext",
            Self::NoMsgSignature => "push.signature_missing",
            Self::Signature => "push.signature_mismatch",
            Self::Undecryptable(_) => "push.undecryptable",
            Self::WrongApp => "push.wrong_appid",
            Self::Message(_) => "push.message_unreadable",
            Self::CreateTime => "push.create_time_unreadable",
            Self::BadToken => "credentials.bad_token",
            Self::BadEncodingAesKey => "credentials.bad_encoding_aes_key",
            Self::NoRandom => "system.no_random",
            Self::BadBaseUrl => "settings.bad_api_url",
        }
    }

    /// Whether the push might open with newer credentials. A caller with cached credentials reads them again before it
    /// refuses such a push.
    pub const fn may_be_stale(&self) -> bool {
        matches!(self, Self::Signature | Self::Undecryptable(_))
    }
}

impl From<DecryptError> for Error {
    fn from(error: DecryptError) -> Self {
        Self::Undecryptable(error)
    }
}
