//! A sender of pushes, right ones and wrong ones.

use aes::cipher::{Array, BlockModeEncrypt, KeyIvInit};
use base64_simd::STANDARD;
use wechat::{EncodingAesKey, Error, PushCredentials, PushQuery, Token, VerifiedPush, crypto, push, signature};

pub(crate) const APP_ID: &str = "wx00000000000000a1";
pub(crate) const TIMESTAMP: &str = "1750000000";
pub(crate) const NONCE: &str = "77001122";

/// Their decoded bytes are known, so that a test can encrypt by hand.
pub(crate) const ZERO_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
pub(crate) const OTHER_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

pub(crate) const TEXT_XML: &str = "<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName>\
    <FromUserName><![CDATA[oTEST-user_0001]]></FromUserName><CreateTime>1750000001</CreateTime>\
    <MsgType><![CDATA[text]]></MsgType><Content><![CDATA[你好，客服😀]]></Content>\
    <MsgId>24567890123456789</MsgId></xml>";

pub(crate) fn key(text: &str) -> EncodingAesKey {
    EncodingAesKey::parse(text).unwrap()
}

pub(crate) fn credentials() -> PushCredentials {
    PushCredentials::new(Token::parse("Zx9token").unwrap(), key(ZERO_KEY))
}

pub(crate) fn encrypt(message: &str) -> String {
    crypto::encrypt_with(&key(ZERO_KEY), APP_ID, message, *b"0123456789abcdef").unwrap()
}

/// Encrypts a text that is already padded, under [`ZERO_KEY`].
pub(crate) fn encrypt_padded(mut padded: Vec<u8>) -> String {
    let (blocks, rest) = Array::slice_as_chunks_mut(&mut padded);
    assert!(rest.is_empty());
    cbc::Encryptor::<aes::Aes256>::new(&[0; 32].into(), &[0; 16].into()).encrypt_blocks(blocks);
    STANDARD.encode_to_string(padded)
}

pub(crate) fn xml_envelope(encrypt: &str) -> String {
    format!("<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>")
}

pub(crate) fn sign(encrypt: &str) -> String {
    let token = credentials().token;
    signature::as_str(&signature::msg_signature(&token, TIMESTAMP, NONCE, encrypt)).to_owned()
}

pub(crate) fn query(msg_signature: &str) -> PushQuery<'_> {
    PushQuery {
        msg_signature: Some(msg_signature),
        timestamp: TIMESTAMP,
        nonce: NONCE,
        encrypt_type: Some("aes"),
        ..PushQuery::default()
    }
}

/// Opens what is rightly signed, in an XML envelope.
pub(crate) fn open_signed(encrypt: &str) -> Result<VerifiedPush, Error> {
    open_body(encrypt, xml_envelope(encrypt).as_bytes())
}

/// Opens a body with the right signature of `encrypt`.
pub(crate) fn open_body(encrypt: &str, body: &[u8]) -> Result<VerifiedPush, Error> {
    push::open(&credentials(), APP_ID, &query(&sign(encrypt)), body)
}
