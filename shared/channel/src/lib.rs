//! Calls to WeChat: access tokens, media uploads, sends.
//!
//! - [`Tokens`]: one access token per binding, renewed by one function at a time.
//! - [`Channel::send_message`]: stores and sends what a person writes, once per `Idempotency-Key`.
//! - [`Channel::deliver`], [`Channel::deliver_due`]: send one stored message, at most once.
//! - [`settle_sent`]: settles the replies that WeChat has taken in the visitor's reply ledger.
//! - [`Channel::take_back`], [`Channel::expire`]: end a text that is held for the visitor's next message.
//! - [`Channel::cover_media_id`]: uploads the picture of a card or an image message.
//! - [`Fetcher`]: downloads a picture from an untrusted URL, without server-side request forgery.
//! - [`untrusted_url_client`]: an HTTP client with the same protection, for robots and webhooks.
//! - [`Reach`]: whether this protection is on. Only the bundle on one machine turns it off.

mod deliver;
mod error;
mod fetch;
mod held;
mod image_kind;
mod media;
mod parts;
mod quota;
mod reach;
mod send_message;
mod send_parts;
mod tls;
mod tokens;

pub use deliver::RetryPolicy;
pub use error::{ChannelError, FetchError, MediaError, TokenError};
pub use fetch::{Fetcher, Image, MAX_IMAGE, check_public, request_error, untrusted_url_client};
pub use held::{HELD_TEXT_LIFETIME, MAX_HELD_TEXTS};
pub use image_kind::ImageKind;
pub use parts::{text_part_count, unsent_text};
pub use quota::settle_sent;
pub use reach::Reach;
pub use send_message::{Draft, SendResult};
pub use tokens::{CachedToken, Tokens};
pub use wechat::client::WECHAT_API_URL;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use store::{
    Attempt, Attempted, Backoff, ConversationReader, Decisions, MediaUploads, SENDING_LEASE, Sends, SharedClock,
    StoreError, Table, ThreadReader, Vault,
};
use wechat::{ApiError, WebUrl, WebUrlError, client::Typing};

/// The time limit of a call to WeChat. Shorter than the lease of a send and of a token; WeChat answers in a fraction of
/// a second.
const WECHAT_TIMEOUT: Duration = Duration::from_secs(5);
const WECHAT_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How often a conditional write is attempted while other writers change the visitor or the conversation. Of many writers at once one
/// succeeds each time, so that a client may send a dozen replies together. The pauses take about 5 s in all, which leaves time for
/// the send within the timeout of a request.
const WRITE_ATTEMPTS: u32 = 60;

/// The handles on the table that sending needs.
#[derive(Debug)]
struct Store {
    clock: SharedClock,
    backoff: Backoff,
    conversations: ConversationReader,
    threads: ThreadReader,
    decisions: Decisions,
    sends: Sends,
    media: MediaUploads,
}

impl Store {
    fn new(table: &Table) -> Self {
        Self {
            clock: table.clock().clone(),
            backoff: table.backoff().clone(),
            conversations: table.conversations(),
            threads: table.threads(),
            decisions: table.decisions(),
            sends: table.sends(),
            media: table.media(),
        }
    }
}

/// The HTTP client for WeChat's API.
fn wechat_client(tls: rustls::ClientConfig) -> Result<reqwest::Client, ChannelError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .timeout(WECHAT_TIMEOUT)
        .connect_timeout(WECHAT_CONNECT_TIMEOUT)
        // No connection outlives its request: one that is kept while Lambda freezes the function may be dead afterwards, and a
        // send on it would end without an answer, as `unknown`. The next connection resumes the TLS session instead.
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|_| ChannelError::HttpClient)
}

/// Sends to and calls of WeChat for all bindings. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Channel {
    store: Arc<Store>,
    api: wechat::Api,
    tokens: Tokens,
    fetcher: Fetcher,
    /// The last moment at which a send may begin, if there is one.
    last_send: Option<Timestamp>,
}

impl Channel {
    /// A channel to WeChat's API at `api_url`, which must be https with [`Reach::Public`].
    pub fn new(table: &Table, vault: Vault, api_url: &str, reach: Reach) -> Result<Self, ChannelError> {
        let http = wechat_client(tls::config()?)?;
        let base = url::Url::parse(api_url).ok().filter(|url| reach == Reach::Local || url.scheme() == "https");
        let base = base.ok_or(ChannelError::ApiUrl)?;
        let api = wechat::Api::new(http, api_url).map_err(|_| ChannelError::ApiUrl)?;
        let fetcher = Fetcher::new((reach == Reach::Local).then_some(base))?;
        let (store, tokens) = (Arc::new(Store::new(table)), Tokens::new(table, vault, api.clone()));
        Ok(Self { store, tokens, api, fetcher, last_send: None })
    }

    /// Repeats a write of a visitor or a conversation, from its read on, while other writers change them.
    async fn retry_on_conflict<T, F>(&self, attempt: impl FnMut(Attempt) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<Attempted<T>, StoreError>>,
    {
        self.store.backoff.retry_on_conflict(WRITE_ATTEMPTS, attempt).await
    }

    /// The same channel for an invocation that is stopped at this time: [`deliver`](Self::deliver) and
    /// [`deliver_due`](Self::deliver_due) begin no send that could not end before it.
    #[must_use]
    pub fn until(self, deadline: Timestamp) -> Self {
        // A sender has no more time than its lease.
        self.sending_until(deadline.checked_sub(SENDING_LEASE).unwrap_or(Timestamp::MIN))
    }

    /// The same channel for a request whose caller waits: it begins no send after this time. A message for which no time is
    /// left stays pending, and the tick sends it.
    #[must_use]
    pub fn sending_until(self, last_send: Timestamp) -> Self {
        Self { last_send: Some(last_send), ..self }
    }

    /// The last moment at which a send may begin; `None` if there is none.
    pub fn last_send_begins(&self) -> Option<Timestamp> {
        self.last_send
    }

    /// Reads an address that a person gives for a visitor's phone or a workbench. With [`Reach::Local`] one of the simulated WeChat's
    /// origin is right, too.
    pub fn web_url(&self, address: &str) -> Result<String, WebUrlError> {
        if self.fetcher.is_of_simulator(address) {
            Ok(address.to_owned())
        } else {
            WebUrl::parse(address).map(String::from)
        }
    }

    /// The access tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Shows or hides the typing indicator on the visitor's phone (客服输入状态).
    pub async fn typing(&self, app_id: &str, openid: &str, typing: Typing) -> Result<(), TokenError> {
        self.with_token(app_id, |token| async move { self.api.typing(token.value(), openid, typing).await }).await
    }

    /// Calls WeChat with the binding's access token. When WeChat refuses the token, renews it and calls once more.
    async fn with_token<T, F>(&self, app_id: &str, call: impl Fn(CachedToken) -> F) -> Result<T, TokenError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let token = self.tokens.get(app_id).await?;
        let version = token.version;
        match call(token).await {
            Err(error) if error.action() == wechat::Action::RefreshToken => {
                let renewed = self.tokens.renew_refused(app_id, version).await?;
                call(renewed).await.map_err(TokenError::WeChat)
            }
            answer => answer.map_err(TokenError::WeChat),
        }
    }
}
