//! Requests that fail in passing and are made again.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use channel::Reach;
use jiff::Timestamp;
use robots::{Answer, Chat, Client, Usage, Webhook};
use serde_json::json;
use store::{Backoff, Sleep};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use crate::{ask_model, ask_webhook, client, hook, model, reply, turn_request};

/// Records the pauses, and does not wait.
#[derive(Debug, Clone, Default)]
struct Recorded(Arc<Mutex<Vec<Duration>>>);

impl Sleep for Recorded {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.lock().unwrap().push(duration);
        Box::pin(std::future::ready(()))
    }
}

/// A server that gives these responses, and the last one from then on.
async fn server_with_responses(responses: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    let last = responses.len() - 1;
    for (number, response) in responses.into_iter().enumerate() {
        let mock = Mock::given(method("POST")).respond_with(response);
        if number < last { mock.up_to_n_times(1).mount(&server).await } else { mock.mount(&server).await }
    }
    server
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

fn good() -> ResponseTemplate {
    let content = json!({"answer": "支持。", "sources": [1]}).to_string();
    ResponseTemplate::new(200).set_body_json(json!({"text": "支持。", "choices": [{"message": {"content": content}}]}))
}

fn supported() -> Answer {
    Answer::Text("支持。".to_owned())
}

#[tokio::test]
async fn request_that_fails_in_passing_is_made_again() {
    for status in [408, 429, 500, 502, 503, 504, 529] {
        let server =
            server_with_responses(vec![ResponseTemplate::new(status), ResponseTemplate::new(503), good()]).await;
        let request = turn_request("怎么退货？", &[]);
        assert_eq!(ask_model(&client(), &model(&server.uri()), &request).await, Ok(supported()), "{status}");
        assert_eq!(requests(&server).await, 3);
        let server = server_with_responses(vec![ResponseTemplate::new(status), good()]).await;
        assert_eq!(ask_webhook(&client(), &hook(&server.uri()), &request).await, Ok(supported()), "{status}");
        let asked = server.received_requests().await.unwrap();
        let ids: Vec<_> = asked.iter().map(|request| &request.headers["webhook-id"]).collect();
        assert_eq!(ids, ["turn_0001", "turn_0001"], "a receiver tells the repetition");
    }
}

#[tokio::test]
async fn request_whose_connection_breaks_is_made_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        // Closed before the response, and within it.
        for begun in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"] {
            let (mut socket, _) = listener.accept().await.unwrap();
            let _ = socket.read(&mut [0; 4096]).await.unwrap();
            socket.write_all(begun.as_bytes()).await.unwrap();
        }
        let (mut socket, _) = listener.accept().await.unwrap();
        let _ = socket.read(&mut [0; 4096]).await.unwrap();
        let body = "{\"text\": \"支持。\"}";
        let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        socket.write_all(response.as_bytes()).await.unwrap();
        std::future::pending::<()>().await;
    });
    assert_eq!(ask_webhook(&client(), &hook(&url), &turn_request("?", &[])).await, Ok(supported()));
}

#[tokio::test]
async fn refusal_that_lasts_is_not_asked_again() {
    for status in [400, 401, 402, 403, 404, 422, 501] {
        let server = server_with_responses(vec![ResponseTemplate::new(status), good()]).await;
        let failure = ask_model(&client(), &model(&server.uri()), &turn_request("?", &[])).await.unwrap_err();
        assert_eq!((failure.status(), requests(&server).await), (Some(status), 1));
    }
}

#[tokio::test]
async fn attempts_and_their_pauses_are_bounded() {
    let server = server_with_responses(vec![ResponseTemplate::new(503)]).await;
    let pauses = Recorded::default();
    let client =
        Client::new(Reach::Local).unwrap().with_backoff(Backoff::new(fastrand::Rng::with_seed(7), pauses.clone()));
    let failure = ask_model(&client, &model(&server.uri()), &turn_request("?", &[])).await.unwrap_err();
    assert_eq!((failure.status(), requests(&server).await), (Some(503), 6));
    let pauses = pauses.0.lock().unwrap().clone();
    for (pause, limit) in pauses.iter().zip([250, 500, 1000, 2000, 4000]) {
        assert!(*pause <= Duration::from_millis(limit), "{pauses:?}");
    }
    assert_eq!(pauses.len(), 5);
}

#[tokio::test]
async fn pause_that_the_server_asks_for_is_kept() {
    let now: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
    for (asked, seconds) in [("7", 7), ("Sun, 01 Mar 2026 08:00:07 GMT", 6)] {
        let busy = ResponseTemplate::new(429).insert_header("retry-after", asked);
        let server = server_with_responses(vec![busy, good()]).await;
        let pauses = Recorded::default();
        let client =
            Client::new(Reach::Local).unwrap().with_backoff(Backoff::new(fastrand::Rng::with_seed(7), pauses.clone()));
        let outcome =
            client.chat(&model(&server.uri()), &turn_request("怎么退货？", &[]), &Usage::default(), now).await.unwrap();
        assert_eq!(outcome.answer, Answer::Text("支持。".to_owned()));
        let pauses = pauses.0.lock().unwrap().clone();
        assert!(
            pauses.len() == 1 && Duration::from_secs(seconds) <= pauses[0] && pauses[0] <= Duration::from_secs(7),
            "{pauses:?}"
        );
    }
}

#[tokio::test]
async fn request_is_not_made_again_where_the_deadline_is_near() {
    let request = turn_request("?", &[]);
    for (deadline, pause) in
        [(Duration::from_secs(25), "26"), (Duration::from_secs(2), "2"), (Duration::from_millis(450), "0")]
    {
        let busy = ResponseTemplate::new(429).insert_header("retry-after", pause);
        let server = server_with_responses(vec![busy, good()]).await;
        let robot = Chat { deadline, ..model(&server.uri()) };
        assert_eq!(ask_model(&client(), &robot, &request).await.unwrap_err().status(), Some(429));
        assert_eq!(requests(&server).await, 1);
    }
    let server = server_with_responses(vec![ResponseTemplate::new(503), good()]).await;
    let robot = Webhook { deadline: Duration::from_millis(450), ..hook(&server.uri()) };
    assert_eq!(ask_webhook(&client(), &robot, &request).await.unwrap_err().status(), Some(503));
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn malformed_or_withheld_answer_is_not_asked_again() {
    for response in [reply("支持30天退货。", &[1]), ResponseTemplate::new(200)] {
        let server = server_with_responses(vec![response, good()]).await;
        let _ = ask_model(&client(), &model(&server.uri()), &turn_request("怎么退货？", &[])).await;
        assert_eq!(requests(&server).await, 1);
    }
}
