//! Random identifiers and secrets.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A random text of letters and digits with a uniform distribution.
pub(crate) fn letters_and_digits(length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0; 64];
        fill(&mut bytes);
        // 248 is a multiple of 62. Larger bytes would favour the first characters.
        let uniform = bytes.iter().filter(|&&byte| byte < 248);
        let letters = uniform.map(|&byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
        text.extend(letters.take(length - text.len()));
    }
    text
}

/// A random text of hexadecimal digits.
pub(crate) fn hexadecimal(length: usize) -> String {
    let mut bytes = vec![0; length.div_ceil(2)];
    fill(&mut bytes);
    let mut text = hex::encode(&bytes);
    text.truncate(length);
    text
}

#[expect(clippy::expect_used, reason = "without random bytes from the operating system no secret can be generated")]
fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("random bytes from the operating system");
}
