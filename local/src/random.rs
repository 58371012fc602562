//! Random names and secrets from the operating system.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// So many letters and digits, each equally likely.
pub(crate) fn letters_and_digits(length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0; 64];
        fill(&mut bytes);
        // 248 is four times 62: the bytes above would make the first letters likelier.
        let fair = bytes.iter().filter(|&&byte| byte < 248);
        let letters = fair.map(|&byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
        text.extend(letters.take(length - text.len()));
    }
    text
}

/// So many hexadecimal digits.
pub(crate) fn hexadecimal(length: usize) -> String {
    let mut bytes = vec![0; length.div_ceil(2)];
    fill(&mut bytes);
    let mut text = hex(&bytes);
    text.truncate(length);
    text
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = b"0123456789abcdef";
    let digits = |byte: &u8| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]];
    bytes.iter().flat_map(digits).map(char::from).collect()
}

#[expect(
    clippy::expect_used,
    reason = "a machine without randomness cannot keep a secret; nothing sensible is left to do"
)]
fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system gives random bytes");
}
