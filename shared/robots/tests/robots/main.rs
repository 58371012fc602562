//! Robots against servers that respond correctly, wrongly or not at all.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "also the helpers of a test are tests")]

mod chat;
mod failures;
mod grounding;
mod reach;
mod refused_parameters;
mod retries;
mod webhook;

use std::{pin::Pin, time::Duration};

use channel::Reach;
use jiff::Timestamp;
use robots::{Answer, Chat, Client, Failure, HistoryMessage, MAX_ANSWER, Passage, TurnRequest, Usage, Webhook};
use serde_json::{Value, json};
use store::{Backoff, Sleep};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::method};

const KEY: &str = "sk-planted-key";
const SECRET: &str = "whsec_cGxhbnRlZC1zZWNyZXQtb2YtMzItYnl0ZXMtcGFkZGVkIQ==";
/// Longer than any test takes, so that no answer is late.
const PATIENT: Duration = Duration::from_secs(30);

const PASSAGES: [Passage<'_>; 3] = [
    Passage { id: "q1", title: "怎么退货", answer: "支持7天无理由退货，运费9.9元。" },
    Passage { id: "q2", title: "多久发货", answer: "48小时内发货，详见 https://shop.example/ship 。" },
    Passage { id: "q3", title: "会员价", answer: "会员价 199 元。" },
];

fn turn_request<'a>(text: &'a str, history: &'a [HistoryMessage]) -> TurnRequest<'a> {
    TurnRequest {
        text,
        passages: &PASSAGES,
        history,
        id: "turn_0001",
        cid: "planted-cid",
        uid: "planted-uid",
        app_id: "wx00000000000000a1",
    }
}

fn line(from_visitor: bool, text: &str) -> HistoryMessage {
    HistoryMessage { from_visitor, text: text.to_owned() }
}

fn model(base_url: &str) -> Chat {
    Chat {
        base_url: base_url.to_owned(),
        model: "deepseek-chat".to_owned(),
        api_key: KEY.into(),
        instructions: "称呼对方为“亲”。".to_owned(),
        deadline: PATIENT,
        max_answer_bytes: MAX_ANSWER,
    }
}

fn hook(url: &str) -> Webhook {
    Webhook { url: url.to_owned(), is_ai: false, secret: SECRET.into(), deadline: PATIENT }
}

/// A client that may reach the servers of these tests, and does not wait between attempts.
fn client() -> Client {
    Client::new(Reach::Local).unwrap().with_backoff(Backoff::new(fastrand::Rng::with_seed(7), NoSleep))
}

#[derive(Debug)]
struct NoSleep;

impl Sleep for NoSleep {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }
}

/// Asks a model at the beginning of Unix time.
async fn ask_model(client: &Client, robot: &Chat, request: &TurnRequest<'_>) -> Result<Answer, Failure> {
    client.chat(robot, request, &Usage::default(), Timestamp::UNIX_EPOCH).await.map(|outcome| outcome.answer)
}

/// Asks a webhook at the beginning of Unix time.
async fn ask_webhook(client: &Client, robot: &Webhook, request: &TurnRequest<'_>) -> Result<Answer, Failure> {
    client.webhook(robot, request, Timestamp::UNIX_EPOCH).await.map(|outcome| outcome.answer)
}

async fn server_with_response(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    server
}

/// A completion in which the model says this.
fn completion(content: impl Into<Value>) -> ResponseTemplate {
    let message = json!({"role": "assistant", "content": content.into()});
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
    ResponseTemplate::new(200).set_body_json(json!({"id": "c1", "object": "chat.completion", "choices": [choice]}))
}

fn reply(answer: &str, sources: &[u32]) -> ResponseTemplate {
    completion(json!({"answer": answer, "sources": sources, "handover": false}).to_string())
}

async fn only_request(server: &MockServer) -> Request {
    let mut requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

/// What a server does after it has written its part.
#[derive(Clone, Copy)]
enum Then {
    Hang,
    Close,
}

/// A server for one request, byte by byte.
async fn writing(bytes: impl Into<Vec<u8>>, then: Then) -> String {
    let bytes = bytes.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !is_complete(&request) {
            let read = socket.read_buf(&mut request).await.unwrap();
            assert_ne!(read, 0);
        }
        // A client that has read enough may be gone.
        let _ = socket.write_all(&bytes).await;
        match then {
            Then::Hang => std::future::pending().await,
            Then::Close => socket.shutdown().await.unwrap_or_default(),
        }
    });
    format!("http://{address}")
}

fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    request.len() >= head.len() + 4 + length.parse::<usize>().unwrap()
}
