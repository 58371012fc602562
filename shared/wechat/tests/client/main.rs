//! The API client against servers that respond correctly, wrongly or not at all.

#![expect(clippy::unwrap_used, reason = "the helpers of tests unwrap too")]

mod failures;
mod media;
mod sends;
mod tokens;

use std::{sync::Once, time::Duration};

use serde_json::json;
use wechat::{Api, ApiError, Outbound, client::SendOptions};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

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

async fn server_with_response(answer: ResponseTemplate) -> (MockServer, Api) {
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
    let (_server, api) = server_with_response(answer).await;
    let error = send(&api).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("planted"), "{shown}");
    error
}
