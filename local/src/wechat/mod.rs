//! A simulated WeChat: its API, its pushes, its console and a visitor's phone, on one port.
//!
//! It stands in for `api.weixin.qq.com` and mp.weixin.qq.com. It signs, encrypts and parses with its own code, never with the
//! crate `wechat`, so that a mistake in one implementation shows as a disagreement with the other.
//!
//! | Path | Used by | Modules |
//! |---|---|---|
//! | `/cgi-bin/…` | the bundle, as `api.weixin.qq.com` | `api`, `tokens`, `send`, `quota`, `media`, `api_error` |
//! | `/sim/mini-programs…` | the admin, as WeChat's console | `console`, `mini_program`, `push` |
//! | `/sim/visitors/…`, `/sim/media/…` | a visitor, as the phone | `visitors`, `visitor_action`, `chat`, `push`, `document`, `crypto` |
//! | `/sim/visitors/{openid}/quota` | tests: the remaining reply quota | `visitors`, `quota` |
//! | `/sim/faults`, `/sim/calls`, `/sim/settings` | tests | `faults`, `connection`, `console` |
//! | `/`, `/desk`, `/phone`, `/phone/…` | a person, as the web page of up to three phones, the same beside the workbench, and of one phone | `phone` |
//! | `/orders…`, `/sim/orders/key` | an agent, beside a conversation: an example of a page of the team's own | `orders` |
//! | `/sim/clock`, `/sim/demo`, `/sim/requests`, `/sim/visitors/{openid}/{reception,conversation}` | the phone's web page | `backstage` |
//!
//! Differences from WeChat:
//!
//! - The first token call with an unknown app ID registers it as a mini program with the secret of the call
//!   (`PUT /sim/settings {"strict": true}` turns this off). Later calls with another secret get 40125, and so does every secret
//!   that starts with `wrong`. `POST /sim/mini-programs` with another secret resets it (重置).
//! - A callback URL has the scheme `http` and leads to the bundle, see [`Callbacks`].
//!
//! Times that WeChat measures in seconds or more (tokens, quota, media, typing, `CreateTime`) use the given clock. The 5 s limit
//! of a callback, the pauses between retries and injected waits are real time.

mod api;
mod api_error;
mod backstage;
mod chat;
mod connection;
mod console;
mod crypto;
mod document;
mod faults;
mod media;
mod mini_program;
mod orders;
mod persistence;
mod phone;
mod problem;
mod push;
mod quota;
mod random;
mod send;
mod state;
#[cfg(test)]
mod tests;
mod tokens;
mod visitor_action;
mod visitors;

use std::future::IntoFuture as _;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get, post, put};
use store::SharedClock;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

pub(crate) use self::backstage::{Backstage, Moved, Reception};
use self::connection::{Connection, Freezes, ResettableListener};
use self::state::{Shared, Sim, WeChatState};
use crate::trusted_hosts::{TrustedHosts, refuse_untrusted};

/// The time that open calls have to finish at a shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// The callback URLs that the simulator calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callbacks {
    /// Those of the API at this address of loopback, so that no page can make the simulator call another server.
    At(SocketAddr),
    /// Any, for tests of the simulator.
    Anywhere,
}

impl Callbacks {
    /// The origin of the workbench; empty where it is not known.
    fn workbench(self) -> String {
        match self {
            Self::At(address) => format!("http://{address}"),
            Self::Anywhere => String::new(),
        }
    }

    fn permit(self, url: &Url) -> bool {
        let Self::At(address) = self else { return true };
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        url.scheme() == "http" && TrustedHosts::of(address, &[]).contains(&format!("{host}:{port}"))
    }
}

/// A running simulator, controlled over HTTP. It keeps running when the handle is dropped.
#[derive(Debug)]
pub struct Simulator {
    sim: Shared,
    freezes: Freezes,
    server: JoinHandle<()>,
    saver: JoinHandle<()>,
}

impl Simulator {
    /// Serves on `listener` with a state in memory. Spawns tasks on the current runtime.
    pub fn serve(listener: TcpListener, clock: SharedClock, callbacks: Callbacks) -> Self {
        Self::start(listener, clock, callbacks, WeChatState::default(), None)
    }

    /// Serves on `listener` with a state that is saved in `file`: mini programs, visitors, chats and tokens survive a restart.
    /// An error if the file exists and cannot be read.
    pub fn serve_persistent(
        listener: TcpListener,
        clock: SharedClock,
        callbacks: Callbacks,
        file: PathBuf,
    ) -> io::Result<Self> {
        let state = persistence::load(&file)?;
        Ok(Self::start(listener, clock, callbacks, state, Some(file)))
    }

    fn start(
        listener: TcpListener,
        clock: SharedClock,
        callbacks: Callbacks,
        state: WeChatState,
        data: Option<PathBuf>,
    ) -> Self {
        let address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0)));
        let sim = Arc::new(Sim::new(clock, format!("http://{address}"), callbacks, client(), data, state));
        let closing = Shared::clone(&sim);
        let trusted = from_fn_with_state(TrustedHosts::of(address, &[]), refuse_untrusted);
        let service = router(Shared::clone(&sim)).layer(trusted).into_make_service_with_connect_info::<Connection>();
        let freezes = Freezes::default();
        let server = axum::serve(ResettableListener { listener, freezes: freezes.clone() }, service)
            .with_graceful_shutdown(async move { closing.closed().await });
        let server = tokio::spawn(async move {
            if let Err(error) = server.into_future().await {
                tracing::error!(%error, "the simulated WeChat stopped");
            }
        });
        let saver = tokio::spawn(persistence::run(Shared::clone(&sim)));
        Self { sim, freezes, server, saver }
    }

    /// Tells the simulator the bundle that it belongs to, which it refers to weakly.
    pub(crate) fn belongs_to(&self, bundle: &Arc<dyn Backstage>) {
        // An error means that it was told before.
        let _ = self.sim.backstage.set(Arc::downgrade(bundle));
    }

    /// The base URL of the API and the URL of the phone's page, without a trailing slash.
    pub fn url(&self) -> String {
        self.sim.url.clone()
    }

    /// Closes the idle connections of the API's callers: the next call on such a connection is reset without an effect.
    pub fn close_idle_connections(&self) {
        self.freezes.close_idle_connections();
    }

    /// Stops the simulator and frees the port. Open calls get a second to finish.
    pub async fn shutdown(self) {
        self.sim.close();
        let abort = self.server.abort_handle();
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, self.server).await.is_err() {
            abort.abort();
        }
        self.saver.abort();
        persistence::save(&self.sim);
    }
}

fn router(sim: Shared) -> Router {
    Router::new()
        .route("/", get(phone::stage))
        .route("/desk", get(phone::stage))
        .route("/phone", get(phone::page))
        .route("/phone/{file}", get(phone::file))
        .route("/orders", get(orders::page))
        .route("/orders/orders.js", get(orders::script))
        .route("/orders/orders.css", get(orders::style))
        .route("/orders/list", post(orders::list))
        .route("/sim/orders/key", put(orders::set_key))
        .route("/cgi-bin/{*path}", any(api::call))
        .route("/sim/mini-programs", post(console::submit).get(console::list))
        .route("/sim/mini-programs/{app_id}", get(console::show).patch(console::change))
        .route("/sim/mini-programs/{app_id}/expire-tokens", post(console::expire_tokens))
        .route("/sim/visitors/{openid}/messages", get(visitors::messages))
        .route("/sim/visitors/{openid}/quota", get(visitors::quota))
        .route("/sim/visitors/{openid}/reception", get(backstage::reception))
        .route("/sim/visitors/{openid}/conversation", get(backstage::conversation))
        .route("/sim/clock", get(backstage::clock).put(backstage::set_clock))
        .route("/sim/requests", get(backstage::requests))
        .route("/sim/demo", post(backstage::begin_demo))
        .route("/sim/visitors/{openid}/{action}", post(visitors::action))
        .route("/sim/media/{media_id}", get(visitors::media))
        .route("/sim/faults", post(console::add_fault).get(console::faults).delete(console::clear_faults))
        .route("/sim/calls", get(console::calls).delete(console::clear_calls))
        .route("/sim/settings", get(console::settings).put(console::set_settings))
        .layer(from_fn(problem::require_json))
        .layer(DefaultBodyLimit::max(api::BODY_LIMIT))
        .with_state(sim)
}

/// The HTTP client for pushes. It follows no redirects, as WeChat, and uses no proxy.
fn client() -> Result<reqwest::Client, String> {
    // An error means that the same provider is already installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    // Without trusted root certificates on this machine, http URLs still work.
    let client = builder().build().or_else(|_| builder().tls_certs_only([]).build());
    client.map_err(|error| error.to_string())
}
