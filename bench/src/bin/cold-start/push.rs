//! Real pushes: signed and encrypted as WeChat does, in the event that API Gateway makes of them.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;
use wechat::{EncodingAesKey, Token, crypto, signature};

use crate::error::BenchError;

/// The mini program that is bound.
pub(crate) const APP_ID: &str = "wx00000000000000a1";

/// A visitor's text: with the XML around it some 600 bytes.
const TEXT: &str = "你好，请问这个订单什么时候发货？我昨天下午下的单，到现在还没有看到物流信息。\
                    如果今天能发出的话，麻烦帮我改一下收货地址，谢谢！";

/// What WeChat and we have agreed on.
pub(crate) struct Agreement {
    /// Signs.
    pub(crate) token: Token,
    /// Encrypts.
    pub(crate) key: EncodingAesKey,
}

impl Agreement {
    /// A fresh token and key.
    pub(crate) fn new() -> Result<Self, BenchError> {
        Ok(Self { token: Token::generate()?, key: EncodingAesKey::generate()? })
    }

    /// The event of a push: message number `number` of the visitor `openid`.
    pub(crate) fn event(&self, openid: &str, number: usize) -> Result<Bytes, BenchError> {
        let now = Timestamp::now();
        let timestamp = now.as_second().to_string();
        let message = format!(
            "<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>\
             <CreateTime>{timestamp}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{TEXT}]]></Content>\
             <MsgId>{}</MsgId></xml>",
            24_567_890_123_000_000 + number
        );
        let encrypt = crypto::encrypt(&self.key, APP_ID, &message)?;
        let nonce = "77001122";
        let signed = signature::msg_signature(&self.token, &timestamp, nonce, &encrypt);
        let signed = signature::as_str(&signed);
        let plain = signature::url_signature(&self.token, &timestamp, nonce);
        let plain = signature::as_str(&plain);
        let path = format!("/callback/{APP_ID}");
        let event = json!({
            "version": "2.0",
            "routeKey": "POST /callback/{app_id}",
            "rawPath": path,
            "rawQueryString": format!(
                "signature={plain}&timestamp={timestamp}&nonce={nonce}&openid={openid}&encrypt_type=aes&msg_signature={signed}"
            ),
            "headers": {
                "accept": "*/*",
                "content-type": "text/xml",
                "host": "api.example.com",
                "user-agent": "Mozilla/4.0",
                "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
                "x-forwarded-for": "101.226.103.1",
                "x-forwarded-port": "443",
                "x-forwarded-proto": "https",
            },
            "queryStringParameters": {
                "signature": plain,
                "timestamp": timestamp,
                "nonce": nonce,
                "openid": openid,
                "encrypt_type": "aes",
                "msg_signature": signed,
            },
            "pathParameters": { "app_id": APP_ID },
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "a1b2c3d4e5",
                "domainName": "api.example.com",
                "domainPrefix": "api",
                "http": {
                    "method": "POST",
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "101.226.103.1",
                    "userAgent": "Mozilla/4.0",
                },
                "requestId": "JKJaXmPLvHcESHA=",
                "routeKey": "POST /callback/{app_id}",
                "stage": "$default",
                "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
                "timeEpoch": now.as_millisecond(),
            },
            "body": format!(
                "<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>"
            ),
            "isBase64Encoded": false,
        });
        Ok(serde_json::to_vec(&event)?.into())
    }
}
