//! A stub of an external server: a language model, or a customer's webhook.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

/// A request as it was received.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedRequest {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl ReceivedRequest {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The value of a header, or an empty string.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// The response to one request.
#[derive(Debug, Clone)]
enum Reply {
    Say(u16, String),
    /// Never responds.
    Silence,
    /// Responds after [`StubServer::release_response`].
    Later(u16, String),
}

#[derive(Debug)]
struct Inner {
    requests: Mutex<Vec<ReceivedRequest>>,
    replies: Mutex<VecDeque<Reply>>,
    arrived: Notify,
    gate: Semaphore,
}

/// A server that sends the given responses in order, then 500.
#[derive(Debug, Clone)]
pub(crate) struct StubServer {
    /// Its origin, without a slash at the end.
    pub(crate) url: String,
    inner: Arc<Inner>,
}

impl StubServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            requests: Mutex::default(),
            replies: Mutex::default(),
            arrived: Notify::new(),
            gate: Semaphore::new(0),
        });
        let app = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, inner }
    }

    /// Adds a response with status 200 and this body.
    pub(crate) fn respond_json(&self, body: &Value) {
        self.respond(200, &body.to_string());
    }

    /// Adds a response.
    pub(crate) fn respond(&self, status: u16, body: &str) {
        self.push(Reply::Say(status, body.to_owned()));
    }

    /// Adds a request that is never answered.
    pub(crate) fn never_respond(&self) {
        self.push(Reply::Silence);
    }

    /// Adds a response that is held until [`StubServer::release_response`].
    pub(crate) fn respond_json_when_released(&self, body: &Value) {
        self.push(Reply::Later(200, body.to_string()));
    }

    /// Releases one held response.
    pub(crate) fn release_response(&self) {
        self.inner.gate.add_permits(1);
    }

    /// Waits until this number of requests has been received in total.
    pub(crate) async fn wait_for_requests(&self, times: usize) {
        loop {
            let arrived = self.inner.arrived.notified();
            if self.requests().len() >= times {
                return;
            }
            arrived.await;
        }
    }

    /// The requests so far, oldest first.
    pub(crate) fn requests(&self) -> Vec<ReceivedRequest> {
        self.inner.requests.lock().unwrap().clone()
    }

    fn push(&self, reply: Reply) {
        self.inner.replies.lock().unwrap().push_back(reply);
    }
}

async fn answer(State(inner): State<Arc<Inner>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    inner.requests.lock().unwrap().push(ReceivedRequest { path: uri.path().to_owned(), headers, body: body.to_vec() });
    let reply = inner.replies.lock().unwrap().pop_front();
    inner.arrived.notify_waiters();
    let (status, body) = match reply.unwrap_or(Reply::Say(500, String::new())) {
        Reply::Say(status, body) => (status, body),
        Reply::Silence => std::future::pending().await,
        Reply::Later(status, body) => {
            inner.gate.acquire().await.unwrap().forget();
            (status, body)
        }
    };
    (StatusCode::from_u16(status).unwrap(), [("content-type", "application/json")], body).into_response()
}

/// A chat completion with this content.
pub(crate) fn completion(content: &str) -> Value {
    let message = json!({ "role": "assistant", "content": content });
    json!({
        "id": "c-1", "object": "chat.completion",
        "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
    })
}

/// A chat completion in the JSON form that the robot asks for.
pub(crate) fn grounded_answer(answer: &str, sources: &[u32]) -> Value {
    completion(&json!({ "answer": answer, "sources": sources, "handover": false }).to_string())
}
