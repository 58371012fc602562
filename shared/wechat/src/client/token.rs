//! Access tokens of a mini program that is bound with its `AppSecret`.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{Api, ApiError};

/// The token of every other call.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The token. WeChat asks to reserve 512 characters for it.
    pub value: SecretString,
    /// The remaining lifetime. WeChat returns the same stable token until shortly before its end, so this may be far less
    /// than two hours.
    pub expires_in: Duration,
}

#[derive(Deserialize)]
struct Response {
    access_token: String,
    expires_in: u64,
}

#[derive(Serialize)]
struct StableToken<'a> {
    grant_type: &'static str,
    appid: &'a str,
    secret: &'a str,
}

const GRANT: &str = "client_credential";

impl Api {
    /// `POST /cgi-bin/stable_token` (获取稳定版接口调用凭据). Returns the same token to every caller. Without `force_refresh`, which
    /// invalidates the token of other callers and is limited to 20 calls a day. The limit is 10 000 calls a minute. A
    /// third-party platform cannot call it.
    pub async fn stable_token(&self, app_id: &str, secret: &SecretString) -> Result<AccessToken, ApiError> {
        let secret = secret.expose_secret();
        let body = StableToken { grant_type: GRANT, appid: app_id, secret };
        self.post("/cgi-bin/stable_token", &[secret], &[], &body).await.and_then(AccessToken::new)
    }

    /// `GET /cgi-bin/token` (获取接口调用凭据). Returns a new token at each call, 2000 a day; the one before stays valid for five
    /// minutes.
    pub async fn token(&self, app_id: &str, secret: &SecretString) -> Result<AccessToken, ApiError> {
        let secret = secret.expose_secret();
        let query = [("grant_type", GRANT), ("appid", app_id), ("secret", secret)];
        let request = self.get(self.url("/cgi-bin/token", &query));
        self.call(request, &[secret]).await.and_then(AccessToken::new)
    }
}

impl AccessToken {
    fn new(response: Response) -> Result<Self, ApiError> {
        if response.access_token.is_empty() {
            return Err(ApiError::Unreadable { status: 200, reason: "an empty access token" });
        }
        Ok(Self {
            value: SecretString::from(response.access_token),
            expires_in: Duration::from_secs(response.expires_in),
        })
    }
}
