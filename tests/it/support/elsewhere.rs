//! Somebody else's server: a language model's, or a customer's own robot.

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

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// What is answered to one request.
#[derive(Debug, Clone)]
enum Reply {
    Say(u16, String),
    /// Nothing, ever.
    Silence,
    /// This, once [`Elsewhere::goes_on`] lets it.
    Later(u16, String),
}

#[derive(Debug)]
struct Inner {
    asked: Mutex<Vec<Asked>>,
    replies: Mutex<VecDeque<Reply>>,
    arrived: Notify,
    gate: Semaphore,
}

/// A server that answers what it was told to answer, in this order; 500 when nothing is left.
#[derive(Debug, Clone)]
pub(crate) struct Elsewhere {
    /// Where it is, without a slash at the end.
    pub(crate) url: String,
    inner: Arc<Inner>,
}

impl Elsewhere {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            asked: Mutex::default(),
            replies: Mutex::default(),
            arrived: Notify::new(),
            gate: Semaphore::new(0),
        });
        let app = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, inner }
    }

    /// Answers this body to the next request that nothing is set for.
    pub(crate) fn says(&self, body: &Value) {
        self.answers(200, &body.to_string());
    }

    /// Answers this to the next request that nothing is set for.
    pub(crate) fn answers(&self, status: u16, body: &str) {
        self.push(Reply::Say(status, body.to_owned()));
    }

    /// Never answers the next request that nothing is set for.
    pub(crate) fn is_silent(&self) {
        self.push(Reply::Silence);
    }

    /// Answers this body once it is told to go on.
    pub(crate) fn says_later(&self, body: &Value) {
        self.push(Reply::Later(200, body.to_string()));
    }

    /// Lets one answer out that waits or will wait.
    pub(crate) fn goes_on(&self) {
        self.inner.gate.add_permits(1);
    }

    /// Returns when so many requests have come in all.
    pub(crate) async fn was_asked(&self, times: usize) {
        loop {
            let arrived = self.inner.arrived.notified();
            if self.asked().len() >= times {
                return;
            }
            arrived.await;
        }
    }

    /// The requests so far, oldest first.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.inner.asked.lock().unwrap().clone()
    }

    fn push(&self, reply: Reply) {
        self.inner.replies.lock().unwrap().push_back(reply);
    }
}

async fn answer(State(inner): State<Arc<Inner>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    inner.asked.lock().unwrap().push(Asked { path: uri.path().to_owned(), headers, body: body.to_vec() });
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

/// A completion in which the model says this.
pub(crate) fn completion(content: &str) -> Value {
    let message = json!({ "role": "assistant", "content": content });
    json!({
        "id": "c-1", "object": "chat.completion",
        "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
    })
}

/// A completion in which the model answers in the form that it is asked for.
pub(crate) fn answered(answer: &str, sources: &[u32]) -> Value {
    completion(&json!({ "answer": answer, "sources": sources, "handover": false }).to_string())
}
