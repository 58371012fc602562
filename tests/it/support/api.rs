//! Requests to the bundle and to the simulated WeChat, and their answers.

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{ADMIN, World, openapi};

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The body as it came.
    pub(crate) raw: String,
    /// The body as JSON; `null` where it is none.
    pub(crate) body: Value,
}

impl Answer {
    pub(super) async fn to(request: RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let raw = answer.text().await.unwrap();
        let body = serde_json::from_str(&raw).unwrap_or_default();
        Self { status, headers, raw, body }
    }

    /// The same answer, which must have this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.raw);
        self
    }

    /// The value of a header, or an empty string.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A text field of the body.
    #[track_caller]
    pub(crate) fn text(&self, field: &str) -> String {
        self.body[field].as_str().unwrap_or_else(|| panic!("no {field} in {}", self.raw)).to_owned()
    }
}

/// A request to the API. The answer is validated against the API's description.
pub(crate) struct ApiRequest(RequestBuilder);

impl ApiRequest {
    /// Adds a header.
    pub(crate) fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        Self(self.0.header(name, HeaderValue::from_bytes(value.as_ref()).unwrap()))
    }

    /// Sets the body to these bytes, as JSON.
    pub(crate) fn body(self, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.header("content-type", "application/json").body(body))
    }

    pub(crate) async fn send(self) -> Answer {
        let (answer, faults) = self.send_and_compare().await;
        assert!(faults.is_empty(), "{} {}\n{}", answer.status, faults.join("; "), answer.raw);
        answer
    }

    /// Also returns in what the answer differs from the description, or the body if it was accepted.
    pub(crate) async fn send_and_compare(self) -> (Answer, Vec<String>) {
        let request = self.0.try_clone().unwrap().build().unwrap();
        let answer = Answer::to(self.0).await;
        let (method, path) = (request.method(), request.url().path());
        let faults = openapi::faults(method, path, request.body().and_then(reqwest::Body::as_bytes), &answer);
        (answer, faults.into_iter().map(|fault| format!("{method} {path}: {fault}")).collect())
    }
}

impl World {
    /// A request to the API with the API token `token`.
    pub(crate) async fn call(&self, token: Option<&str>, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.request(token, method, path, body).send().await
    }

    /// A request of the admin whose answer may be one that the description of the API does not have, such as the gateway's.
    pub(crate) async fn unchecked(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        Answer::to(self.request(Some(ADMIN), method, path, body).0).await
    }

    /// The request, to be added to before it is sent.
    pub(crate) fn request(&self, token: Option<&str>, method: Method, path: &str, body: Option<&Value>) -> ApiRequest {
        let mut request = self.client.request(method, format!("{}{path}", self.bundle.api_url()));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        ApiRequest(request)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Some(ADMIN), Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Some(ADMIN), Method::POST, path, Some(body)).await
    }

    /// A POST with an `Idempotency-Key`.
    pub(crate) async fn post_once(&self, key: &str, path: &str, body: &Value) -> Answer {
        self.request(Some(ADMIN), Method::POST, path, Some(body)).header("idempotency-key", key).send().await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call(Some(ADMIN), Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Some(ADMIN), Method::DELETE, path, None).await
    }

    /// A new token of the API with this role, `agent` or `admin`.
    pub(crate) async fn access_token(&self, role: &str) -> String {
        let asked = json!({ "role": role, "name": "小王" });
        self.post("/api/access-tokens", &asked).await.expect(201).text("token")
    }

    /// A new token of this agent.
    pub(crate) async fn agent_token(&self, agent: &str) -> String {
        let asked = json!({ "role": "agent", "name": "客服", "agent_id": agent });
        self.post("/api/access-tokens", &asked).await.expect(201).text("token")
    }

    /// All items of a list, page by page.
    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = format!("{path}?limit=100");
        loop {
            let page = self.get(&next).await.expect(200);
            items.extend(page.body["items"].as_array().unwrap().iter().cloned());
            match page.body["cursor"].as_str() {
                Some(cursor) => next = format!("{path}?limit=100&cursor={cursor}"),
                None => return items,
            }
        }
    }

    /// Every conversation, the newest first.
    pub(crate) async fn conversations(&self) -> Vec<Value> {
        self.list("/api/conversations").await
    }

    /// A GET to the simulated WeChat.
    pub(crate) async fn sim_get(&self, path: &str) -> Answer {
        Answer::to(self.client.get(self.sim(path))).await
    }

    /// A POST to the simulated WeChat.
    pub(crate) async fn sim_post(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.client.post(self.sim(path)).json(body)).await
    }

    /// A request of any method to the simulated WeChat.
    pub(crate) async fn sim_call(&self, method: Method, path: &str, body: &Value) -> Answer {
        Answer::to(self.client.request(method, self.sim(path)).json(body)).await
    }

    /// The simulator's own settings, such as `push_limit_ms`; what is missing goes back to WeChat's figure.
    pub(crate) async fn sim_settings(&self, settings: &Value) {
        self.sim_call(Method::PUT, "/sim/settings", settings).await.expect(200);
    }

    /// The next calls of a path meet this fault, see `local/src/wechat/faults.rs`.
    pub(crate) async fn sim_fault(&self, fault: &Value) {
        self.sim_post("/sim/faults", fault).await.expect(201);
    }

    /// How often a path of WeChat's API was called.
    pub(crate) async fn sim_calls(&self, path: &str) -> u64 {
        self.sim_get(&format!("/sim/calls?path={path}")).await.expect(200).body["total"].as_u64().unwrap()
    }

    fn sim(&self, path: &str) -> String {
        format!("{}{path}", self.bundle.wechat_url())
    }

    /// A request to an address, for pushes.
    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }
}
