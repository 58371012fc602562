//! Robots that are dead, slow, talkative or out of their mind. Both kinds are asked the same way.

use std::time::Duration;

use jiff::Timestamp;
use robots::{Answer, Chat, Failure, MAX_BODY, Webhook};
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use crate::{KEY, PATIENT, SECRET, Then, answering, asking, client, hook, model, reply, writing};

/// What comes of asking a robot of each kind there, and that nothing said about it gives anything away.
async fn both(url: impl AsyncFn() -> String, deadline: Duration) -> Failure {
    let chat = Chat { deadline, ..model(&url().await) };
    let webhook = Webhook { deadline, ..hook(&url().await) };
    let (client, asking) = (client(), asking("planted question", &[]));
    let asked =
        async { (client.chat(&chat, &asking).await, client.webhook(&webhook, &asking, Timestamp::UNIX_EPOCH).await) };
    let (one, other) = tokio::time::timeout(PATIENT, asked).await.expect("a deadline holds");
    let failure = one.unwrap_err();
    assert_eq!(failure, other.unwrap_err());
    let shown = format!("{failure} {failure:?} {} {chat:?} {webhook:?}", failure.code());
    for hidden in [KEY, SECRET, "planted", "127.0.0.1"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
    failure
}

async fn of(answer: ResponseTemplate) -> Failure {
    let server = answering(answer).await;
    both(async || server.uri(), PATIENT).await
}

#[tokio::test]
async fn a_dead_robot() {
    // Bound, so that nobody else gets the port, and not listening.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    assert_eq!(both(async || url.clone(), PATIENT).await, Failure::Unreachable);
}

#[tokio::test]
async fn a_robot_that_breaks_off() {
    for bytes in
        ["", "HTTP/1.1 200 OK\r\ncontent-le", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"text\": \"x\"}"]
    {
        assert_eq!(both(async || writing(bytes, Then::Close).await, PATIENT).await, Failure::Unreachable, "{bytes}");
    }
}

#[tokio::test]
async fn a_slow_robot() {
    let soon = Duration::from_millis(50);
    for bytes in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"text\": \"x\"}"] {
        assert_eq!(both(async || writing(bytes, Then::Hang).await, soon).await, Failure::Timeout, "{bytes}");
    }
    // The handshake of TLS, of which the server says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    assert_eq!(both(async || url.clone(), soon).await, Failure::Timeout);
}

#[tokio::test]
async fn a_robot_that_refuses() {
    for status in [400, 401, 404, 410, 429, 500, 503] {
        assert_eq!(of(ResponseTemplate::new(status).set_body_string(KEY)).await, Failure::Status(status));
    }
}

#[tokio::test]
async fn a_robot_that_is_elsewhere() {
    let elsewhere = answering(reply("支持。", &[1])).await;
    for status in [301, 302, 303, 307, 308] {
        let answer = ResponseTemplate::new(status).insert_header("location", elsewhere.uri());
        assert_eq!(of(answer).await, Failure::Status(status));
    }
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_robot_that_says_too_much() {
    let long = "x".repeat(MAX_BODY + 1);
    assert_eq!(of(ResponseTemplate::new(200).set_body_string(&long)).await, Failure::TooLarge);
    // Declared: nothing of it is waited for. In chunks: it stops at the bound, though no end comes.
    let declared = "HTTP/1.1 200 OK\r\ncontent-length: 9999999999\r\n\r\n".to_owned();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let chunked =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}", chunk.repeat(MAX_BODY / 0x1000 + 1));
    for bytes in [declared, chunked] {
        assert_eq!(both(async || writing(bytes.clone(), Then::Hang).await, PATIENT).await, Failure::TooLarge);
    }
}

#[tokio::test]
async fn a_robot_may_say_as_much_as_is_read() {
    let mut body = json!({"text": "好。"}).to_string();
    body.push_str(&" ".repeat(MAX_BODY - body.len()));
    let server = answering(ResponseTemplate::new(200).set_body_string(body)).await;
    let answer = client().webhook(&hook(&server.uri()), &asking("?", &[]), Timestamp::UNIX_EPOCH).await;
    assert_eq!(answer, Ok(Answer::Text("好。".to_owned())));
}

#[tokio::test]
async fn a_robot_that_does_not_speak_the_protocol() {
    for body in
        ["", "<html>", "{\"choices\": [", "[]", "{}", "{\"choices\": []}", "{\"text\": 1}", "null", "\u{feff}{}"]
    {
        assert_eq!(of(ResponseTemplate::new(200).set_body_string(body)).await, Failure::Malformed, "{body}");
    }
    let not_utf8 = ResponseTemplate::new(200).set_body_bytes(*b"{\"text\": \"\xff\"}");
    assert_eq!(of(not_utf8).await, Failure::Malformed);
}

#[tokio::test]
async fn nothing_is_asked_twice() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(503)).expect(1).mount(&server).await;
    let failure = client().chat(&model(&server.uri()), &asking("?", &[])).await.unwrap_err();
    assert_eq!(failure, Failure::Status(503));
}

#[tokio::test]
async fn a_key_or_a_secret_of_no_use_is_not_sent() {
    let server = answering(reply("支持。", &[1])).await;
    let robot = Chat { api_key: format!("{KEY}\nx-other: 1").into(), ..model(&server.uri()) };
    assert_eq!(client().chat(&robot, &asking("?", &[])).await, Err(Failure::Secret));
    for secret in ["", "plain", "whsec_", "whsec_dG9vIHNob3J0"] {
        let robot = Webhook { secret: secret.into(), ..hook(&server.uri()) };
        let answer = client().webhook(&robot, &asking("?", &[]), Timestamp::UNIX_EPOCH).await;
        assert_eq!(answer, Err(Failure::Secret), "{secret}");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}
