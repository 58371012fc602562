//! Tests of the simulator: against the published vectors, and over HTTP.

mod crypto;
mod faults;
mod media;
mod phone;
mod push;
mod quota;
mod send;
mod tokens;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use serde_json::{Value, json};
use store::ManualClock;
use tokio::net::TcpListener;

use super::{Callbacks, Simulator};

const APP: &str = "wx00000000000000a1";
const OTHER: &str = "wx00000000000000b2";
const SECRET: &str = "secret-of-a1";
const OPENID: &str = "oTEST-user_0001";
const TOKEN: &str = "pamtest";
const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

/// A simulator on a free port, with a manual clock.
struct Bench {
    simulator: Simulator,
    clock: Arc<ManualClock>,
    http: Client,
}

impl Bench {
    async fn start() -> Self {
        let clock = Arc::new(ManualClock::new(start_of_time()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let simulator = Simulator::serve(listener, Arc::<ManualClock>::clone(&clock), Callbacks::Anywhere);
        Self { simulator, clock, http: Client::builder().no_proxy().build().unwrap() }
    }

    /// A simulator with the mini program `APP` and no pause between retries.
    async fn ready() -> Self {
        let bench = Self::start().await;
        bench.put("/sim/settings", json!({ "retry_pause_ms": 0, "push_limit_ms": 300 })).await;
        bench.post("/sim/mini-programs", json!({ "app_id": APP, "app_secret": SECRET })).await;
        bench
    }

    fn advance(&self, time: SignedDuration) {
        self.clock.advance(time);
    }

    async fn get(&self, path: &str) -> Value {
        self.http.get(self.url(path)).send().await.unwrap().json().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.http.post(self.url(path)).json(&body).send().await.unwrap().json().await.unwrap()
    }

    async fn put(&self, path: &str, body: Value) -> Value {
        self.http.put(self.url(path)).json(&body).send().await.unwrap().json().await.unwrap()
    }

    async fn patch(&self, path: &str, body: Value) -> Value {
        self.http.patch(self.url(path)).json(&body).send().await.unwrap().json().await.unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.simulator.url())
    }

    /// The answer of `stable_token`.
    async fn stable(&self, app_id: &str, secret: &str) -> Value {
        let body = json!({ "grant_type": "client_credential", "appid": app_id, "secret": secret });
        self.post("/cgi-bin/stable_token", body).await
    }

    async fn token(&self) -> String {
        text(&self.stable(APP, SECRET).await["access_token"])
    }

    /// The errcode of a call with a token.
    async fn call(&self, path: &str, token: &str, body: Value) -> i64 {
        code(&self.post(&format!("{path}?access_token={token}"), body).await)
    }

    /// The errcode of sending one text to `OPENID`.
    async fn send_text_to_visitor(&self, token: &str) -> i64 {
        let body = json!({ "touser": OPENID, "msgtype": "text", "text": { "content": "你好" } });
        self.call("/cgi-bin/message/custom/send", token, body).await
    }

    /// Performs an action of the visitor `OPENID`.
    async fn perform(&self, kind: &str, mut body: Value) -> Value {
        body["app_id"] = json!(APP);
        self.post(&format!("/sim/visitors/{OPENID}/{kind}"), body).await
    }

    /// The messages that `OPENID` has received.
    async fn received(&self) -> Vec<Value> {
        let answer = self.get(&format!("/sim/visitors/{OPENID}/messages?app_id={APP}")).await;
        answer["items"].as_array().unwrap().clone()
    }
}

fn start_of_time() -> Timestamp {
    Timestamp::from_second(1_750_000_000).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The errcode of an answer; 0 if there is none.
fn code(answer: &Value) -> i64 {
    answer.get("errcode").map_or(0, |code| code.as_i64().unwrap())
}

/// A callback that records its requests. It returns the given answers in order, and `success` after them.
struct Callback {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request to a callback.
#[derive(Clone)]
struct Seen {
    query: HashMap<String, String>,
    body: String,
}

#[derive(Clone)]
enum Answer {
    With(u16, String),
    After(Duration),
    Redirect,
}

type Desk = (Arc<Mutex<Vec<Seen>>>, Arc<Mutex<VecDeque<Answer>>>);

impl Callback {
    async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/callback", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let desk: Desk = (Arc::clone(&seen), Arc::new(Mutex::new(answers.into_iter().collect())));
        let app = Router::new().route("/callback", get(receive).post(receive)).with_state(desk);
        tokio::spawn(async { axum::serve(listener, app).await });
        Self { url, seen }
    }

    /// The pushes, without the GET of the verification.
    fn pushes(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| !seen.body.is_empty()).cloned().collect()
    }
}

async fn receive(
    State((seen, answers)): State<Desk>,
    Query(query): Query<HashMap<String, String>>,
    body: String,
) -> Response {
    let echo = query.get("echostr").cloned();
    seen.lock().unwrap().push(Seen { query, body });
    let answer = answers.lock().unwrap().pop_front();
    match answer {
        None => echo.unwrap_or_else(|| "success".to_owned()).into_response(),
        Some(Answer::With(status, body)) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Some(Answer::After(time)) => {
            tokio::time::sleep(time).await;
            "success".into_response()
        }
        Some(Answer::Redirect) => {
            (StatusCode::FOUND, [("location", format!("/callback?echostr={}", echo.unwrap_or_default()))])
                .into_response()
        }
    }
}
