//! Random nonces, tokens and ids.

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// `N` random bytes; zeros if the operating system has none, because the simulator has no real secrets.
pub(super) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::warn!(%error, "no random bytes");
    }
    bytes
}

/// The 16 random bytes before an encrypted message.
pub(super) fn prefix() -> [u8; 16] {
    bytes()
}

/// A random number with `digits` digits (at most 19) and no leading zero.
pub(super) fn digits(digits: usize) -> String {
    let mut text = String::with_capacity(digits);
    for (at, byte) in bytes::<19>().into_iter().take(digits).enumerate() {
        let digit = if at == 0 { 1 + byte % 9 } else { byte % 10 };
        text.push(char::from(b'0' + digit));
    }
    text
}

/// A random text of `length` (at most 160) letters, digits, `-` and `_`.
pub(super) fn word(length: usize) -> String {
    bytes::<160>().into_iter().take(length).map(|byte| char::from(LETTERS[usize::from(byte % 64)])).collect()
}

/// A random lower-case hexadecimal text of `2 * N` characters.
pub(super) fn hex<const N: usize>() -> String {
    ::hex::encode(bytes::<N>())
}
