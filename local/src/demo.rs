//! The demo mini program: registered at the simulated WeChat and bound by the public API, as a person would do it.

mod reception;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::LocalError;
use crate::data::{self, DataDir};
use crate::random;

/// Its AppID.
const APP_ID: &str = "wxde30000000000001";

/// Said to whoever writes where no robot and no agent is set, and at the beginning of what the robot says when it does
/// not know.
const AUTO_REPLY: &str = "您好，这里是 Kefu 演示客服，已收到您的消息。";

/// Its credentials. They are kept, because the API gives push credentials away only once.
#[derive(Serialize, Deserialize)]
struct Credentials {
    app_secret: String,
    token: String,
    encoding_aes_key: String,
}

impl Credentials {
    fn generate() -> Self {
        Self {
            app_secret: random::hexadecimal(32),
            token: random::letters_and_digits(32),
            encoding_aes_key: random::letters_and_digits(43),
        }
    }
}

/// Binds the demo mini program, or finds it bound.
pub(crate) async fn bind(api: &str, admin_token: &str, wechat: &str, data: &DataDir) -> Result<(), LocalError> {
    let credentials = match data.read_json(data::DEMO)? {
        Some(credentials) => credentials,
        None => Credentials::generate(),
    };
    let caller = Caller { client: reqwest_client()?, admin_token };

    let binding = format!("{api}/api/bindings/{APP_ID}");
    let (status, found) = caller.get(&binding).await?;
    let callback_url = if status == StatusCode::OK {
        found["callback_url"].as_str().map_or_else(|| format!("{api}/callback/{APP_ID}"), str::to_owned)
    } else {
        data.write_json(data::DEMO, &credentials)?;
        let body = json!({
            "name": "Kefu 演示",
            "app_id": APP_ID,
            "app_secret": credentials.app_secret,
            "token": credentials.token,
            "encoding_aes_key": credentials.encoding_aes_key,
        });
        let made = caller.send(http::Method::POST, &format!("{api}/api/bindings"), &body).await?;
        // Once: what a person has changed since stays so.
        let change = json!({ "auto_reply": AUTO_REPLY, "reception": reception::set_up(&caller, api).await? });
        caller.send(http::Method::PATCH, &binding, &change).await?;
        made["callback_url"].as_str().unwrap_or_default().to_owned()
    };

    // Each time: the port may be another one than last time.
    let body = json!({
        "app_id": APP_ID,
        "app_secret": credentials.app_secret,
        "name": "Kefu 演示",
        "callback_url": callback_url,
        "token": credentials.token,
        "encoding_aes_key": credentials.encoding_aes_key,
    });
    let submitted = caller.send(http::Method::POST, &format!("{wechat}/sim/mini-programs"), &body).await?;
    if submitted["verified"] == Value::Bool(true) {
        Ok(())
    } else {
        Err(LocalError::Demo(format!("WeChat's check of the callback URL failed: {}", submitted["detail"])))
    }
}

struct Caller<'a> {
    client: reqwest::Client,
    admin_token: &'a str,
}

fn reqwest_client() -> Result<reqwest::Client, LocalError> {
    // Whoever was first has installed the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().map_err(|error| failed(&error))
}

fn failed(error: &reqwest::Error) -> LocalError {
    LocalError::Demo(error.to_string())
}

impl Caller<'_> {
    async fn get(&self, url: &str) -> Result<(StatusCode, Value), LocalError> {
        self.call(self.client.get(url)).await
    }

    /// Sends a body; an answer that is no success is an error.
    async fn send(&self, method: http::Method, url: &str, body: &Value) -> Result<Value, LocalError> {
        let (status, answer) = self.call(self.client.request(method.clone(), url).json(body)).await?;
        if status.is_success() {
            return Ok(answer);
        }
        Err(LocalError::Demo(format!("{method} {url} was answered with {status}: {answer}")))
    }

    async fn call(&self, request: reqwest::RequestBuilder) -> Result<(StatusCode, Value), LocalError> {
        let answer = request.bearer_auth(self.admin_token).send().await.map_err(|error| failed(&error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| failed(&error))?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }
}
