//! Sends and typing indicators.

use std::time::Duration;

use serde_json::{Value, json};
use wechat::{
    Api, Error, Outbound,
    client::{SendOptions, Typing, WECHAT_API_URL},
};
use wiremock::{
    Mock, MockServer,
    matchers::{method, path, query_param},
};

use crate::{ACCESS_TOKEN, SEND, api, http, ok, send, server_with_response, text};

#[tokio::test]
async fn send_request_has_wechats_url_and_body() {
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
fn unknown_kind_or_missing_field_is_no_outbound_message() {
    assert!(Outbound::from_json("voice", &json!({"media_id": "x"})).is_err());
    assert!(Outbound::from_json("text", &json!({})).is_err());
    assert!(Outbound::from_json("text", &json!("x")).is_err());
    let bare = Outbound::from_json("link", &json!({"title": "T", "url": "u", "more": 1})).unwrap();
    assert_eq!(bare.to_json()["description"], "");
}

#[tokio::test]
async fn typing_request_names_command() {
    let (server, api) = server_with_response(ok()).await;
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
async fn path_of_base_url_is_kept() {
    let server = MockServer::start().await;
    Mock::given(path(format!("/relay{SEND}"))).respond_with(ok()).expect(1).mount(&server).await;
    send(&api(&format!("{}/relay/", server.uri()))).await.unwrap();
}

#[test]
fn invalid_base_url_is_refused() {
    for url in ["", "api.weixin.qq.com", "ftp://x", "http://", "https://x?y=z", "file:///x"] {
        assert_eq!(Api::new(http(Duration::from_secs(1)), url).unwrap_err(), Error::BadBaseUrl, "{url}");
    }
    api(WECHAT_API_URL);
}
