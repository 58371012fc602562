//! Handmade pushes, so that any byte can be changed. Signing and encryption are implemented again from WeChat's page on
//! message push and share no code with the crate `wechat`.

use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;
use reqwest::Url;
use sha1::{Digest, Sha1};
use store::Clock;

use super::{Answer, Binding, World};

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A push: change any field, then [`World::deliver`] it.
#[derive(Debug, Clone)]
pub(crate) struct Push {
    pub(crate) url: String,
    /// The whole query, in order.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

/// The SHA-1 over the parts in byte order, in hexadecimal.
pub(crate) fn sign(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    hex::encode(Sha1::digest(parts.concat()))
}

/// The 32 bytes of an `EncodingAESKey`.
fn key_bytes(key: &str) -> [u8; 32] {
    LENIENT.decode(key).unwrap()[..32].try_into().unwrap()
}

/// 16 random bytes, the length, the message and the AppID, without padding.
pub(crate) fn full(message: &[u8], app_id: &str) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [b"0123456789abcdef".as_slice(), &length, message, app_id.as_bytes()].concat()
}

/// Pads to blocks of 32 bytes as WeChat does.
pub(crate) fn padded(mut full: Vec<u8>) -> Vec<u8> {
    let pad = 32 - full.len() % 32;
    full.resize(full.len() + pad, u8::try_from(pad).unwrap());
    full
}

/// The value of `Encrypt` for bytes in whole blocks of 16.
pub(crate) fn encrypt(key: &str, padded: &[u8]) -> String {
    let key = key_bytes(key);
    let mut buffer = padded.to_vec();
    let mut cipher = cbc::Encryptor::<aes::Aes256>::new(&key.into(), key[..16].try_into().unwrap());
    for block in buffer.chunks_exact_mut(16) {
        cipher.encrypt_block(block.try_into().unwrap());
    }
    BASE64_STANDARD.encode(buffer)
}

impl Push {
    /// A document as WeChat pushes it in safe mode, in XML.
    pub(crate) fn new(binding: &Binding, document: &str) -> Self {
        Self::sealing(binding, &padded(full(document.as_bytes(), &binding.app_id)))
    }

    /// Any bytes in whole blocks, encrypted and validly signed.
    pub(crate) fn sealing(binding: &Binding, padded: &[u8]) -> Self {
        Self::carrying(binding, &encrypt(&binding.key, padded))
    }

    /// Any value of `Encrypt`, validly signed now.
    pub(crate) fn carrying(binding: &Binding, encrypted: &str) -> Self {
        Self::signed(binding, encrypted, &binding.clock.now().as_second().to_string(), "486452656")
    }

    /// Any value of `Encrypt`, validly signed with any timestamp and nonce.
    pub(crate) fn signed(binding: &Binding, encrypted: &str, timestamp: &str, nonce: &str) -> Self {
        let token = binding.token.as_str();
        let query = [
            ("signature", sign(&[token, timestamp, nonce])),
            ("timestamp", timestamp.to_owned()),
            ("nonce", nonce.to_owned()),
            ("openid", "oPUSH-visitor".to_owned()),
            ("encrypt_type", "aes".to_owned()),
            ("msg_signature", sign(&[token, timestamp, nonce, encrypted])),
        ];
        Self {
            url: binding.callback_url.clone(),
            query: query.map(|(name, value)| (name.to_owned(), value)).into(),
            content_type: "text/xml".to_owned(),
            body: envelope(encrypted).into_bytes(),
        }
    }

    /// The same push with another `Encrypt` and unchanged signatures.
    pub(crate) fn with_encrypt(mut self, encrypted: &str) -> Self {
        self.body = envelope(encrypted).into_bytes();
        self
    }

    /// The same push with another body.
    pub(crate) fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The same push with a changed query parameter.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.query.iter_mut().filter(|(known, _)| known == name).for_each(|(_, old)| value.clone_into(old));
        self
    }

    /// The same push without a query parameter.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.query.retain(|(known, _)| known != name);
        self
    }

    /// A query parameter.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.query.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// The outer document of a push in safe mode.
pub(crate) fn envelope(encrypted: &str) -> String {
    format!("<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>")
}

/// A text message as WeChat writes it.
pub(crate) fn text_document(openid: &str, create_time: i64, msg_id: u64, content: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>\
         <CreateTime>{create_time}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]></Content>\
         <MsgId>{msg_id}</MsgId></xml>"
    )
}

impl World {
    /// Delivers a push and returns the callback's answer.
    pub(crate) async fn deliver(&self, push: &Push) -> Answer {
        let url = Url::parse_with_params(&push.url, &push.query).unwrap();
        let request = self.client().post(url).header("content-type", &push.content_type).body(push.body.clone());
        Answer::to(request).await
    }

    /// Sends a GET to a callback with this query.
    pub(crate) async fn check(&self, url: &str, query: &[(&str, &str)]) -> Answer {
        let url = Url::parse_with_params(url, query).unwrap();
        Answer::to(self.client().get(url)).await
    }
}
