//! The demo mini program. It is registered in the simulated WeChat and bound through the public API.

mod orders;
mod reception;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::LocalError;
use crate::data::{self, DataDir};
use crate::random;

/// The AppID.
const APP_ID: &str = "wxde30000000000001";

/// The automatic reply, and the start of the robot's fallback.
const AUTO_REPLY: &str = "您好，这里是 Kefu 演示客服，已收到您的消息。";

/// The credentials. They are saved, because the API shows the push credentials only once.
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

/// Binds the demo mini program if it is not bound, and submits its callback in the simulated WeChat.
pub(crate) async fn bind(api: &str, admin_token: &str, wechat: &str, data: &DataDir) -> Result<(), LocalError> {
    let credentials = match data.read_json(data::DEMO)? {
        Some(credentials) => credentials,
        None => Credentials::generate(),
    };
    let api_client = ApiClient::new(admin_token)?;

    let binding = format!("{api}/api/bindings/{APP_ID}");
    let (status, found) = api_client.get(&binding).await?;
    orders::show(&api_client, api, wechat, status != StatusCode::OK).await?;
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
        let created = api_client.send(http::Method::POST, &format!("{api}/api/bindings"), &body).await?;
        // Only for a new binding, so that later changes stay.
        let change = json!({ "auto_reply": AUTO_REPLY, "reception": reception::create(&api_client, api).await? });
        api_client.send(http::Method::PATCH, &binding, &change).await?;
        created["callback_url"].as_str().unwrap_or_default().to_owned()
    };

    // At each start, because the port can differ from the last one.
    let body = json!({
        "app_id": APP_ID,
        "app_secret": credentials.app_secret,
        "name": "Kefu 演示",
        "callback_url": callback_url,
        "token": credentials.token,
        "encoding_aes_key": credentials.encoding_aes_key,
    });
    let submitted = api_client.send(http::Method::POST, &format!("{wechat}/sim/mini-programs"), &body).await?;
    if submitted["verified"] == Value::Bool(true) {
        Ok(())
    } else {
        Err(LocalError::Demo(format!("WeChat's check of the callback URL failed: {}", submitted["detail"])))
    }
}

/// The agent of the demo mini program; `None` if it is not bound, or its group has no agents.
pub(crate) async fn agent(api_client: &ApiClient, api: &str) -> Result<Option<String>, LocalError> {
    let (_, binding) = api_client.get(&format!("{api}/api/bindings/{APP_ID}")).await?;
    let Some(group) = binding["reception"]["group_id"].as_str() else {
        return Ok(None);
    };
    let (_, group) = api_client.get(&format!("{api}/api/groups/{group}")).await?;
    Ok(group["members"][0].as_str().map(str::to_owned))
}

/// A client of the API as the admin.
pub(crate) struct ApiClient {
    client: reqwest::Client,
    admin_token: String,
}

fn http_client() -> Result<reqwest::Client, LocalError> {
    // An error means that the same provider is already installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().map_err(|error| http_error(&error))
}

fn http_error(error: &reqwest::Error) -> LocalError {
    LocalError::Demo(error.to_string())
}

impl ApiClient {
    pub(crate) fn new(admin_token: &str) -> Result<Self, LocalError> {
        Ok(Self { client: http_client()?, admin_token: admin_token.to_owned() })
    }

    pub(crate) async fn get(&self, url: &str) -> Result<(StatusCode, Value), LocalError> {
        self.call(self.client.get(url)).await
    }

    /// Sends a request with a JSON body. An error if the status is not 2xx.
    pub(crate) async fn send(&self, method: http::Method, url: &str, body: &Value) -> Result<Value, LocalError> {
        let (status, answer) = self.call(self.client.request(method.clone(), url).json(body)).await?;
        if status.is_success() {
            return Ok(answer);
        }
        Err(LocalError::Demo(format!("{method} {url}: {status} {answer}")))
    }

    async fn call(&self, request: reqwest::RequestBuilder) -> Result<(StatusCode, Value), LocalError> {
        let answer = request.bearer_auth(&self.admin_token).send().await.map_err(|error| http_error(&error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| http_error(&error))?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }
}
