use serde_json::Value;

use super::KEY;
use crate::wechat::crypto::{Key, decrypt, encrypt, signature};

const VECTORS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/wechat/tests/vectors/wechat.json"));

fn field<'v>(vector: &'v Value, name: &str) -> Option<&'v str> {
    vector.get(name).and_then(Value::as_str)
}

#[test]
fn signatures_and_encryption_match_the_published_vectors() {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    assert!(vectors.len() >= 10);
    for vector in &vectors {
        let id = field(vector, "id").unwrap();
        let of = |name| field(vector, name);
        let refused = of("expect").unwrap();
        if let (Some(token), Some(time), Some(nonce)) = (of("token"), of("timestamp"), of("nonce")) {
            for plain in [of("signature"), of("plain_signature")].into_iter().flatten() {
                assert_eq!(signature(&[token, time, nonce]), plain, "{id}");
            }
            if let (Some(encrypt), Some(expected)) = (of("encrypt"), of("msg_signature")) {
                let holds = signature(&[token, time, nonce, encrypt]) == expected;
                assert_eq!(holds, refused != "reject:signature", "{id}");
            }
        }
        let (Some(key), Some(encrypted)) = (of("encoding_aes_key"), of("encrypt")) else { continue };
        let key = Key::from_text(key).unwrap();
        let (plaintext, app_id) = (of("plaintext").unwrap(), of("appid").unwrap());
        let random = of("random").unwrap().as_bytes().try_into().unwrap();
        if refused != "reject:signature" {
            assert_eq!(decrypt(&key, encrypted), Some((plaintext.to_owned(), app_id.to_owned())), "{id}");
            assert_eq!(encrypt(&key, random, plaintext, app_id), encrypted, "{id}");
        }
        if let Some(expected) = of("expected_appid") {
            assert_ne!(decrypt(&key, encrypted).unwrap().1, expected, "{id}");
        }
    }
}

#[test]
fn last_two_bits_of_a_key_are_ignored() {
    let sealed = |last: &str| {
        let key = Key::from_text(&format!("{}{last}", &KEY[..42])).unwrap();
        encrypt(&key, *b"0123456789abcdef", "你好", "wx00000000000000a1")
    };
    assert_eq!(sealed("E"), sealed("F"));
    assert_eq!(sealed("E"), sealed("G"));
    assert_eq!(sealed("E"), sealed("H"));
    assert_ne!(sealed("E"), sealed("I"));
}

#[test]
fn key_without_43_letters_and_digits_is_refused() {
    for wrong in ["", &KEY[..42], &format!("{KEY}A"), &format!("{}+", &KEY[..42]), &format!("{}=", &KEY[..42])] {
        assert!(Key::from_text(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn every_padding_length_from_1_to_32_decrypts() {
    let key = Key::from_text(KEY).unwrap();
    for length in 0..64 {
        let message = "信".repeat(length / 3) + &"a".repeat(length % 3);
        let sealed = encrypt(&key, [7; 16], &message, "wx00000000000000a1");
        assert_eq!(decrypt(&key, &sealed).unwrap().0, message);
        // 4 characters of base64 for 3 bytes: whole blocks of 32, the last one never without a pad.
        let bytes = sealed.len() / 4 * 3 - sealed.bytes().filter(|byte| *byte == b'=').count();
        assert_eq!(bytes, (20 + message.len() + 18) / 32 * 32 + 32);
    }
}
