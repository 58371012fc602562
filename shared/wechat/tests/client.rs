//! The API client against a server that behaves, and against ones that do not.

#![expect(clippy::unwrap_used, reason = "also the helpers of a test are tests")]

use std::{sync::Once, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wechat::{
    Action, Api, ApiError, ErrCode, Error, Outbound, Outcome,
    client::{Download, MAX_DOWNLOAD, SendOptions, Typing, WECHAT_API_URL},
};
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{method, path, query_param},
};

const ACCESS_TOKEN: &str = "72_planted-access-token+/=";
const SEND: &str = "/cgi-bin/message/custom/send";

fn http(timeout: Duration) -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([])
        .no_proxy()
        .build()
        .unwrap()
}

fn api(url: &str) -> Api {
    Api::new(http(Duration::from_secs(10)), url).unwrap()
}

async fn answering(answer: ResponseTemplate) -> (MockServer, Api) {
    let server = MockServer::start().await;
    Mock::given(|_: &Request| true).respond_with(answer).mount(&server).await;
    let api = api(&server.uri());
    (server, api)
}

fn ok() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"errcode": 0, "errmsg": "ok"}))
}

fn text(content: &str) -> Outbound {
    Outbound::Text { content: content.to_owned() }
}

async fn send(api: &Api) -> Result<(), ApiError> {
    api.send(ACCESS_TOKEN, "oTEST-user_0001", &text("x"), SendOptions::default()).await
}

async fn send_to(answer: ResponseTemplate) -> ApiError {
    let (_server, api) = answering(answer).await;
    let error = send(&api).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("planted"), "{shown}");
    error
}

#[tokio::test]
async fn messages_go_out_as_wechat_wants_them() {
    let card = Outbound::MiniProgramPage {
        title: "T".to_owned(),
        appid: "wx00000000000000a1".to_owned(),
        pagepath: "pages/index/index?foo=bar".to_owned(),
        thumb_media_id: "media-0003".to_owned(),
    };
    let link = Outbound::Link {
        title: "T".to_owned(),
        description: "D".to_owned(),
        url: "https://example.invalid/p".to_owned(),
        thumb_url: "https://example.invalid/p.png".to_owned(),
    };
    let image = Outbound::Image { media_id: "media-0001".to_owned() };
    for (message, ai_generated, body) in [
        (
            text("你好😀 <a href=\"x\">&</a>\n"),
            false,
            r#"{"touser":"oTEST-user_0001","msgtype":"text","text":{"content":"你好😀 <a href=\"x\">&</a>\n"}}"#,
        ),
        (image, false, r#"{"touser":"oTEST-user_0001","msgtype":"image","image":{"media_id":"media-0001"}}"#),
        (
            link,
            false,
            r#"{"touser":"oTEST-user_0001","msgtype":"link","link":{"title":"T","description":"D","url":"https://example.invalid/p","thumb_url":"https://example.invalid/p.png"}}"#,
        ),
        (
            card,
            false,
            r#"{"touser":"oTEST-user_0001","msgtype":"miniprogrampage","miniprogrampage":{"title":"T","appid":"wx00000000000000a1","pagepath":"pages/index/index?foo=bar","thumb_media_id":"media-0003"}}"#,
        ),
        (
            text("…"),
            true,
            r#"{"touser":"oTEST-user_0001","msgtype":"text","text":{"content":"…"},"aimsgcontext":{"is_ai_msg":1}}"#,
        ),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path(SEND))
            .and(query_param("access_token", ACCESS_TOKEN))
            .respond_with(ok())
            .expect(1)
            .mount(&server)
            .await;
        let options = SendOptions { ai_generated };
        api(&server.uri()).send(ACCESS_TOKEN, "oTEST-user_0001", &message, options).await.unwrap();
        // Byte for byte: raw UTF-8, no \u escapes.
        let request = server.received_requests().await.unwrap().remove(0);
        assert_eq!(std::str::from_utf8(&request.body).unwrap(), body);
        assert_eq!(request.headers["content-type"], "application/json");

        let again = Outbound::from_json(message.kind(), &message.to_json()).unwrap();
        assert!(again == message);
    }
}

#[test]
fn what_is_no_outbound_message() {
    assert!(Outbound::from_json("voice", &json!({"media_id": "x"})).is_err());
    assert!(Outbound::from_json("text", &json!({})).is_err());
    assert!(Outbound::from_json("text", &json!("x")).is_err());
    let bare = Outbound::from_json("link", &json!({"title": "T", "url": "u", "more": 1})).unwrap();
    assert_eq!(bare.to_json()["description"], "");
}

#[tokio::test]
async fn typing() {
    let (server, api) = answering(ok()).await;
    api.typing(ACCESS_TOKEN, "o1", Typing::Start).await.unwrap();
    api.typing(ACCESS_TOKEN, "o1", Typing::Cancel).await.unwrap();
    let bodies: Vec<Value> =
        server.received_requests().await.unwrap().iter().map(|request| request.body_json().unwrap()).collect();
    assert_eq!(
        bodies,
        [json!({"touser": "o1", "command": "Typing"}), json!({"touser": "o1", "command": "CancelTyping"})]
    );
}

#[tokio::test]
async fn tokens() {
    let answer = ResponseTemplate::new(200).set_body_json(json!({"access_token": ACCESS_TOKEN, "expires_in": 345}));
    let (server, api) = answering(answer).await;
    let stable = api.stable_token("wx00000000000000a1", "planted-secret").await.unwrap();
    assert_eq!(stable.value.expose(), ACCESS_TOKEN);
    assert_eq!(stable.expires_in, Duration::from_secs(345));
    assert!(!format!("{stable:?}").contains("planted"));
    assert_eq!(api.token("wx00000000000000a1", "planted-secret").await.unwrap(), stable);

    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[0].url.path(), "/cgi-bin/stable_token");
    let body: Value = requests[0].body_json().unwrap();
    let expected =
        json!({"grant_type": "client_credential", "appid": "wx00000000000000a1", "secret": "planted-secret"});
    assert_eq!(body, expected);
    assert_eq!(requests[1].url.path(), "/cgi-bin/token");
    assert_eq!(
        requests[1].url.query(),
        Some("grant_type=client_credential&appid=wx00000000000000a1&secret=planted-secret")
    );
}

#[tokio::test]
async fn credentials_that_are_refused() {
    for (errcode, errmsg, code, action) in [
        (40013, "invalid appid", "wechat.credentials_refused", Action::FixCredentials),
        (40125, "invalid appsecret planted-secret", "wechat.credentials_refused", Action::FixCredentials),
        (40164, "invalid ip 192.0.2.7, not in whitelist", "wechat.ip_not_whitelisted", Action::AllowAddress),
        (40243, "secret frozen", "wechat.credentials_refused", Action::FixCredentials),
    ] {
        let body = json!({"errcode": errcode, "errmsg": format!("{errmsg} rid: 665e-1a2b-3c4d")});
        let (_server, api) = answering(ResponseTemplate::new(200).set_body_json(body)).await;
        for error in [
            api.stable_token("wx1", "planted-secret").await.unwrap_err(),
            api.token("wx1", "planted-secret").await.unwrap_err(),
        ] {
            assert_eq!((error.code(), error.action(), error.outcome()), (code, action, Outcome::Definite));
            assert!(!format!("{error} {error:?}").contains("planted"));
            let ApiError::Refused { rid, errmsg, .. } = error else { panic!("{error:?}") };
            assert_eq!(rid.as_deref(), Some("665e-1a2b-3c4d"));
            assert!(!errmsg.contains("rid"), "{errmsg}");
        }
    }
}

#[tokio::test]
async fn a_token_answer_without_a_token() {
    for body in [json!({}), json!({"access_token": "", "expires_in": 7200}), json!({"access_token": "x"})] {
        let (_server, api) = answering(ResponseTemplate::new(200).set_body_json(body)).await;
        assert!(matches!(api.stable_token("wx1", "s").await.unwrap_err(), ApiError::DocumentError { .. }));
    }
}

#[tokio::test]
async fn refusals_of_a_send() {
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
        // WeChat's words may repeat what it was sent.
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
async fn a_refusal_keeps_its_words_short() {
    let body = json!({"errcode": 40097, "errmsg": "错".repeat(5000) + "\u{7}\n"});
    let ApiError::Refused { errmsg, rid, .. } = send_to(ResponseTemplate::new(200).set_body_json(body)).await else {
        panic!()
    };
    assert_eq!((errmsg, rid), ("错".repeat(100), None));
}

#[tokio::test]
async fn answers_that_cannot_be_read_leave_the_outcome_open() {
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
        assert!(matches!(error, ApiError::DocumentError { .. }), "{error:?}");
        assert_eq!((error.code(), error.outcome()), ("wechat.answer_unreadable", Outcome::Unknown));
    }
}

#[tokio::test]
async fn a_refusal_counts_whatever_the_http_status() {
    let error = send_to(ResponseTemplate::new(412).set_body_json(json!({"errcode": 45015}))).await;
    assert_eq!((error.errcode(), error.outcome()), (Some(ErrCode::REPLY_WINDOW_CLOSED), Outcome::Definite));
}

#[tokio::test]
async fn an_answer_that_is_late_leaves_the_outcome_open() {
    let (server, _) = answering(ok().set_delay(Duration::from_mins(1))).await;
    let api = Api::new(http(Duration::from_millis(50)), &server.uri()).unwrap();
    let error = send(&api).await.unwrap_err();
    assert_eq!(error, ApiError::TimedOut);
    assert_eq!((error.code(), error.outcome()), ("wechat.timed_out", Outcome::Unknown));
}

/// A server that reads the request, writes `answer` and closes.
async fn closing(answer: &'static [u8]) -> ApiError {
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
async fn a_connection_that_breaks_off_leaves_the_outcome_open() {
    for answer in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\n{\"errcode\":0"] {
        let error = closing(answer).await;
        assert!(matches!(error, ApiError::Broken(_)), "{error:?}");
        assert_eq!((error.code(), error.outcome()), ("wechat.broken_off", Outcome::Unknown));
    }
}

#[tokio::test]
async fn no_connection_is_no_send() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = send(&api(&format!("http://{address}"))).await.unwrap_err();
    assert!(matches!(error, ApiError::NotSent(_)), "{error:?}");
    assert_eq!((error.code(), error.outcome()), ("wechat.unreachable", Outcome::Definite));
    assert!(!format!("{error} {error:?}").contains("planted"), "{error:?}");
}

#[tokio::test]
async fn an_image_is_uploaded() {
    let answer = json!({"type": "image", "media_id": "media-0001", "created_at": 1_750_000_010});
    let (server, api) = answering(ResponseTemplate::new(200).set_body_json(answer)).await;
    let media = api.upload_image(ACCESS_TOKEN, "cover.png", "image/png", b"\x89PNG".to_vec()).await.unwrap();
    assert_eq!((media.media_id.as_str(), media.created_at), ("media-0001", 1_750_000_010));
    let request = server.received_requests().await.unwrap().remove(0);
    assert_eq!(request.url.path(), "/cgi-bin/media/upload");
    assert_eq!(
        request.url.query_pairs().collect::<Vec<_>>(),
        [("access_token".into(), ACCESS_TOKEN.into()), ("type".into(), "image".into())]
    );
    let body = String::from_utf8_lossy(&request.body);
    assert!(body.contains("name=\"media\"; filename=\"cover.png\""), "{body}");
    assert!(body.contains("Content-Type: image/png\r\n\r\n"), "{body}");
    // A length that is known beforehand: WeChat does not take a chunked upload.
    assert_eq!(request.headers["content-length"], body_length(&request));

    let (_server, api) = answering(ResponseTemplate::new(200).set_body_json(json!({"errcode": 40004}))).await;
    let error = api.upload_image(ACCESS_TOKEN, "x", "image/png", Vec::new()).await.unwrap_err();
    assert_eq!(error.action(), Action::Reupload);
    let error = api.upload_image(ACCESS_TOKEN, "x", "not a type", Vec::new()).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Definite);
}

fn body_length(request: &Request) -> String {
    request.body.len().to_string()
}

#[tokio::test]
async fn media_is_fetched() {
    let (server, api) =
        answering(ResponseTemplate::new(200).set_body_raw(b"\xff\xd8\xff".to_vec(), "image/jpeg")).await;
    let file = api.get_media(ACCESS_TOKEN, "media/0001").await.unwrap();
    assert!(file == Download { content_type: Some("image/jpeg".to_owned()), bytes: b"\xff\xd8\xff".to_vec() });
    let request = server.received_requests().await.unwrap().remove(0);
    assert_eq!(request.url.path(), "/cgi-bin/media/get");
    assert_eq!(request.url.query_pairs().nth(1).unwrap().1, "media/0001");

    let refusal = json!({"errcode": 40007, "errmsg": "invalid media_id"}).to_string();
    for kind in ["application/json; encoding=utf-8", "text/plain", "image/jpeg"] {
        let (_server, api) = answering(ResponseTemplate::new(200).set_body_raw(refusal.clone(), kind)).await;
        assert_eq!(api.get_media(ACCESS_TOKEN, "m").await.unwrap_err().errcode(), Some(ErrCode::INVALID_MEDIA));
    }
    for answer in [
        ResponseTemplate::new(200).set_body_raw("<html>", "text/html"),
        ResponseTemplate::new(404).set_body_raw(b"\xff\xd8".to_vec(), "image/jpeg"),
        ResponseTemplate::new(200).set_body_json(json!({"video_url": "https://example.invalid/v"})),
        ResponseTemplate::new(200).set_body_raw(vec![0xff; MAX_DOWNLOAD + 1], "image/jpeg"),
    ] {
        let (_server, api) = answering(answer).await;
        assert!(matches!(api.get_media(ACCESS_TOKEN, "m").await.unwrap_err(), ApiError::DocumentError { .. }));
    }
}

#[tokio::test]
async fn the_api_may_live_under_a_path() {
    let server = MockServer::start().await;
    Mock::given(path(format!("/relay{SEND}"))).respond_with(ok()).expect(1).mount(&server).await;
    send(&api(&format!("{}/relay/", server.uri()))).await.unwrap();
}

#[test]
fn addresses_that_are_none() {
    for url in ["", "api.weixin.qq.com", "ftp://x", "http://", "https://x?y=z", "file:///x"] {
        assert_eq!(Api::new(http(Duration::from_secs(1)), url).unwrap_err(), Error::BadBaseUrl, "{url}");
    }
    api(WECHAT_API_URL);
}
