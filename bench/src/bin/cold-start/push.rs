//! WeChat pushes: signed and encrypted as WeChat does it in its secure mode (安全模式).

use bytes::Bytes;
use jiff::Timestamp;
use wechat::{EncodingAesKey, Token, crypto, signature};

use crate::{error::BenchError, http_event::HttpRequest};

/// The mini program of the binding.
pub(crate) const APP_ID: &str = "wx00000000000000a1";

/// The text that each push carries. The XML with it has about 600 bytes.
pub(crate) const TEXT: &str = "你好，请问这个订单什么时候发货？我昨天下午下的单，到现在还没有看到物流信息。\
                    如果今天能发出的话，麻烦帮我改一下收货地址，谢谢！";

/// The push credentials of the binding.
pub(crate) struct PushCredentials {
    /// Signs a push.
    pub(crate) token: Token,
    /// Encrypts a push.
    pub(crate) key: EncodingAesKey,
}

impl PushCredentials {
    /// A random token and key.
    pub(crate) fn generate() -> Result<Self, BenchError> {
        Ok(Self { token: Token::generate()?, key: EncodingAesKey::generate()? })
    }

    /// The event of a text push: message number `number` of the visitor `openid`.
    pub(crate) fn text_push(&self, openid: &str, number: usize) -> Result<Bytes, BenchError> {
        let timestamp = Timestamp::now().as_second().to_string();
        let message = format!(
            "<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>\
             <CreateTime>{timestamp}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{TEXT}]]></Content>\
             <MsgId>{}</MsgId></xml>",
            24_567_890_123_000_000 + number
        );
        let encrypted = crypto::encrypt(&self.key, APP_ID, &message)?;
        let nonce = "77001122";
        let msg_signature = signature::msg_signature(&self.token, &timestamp, nonce, &encrypted);
        let url_signature = signature::url_signature(&self.token, &timestamp, nonce);
        HttpRequest {
            method: "POST",
            route_key: "POST /callback/{app_id}",
            path: &format!("/callback/{APP_ID}"),
            path_parameter: ("app_id", APP_ID),
            query: &[
                ("signature", signature::as_str(&url_signature)),
                ("timestamp", &timestamp),
                ("nonce", nonce),
                ("openid", openid),
                ("encrypt_type", "aes"),
                ("msg_signature", signature::as_str(&msg_signature)),
            ],
            headers: &[("content-type", "text/xml")],
            authorizer: None,
            body: Some(format!(
                "<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
            )),
        }
        .event()
    }
}
