//! The two signatures of a push, both the SHA-1 of some strings in byte order with nothing between them.
//!
//! `signature` covers token, timestamp and nonce; it proves a callback URL and nothing about a body.
//! `msg_signature` covers `Encrypt` as well and is the only one that a push in safe mode may be judged by.
//! Source: WeChat's page on message push, "不要使用signature验证".

use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use crate::credentials::Token;

/// A signature as it travels: 40 lower-case hexadecimal digits.
pub type Hex = [u8; 40];

/// The `signature` of a GET check: over token, timestamp and nonce.
pub fn url_signature(token: &Token, timestamp: &str, nonce: &str) -> Hex {
    sign([token.expose(), timestamp, nonce])
}

/// The `msg_signature` of a push or of a reply: over token, timestamp, nonce and `encrypt`, the exact base64 text.
pub fn msg_signature(token: &Token, timestamp: &str, nonce: &str, encrypt: &str) -> Hex {
    sign([token.expose(), timestamp, nonce, encrypt])
}

/// Compares a signature that was claimed with the right one, in constant time.
/// Only the form that WeChat sends is accepted: lower-case digits.
pub fn matches(claimed: &str, right: &Hex) -> bool {
    claimed.as_bytes().ct_eq(right).into()
}

/// A signature as text.
pub fn as_str(signature: &Hex) -> &str {
    // `sign` writes hexadecimal digits only.
    std::str::from_utf8(signature).unwrap_or_default()
}

fn sign<const N: usize>(mut parts: [&str; N]) -> Hex {
    parts.sort_unstable();
    let mut hasher = Sha1::new();
    for part in parts {
        hasher.update(part);
    }
    hex(&hasher.finalize().into())
}

/// Lower-case hexadecimal digits of a SHA-1.
pub(crate) fn hex(digest: &[u8; 20]) -> Hex {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hex = [0; 40];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(digest) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    hex
}
