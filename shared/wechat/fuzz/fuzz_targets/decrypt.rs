//! Any ciphertext; any text there and back; and right ciphertexts with some characters changed.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use wechat::{EncodingAesKey, crypto};

static KEY: LazyLock<Option<EncodingAesKey>> =
    LazyLock::new(|| EncodingAesKey::parse("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG").ok());

fuzz_target!(|text: &str| {
    let Some(key) = &*KEY else { return };
    let _ = crypto::decrypt(key, text);

    let random = *b"0123456789abcdef";
    let Ok(encrypt) = crypto::encrypt_with(key, "wx00000000000000a1", text, random) else { return };
    let plaintext = crypto::decrypt(key, &encrypt).expect("what was encrypted decrypts");
    assert_eq!(plaintext.message(), text.as_bytes());

    // Some characters of the right ciphertext replaced by those of the input.
    let mut bytes = encrypt.into_bytes();
    for (at, byte) in text.bytes().enumerate().take(8) {
        let length = bytes.len();
        bytes[(at * 31 + usize::from(byte)) % length] = b'A' + byte % 26;
    }
    if let Ok(changed) = std::str::from_utf8(&bytes) {
        let _ = crypto::decrypt(key, changed);
    }
});
