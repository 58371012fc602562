//! Everything the simulator knows, behind one mutex.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::SharedClock;
use tokio::sync::watch;

use super::chat::Visitor;
use super::faults::Fault;
use super::media::Media;
use super::mini_program::MiniProgram;
use super::{random, refusal};

/// The simulator as every request sees it.
#[derive(Debug)]
pub(super) struct Sim {
    pub(super) clock: SharedClock,
    /// Where it is reached, without a slash at the end.
    pub(super) url: String,
    /// The client that pushes to callbacks, or why there is none.
    pub(super) http: Result<reqwest::Client, String>,
    /// The file that the state is kept in.
    pub(super) data: Option<PathBuf>,
    changed: watch::Sender<u64>,
    closing: watch::Sender<bool>,
    world: Mutex<World>,
}

/// A handle on it.
pub(super) type Shared = Arc<Sim>;

impl Sim {
    pub(super) fn new(
        clock: SharedClock,
        url: String,
        http: Result<reqwest::Client, String>,
        data: Option<PathBuf>,
        world: World,
    ) -> Self {
        Self {
            clock,
            url,
            http,
            data,
            changed: watch::Sender::new(0),
            closing: watch::Sender::new(false),
            world: Mutex::new(world),
        }
    }

    /// The time now.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Looks at the state.
    pub(super) fn look<R>(&self, read: impl FnOnce(&World) -> R) -> R {
        read(&self.world.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state and wakes everyone who waits for a change.
    pub(super) fn change<R>(&self, write: impl FnOnce(&mut World, Timestamp) -> R) -> R {
        let now = self.now();
        let result = write(&mut self.world.lock().unwrap_or_else(PoisonError::into_inner), now);
        self.changed.send_modify(|count| *count += 1);
        result
    }

    /// Sends home everyone who waits.
    pub(super) fn close(&self) {
        self.closing.send_replace(true);
        self.changed.send_modify(|count| *count += 1);
    }

    /// Whether the simulator is about to end.
    pub(super) fn closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Returns when the simulator is about to end.
    pub(super) async fn closed(&self) {
        // The sender lives as long as `self`: there is nothing else to wait for.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// Sees every change from now on.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

/// What a person can set about the simulator itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    /// How long a callback may take to answer a push (WeChat: 5 s).
    pub(super) push_limit_ms: u64,
    /// How often a push is repeated (WeChat: 3 times).
    pub(super) push_retries: u8,
    /// How long after a refused push the next one follows.
    pub(super) retry_pause_ms: u64,
    /// Refuse app IDs that nobody has registered.
    pub(super) strict: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { push_limit_ms: 5000, push_retries: 3, retry_pause_ms: 500, strict: false }
    }
}

/// The whole state. What a running test sets up (faults, counts) is not kept over a restart.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct World {
    #[serde(skip)]
    pub(super) settings: Settings,
    pub(super) mini_programs: BTreeMap<String, MiniProgram>,
    pub(super) media: BTreeMap<String, Media>,
    last_msg_id: u64,
    #[serde(skip)]
    pub(super) faults: Vec<Fault>,
    #[serde(skip)]
    pub(super) calls: BTreeMap<(String, String), u64>,
}

impl World {
    /// A new `MsgId`: increasing, and beyond 2^53, where a float loses count.
    pub(super) fn msg_id(&mut self) -> u64 {
        if self.last_msg_id == 0 {
            self.last_msg_id = 24_567_890_000_000_000 + u64::from(u32::from_be_bytes(random::bytes()));
        }
        self.last_msg_id += 1 + u64::from(random::bytes::<1>()[0]);
        self.last_msg_id
    }

    /// The mini program that an access token speaks for, or the errcode that stands against the token.
    pub(super) fn bearer(&self, token: Option<&str>, now: Timestamp) -> Result<String, i64> {
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Err(41001) };
        let mut found = self.mini_programs.values().filter_map(|app| Some((app, app.tokens.check(token, now)?)));
        if let Some((app, verdict)) = found.next() {
            return verdict.map(|()| app.app_id.clone());
        }
        let shaped =
            token.len() > 20 && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        Err(if shaped { refusal::INVALID_CREDENTIAL } else { refusal::INVALID_ACCESS_TOKEN })
    }

    /// The visitor `openid` of a mini program, made on first sight; `None` if nobody registered the mini program.
    pub(super) fn visitor(&mut self, app_id: &str, openid: &str) -> Option<&mut Visitor> {
        Some(self.mini_programs.get_mut(app_id)?.visitors.entry(openid.to_owned()).or_default())
    }
}
