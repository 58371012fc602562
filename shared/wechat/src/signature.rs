//! The two signatures of a push. Each is the SHA-1 of several strings, sorted by their bytes and concatenated.
//!
//! `signature` covers token, timestamp and nonce. It authenticates the check of a callback URL, but no body.
//! `msg_signature` also covers `Encrypt` and is the one to verify for a push in safe mode.
//! Source: WeChat's page 消息推送, "不要使用signature验证".

use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use crate::credentials::Token;

/// A signature in the form that WeChat sends: 40 lower-case hexadecimal digits.
pub type Hex = [u8; 40];

/// The `signature` of a callback URL check: over token, timestamp and nonce.
pub fn url_signature(token: &Token, timestamp: &str, nonce: &str) -> Hex {
    sign([token.expose(), timestamp, nonce])
}

/// The `msg_signature` of a push or of a reply: over token, timestamp, nonce and `encrypt`, the exact base64 text.
pub fn msg_signature(token: &Token, timestamp: &str, nonce: &str, encrypt: &str) -> Hex {
    sign([token.expose(), timestamp, nonce, encrypt])
}

/// Compares a received signature with the expected one in constant time. Upper-case digits do not match.
pub fn matches(received: &str, expected: &Hex) -> bool {
    received.as_bytes().ct_eq(expected).into()
}

/// A signature as a string.
pub fn as_str(signature: &Hex) -> &str {
    // Infallible: `hex` writes ASCII digits only.
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

/// A SHA-1 in lower-case hexadecimal digits.
pub(crate) fn hex(digest: &[u8; 20]) -> Hex {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hex = [0; 40];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(digest) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    hex
}
