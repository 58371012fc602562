//! The encryption of a push:
//!
//! ```text
//! full    = random(16) ‖ u32_be(length of message) ‖ message ‖ appid
//! padded  = full ‖ k bytes of value k,  k = 32 - length of full mod 32,  1 ..= 32
//! Encrypt = base64(AES-256-CBC(key, iv = first 16 bytes of key, padded))
//! ```
//!
//! The padding is PKCS#7 with a block of 32 bytes, not AES's 16: a PKCS#7 unpadder for AES fails on about half of all messages.
//! Source: WeChat's page 消息推送 and its 消息加解密 samples. The samples treat an invalid padding as no padding; WeChat's own padding
//! is always valid, so this decoder refuses it. The signature is verified before, so the refusal is no padding oracle.

use std::ops::Range;

use aes::{
    Aes256Enc,
    cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyIvInit},
};
use base64_simd::STANDARD;

use crate::{DecryptError, Error, credentials::EncodingAesKey};

const RANDOM: usize = 16;
const PREFIX: usize = RANDOM + 4;
const PAD_BLOCK: usize = 32;

/// A decrypted message and the appid that it was encrypted for.
pub struct Plaintext {
    buffer: Vec<u8>,
    message: Range<usize>,
    app_id: Range<usize>,
}

impl Plaintext {
    /// The document: XML or JSON in UTF-8.
    pub fn message(&self) -> &[u8] {
        &self.buffer[self.message.clone()]
    }

    /// The trailing appid. In pushes to a third-party platform it is the platform's.
    pub fn app_id(&self) -> &[u8] {
        &self.buffer[self.app_id.clone()]
    }
}

impl std::fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plaintext").field("length", &self.message.len()).finish_non_exhaustive()
    }
}

/// Decrypts the text of `Encrypt`. The caller checks the trailing appid.
pub fn decrypt(key: &EncodingAesKey, encrypt: &str) -> Result<Plaintext, DecryptError> {
    // Decoded with vector instructions, because this covers every byte of a push.
    let mut buffer = STANDARD.decode_to_vec(encrypt).map_err(|_| DecryptError::Base64)?;

    let (blocks, rest) = Array::slice_as_chunks_mut(&mut buffer);
    if blocks.is_empty() || !rest.is_empty() {
        return Err(DecryptError::Block);
    }
    cbc::Decryptor::inner_iv_init(key.round_keys(), &iv(key)).decrypt_blocks(blocks);

    let full = remove_padding(&buffer)?;
    let (message, app_id) = ranges(full)?;
    Ok(Plaintext { buffer, message, app_id })
}

fn remove_padding(padded: &[u8]) -> Result<&[u8], DecryptError> {
    let pad = usize::from(*padded.last().ok_or(DecryptError::Padding)?);
    if !(1..=PAD_BLOCK).contains(&pad) {
        return Err(DecryptError::Padding);
    }
    let (full, padding) = padded.split_at_checked(padded.len().wrapping_sub(pad)).ok_or(DecryptError::Padding)?;
    if padding.iter().all(|byte| usize::from(*byte) == pad) { Ok(full) } else { Err(DecryptError::Padding) }
}

fn ranges(full: &[u8]) -> Result<(Range<usize>, Range<usize>), DecryptError> {
    let (_, rest) = full.split_at_checked(RANDOM).ok_or(DecryptError::Length)?;
    let prefix = rest.first_chunk::<4>().ok_or(DecryptError::Length)?;
    let length = usize::try_from(u32::from_be_bytes(*prefix)).map_err(|_| DecryptError::Length)?;
    let end = PREFIX.checked_add(length).filter(|end| *end <= full.len()).ok_or(DecryptError::Length)?;
    if end == full.len() {
        return Err(DecryptError::NoAppId);
    }
    Ok((PREFIX..end, end..full.len()))
}

/// Encrypts a message for an appid with new random bytes.
pub fn encrypt(key: &EncodingAesKey, app_id: &str, message: &str) -> Result<String, Error> {
    let mut random = [0; RANDOM];
    getrandom::fill(&mut random).map_err(|_| Error::NoRandom)?;
    encrypt_with(key, app_id, message, random)
}

/// [`encrypt`] with given random bytes, for known-answer tests. Never use the same bytes twice: they hide that two messages
/// are equal.
pub fn encrypt_with(key: &EncodingAesKey, app_id: &str, message: &str, random: [u8; RANDOM]) -> Result<String, Error> {
    let length = u32::try_from(message.len()).map_err(|_| Error::TooLarge)?;
    let mut buffer = Vec::with_capacity(PREFIX + message.len() + app_id.len() + PAD_BLOCK);
    buffer.extend_from_slice(&random);
    buffer.extend_from_slice(&length.to_be_bytes());
    buffer.extend_from_slice(message.as_bytes());
    buffer.extend_from_slice(app_id.as_bytes());
    pad(&mut buffer);

    let (blocks, _) = Array::slice_as_chunks_mut(&mut buffer);
    cbc::Encryptor::<Aes256Enc>::new(key.bytes().into(), &iv(key)).encrypt_blocks(blocks);
    Ok(STANDARD.encode_to_string(buffer))
}

fn pad(buffer: &mut Vec<u8>) {
    let pad = PAD_BLOCK - buffer.len() % PAD_BLOCK;
    #[expect(clippy::cast_possible_truncation, reason = "a pad is 1 to 32")]
    buffer.resize(buffer.len() + pad, pad as u8);
}

fn iv(key: &EncodingAesKey) -> Array<u8, aes::cipher::consts::U16> {
    let mut iv = Array::default();
    iv.copy_from_slice(&key.bytes()[..16]);
    iv
}
