//! Robots that are unreachable, slow or respond wrongly, for both kinds of robot.

use std::time::Duration;

use robots::{Answer, Chat, Failure, MAX_BODY, Webhook};
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket};
use wiremock::ResponseTemplate;

use crate::{
    KEY, PATIENT, SECRET, Then, ask_model, ask_webhook, client, hook, model, reply, server_with_response, turn_request,
    writing,
};

/// The failure of requests to both kinds of robot at this URL. Checks that it reveals no secret, address or text.
async fn both(url: impl AsyncFn() -> String, deadline: Duration) -> Failure {
    let chat = Chat { deadline, ..model(&url().await) };
    let webhook = Webhook { deadline, ..hook(&url().await) };
    let (client, request) = (client(), turn_request("planted question", &[]));
    let asked = async { (ask_model(&client, &chat, &request).await, ask_webhook(&client, &webhook, &request).await) };
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
    let server = server_with_response(answer).await;
    both(async || server.uri(), PATIENT).await
}

#[tokio::test]
async fn refused_connection_is_unreachable() {
    // Bound, so that no other process gets the port, and not listening.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    assert_eq!(both(async || url.clone(), PATIENT).await, Failure::Unreachable);
}

#[tokio::test]
async fn closed_connection_is_unreachable() {
    for bytes in
        ["", "HTTP/1.1 200 OK\r\ncontent-le", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"text\": \"x\"}"]
    {
        assert_eq!(both(async || writing(bytes, Then::Close).await, PATIENT).await, Failure::Unreachable, "{bytes}");
    }
}

#[tokio::test]
async fn slow_robot_times_out() {
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
async fn error_status_is_reported() {
    for status in [400, 401, 404, 410, 429, 500, 503] {
        let failure = of(ResponseTemplate::new(status).set_body_string(KEY)).await;
        assert_eq!((failure.code(), failure.status(), failure.message()), ("robot.refused", Some(status), None));
        let said = format!("wrong key {KEY}, {SECRET}");
        let body = json!({"error": {"message": said, "type": "invalid_request_error"}});
        let failure = of(ResponseTemplate::new(status).set_body_json(body)).await;
        assert_eq!((failure.status(), failure.message()), (Some(status), Some("wrong key […], […]")));
    }
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let elsewhere = server_with_response(reply("支持。", &[1])).await;
    for status in [301, 302, 303, 307, 308] {
        let answer = ResponseTemplate::new(status).insert_header("location", elsewhere.uri());
        assert_eq!(of(answer).await.status(), Some(status));
    }
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn response_over_limit_is_too_large() {
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
async fn response_of_exact_limit_is_read() {
    let mut body = json!({"text": "好。"}).to_string();
    body.push_str(&" ".repeat(MAX_BODY - body.len()));
    let server = server_with_response(ResponseTemplate::new(200).set_body_string(body)).await;
    let answer = ask_webhook(&client(), &hook(&server.uri()), &turn_request("?", &[])).await;
    assert_eq!(answer, Ok(Answer::Text("好。".to_owned())));
}

#[tokio::test]
async fn response_outside_protocol_is_malformed() {
    for body in
        ["", "<html>", "{\"choices\": [", "[]", "{}", "{\"choices\": []}", "{\"text\": 1}", "null", "\u{feff}{}"]
    {
        assert_eq!(of(ResponseTemplate::new(200).set_body_string(body)).await, Failure::Malformed, "{body}");
    }
    let not_utf8 = ResponseTemplate::new(200).set_body_bytes(*b"{\"text\": \"\xff\"}");
    assert_eq!(of(not_utf8).await, Failure::Malformed);
}

#[tokio::test]
async fn invalid_key_or_secret_is_not_sent() {
    let server = server_with_response(reply("支持。", &[1])).await;
    let robot = Chat { api_key: format!("{KEY}\nx-other: 1").into(), ..model(&server.uri()) };
    assert_eq!(ask_model(&client(), &robot, &turn_request("?", &[])).await, Err(Failure::Secret));
    for secret in ["", "plain", "whsec_", "whsec_dG9vIHNob3J0"] {
        let robot = Webhook { secret: secret.into(), ..hook(&server.uri()) };
        let answer = ask_webhook(&client(), &robot, &turn_request("?", &[])).await;
        assert_eq!(answer, Err(Failure::Secret), "{secret}");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}
