//! Pushes to a callback: signed, encrypted, and delivered with WeChat's time limit and retries.

use std::time::{Duration, Instant};

use reqwest::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::crypto::{self, Key};
use super::document::Format;
use super::random;
use super::state::{Settings, Sim};

/// The encryption mode of pushes (消息加密方式).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    /// 明文模式: signed, not encrypted.
    Plain,
    /// 兼容模式: the plain fields and `Encrypt`.
    Compatible,
    /// 安全模式: `Encrypt` only.
    Safe,
}

/// The push configuration (消息推送配置).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Config {
    pub(super) callback_url: Url,
    pub(super) token: String,
    pub(super) encoding_aes_key: Option<String>,
    pub(super) mode: Mode,
    pub(super) format: Format,
}

/// A message or event for a callback.
#[derive(Debug, Clone)]
pub(super) struct Push {
    pub(super) app_id: String,
    pub(super) original_id: String,
    pub(super) openid: String,
    pub(super) document: String,
    pub(super) config: Config,
}

/// The result of one delivery.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Attempt {
    /// The HTTP status, if there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The first 500 characters of the answer's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// Why the delivery failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    ms: u64,
}

impl Attempt {
    /// Whether the delivery succeeded.
    pub(super) fn accepted(&self) -> bool {
        self.error.is_none()
    }
}

impl Push {
    /// Delivers until the callback accepts, at most `1 + push_retries` times. Each delivery of the message has a new timestamp,
    /// nonce and encryption.
    pub(super) async fn deliver(&self, sim: &Sim) -> Vec<Attempt> {
        let settings = sim.read(|state| state.settings.clone());
        let mut attempts = Vec::new();
        loop {
            attempts.push(self.attempt(sim, &settings).await);
            if attempts.last().is_some_and(Attempt::accepted) || attempts.len() > usize::from(settings.push_retries) {
                return attempts;
            }
            tokio::time::sleep(Duration::from_millis(settings.retry_pause_ms)).await;
        }
    }

    /// Delivers once.
    pub(super) async fn attempt(&self, sim: &Sim, settings: &Settings) -> Attempt {
        if let Some(status) = sim.take_push_fault(&self.app_id) {
            return Attempt { status: Some(status), body: None, error: Some(format!("HTTP {status}")), ms: 0 };
        }
        let timestamp = sim.now().as_second().to_string();
        let (url, body) = match self.request(&timestamp, &random::digits(9)) {
            Ok(request) => request,
            Err(error) => return Attempt { status: None, body: None, error: Some(error), ms: 0 },
        };
        let client = match &sim.http {
            Ok(client) => client,
            Err(error) => return Attempt { status: None, body: None, error: Some(error.clone()), ms: 0 },
        };
        if !sim.callbacks.permit(&url) {
            // Stored by an earlier start, when the API had another port.
            let error = Some("the callback URL does not lead to the API of this bundle".to_owned());
            return Attempt { status: None, body: None, error, ms: 0 };
        }
        let started = Instant::now();
        let answer = async {
            let request = client.post(url).header(CONTENT_TYPE, self.config.format.content_type()).body(body);
            let response = request.timeout(Duration::from_millis(settings.push_limit_ms)).send().await?;
            let status = response.status().as_u16();
            Ok::<_, reqwest::Error>((status, response.text().await?))
        }
        .await;
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match answer {
            Ok((status, body)) => {
                let error = self.answer_error(status, &body);
                Attempt { status: Some(status), body: Some(body.chars().take(500).collect()), error, ms }
            }
            Err(error) => Attempt { status: None, body: None, error: Some(reason(&error)), ms },
        }
    }

    /// The signed URL and the body.
    fn request(&self, timestamp: &str, nonce: &str) -> Result<(Url, String), String> {
        let Config { token, format, mode, .. } = &self.config;
        let mut url = self.config.callback_url.clone();
        url.query_pairs_mut()
            .append_pair("signature", &crypto::signature(&[token, timestamp, nonce]))
            .append_pair("timestamp", timestamp)
            .append_pair("nonce", nonce)
            .append_pair("openid", &self.openid);
        if *mode == Mode::Plain {
            return Ok((url, self.document.clone()));
        }
        let encrypted = crypto::encrypt(&self.key()?, random::prefix(), &self.document, &self.app_id);
        url.query_pairs_mut()
            .append_pair("encrypt_type", "aes")
            .append_pair("msg_signature", &crypto::signature(&[token, timestamp, nonce, &encrypted]));
        let body = match mode {
            Mode::Compatible => format.with_field(&self.document, "Encrypt", &encrypted),
            _ => format.render(&[
                ("ToUserName".to_owned(), Value::from(self.original_id.as_str())),
                ("Encrypt".to_owned(), Value::from(encrypted)),
            ]),
        };
        Ok((url, body))
    }

    fn key(&self) -> Result<Key, String> {
        let text = self.config.encoding_aes_key.as_deref().ok_or("no EncodingAESKey")?;
        Key::from_text(text).ok_or_else(|| "EncodingAESKey is not 43 letters and digits".to_owned())
    }

    /// Why an answer is not accepted: WeChat requires HTTP 200 with `success`, an empty body, or an encrypted reply.
    fn answer_error(&self, status: u16, body: &str) -> Option<String> {
        if status != 200 {
            return Some(format!("HTTP {status}"));
        }
        if body.is_empty() || body == "success" || self.is_reply(body) {
            return None;
        }
        Some("the body is neither `success` nor empty nor a reply".to_owned())
    }

    /// Whether the body is a valid reply: signed and encrypted, except in plain mode.
    fn is_reply(&self, body: &str) -> bool {
        let format = self.config.format;
        if self.config.mode == Mode::Plain {
            return format.field(body, "MsgType").is_some();
        }
        let read = || {
            let encrypted = format.field(body, "Encrypt")?;
            let (time, nonce) = (format.field(body, "TimeStamp")?, format.field(body, "Nonce")?);
            let expected = crypto::signature(&[&self.config.token, &time, &nonce, &encrypted]);
            if format.field(body, "MsgSignature")? != expected {
                return None;
            }
            let (message, app_id) = crypto::decrypt(&self.key().ok()?, &encrypted)?;
            (app_id == self.app_id).then_some(())?;
            format.field(&message, "MsgType")
        };
        read().is_some()
    }
}

/// Verifies a configuration as 提交 does: a signed GET whose answer must be the `echostr`.
pub(super) async fn check(sim: &Sim, config: &Config) -> Result<String, String> {
    let settings = sim.read(|state| state.settings.clone());
    let (timestamp, nonce, echo) = (sim.now().as_second().to_string(), random::digits(10), random::digits(19));
    let mut url = config.callback_url.clone();
    url.query_pairs_mut()
        .append_pair("signature", &crypto::signature(&[&config.token, &timestamp, &nonce]))
        .append_pair("echostr", &echo)
        .append_pair("timestamp", &timestamp)
        .append_pair("nonce", &nonce);
    let client = sim.http.as_ref().map_err(Clone::clone)?;
    let answer = client.get(url).timeout(Duration::from_millis(settings.push_limit_ms)).send().await;
    let response = answer.map_err(|error| format!("请求URL超时或失败: {}", reason(&error)))?;
    let status = response.status().as_u16();
    let body = response.bytes().await.map_err(|error| format!("请求URL失败: {}", reason(&error)))?;
    if status != 200 {
        return Err(format!("Token校验失败，请检查确认: the callback answered HTTP {status}"));
    }
    if body != echo.as_bytes() {
        return Err("Token校验失败，请检查确认: the body of the answer is not the echostr".to_owned());
    }
    Ok("提交成功: the callback returned the echostr".to_owned())
}

/// The innermost cause of an error, without the URL, which contains signatures.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    if text.is_empty() { "the request failed".to_owned() } else { text }
}
