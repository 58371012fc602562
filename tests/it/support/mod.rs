//! A bundle to test, and the hands to reach it with.
//!
//! | What | How |
//! |---|---|
//! | a bundle | [`World::start`]; with automatic streams [`World::with_automatic_streams`] |
//! | the API | [`World::get`], [`World::post`] …: as the admin; [`World::call`] as anybody |
//! | a mini program | [`World::bind`], [`World::bind_with`] |
//! | its visitor | [`World::visitor`], then [`Visitor::text`] …, [`Visitor::phone`], [`Visitor::messages`] |
//! | who answers | [`World::agent`], [`World::group`], [`World::faq`] …, set up by [`World::receive`] |
//! | a language model, a customer's own robot | [`Elsewhere`] |
//! | WeChat's faults and counters | [`World::sim_fault`], [`World::sim_calls`] |
//! | a push with any byte spoiled | [`push::Push`] |
//! | the table itself | [`World::dynamodb`], [`World::items`] |
//! | time | [`World::advance`], then [`World::tick`] and [`World::settle`] |

mod api;
mod elsewhere;
pub(crate) mod push;
mod staff;
mod table;
mod visitor;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use local::{Bundle, Options, Schedules, Streams};
use serde_json::{Value, json};
use store::{Clock, ManualClock};

pub(crate) use api::Answer;
pub(crate) use elsewhere::{Elsewhere, answered, completion};
pub(crate) use table::{TABLE, inserted};
pub(crate) use visitor::Visitor;

/// What the clock of a new bundle shows.
pub(crate) const BEGINNING: &str = "2026-03-02T08:00:00Z";

/// The admin token of every bundle here.
pub(crate) const ADMIN: &str = "admin-token-of-the-tests";

/// A running bundle, its clock, and a client.
pub(crate) struct World {
    pub(crate) bundle: Bundle,
    pub(crate) clock: Arc<ManualClock>,
    client: reqwest::Client,
}

/// A mini program that is bound here and knows its callback there.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) app_id: String,
    pub(crate) token: String,
    pub(crate) key: String,
    pub(crate) callback_url: String,
}

impl World {
    /// A bundle whose streams move when [`settle`](Self::settle) says so.
    pub(crate) async fn start() -> Self {
        Self::with(Streams::Manual).await
    }

    /// A bundle whose streams move by themselves.
    pub(crate) async fn with_automatic_streams() -> Self {
        Self::with(Streams::Automatic).await
    }

    async fn with(streams: Streams) -> Self {
        Self::options(|options| options.streams = streams).await
    }

    /// A bundle with other options than usual.
    pub(crate) async fn options(change: impl FnOnce(&mut Options)) -> Self {
        let clock = Arc::new(ManualClock::new(BEGINNING.parse().unwrap()));
        let mut options = Options {
            admin_token: Some(ADMIN.to_owned()),
            clock: clock.clone(),
            schedules: Schedules::Manual,
            streams: Streams::Manual,
            ..Options::default()
        };
        change(&mut options);
        // Whoever was first has installed the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { bundle: local::start(options).await.unwrap(), clock, client }
    }

    /// Delivers what waits in the streams, and what comes of it, until nothing is left.
    pub(crate) async fn settle(&self) {
        self.bundle.drain_streams().await.unwrap();
    }

    /// The time here.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock.
    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Fires the minute tick of one function.
    pub(crate) async fn tick(&self, function: &str) {
        self.bundle.tick(function).await.unwrap();
    }

    /// Lets the minutes go by, with every tick in each.
    pub(crate) async fn minutes(&self, minutes: u32) {
        for _ in 0..minutes {
            self.advance(60);
            for function in ["TokenRefresh", "Reception", "Delivery"] {
                self.tick(function).await;
            }
            self.settle().await;
        }
    }

    /// Lets somewhat over half an hour go by, in growing steps: long enough for every retry, grace and lease.
    pub(crate) async fn a_while(&self) {
        for seconds in [60, 60, 120, 240, 480, 960] {
            self.advance(seconds - 60);
            self.minutes(1).await;
        }
    }

    /// Binds a mini program without an automatic reply and submits its callback in WeChat's console.
    pub(crate) async fn bind(&self, app_id: &str) -> Binding {
        self.bind_with(json!({ "app_id": app_id })).await
    }

    /// Binds a mini program that answers by itself.
    pub(crate) async fn bind_replying(&self, app_id: &str, auto_reply: &str) -> Binding {
        self.bind_with(json!({ "app_id": app_id, "auto_reply": auto_reply })).await
    }

    /// Binds a mini program with these fields of `POST /api/bindings`; `format` and `mode` go to WeChat's console.
    pub(crate) async fn bind_with(&self, fields: Value) -> Binding {
        let mut body = json!({ "name": "测试小程序", "app_secret": "0123456789abcdef0123456789abcdef" });
        let mut console = json!({});
        for (name, value) in fields.as_object().unwrap() {
            let of = if matches!(name.as_str(), "format" | "mode") { &mut console } else { &mut body };
            of[name] = value.clone();
        }
        let bound = self.post("/api/bindings", &body).await.expect(201);
        let binding = Binding {
            app_id: bound.text("app_id"),
            token: bound.text("token"),
            key: bound.text("encoding_aes_key"),
            callback_url: bound.text("callback_url"),
        };
        for (name, value) in [
            ("app_id", &binding.app_id),
            ("token", &binding.token),
            ("encoding_aes_key", &binding.key),
            ("callback_url", &binding.callback_url),
        ] {
            console[name] = json!(value);
        }
        let submitted = self.sim_post("/sim/mini-programs", &console).await.expect(200);
        assert_eq!(submitted.body["verified"], true, "{}", submitted.body);
        binding
    }

    /// A visitor of a mini program.
    pub(crate) fn visitor<'a>(&'a self, binding: &'a Binding, openid: &str) -> Visitor<'a> {
        Visitor { world: self, app_id: &binding.app_id, openid: openid.to_owned() }
    }
}
