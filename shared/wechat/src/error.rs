//! What can be wrong with a push or with the credentials it is opened with.

/// Why a push is refused, or why credentials are not credentials.
///
/// No variant carries any part of a secret or of a message, so an `Error` may be logged as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The body is longer than [`MAX_BODY`](crate::envelope::MAX_BODY), or a reply is longer than its length prefix can say.
    #[error("the body is too large")]
    TooLarge,
    /// The body, or the message in it, is not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// The document has a document type definition. WeChat never sends one.
    #[error("the document has a DOCTYPE")]
    Doctype,
    /// The outer document is neither WeChat's XML nor its JSON.
    #[error("the envelope cannot be read: {0}")]
    Envelope(&'static str),
    /// The envelope has no `Encrypt`. A plaintext body is refused in safe mode: `signature` does not cover the body,
    /// so that any three values seen once could carry any message.
    #[error("the envelope has no Encrypt")]
    Plaintext,
    /// The query has no `msg_signature`.
    #[error("the query has no msg_signature")]
    NoMsgSignature,
    /// `msg_signature` is not that of the token and this body.
    #[error("msg_signature does not match")]
    Signature,
    /// The message could not be decrypted. The text is the same for every [`Fault`].
    #[error("the message could not be decrypted")]
    Undecryptable(Fault),
    /// The message was encrypted for another appid.
    #[error("the message is for another appid")]
    WrongApp,
    /// The decrypted document cannot be read.
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
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    NoRandom,
    /// The address of WeChat's API is not an `http` or `https` URL.
    #[error("the API's address is not an http or https URL")]
    BadBaseUrl,
}

/// Where a decryption stopped. For logs and tests: an answer to the outside must not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `Encrypt` is not base64.
    Base64,
    /// The ciphertext is empty or not a whole number of AES blocks.
    Block,
    /// The padding is not 1 to 32 equal bytes of their own number.
    Padding,
    /// The length prefix reaches past the end, or the text is too short to hold one.
    Length,
    /// There is nothing behind the message where the appid should be.
    NoAppId,
}

impl Error {
    /// A stable name of the error, for logs and problem details.
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

    /// Whether newer credentials could have opened the push: whoever keeps credentials for a while reads them once more
    /// before such a refusal stands.
    pub const fn may_be_stale(&self) -> bool {
        matches!(self, Self::Signature | Self::Undecryptable(_))
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Undecryptable(fault)
    }
}
