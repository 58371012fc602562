//! Tokens and keys.

use std::collections::HashSet;

use wechat::{EncodingAesKey, Error, Token, crypto};

use crate::support::{APP_ID, ZERO_KEY, key};

#[test]
fn key_with_any_trailing_bits_is_accepted() {
    for (last, trailing) in [('A', 0), ('B', 1), ('C', 2), ('D', 3)] {
        let text = format!("{}{last}", &"mN8".repeat(15)[..42]);
        let key = key(&text);
        assert_eq!(key.expose(), text);
        let encrypt = crypto::encrypt(&key, APP_ID, "你好").unwrap();
        let plaintext = crypto::decrypt(&key, &encrypt).unwrap();
        assert_eq!(plaintext.message(), "你好".as_bytes(), "trailing bits {trailing}");
    }
}

#[test]
fn keys_that_differ_in_trailing_bits_decrypt_alike() {
    let encrypt = crypto::encrypt(&key(ZERO_KEY), APP_ID, "hello").unwrap();
    let twin = key(&format!("{}D", &ZERO_KEY[..42]));
    assert_eq!(crypto::decrypt(&twin, &encrypt).unwrap().message(), b"hello");
}

#[test]
fn malformed_key_is_refused() {
    let long = "A".repeat(44);
    for text in ["", &ZERO_KEY[..42], &long, &format!("{}=", &ZERO_KEY[..42]), &format!("{}/", &ZERO_KEY[..42])] {
        assert_eq!(EncodingAesKey::parse(text), Err(Error::BadEncodingAesKey), "{text}");
    }
}

#[test]
fn malformed_token_is_refused() {
    for text in ["", "ab", &"a".repeat(33), "ab-c", "令牌令牌"] {
        assert_eq!(Token::parse(text), Err(Error::BadToken), "{text}");
    }
    for text in ["abc", &"Z9".repeat(16)] {
        assert_eq!(Token::parse(text).unwrap().expose(), text);
    }
}

#[test]
fn generated_keys_and_tokens_are_valid_and_unique() {
    let keys: HashSet<String> = (0..64).map(|_| EncodingAesKey::generate().unwrap().expose().to_owned()).collect();
    assert_eq!(keys.len(), 64);
    for text in &keys {
        assert_eq!(key(text).expose(), text);
    }
    let tokens: HashSet<String> = (0..64).map(|_| Token::generate().unwrap().expose().to_owned()).collect();
    assert_eq!(tokens.len(), 64);
    for text in &tokens {
        assert_eq!(text.len(), 32);
        Token::parse(text).unwrap();
    }
    // Every character is drawn somewhere in 64 × 43 of 62.
    let drawn: HashSet<char> = keys.iter().flat_map(|text| text.chars()).collect();
    assert_eq!(drawn.len(), 62);
}

#[test]
fn debug_output_contains_no_secret() {
    let credentials = crate::support::credentials();
    let shown = format!("{credentials:?} {:?}", wechat::SecretString::from("hush"));
    assert!(!shown.contains("Zx9token") && !shown.contains("AAA") && !shown.contains("hush"), "{shown}");
}
