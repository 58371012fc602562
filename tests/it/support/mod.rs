//! A running bundle and the operations that tests use on it.
//!
//! | What | How |
//! |---|---|
//! | a bundle | [`World::start`]; with automatic streams [`World::with_automatic_streams`] |
//! | the API | [`World::get`], [`World::post`] …: as the admin; [`World::call`] with any token |
//! | a mini program | [`World::bind`], [`World::bind_with`] |
//! | its visitor | [`World::visitor`], then [`Visitor::text`] …, [`Visitor::received`], [`Visitor::messages`] |
//! | who answers | [`World::agent`], [`World::group`], [`World::faq_robot`] …, set up by [`World::set_reception`] |
//! | a language model or a customer's webhook | [`StubServer`] |
//! | WeChat's faults and counters | [`World::sim_fault`], [`World::sim_calls`] |
//! | a push with any byte changed | [`push::Push`] |
//! | the table itself | [`World::dynamodb`], [`World::items`] |
//! | the log | [`Log`] |
//! | time | [`World::advance`], then [`World::tick`] and [`World::settle`] |

mod api;
mod log;
mod openapi;
pub(crate) mod push;
mod staff;
mod stub_server;
mod table;
mod visitor;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use local::{Bundle, Options, Schedules, Streams};
use serde_json::{Value, json};
use store::{Clock, ManualClock};

pub(crate) use api::Answer;
pub(crate) use log::{Log, Logging};
pub(crate) use stub_server::{StubServer, completion, grounded_answer};
pub(crate) use table::{TABLE, inserted, queued};
pub(crate) use visitor::Visitor;

/// The time at which the clock of a new bundle starts.
pub(crate) const BEGINNING: &str = "2026-03-02T08:00:00Z";

/// The attempts that the SDK makes in functions without a deadline of WeChat's (`function::CallLimits::TenSeconds`).
pub(crate) const SDK_ATTEMPTS: u32 = 5;

/// The admin token of every test bundle.
pub(crate) const ADMIN: &str = "admin-token-of-the-tests";

/// A running bundle, its clock, and a client.
pub(crate) struct World {
    pub(crate) bundle: Bundle,
    pub(crate) clock: Arc<ManualClock>,
    client: reqwest::Client,
}

/// A bound mini program whose callback is configured at WeChat.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) app_id: String,
    pub(crate) token: String,
    pub(crate) key: String,
    pub(crate) callback_url: String,
    /// The clock that its pushes are signed by.
    pub(crate) clock: Arc<ManualClock>,
}

impl World {
    /// Starts a bundle whose streams are delivered by [`settle`](Self::settle).
    pub(crate) async fn start() -> Self {
        Self::with(Streams::Manual).await
    }

    /// Starts a bundle whose streams are delivered as soon as records arrive.
    pub(crate) async fn with_automatic_streams() -> Self {
        Self::with(Streams::Automatic).await
    }

    async fn with(streams: Streams) -> Self {
        Self::options(|options| options.streams = streams).await
    }

    /// Starts a bundle with changed options.
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
        // Fails if another test has installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { bundle: local::start(options).await.unwrap(), clock, client }
    }

    /// Delivers all stream records, including those that the handlers write, until none is left.
    pub(crate) async fn settle(&self) {
        self.bundle.drain_streams().await.unwrap();
    }

    /// The time of the bundle's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock forward.
    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Moves the clock until API Gateway has dropped every answer of the authorizer (`ReauthorizeEvery` in the template).
    pub(crate) fn forget_authorizations(&self) {
        self.advance(60);
    }

    /// Moves the clock until every function has dropped the settings that it has in memory
    /// ([`conversations::SETTINGS_LIFE`]).
    pub(crate) fn forget_settings(&self) {
        self.clock.advance(conversations::SETTINGS_LIFE);
    }

    /// Fires the minute tick of one function.
    pub(crate) async fn tick(&self, function: &str) {
        self.bundle.tick(function).await.unwrap();
    }

    /// Moves the clock minute by minute and fires every tick.
    pub(crate) async fn run_minutes(&self, minutes: u32) {
        for _ in 0..minutes {
            self.advance(60);
            for function in ["TokenRefresh", "Reception"] {
                self.tick(function).await;
            }
            self.settle().await;
        }
    }

    /// Moves the clock by 32 minutes in growing steps: long enough for every retry, grace period and lease.
    pub(crate) async fn run_half_an_hour(&self) {
        for seconds in [60, 60, 120, 240, 480, 960] {
            self.advance(seconds - 60);
            self.run_minutes(1).await;
        }
    }

    /// Binds a mini program without an automatic reply and submits its callback in WeChat's console. Its conversations stay
    /// unassigned until it has a group, and nothing is said in them.
    pub(crate) async fn bind(&self, app_id: &str) -> Binding {
        self.bind_with(json!({ "app_id": app_id })).await
    }

    /// Binds a mini program with an automatic reply.
    pub(crate) async fn bind_with_auto_reply(&self, app_id: &str, auto_reply: &str) -> Binding {
        self.bind_with(json!({ "app_id": app_id, "auto_reply": auto_reply })).await
    }

    /// Binds a mini program as `POST /api/bindings` does without a setting of reception, but with `allow` as
    /// [`World::bind_with`] sets it.
    pub(crate) async fn bind_with_defaults(&self, app_id: &str) -> Binding {
        self.bind_with(json!({ "app_id": app_id, "reception": {} })).await
    }

    /// Binds a mini program with these fields of `POST /api/bindings`; `format` and `mode` go to WeChat's console. Without
    /// `reception` and `auto_reply` it has no invitation to leave a message, and without `allow` every `session-from` may name
    /// every target.
    pub(crate) async fn bind_with(&self, fields: Value) -> Binding {
        let mut body = json!({ "name": "测试小程序", "app_secret": "0123456789abcdef0123456789abcdef" });
        if fields.get("auto_reply").is_none() {
            body["reception"] = json!({ "prompts": { "leave_message": "" } });
        }
        let mut console = json!({});
        for (name, value) in fields.as_object().unwrap() {
            let of = if matches!(name.as_str(), "format" | "mode") { &mut console } else { &mut body };
            of[name] = value.clone();
        }
        if body["reception"].get("allow").is_none() {
            body["reception"]["allow"] = json!({ "robots": "all", "groups": "all", "agents": "all" });
        }
        let bound = self.post("/api/bindings", &body).await.expect(201);
        let binding = Binding {
            app_id: bound.text("app_id"),
            token: bound.text("token"),
            key: bound.text("encoding_aes_key"),
            callback_url: bound.text("callback_url"),
            clock: self.clock.clone(),
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
