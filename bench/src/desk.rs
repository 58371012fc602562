//! A local bundle with mini programs, agents and visitors.

use local::{Bundle, Options, wechat::Callbacks};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use store::SharedClock;

use crate::{Error, Result};

/// A local bundle with a simulated WeChat, configured through its API.
#[derive(Debug)]
pub struct Desk {
    /// The bundle.
    pub bundle: Bundle,
    client: Client,
}

impl Desk {
    /// Starts a bundle in memory, without the demo mini program and without schedules.
    pub async fn start(clock: SharedClock, streams: local::Streams) -> Result<Self> {
        // An error means that the same provider is already installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build()?;
        let bundle =
            local::start(Options { clock, streams, callbacks: Some(Callbacks::Anywhere), ..Options::default() })
                .await?;
        Ok(Self { bundle, client })
    }

    /// Binds a mini program, submits its callback in WeChat's console and sets its reception.
    ///
    /// `callback`: the origin that receives the pushes instead of the bundle.
    pub async fn bind(&self, app_id: &str, callback: Option<&str>, reception: Value) -> Result<()> {
        let secret = "0123456789abcdef0123456789abcdef";
        let binding = json!({ "name": "bench", "app_id": app_id, "app_secret": secret });
        let bound = self.api(Method::POST, "/api/bindings", Some(&binding)).await?;
        let mut console = json!({ "app_id": app_id, "app_secret": secret });
        for name in ["callback_url", "token", "encoding_aes_key"] {
            console[name] = bound[name].clone();
        }
        let submitted = self.sim("/sim/mini-programs", &console).await?;
        if submitted["verified"] != true {
            return Err(Error::Other(format!("the callback was not verified: {submitted}")));
        }
        if let Some(origin) = callback {
            console["callback_url"] = json!(format!("{origin}/callback/{app_id}"));
            console["check"] = json!(false);
            self.sim("/sim/mini-programs", &console).await?;
        }
        let path = format!("/api/bindings/{app_id}");
        self.api(Method::PATCH, &path, Some(&json!({ "reception": reception }))).await.map(drop)
    }

    /// Creates an agent who is online and returns the id.
    pub async fn agent(&self, capacity: u32) -> Result<String> {
        let agent = self.create("agents", &json!({ "name": "客服", "capacity": capacity })).await?;
        self.online(&agent).await?;
        Ok(agent)
    }

    /// Sets an agent online.
    pub async fn online(&self, agent: &str) -> Result<()> {
        let path = format!("/api/agents/{agent}/status");
        self.api(Method::PUT, &path, Some(&json!({ "status": "online" }))).await.map(drop)
    }

    /// Creates a group with the longest possible queue and returns its id.
    pub async fn group(&self, members: &[String]) -> Result<String> {
        self.create("groups", &json!({ "name": "技能组", "members": members, "max_queue": 1000 })).await
    }

    /// Creates a record of a kind, such as `robots`, and returns its id.
    pub async fn create(&self, kind: &str, settings: &Value) -> Result<String> {
        let created = self.api(Method::POST, &format!("/api/{kind}"), Some(settings)).await?;
        created["id"].as_str().map(ToOwned::to_owned).ok_or_else(|| Error::Other(format!("no id in {created}")))
    }

    /// Sends a text of a visitor; returns when WeChat has the callback's `success`.
    pub async fn send_text(&self, app_id: &str, openid: &str, content: &str) -> Result<()> {
        let path = format!("/sim/visitors/{openid}/text");
        let pushed = self.sim(&path, &json!({ "app_id": app_id, "content": content })).await?;
        if pushed["delivered"] == true {
            return Ok(());
        }
        Err(Error::Other(format!("a push was not acknowledged: {pushed}")))
    }

    /// Sends a request to the API as admin.
    pub async fn api(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let request = self.client.request(method, format!("{}{path}", self.bundle.api_url()));
        let request = request.bearer_auth(self.bundle.admin_token());
        send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    async fn sim(&self, path: &str, body: &Value) -> Result<Value> {
        send(self.client.post(format!("{}{path}", self.bundle.wechat_url())).json(body)).await
    }
}

async fn send(request: reqwest::RequestBuilder) -> Result<Value> {
    let response = request.send().await?;
    let (status, path) = (response.status(), response.url().path().to_owned());
    let text = response.text().await?;
    if !status.is_success() {
        return Err(Error::Other(format!("{path}: {status} {text}")));
    }
    if text.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&text)?) }
}
