//! The state of the simulator, behind one mutex.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::SharedClock;
use tokio::sync::watch;

use super::backstage::Backstage;
use super::chat::Visitor;
use super::faults::Fault;
use super::media::Media;
use super::mini_program::MiniProgram;
use super::{Callbacks, api_error, faults, random};

/// The simulator, shared by all requests.
#[derive(Debug)]
pub(super) struct Sim {
    pub(super) clock: SharedClock,
    /// The base URL, without a trailing slash.
    pub(super) url: String,
    /// The callback URLs that may be called.
    pub(super) callbacks: Callbacks,
    /// The client for pushes to callbacks, or why it cannot be built.
    pub(super) http: Result<reqwest::Client, String>,
    /// The file that the state is saved to.
    pub(super) data: Option<PathBuf>,
    /// The bundle that the simulator belongs to, as long as it runs.
    pub(super) backstage: OnceLock<Weak<dyn Backstage>>,
    changed: watch::Sender<u64>,
    closing: watch::Sender<bool>,
    state: Mutex<WeChatState>,
}

/// A shared simulator.
pub(super) type Shared = Arc<Sim>;

impl Sim {
    pub(super) fn new(
        clock: SharedClock,
        url: String,
        callbacks: Callbacks,
        http: Result<reqwest::Client, String>,
        data: Option<PathBuf>,
        state: WeChatState,
    ) -> Self {
        Self {
            clock,
            url,
            callbacks,
            http,
            data,
            backstage: OnceLock::new(),
            changed: watch::Sender::new(0),
            closing: watch::Sender::new(false),
            state: Mutex::new(state),
        }
    }

    /// The current time.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Reads the state.
    pub(super) fn read<R>(&self, read: impl FnOnce(&WeChatState) -> R) -> R {
        read(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state and notifies the tasks that wait for a change.
    pub(super) fn update<R>(&self, write: impl FnOnce(&mut WeChatState, Timestamp) -> R) -> R {
        let now = self.now();
        let result = write(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner), now);
        self.changed.send_modify(|count| *count += 1);
        result
    }

    /// Takes the fault for a push of a mini program, if there is one: the status that the callback seems to answer.
    pub(super) fn take_push_fault(&self, app_id: &str) -> Option<u16> {
        if self.read(|state| state.faults.is_empty()) {
            return None;
        }
        self.update(|state, _| state.take_fault(faults::PUSH, app_id)).map(|fault| fault.status.unwrap_or(500))
    }

    /// Ends all waits.
    pub(super) fn close(&self) {
        self.closing.send_replace(true);
        self.changed.send_modify(|count| *count += 1);
    }

    /// Whether the simulator shuts down.
    pub(super) fn closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Returns when the simulator shuts down.
    pub(super) async fn closed(&self) {
        // An error is impossible: the sender lives as long as `self`.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// A receiver that is notified of every change from now on.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

/// The settings of the simulator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    /// The time limit for a callback's answer, in milliseconds (WeChat: 5000).
    pub(super) push_limit_ms: u64,
    /// The number of retries of a push (WeChat: 3).
    pub(super) push_retries: u8,
    /// The pause before a retry, in milliseconds.
    pub(super) retry_pause_ms: u64,
    /// Refuse unregistered app IDs.
    pub(super) strict: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { push_limit_ms: 5000, push_retries: 3, retry_pause_ms: 500, strict: false }
    }
}

/// The whole state. The fields that tests set (settings, faults, counts) are not saved.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct WeChatState {
    #[serde(skip)]
    pub(super) settings: Settings,
    pub(super) mini_programs: BTreeMap<String, MiniProgram>,
    pub(super) media: BTreeMap<String, Media>,
    last_msg_id: u64,
    /// The key of the contexts of the example page.
    #[serde(default)]
    pub(super) orders_key: Option<String>,
    #[serde(skip)]
    pub(super) faults: Vec<Fault>,
    #[serde(skip)]
    pub(super) calls: BTreeMap<(String, String), u64>,
}

impl WeChatState {
    /// A new `MsgId`: increasing, and above 2^53, so that it does not fit a float.
    pub(super) fn msg_id(&mut self) -> u64 {
        if self.last_msg_id == 0 {
            self.last_msg_id = 24_567_890_000_000_000 + u64::from(u32::from_be_bytes(random::bytes()));
        }
        self.last_msg_id += 1 + u64::from(random::bytes::<1>()[0]);
        self.last_msg_id
    }

    /// The app ID of the mini program that an access token belongs to, or the errcode for the token.
    pub(super) fn authenticate(&self, token: Option<&str>, now: Timestamp) -> Result<String, i64> {
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Err(41001) };
        let mut found = self.mini_programs.values().filter_map(|app| Some((app, app.tokens.check(token, now)?)));
        if let Some((app, verdict)) = found.next() {
            return verdict.map(|()| app.app_id.clone());
        }
        let well_formed =
            token.len() > 20 && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        Err(if well_formed { api_error::INVALID_CREDENTIAL } else { api_error::INVALID_ACCESS_TOKEN })
    }

    /// The visitor `openid` of a mini program, created if necessary; `None` if the mini program is not registered.
    pub(super) fn visitor(&mut self, app_id: &str, openid: &str) -> Option<&mut Visitor> {
        Some(self.mini_programs.get_mut(app_id)?.visitors.entry(openid.to_owned()).or_default())
    }
}
