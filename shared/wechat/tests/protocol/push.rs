//! A push from its request to its message, and each reason to refuse one.

use serde_json::json;
use wechat::{Content, DecryptError, Error, Format, PushCredentials, PushQuery, WhichKey, crypto, push, signature};

use crate::support::{
    APP_ID, NONCE, OTHER_KEY, TEXT_XML, TIMESTAMP, ZERO_KEY, credentials, encrypt, encrypt_padded, key, open_body,
    open_signed, query, sign, xml_envelope,
};

fn text(content: &str) -> Content {
    Content::Text { content: content.to_owned() }
}

#[test]
fn xml_push_with_text_opens() {
    let opened = open_signed(&encrypt(TEXT_XML)).unwrap();
    assert_eq!(opened.key, WhichKey::Current);
    assert_eq!(opened.format, Format::Xml);
    assert!(!opened.openid_differs);
    let inbound = opened.inbound;
    assert_eq!(inbound.to_user_name, "gh_0a1b2c3d4e5f");
    assert_eq!(inbound.from_user_name, "oTEST-user_0001");
    assert_eq!(inbound.create_time, 1_750_000_001);
    assert_eq!(inbound.msg_id.as_deref(), Some("24567890123456789"));
    assert!(inbound.content == text("你好，客服😀"));
}

#[test]
fn json_push_with_text_opens() {
    let message = json!({
        "ToUserName": "gh_0a1b2c3d4e5f", "FromUserName": "oTEST-user_0001", "CreateTime": 1_750_000_001,
        "MsgType": "text", "Content": "你好😀", "MsgId": 24_567_890_123_456_789_u64,
    });
    let encrypt = encrypt(&message.to_string());
    let body = json!({ "ToUserName": "gh_0a1b2c3d4e5f", "Encrypt": encrypt }).to_string();
    let opened = open_body(&encrypt, format!(" \r\n{body}\n").as_bytes()).unwrap();
    assert_eq!(opened.format, Format::Json);
    assert!(opened.inbound.content == text("你好😀"));
}

#[test]
fn envelope_variants_open_alike() {
    let encrypt = encrypt(TEXT_XML);
    for body in [
        format!("<xml><Encrypt>{encrypt}</Encrypt></xml>"),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xml>\n <Encrypt>\n<![CDATA[{encrypt}]]></Encrypt>\n</xml>\n"
        ),
        format!("<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt><AppId>wx00000000000000c3</AppId></xml>"),
        // Compatible mode: whatever stands outside of Encrypt is not believed.
        format!(
            "<xml><FromUserName>evil</FromUserName><Content>evil</Content><Encrypt>{encrypt}</Encrypt><MsgId>1</MsgId></xml>"
        ),
        format!("<xml><List><Encrypt>evil</Encrypt></List><Encrypt>{encrypt}</Encrypt></xml>"),
        format!(r#"{{"Content":"evil","Encrypt":"{}","List":[{{"Encrypt":"evil"}}]}}"#, encrypt.replace('/', "\\/")),
        // Where a field is repeated the last one counts.
        format!("<xml><Encrypt>evil</Encrypt><Encrypt>{encrypt}</Encrypt></xml>"),
        format!(r#"{{"Encrypt":"evil","Encrypt":"{encrypt}"}}"#),
    ] {
        let opened = open_body(&encrypt, body.as_bytes()).unwrap_or_else(|error| panic!("{error}: {body}"));
        assert!(opened.inbound.content == text("你好，客服😀"));
        assert_eq!(opened.inbound.from_user_name, "oTEST-user_0001");
    }
}

#[test]
fn padding_of_1_to_32_bytes_opens() {
    let mut pads = std::collections::BTreeSet::new();
    for length in 0..32 {
        let content = "x".repeat(length);
        let message =
            format!("<xml><CreateTime>1</CreateTime><MsgType>text</MsgType><Content>{content}</Content></xml>");
        pads.insert(32 - (20 + message.len() + APP_ID.len()) % 32);
        assert!(open_signed(&encrypt(&message)).unwrap().inbound.content == text(&content));
    }
    assert_eq!(pads.into_iter().collect::<Vec<_>>(), (1..=32).collect::<Vec<_>>());
}

#[test]
fn flipped_bit_in_encrypt_is_refused() {
    let encrypt = encrypt(TEXT_XML);
    let right = sign(&encrypt);
    let good = xml_envelope(&encrypt).into_bytes();
    let start = xml_envelope("").len() - "]]></Encrypt></xml>".len();
    for bit in 0..encrypt.len() * 8 {
        let mut body = good.clone();
        body[start + bit / 8] ^= 1 << (bit % 8);
        let refusal = push::open(&credentials(), APP_ID, &query(&right), &body).unwrap_err();
        // A bit that makes the text something else than base64 may already end the envelope.
        assert!(matches!(refusal, Error::Signature | Error::NotUtf8 | Error::Envelope(_)), "bit {bit}: {refusal:?}");
    }
    push::open(&credentials(), APP_ID, &query(&right), &good).unwrap();
}

#[test]
fn flipped_bit_in_signature_is_refused() {
    let encrypt = encrypt(TEXT_XML);
    let body = xml_envelope(&encrypt);
    for bit in (0..320).filter(|bit| bit % 8 != 7) {
        let mut wrong = sign(&encrypt).into_bytes();
        wrong[bit / 8] ^= 1 << (bit % 8);
        let wrong = String::from_utf8(wrong).unwrap();
        let refusal = push::open(&credentials(), APP_ID, &query(&wrong), body.as_bytes()).unwrap_err();
        assert_eq!(refusal, Error::Signature);
    }
}

#[test]
fn push_without_msg_signature_is_refused() {
    let body = xml_envelope(&encrypt(TEXT_XML));
    let signature = signature::url_signature(&credentials().token, TIMESTAMP, NONCE);
    let signature = signature::as_str(&signature);
    assert!(push::verify_url(&credentials().token, signature, TIMESTAMP, NONCE));
    let open = |query| push::open(&credentials(), APP_ID, &query, body.as_bytes()).unwrap_err();
    assert_eq!(open(query(signature)), Error::Signature);
    let absent = PushQuery { signature: Some(signature), msg_signature: None, ..query("") };
    assert_eq!(open(absent), Error::NoMsgSignature);
    assert_eq!(open(query("")), Error::Signature);
}

#[test]
fn plaintext_push_is_refused() {
    for body in
        [TEXT_XML, r#"{"MsgType":"text","CreateTime":1,"Content":"hi"}"#, "<xml><Encrypt></Encrypt></xml>", "{}"]
    {
        let signature = signature::url_signature(&credentials().token, TIMESTAMP, NONCE);
        let query = PushQuery { signature: Some(signature::as_str(&signature)), encrypt_type: None, ..query("0") };
        assert_eq!(push::open(&credentials(), APP_ID, &query, body.as_bytes()).unwrap_err(), Error::Plaintext);
    }
}

#[test]
fn push_with_wrong_appid_is_refused() {
    let key = key(ZERO_KEY);
    for app_id in ["wx00000000000000a2", "wx00000000000000a", "wx00000000000000a11", "WX00000000000000A1"] {
        let encrypt = crypto::encrypt(&key, app_id, TEXT_XML).unwrap();
        assert_eq!(open_signed(&encrypt).unwrap_err(), Error::WrongApp, "{app_id}");
    }
}

/// A text of 64 bytes in all whose last `pad` bytes are its padding.
fn full(pad: usize) -> Vec<u8> {
    let message = 64 - pad - 20 - APP_ID.len();
    let mut full = b"0123456789abcdef".to_vec();
    full.extend(u32::try_from(message).unwrap().to_be_bytes());
    full.resize(20 + message, b'x');
    full.extend(APP_ID.as_bytes());
    full
}

#[test]
fn push_with_bad_padding_is_refused() {
    let fault = |padded: Vec<u8>| crypto::decrypt(&key(ZERO_KEY), &encrypt_padded(padded)).map(|_| ()).unwrap_err();
    let with = |pad: usize, value: u8| {
        let mut padded = full(pad);
        padded.resize(64, value);
        padded
    };
    crypto::decrypt(&key(ZERO_KEY), &encrypt_padded(with(20, 20))).unwrap();
    for value in [0, 33, 64, 255] {
        assert_eq!(fault(with(20, value)), DecryptError::Padding, "{value}");
    }
    for wrong in 45..63 {
        let mut padded = with(20, 20);
        padded[wrong] ^= 1;
        assert_eq!(fault(padded), DecryptError::Padding, "byte {wrong}");
    }
    // A pad longer than the text.
    assert_eq!(fault(vec![17; 16]), DecryptError::Padding);
    // A pad for a block of 16 where the block of 32 wants more: its bytes are right, so it is read.
    assert_eq!(fault(vec![16; 16]), DecryptError::Length);
}

#[test]
fn push_with_length_past_end_is_refused() {
    let fault = |length: u32| {
        let mut padded = full(20);
        padded[16..20].copy_from_slice(&length.to_be_bytes());
        padded.resize(64, 20);
        crypto::decrypt(&key(ZERO_KEY), &encrypt_padded(padded)).map(|plaintext| plaintext.app_id().len())
    };
    assert_eq!(fault(6), Ok(18));
    assert_eq!(fault(23), Ok(1));
    assert_eq!(fault(24).unwrap_err(), DecryptError::NoAppId);
    for length in [25, 64, 0x7FFF_FFFF, 0xFFFF_FFEC, 0xFFFF_FFF0, u32::MAX] {
        assert_eq!(fault(length).unwrap_err(), DecryptError::Length, "{length:#x}");
    }
}

#[test]
fn push_with_malformed_base64_is_refused() {
    let whole = encrypt(TEXT_XML);
    // 21 characters are 16 bytes less five: not a whole block any more.
    for (encrypt, fault) in [
        (&whole[..whole.len() - 4], DecryptError::Block),
        (&whole[..whole.len() - 1], DecryptError::Base64),
        (&whole[..4], DecryptError::Block),
        ("====", DecryptError::Base64),
        ("你好", DecryptError::Base64),
    ] {
        let refusal = open_signed(encrypt).unwrap_err();
        assert_eq!(refusal, Error::Undecryptable(fault), "{encrypt}");
        assert_eq!(refusal.to_string(), "the message could not be decrypted");
        assert_eq!(refusal.code(), "push.undecryptable");
    }
    // Whole blocks are missing at the end: what stands there now is no padding.
    let bytes = 48 / 3 * 4;
    assert!(matches!(open_signed(&whole[..bytes]).unwrap_err(), Error::Undecryptable(_)));
}

#[test]
fn push_under_previous_key_opens() {
    let mut credentials = PushCredentials { previous: Some(key(ZERO_KEY)), ..credentials() };
    credentials.current = key(OTHER_KEY);
    let encrypt = encrypt(TEXT_XML);
    let open = |credentials: &PushCredentials| {
        push::open(credentials, APP_ID, &query(&sign(&encrypt)), xml_envelope(&encrypt).as_bytes())
    };
    let opened = open(&credentials).unwrap();
    assert_eq!(opened.key, WhichKey::Previous);

    // The reply goes under the key that worked, and only that key reads it.
    let reply = opened.reply(&credentials, APP_ID, TEXT_XML, 1_750_000_020, NONCE).unwrap();
    let envelope = wechat::envelope::Envelope::parse(reply.as_bytes()).unwrap();
    let plaintext = crypto::decrypt(&key(ZERO_KEY), &envelope.encrypt).unwrap();
    assert_eq!(plaintext.message(), TEXT_XML.as_bytes());
    assert!(crypto::decrypt(&key(OTHER_KEY), &envelope.encrypt).is_err());

    credentials.previous = None;
    let refusal = open(&credentials).unwrap_err();
    assert!(matches!(refusal, Error::Undecryptable(_)) && refusal.may_be_stale());
    credentials.previous = Some(key(OTHER_KEY));
    assert!(matches!(open(&credentials).unwrap_err(), Error::Undecryptable(_)));
}

#[test]
fn only_signature_and_decryption_errors_may_be_stale() {
    let stale = [Error::Signature, Error::Undecryptable(DecryptError::Padding)];
    let sure =
        [Error::TooLarge, Error::NotUtf8, Error::Doctype, Error::Plaintext, Error::WrongApp, Error::NoMsgSignature];
    assert!(stale.iter().all(Error::may_be_stale) && !sure.iter().any(Error::may_be_stale));
}

#[test]
fn different_openid_in_url_is_reported() {
    let encrypt = encrypt(TEXT_XML);
    let signature = sign(&encrypt);
    for (openid, differs) in [("oTEST-user_0001", false), ("oTEST-user_0002", true)] {
        let query = PushQuery { openid: Some(openid), ..query(&signature) };
        let opened = push::open(&credentials(), APP_ID, &query, xml_envelope(&encrypt).as_bytes()).unwrap();
        assert_eq!(opened.openid_differs, differs);
    }
}
