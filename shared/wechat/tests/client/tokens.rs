//! Access tokens.

use std::time::Duration;

use serde_json::{Value, json};
use wechat::{Action, ApiError, ExposeSecret, Outcome};
use wiremock::ResponseTemplate;

use crate::{ACCESS_TOKEN, server_with_response};

#[tokio::test]
async fn token_requests_send_credentials_and_return_token() {
    let answer = ResponseTemplate::new(200).set_body_json(json!({"access_token": ACCESS_TOKEN, "expires_in": 345}));
    let (server, api) = server_with_response(answer).await;
    let stable = api.stable_token("wx00000000000000a1", &"planted-secret".into()).await.unwrap();
    assert_eq!(stable.value.expose_secret(), ACCESS_TOKEN);
    assert_eq!(stable.expires_in, Duration::from_secs(345));
    assert!(!format!("{stable:?}").contains("planted"));
    let token = api.token("wx00000000000000a1", &"planted-secret".into()).await.unwrap();
    assert_eq!((token.value.expose_secret(), token.expires_in), (ACCESS_TOKEN, stable.expires_in));

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
async fn refused_credentials_have_code_and_action() {
    for (errcode, errmsg, code, action) in [
        (40013, "invalid appid", "wechat.credentials_refused", Action::FixCredentials),
        (40125, "invalid appsecret planted-secret", "wechat.credentials_refused", Action::FixCredentials),
        (40164, "invalid ip 192.0.2.7, not in whitelist", "wechat.ip_not_whitelisted", Action::AllowAddress),
        (40243, "secret frozen", "wechat.credentials_refused", Action::FixCredentials),
    ] {
        let body = json!({"errcode": errcode, "errmsg": format!("{errmsg} rid: 665e-1a2b-3c4d")});
        let (_server, api) = server_with_response(ResponseTemplate::new(200).set_body_json(body)).await;
        for error in [
            api.stable_token("wx1", &"planted-secret".into()).await.unwrap_err(),
            api.token("wx1", &"planted-secret".into()).await.unwrap_err(),
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
async fn token_response_without_token_is_unreadable() {
    for body in [json!({}), json!({"access_token": "", "expires_in": 7200}), json!({"access_token": "x"})] {
        let (_server, api) = server_with_response(ResponseTemplate::new(200).set_body_json(body)).await;
        assert!(matches!(api.stable_token("wx1", &"s".into()).await.unwrap_err(), ApiError::Unreadable { .. }));
    }
}
