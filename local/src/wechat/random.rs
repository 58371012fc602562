//! What WeChat makes up: nonces, tokens, ids.

use std::fmt::Write as _;

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// `N` random bytes. Where the machine has none to give, the answer is zeros: nothing secret hangs on them here.
pub(super) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::warn!(%error, "no random bytes");
    }
    bytes
}

/// Sixteen random characters, as WeChat puts before a message that it encrypts.
pub(super) fn prefix() -> [u8; 16] {
    bytes()
}

/// A random number of up to `digits` digits (at most 19), never beginning with a zero.
pub(super) fn digits(digits: usize) -> String {
    let mut text = String::with_capacity(digits);
    for (at, byte) in bytes::<19>().into_iter().take(digits).enumerate() {
        let digit = if at == 0 { 1 + byte % 9 } else { byte % 10 };
        text.push(char::from(b'0' + digit));
    }
    text
}

/// A random word of `length` (at most 160) letters, digits, `-` and `_`.
pub(super) fn word(length: usize) -> String {
    bytes::<160>().into_iter().take(length).map(|byte| char::from(LETTERS[usize::from(byte % 64)])).collect()
}

/// A random lower-case hexadecimal text of `2 * N` characters.
pub(super) fn hex<const N: usize>() -> String {
    to_hex(&bytes::<N>())
}

/// Bytes as lower-case hexadecimal.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
