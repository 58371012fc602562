//! Failed sends: WeChat's refusals, unreadable responses, broken connections.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wechat::{Action, Api, ApiError, ErrCode, Outcome};
use wiremock::ResponseTemplate;

use crate::{ACCESS_TOKEN, api, http, ok, send, send_to, server_with_response};

#[tokio::test]
async fn refused_send_has_code_action_and_outcome() {
    for (errcode, code, action, outcome) in [
        (-1, "wechat.busy", Action::RetryLater, Outcome::Unknown),
        (40001, "wechat.access_token_rejected", Action::RefreshToken, Outcome::Definite),
        (42001, "wechat.access_token_rejected", Action::RefreshToken, Outcome::Definite),
        (40007, "wechat.invalid_media", Action::Reupload, Outcome::Definite),
        (45002, "wechat.text_too_long", Action::Split, Outcome::Definite),
        (45015, "wechat.reply_window_closed", Action::WaitForVisitor, Outcome::Definite),
        (45047, "wechat.reply_limit_reached", Action::WaitForVisitor, Outcome::Definite),
        (61007, "wechat.permission_not_granted", Action::Reauthorize, Outcome::Definite),
        (12345, "wechat.refused", Action::Report, Outcome::Definite),
    ] {
        // WeChat's message may repeat the request.
        let errmsg = format!("no {ACCESS_TOKEN} hint: [x] rid: 1-2-3");
        let error =
            send_to(ResponseTemplate::new(200).set_body_json(json!({"errcode": errcode, "errmsg": errmsg}))).await;
        assert_eq!(error.errcode(), Some(ErrCode(errcode)));
        assert_eq!((error.code(), error.action(), error.outcome()), (code, action, outcome));
        assert!(!error.meaning_en().is_empty() && !error.meaning_zh().is_empty());
        assert_eq!(error.to_string(), format!("WeChat refused: {errcode} no … hint: [x]"));
    }
}

#[tokio::test]
async fn long_errmsg_is_truncated_to_300_bytes() {
    let body = json!({"errcode": 40097, "errmsg": "错".repeat(5000) + "\u{7}\n"});
    let ApiError::Refused { errmsg, rid, .. } = send_to(ResponseTemplate::new(200).set_body_json(body)).await else {
        panic!()
    };
    assert_eq!((errmsg, rid), ("错".repeat(100), None));
}

#[tokio::test]
async fn unreadable_response_has_unknown_outcome() {
    let html = "<html>502 Bad Gateway</html>";
    for answer in [
        ResponseTemplate::new(200).set_body_raw(html, "text/html"),
        ResponseTemplate::new(502).set_body_raw(html, "text/html"),
        ResponseTemplate::new(200),
        ResponseTemplate::new(200).set_body_string("{\"errcode\":0"),
        ResponseTemplate::new(200).set_body_string("[]"),
        ResponseTemplate::new(200).set_body_string("{}"),
        ResponseTemplate::new(500).set_body_json(json!({"errcode": 0, "errmsg": "ok"})),
        ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:1/"),
        ResponseTemplate::new(200).set_body_string(format!("{{\"errcode\":0,\"x\":\"{}\"}}", "x".repeat(1 << 20))),
    ] {
        let error = send_to(answer).await;
        assert!(matches!(error, ApiError::Unreadable { .. }), "{error:?}");
        assert_eq!((error.code(), error.outcome()), ("wechat.answer_unreadable", Outcome::Unknown));
    }
}

#[tokio::test]
async fn errcode_counts_with_any_http_status() {
    let error = send_to(ResponseTemplate::new(412).set_body_json(json!({"errcode": 45015}))).await;
    assert_eq!((error.errcode(), error.outcome()), (Some(ErrCode::REPLY_WINDOW_CLOSED), Outcome::Definite));
}

#[tokio::test]
async fn timeout_has_unknown_outcome() {
    let (server, _) = server_with_response(ok().set_delay(Duration::from_mins(1))).await;
    let api = Api::new(http(Duration::from_millis(50)), &server.uri()).unwrap();
    let error = send(&api).await.unwrap_err();
    assert_eq!(error, ApiError::TimedOut);
    assert_eq!((error.code(), error.outcome()), ("wechat.timed_out", Outcome::Unknown));
}

/// The error of a send to a server that reads the request, writes `answer` and closes the connection.
async fn send_to_closing_server(answer: &'static [u8]) -> ApiError {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = api(&format!("http://{}", listener.local_addr().unwrap()));
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let mut read = 0;
        while !request[..read].ends_with(b"}}") {
            read += stream.read(&mut request[read..]).await.unwrap();
        }
        stream.write_all(answer).await.unwrap();
    });
    let error = send(&api).await.unwrap_err();
    server.await.unwrap();
    assert!(!format!("{error} {error:?}").contains("planted"), "{error:?}");
    error
}

#[tokio::test]
async fn closed_connection_has_unknown_outcome() {
    for answer in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\n{\"errcode\":0"] {
        let error = send_to_closing_server(answer).await;
        assert!(matches!(error, ApiError::Broken(_)), "{error:?}");
        assert_eq!((error.code(), error.outcome()), ("wechat.broken_off", Outcome::Unknown));
    }
}

#[tokio::test]
async fn refused_connection_has_definite_outcome() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = send(&api(&format!("http://{address}"))).await.unwrap_err();
    assert!(matches!(error, ApiError::NotSent(_)), "{error:?}");
    assert_eq!((error.code(), error.outcome()), ("wechat.unreachable", Outcome::Definite));
    assert!(!format!("{error} {error:?}").contains("planted"), "{error:?}");
}
