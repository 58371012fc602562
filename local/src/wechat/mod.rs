//! A simulated WeChat: its API, its pushes, its console and a visitor's phone, on one port.
//!
//! It stands in for `api.weixin.qq.com` and mp.weixin.qq.com and knows nothing of this bundle but the protocol: it signs,
//! encrypts and reads with code of its own (never the crate `wechat`), so that a mistake in one is not repeated in the other.
//!
//! | Path | Who | Where |
//! |---|---|---|
//! | `/cgi-bin/…` | the bundle, as it calls `api.weixin.qq.com` | `api`, `tokens`, `send`, `quota`, `media`, `refusal` |
//! | `/sim/mini-programs…` | the admin in WeChat's console | `console`, `mini_program`, `push` |
//! | `/sim/visitors/…`, `/sim/media/…` | a visitor with a phone | `visitors`, `act`, `chat`, `push`, `document`, `crypto` |
//! | `/sim/visitors/{openid}/quota` | tests: what WeChat still lets through | `visitors`, `quota` |
//! | `/sim/faults`, `/sim/calls`, `/sim/settings` | tests | `faults`, `line`, `console` |
//! | `/`, `/phone/…` | a person: the phone as a page | `phone` |
//!
//! What a mini program may do here that WeChat would not allow:
//!
//! - A mini program that nobody registered comes into being with its first token call, with the secret that came with it
//!   (`PUT /sim/settings {"strict": true}` ends that). After that another secret is refused with 40125; a secret that begins
//!   with `wrong` always is. `POST /sim/mini-programs` with another secret is 重置.
//! - A callback may have any host and port, `http` on loopback too.
//!
//! Time is the clock that is handed in, for everything that WeChat measures in seconds or more (tokens, quota, media,
//! typing, `CreateTime`). The 5 s that a callback has to answer, retries and injected waits are real time.

mod act;
mod api;
mod chat;
mod console;
mod crypto;
mod document;
mod faults;
mod keep;
mod line;
mod media;
mod mini_program;
mod phone;
mod problem;
mod push;
mod quota;
mod random;
mod refusal;
mod send;
mod state;
#[cfg(test)]
mod tests;
mod tokens;
mod visitors;

use std::future::IntoFuture as _;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get, post};
use store::SharedClock;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::line::{Line, Lines};
use self::state::{Shared, Sim, World};

/// How long open calls may take to end when the simulator is shut down.
const GRACE: Duration = Duration::from_secs(1);

/// A running simulator. Everything it can be told, it is told over HTTP; dropping the handle leaves it running.
#[derive(Debug)]
pub struct Simulator {
    sim: Shared,
    server: JoinHandle<()>,
    keeper: JoinHandle<()>,
}

impl Simulator {
    /// Serves on `listener`, in tasks of the runtime it is called in. The state lives in memory.
    pub fn serve(listener: TcpListener, clock: SharedClock) -> Self {
        Self::start(listener, clock, World::default(), None)
    }

    /// Serves on `listener` with a state that is kept in `file`, so that mini programs, visitors, chats and tokens are
    /// there again after a restart. A file that exists and cannot be read is an error.
    pub fn serve_kept(listener: TcpListener, clock: SharedClock, file: PathBuf) -> io::Result<Self> {
        let world = keep::load(&file)?;
        Ok(Self::start(listener, clock, world, Some(file)))
    }

    fn start(listener: TcpListener, clock: SharedClock, world: World, data: Option<PathBuf>) -> Self {
        let address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0)));
        let sim = Arc::new(Sim::new(clock, format!("http://{address}"), client(), data, world));
        let closing = Shared::clone(&sim);
        let service = router(Shared::clone(&sim)).into_make_service_with_connect_info::<Line>();
        let server =
            axum::serve(Lines(listener), service).with_graceful_shutdown(async move { closing.closed().await });
        let server = tokio::spawn(async move {
            if let Err(error) = server.into_future().await {
                tracing::error!(%error, "the simulated WeChat stopped");
            }
        });
        let keeper = tokio::spawn(keep::run(Shared::clone(&sim)));
        Self { sim, server, keeper }
    }

    /// Its address, without a slash at the end: the base URL of the API, and the phone's page.
    pub fn url(&self) -> String {
        self.sim.url.clone()
    }

    /// Ends it: open calls get a second to finish, then the port is free.
    pub async fn shutdown(self) {
        self.sim.close();
        let abort = self.server.abort_handle();
        if tokio::time::timeout(GRACE, self.server).await.is_err() {
            abort.abort();
        }
        self.keeper.abort();
        keep::save(&self.sim);
    }
}

fn router(sim: Shared) -> Router {
    Router::new()
        .route("/", get(phone::page))
        .route("/phone/{file}", get(phone::file))
        .route("/cgi-bin/{*path}", any(api::call))
        .route("/sim/mini-programs", post(console::submit).get(console::list))
        .route("/sim/mini-programs/{app_id}", get(console::show).patch(console::change))
        .route("/sim/mini-programs/{app_id}/expire-tokens", post(console::expire_tokens))
        .route("/sim/visitors/{openid}/messages", get(visitors::messages))
        .route("/sim/visitors/{openid}/quota", get(visitors::quota))
        .route("/sim/visitors/{openid}/{act}", post(visitors::act))
        .route("/sim/media/{media_id}", get(visitors::media))
        .route("/sim/faults", post(console::add_fault).get(console::faults).delete(console::clear_faults))
        .route("/sim/calls", get(console::calls).delete(console::clear_calls))
        .route("/sim/settings", get(console::settings).put(console::set_settings))
        .layer(DefaultBodyLimit::max(api::BODY_LIMIT))
        .with_state(sim)
}

/// The client that pushes: no redirects (WeChat follows none), no proxy.
fn client() -> Result<reqwest::Client, String> {
    // Whoever was first has installed the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    // On a machine without any trusted root there is still http.
    let client = builder().build().or_else(|_| builder().tls_certs_only([]).build());
    client.map_err(|error| error.to_string())
}
