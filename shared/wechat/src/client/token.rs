//! Access tokens of a mini program that is bound by its own `AppSecret`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Api, ApiError};
use crate::Secret;

/// What every other call is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// Up to 512 characters, or more.
    pub value: Secret,
    /// How long it lives from now. A stable token is handed out again during its life, so this may be far less than two hours.
    pub expires_in: Duration,
}

#[derive(Deserialize)]
struct Answer {
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
    /// `POST /cgi-bin/stable_token`: the token that all who ask share. Never with `force_refresh`, which voids the token that others hold
    /// and works 20 times a day. 10 000 calls a minute; a third-party platform cannot call it.
    pub async fn stable_token(&self, app_id: &str, secret: &str) -> Result<AccessToken, ApiError> {
        let body = StableToken { grant_type: GRANT, appid: app_id, secret };
        self.post("/cgi-bin/stable_token", &[secret], &[], &body).await.and_then(AccessToken::new)
    }

    /// `GET /cgi-bin/token`: a new token at each call, 2000 a day; the one before lives for five minutes more.
    pub async fn token(&self, app_id: &str, secret: &str) -> Result<AccessToken, ApiError> {
        let query = [("grant_type", GRANT), ("appid", app_id), ("secret", secret)];
        let request = self.get(self.url("/cgi-bin/token", &query));
        self.call(request, &[secret]).await.and_then(AccessToken::new)
    }
}

impl AccessToken {
    fn new(answer: Answer) -> Result<Self, ApiError> {
        if answer.access_token.is_empty() {
            return Err(ApiError::Unreadable { status: 200, reason: "an empty access token" });
        }
        Ok(Self { value: Secret::new(answer.access_token), expires_in: Duration::from_secs(answer.expires_in) })
    }
}
