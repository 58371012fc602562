//! Signatures and encryption, an implementation of its own.
//!
//! It shares no code with the crate `wechat`, so that each checks the other. The protocol: 消息推送, `miniprogram/dev/framework/server-ability/message-push.html`.

use aes::Aes256;
use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

const BLOCK: usize = 16;
/// The block size of the PKCS#7 padding, in bytes. It is not the block size of AES.
const PAD_BLOCK: usize = 32;

/// The 32 bytes behind an `EncodingAESKey`.
#[derive(Clone)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// Decodes the 43 characters of six bits each. The last two of the 258 bits are ignored.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        if text.len() != 43 {
            return None;
        }
        let mut key = [0_u8; 32];
        let mut bits = 0_u32;
        let mut bit_count = 0_u32;
        let mut filled = 0;
        for letter in text.bytes() {
            let six = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'a'..=b'z' => letter - b'a' + 26,
                b'0'..=b'9' => letter - b'0' + 52,
                _ => return None,
            };
            bits = (bits << 6) | u32::from(six);
            bit_count += 6;
            if bit_count >= 8 && filled < key.len() {
                bit_count -= 8;
                key[filled] = ((bits >> bit_count) & 0xff).to_be_bytes()[3];
                filled += 1;
            }
        }
        Some(Self(key))
    }
}

/// The SHA-1 of the parts, sorted by bytes and concatenated, in lower-case hexadecimal.
pub(super) fn signature(parts: &[&str]) -> String {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();
    let digest: [u8; 20] = Sha1::digest(sorted.concat()).into();
    hex::encode(digest)
}

/// Encrypts a message to the text of `Encrypt`: 16 random bytes, the length, the message and the app ID, padded, in CBC mode.
pub(super) fn encrypt(key: &Key, random: [u8; BLOCK], message: &str, app_id: &str) -> String {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut plain = Vec::with_capacity(BLOCK + 4 + message.len() + app_id.len() + PAD_BLOCK);
    plain.extend_from_slice(&random);
    plain.extend_from_slice(&length.to_be_bytes());
    plain.extend_from_slice(message.as_bytes());
    plain.extend_from_slice(app_id.as_bytes());
    let pad = PAD_BLOCK - plain.len() % PAD_BLOCK;
    plain.resize(plain.len() + pad, u8::try_from(pad).unwrap_or_default());

    let cipher = Aes256::new(&key.0.into());
    let mut previous: [u8; BLOCK] = first_block(&key.0);
    for chunk in plain.chunks_exact_mut(BLOCK) {
        chunk.iter_mut().zip(previous).for_each(|(byte, mask)| *byte ^= mask);
        let mut block = first_block(chunk).into();
        cipher.encrypt_block(&mut block);
        chunk.copy_from_slice(&block);
        previous = first_block(chunk);
    }
    STANDARD.encode(plain)
}

/// Decrypts the text of `Encrypt` to the message and the app ID; `None` if it is malformed.
pub(super) fn decrypt(key: &Key, encrypted: &str) -> Option<(String, String)> {
    let mut bytes = STANDARD.decode(encrypted).ok()?;
    if bytes.is_empty() || bytes.len() % BLOCK != 0 {
        return None;
    }
    let cipher = Aes256::new(&key.0.into());
    let mut previous: [u8; BLOCK] = first_block(&key.0);
    for chunk in bytes.chunks_exact_mut(BLOCK) {
        let encrypted_block = first_block(chunk);
        let mut block: Block<Aes256> = encrypted_block.into();
        cipher.decrypt_block(&mut block);
        for (at, byte) in chunk.iter_mut().enumerate() {
            *byte = block[at] ^ previous[at];
        }
        previous = encrypted_block;
    }
    let pad = *bytes.last()?;
    let unpadded = bytes.len().checked_sub(usize::from(pad))?;
    let padding = bytes.split_off(unpadded);
    if pad == 0 || usize::from(pad) > PAD_BLOCK || padding.iter().any(|byte| *byte != pad) {
        return None;
    }
    let length = bytes.get(BLOCK..BLOCK + 4)?;
    let length = usize::try_from(u32::from_be_bytes(length.try_into().ok()?)).ok()?;
    let rest = bytes.split_off(BLOCK + 4);
    let message = rest.get(..length)?.to_vec();
    let app_id = rest.get(length..)?.to_vec();
    Some((String::from_utf8(message).ok()?, String::from_utf8(app_id).ok()?))
}

/// The first 16 bytes of a slice. Panics if it is shorter.
fn first_block(bytes: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block.copy_from_slice(&bytes[..BLOCK]);
    block
}
