//! What a mini program's console and we have agreed on: the token that signs and the key that encrypts.

use std::fmt;

use aes::{Aes256Dec, cipher::KeyInit};
use zeroize::Zeroizing;

use crate::{
    Error, Secret,
    crypto::{self, Plaintext},
};

/// The token of a push configuration: 3 to 32 letters or digits. Redacted in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Secret);

impl Token {
    /// Checks the form of a token.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if (3..=32).contains(&text.len()) && is_alphanumeric(text) {
            Ok(Self(Secret::new(text)))
        } else {
            Err(Error::BadToken)
        }
    }

    /// A new random token of 32 characters.
    pub fn generate() -> Result<Self, Error> {
        random_alphanumeric(32).map(Self)
    }

    /// The token itself.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The 43 letters or digits that stand for a 32-byte AES key. Redacted in `Debug`, wiped when dropped.
///
/// 43 base64 characters hold 258 bits. WeChat draws the last character freely, so that for three keys of four the two bits
/// left over are not zero, which a strict decoder refuses. They mean nothing and are dropped here.
#[derive(Clone)]
pub struct EncodingAesKey {
    text: Secret,
    key: Zeroizing<[u8; 32]>,
    // The round keys cost as much as decrypting some hundred bytes, and one key opens many messages.
    // Boxed: a moved key leaves no copy behind that is not wiped.
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
        Self::decode(Secret::new(text))
    }

    /// A new random key.
    pub fn generate() -> Result<Self, Error> {
        Self::decode(random_alphanumeric(Self::LENGTH)?)
    }

    fn decode(text: Secret) -> Result<Self, Error> {
        let mut base64 = Zeroizing::new([0; Self::LENGTH]);
        base64.copy_from_slice(text.expose().as_bytes());
        // Forgiving of the two bits left over, as the WHATWG's decoder is; a strict one is not.
        let decoded = base64_simd::forgiving_decode_inplace(&mut *base64).ok();
        let key = decoded.and_then(|key| <[u8; 32]>::try_from(&*key).ok()).ok_or(Error::BadEncodingAesKey)?;
        let key = Zeroizing::new(key);
        Ok(Self { text, round_keys: Box::new(Aes256Dec::new((&*key).into())), key })
    }

    /// The 43 characters themselves.
    pub fn expose(&self) -> &str {
        self.text.expose()
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
        self.text == other.text
    }
}

impl Eq for EncodingAesKey {}

impl fmt::Debug for EncodingAesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncodingAesKey(..)")
    }
}

/// Which of the two keys opened a message; the reply goes under the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WhichKey {
    /// The key that is configured now.
    Current,
    /// The key before it. WeChat may use it for a while after a change.
    Previous,
}

/// All that is needed to open a push. WeChat's advice for a change of key is to keep the old one and to try both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushCredentials {
    /// Signs.
    pub token: Token,
    /// Encrypts now.
    pub current: EncodingAesKey,
    /// Encrypted before `current`, if there was a change.
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

    /// Decrypts under the current key or else under the previous one, and checks the trailing appid: a key is right if it
    /// yields the appid. The error is that of the current key.
    pub fn decrypt(&self, app_id: &str, encrypt: &str) -> Result<(Plaintext, WhichKey), Error> {
        let refused = match open(&self.current, app_id, encrypt) {
            Ok(plaintext) => return Ok((plaintext, WhichKey::Current)),
            Err(error) => error,
        };
        let previous = self.previous.as_ref().ok_or(refused)?;
        match open(previous, app_id, encrypt) {
            Ok(plaintext) => Ok((plaintext, WhichKey::Previous)),
            Err(_) => Err(refused),
        }
    }
}

fn open(key: &EncodingAesKey, app_id: &str, encrypt: &str) -> Result<Plaintext, Error> {
    let plaintext = crypto::decrypt(key, encrypt)?;
    if plaintext.app_id() == app_id.as_bytes() { Ok(plaintext) } else { Err(Error::WrongApp) }
}

fn is_alphanumeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn random_alphanumeric(length: usize) -> Result<Secret, Error> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = Zeroizing::new(String::with_capacity(length));
    let mut bytes = Zeroizing::new([0; 64]);
    while text.len() < length {
        getrandom::fill(&mut *bytes).map_err(|_| Error::NoRandom)?;
        for byte in bytes.iter() {
            // Six bits stand for 64 values: two are drawn again, so that all characters stay equally likely.
            if let Some(character) = ALPHABET.get(usize::from(byte & 63))
                && text.len() < length
            {
                text.push(char::from(*character));
            }
        }
    }
    Ok(Secret::new(text.as_str()))
}
