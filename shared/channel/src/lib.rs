//! What is said to WeChat: access tokens, media, sends.
//!
//! - [`Tokens`]: one access token per binding, renewed by one function at a time.
//! - [`Channel::send_message`]: what a person writes goes out within their request, once per `Idempotency-Key`.
//! - [`Channel::deliver`]: one send, through its states, at most once.
//! - [`Channel::cover`]: a card's picture as media of WeChat's.
//! - [`Fetcher`]: fetches a picture from an address that somebody else chose.
//! - [`outward_client`]: the same guard for other requests to such addresses.

mod address;
mod error;
mod fetch;
mod ledger;
mod media;
mod say;
mod sender;
mod tls;
mod tokens;

pub use error::{ChannelError, FetchError, MediaError, TokenError};
pub use fetch::{Fetcher, Image, MAX_IMAGE, check_public, outward_client, unreachable};
pub use say::{Draft, HELD_MAX, HOLD_LIFE, SendResult};
pub use sender::{RetryPolicy, text_parts};
pub use tokens::{CachedToken, Tokens};
pub use wechat::client::WECHAT_API_URL;

use std::time::Duration;

use store::{Table, Vault};
use wechat::{ApiError, client::Typing};

/// No call to WeChat takes longer than this. Well below the lease of a send and of a token, and far above the
/// fraction of a second that WeChat takes.
const WECHAT_TIMEOUT: Duration = Duration::from_secs(5);
const WECHAT_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The way to WeChat. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Channel {
    table: Table,
    api: wechat::Api,
    tokens: Tokens,
    fetcher: Fetcher,
}

impl Channel {
    /// The channel to WeChat's API at `api_url`. Where that is plain `http` it is a simulator, and pictures may be
    /// fetched from it too.
    pub fn new(table: Table, vault: Vault, api_url: &str) -> Result<Self, ChannelError> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config()?)
            .timeout(WECHAT_TIMEOUT)
            .connect_timeout(WECHAT_CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|_| ChannelError::HttpClient)?;
        let api = wechat::Api::new(http, api_url).map_err(|_| ChannelError::ApiUrl)?;
        let fetcher = Fetcher::new(simulator(api_url))?;
        Ok(Self { tokens: Tokens::new(table.clone(), vault, api.clone()), table, api, fetcher })
    }

    /// The access tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Shows the visitor that somebody is typing, or no longer.
    pub async fn typing(&self, app_id: &str, openid: &str, typing: Typing) -> Result<(), TokenError> {
        self.with_token(app_id, |token| async move { self.api.typing(token.value(), openid, typing).await }).await
    }

    /// Makes a call with the binding's access token; when WeChat refuses the token, renews it and tries once more.
    async fn with_token<T, F>(&self, app_id: &str, call: impl Fn(CachedToken) -> F) -> Result<T, TokenError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let held = self.tokens.get(app_id).await?;
        let version = held.version;
        match call(held).await {
            Err(error) if error.action() == wechat::Action::RefreshToken => {
                let renewed = self.tokens.renew_refused(app_id, version).await?;
                call(renewed).await.map_err(TokenError::WeChat)
            }
            answer => answer.map_err(TokenError::WeChat),
        }
    }
}

fn simulator(api_url: &str) -> Option<url::Url> {
    url::Url::parse(api_url).ok().filter(|url| url.scheme() == "http")
}
