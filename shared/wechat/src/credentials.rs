//! The push credentials that are set in WeChat's console (消息推送): the token that signs and the key that encrypts.

use std::fmt;

use aes::{Aes256Dec, cipher::KeyInit};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    Error,
    crypto::{self, Plaintext},
};

/// The token of a push configuration: 3 to 32 letters or digits. Redacted in `Debug`, zeroized when dropped, compared in
/// constant time.
#[derive(Clone)]
pub struct Token(SecretString);

impl Token {
    /// Checks the form of a token.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if (3..=32).contains(&text.len()) && is_alphanumeric(text) {
            Ok(Self(SecretString::from(text)))
        } else {
            Err(Error::BadToken)
        }
    }

    /// A new random token of 32 characters.
    pub fn generate() -> Result<Self, Error> {
        random_alphanumeric(32).map(Self)
    }

    /// The token's text.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The 43 letters or digits that encode a 32-byte AES key. Redacted in `Debug`, zeroized when dropped, compared in constant
/// time.
///
/// 43 base64 characters hold 258 bits. WeChat chooses the last character at random, so the two extra bits of three in four
/// keys are not zero, which a strict decoder refuses. They are ignored here.
#[derive(Clone)]
pub struct EncodingAesKey {
    text: SecretString,
    key: Zeroizing<[u8; 32]>,
    // Computing the round keys takes as long as decrypting some hundred bytes, and one key decrypts many messages.
    // Boxed, so that a move leaves no copy behind that is not zeroized.
    round_keys: Box<Aes256Dec>,
}

impl EncodingAesKey {
    /// Number of characters.
    pub const LENGTH: usize = 43;

    /// Checks the form of a key and decodes it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() != Self::LENGTH || !is_alphanumeric(text) {
            return Err(Error::BadEncodingAesKey);
        }
        Self::decode(SecretString::from(text))
    }

    /// A new random key.
    pub fn generate() -> Result<Self, Error> {
        Self::decode(random_alphanumeric(Self::LENGTH)?)
    }

    fn decode(text: SecretString) -> Result<Self, Error> {
        let mut base64 = Zeroizing::new([0; Self::LENGTH]);
        base64.copy_from_slice(text.expose_secret().as_bytes());
        // Ignores the two extra bits, as the WHATWG's forgiving-base64 decode does.
        let decoded = base64_simd::forgiving_decode_inplace(&mut *base64).ok();
        let key = decoded.and_then(|key| <[u8; 32]>::try_from(&*key).ok()).ok_or(Error::BadEncodingAesKey)?;
        let key = Zeroizing::new(key);
        Ok(Self { text, round_keys: Box::new(Aes256Dec::new((&*key).into())), key })
    }

    /// The 43 characters.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.key
    }

    pub(crate) fn round_keys(&self) -> &Aes256Dec {
        &self.round_keys
    }
}

impl PartialEq for EncodingAesKey {
    fn eq(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl Eq for EncodingAesKey {}

impl fmt::Debug for EncodingAesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncodingAesKey(..)")
    }
}

/// The key that decrypted a push. An encrypted reply uses the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WhichKey {
    /// The current key.
    Current,
    /// The key before the current one. WeChat may still use it for a while after a change.
    Previous,
}

/// The credentials to open a push with. WeChat advises to keep the old key after a change and to try both (消息加解密说明).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushCredentials {
    /// The token that signs pushes.
    pub token: Token,
    /// The current key.
    pub current: EncodingAesKey,
    /// The key before `current`, if it was changed.
    pub previous: Option<EncodingAesKey>,
}

impl PushCredentials {
    /// Credentials without a previous key.
    pub const fn new(token: Token, current: EncodingAesKey) -> Self {
        Self { token, current, previous: None }
    }

    /// One of the two keys.
    pub const fn key(&self, which: WhichKey) -> Option<&EncodingAesKey> {
        match which {
            WhichKey::Current => Some(&self.current),
            WhichKey::Previous => self.previous.as_ref(),
        }
    }

    /// Decrypts under the current key or else under the previous one. A key is accepted if the decrypted text ends with
    /// `app_id`. The error is that of the current key.
    pub fn decrypt(&self, app_id: &str, encrypt: &str) -> Result<(Plaintext, WhichKey), Error> {
        let current_error = match decrypt_for(&self.current, app_id, encrypt) {
            Ok(plaintext) => return Ok((plaintext, WhichKey::Current)),
            Err(error) => error,
        };
        let previous = self.previous.as_ref().ok_or(current_error)?;
        match decrypt_for(previous, app_id, encrypt) {
            Ok(plaintext) => Ok((plaintext, WhichKey::Previous)),
            Err(_) => Err(current_error),
        }
    }
}

fn decrypt_for(key: &EncodingAesKey, app_id: &str, encrypt: &str) -> Result<Plaintext, Error> {
    let plaintext = crypto::decrypt(key, encrypt)?;
    if plaintext.app_id() == app_id.as_bytes() { Ok(plaintext) } else { Err(Error::WrongApp) }
}

fn is_alphanumeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn random_alphanumeric(length: usize) -> Result<SecretString, Error> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = Zeroizing::new(String::with_capacity(length));
    let mut bytes = Zeroizing::new([0; 64]);
    while text.len() < length {
        getrandom::fill(&mut *bytes).map_err(|_| Error::NoRandom)?;
        for byte in bytes.iter() {
            // Two of the 64 values of six bits are skipped, so that all 62 characters are equally likely.
            if let Some(character) = ALPHABET.get(usize::from(byte & 63))
                && text.len() < length
            {
                text.push(char::from(*character));
            }
        }
    }
    Ok(SecretString::from(text.as_str()))
}
