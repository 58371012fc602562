//! What to start.

use std::path::PathBuf;
use std::sync::Arc;

use store::{SharedClock, SystemClock};

/// Who fires the schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedules {
    /// A timer, at the rates of the template and once at the start.
    Timer,
    /// Nobody but [`Bundle::tick`].
    Manual,
}

/// Who reads the streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// The bundle, as soon as something is written; failed batches wait a little before they are tried again.
    Pump,
    /// Nobody but [`Bundle::pump`]; failed batches are tried again at once.
    Manual,
}

/// What to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port of the API on 127.0.0.1, 0 for any free one. The simulated WeChat takes the one after it, or any free one.
    pub port: u16,
    /// Where table, secrets and positions are kept; memory if there is none.
    pub data: Option<PathBuf>,
    /// Throws away what is kept there.
    pub fresh: bool,
    /// The admin token. Without it one is made, and kept where data is kept.
    pub admin_token: Option<String>,
    /// Whose API to call instead of a simulated WeChat, as `https://api.weixin.qq.com`.
    pub wechat_api: Option<String>,
    /// Binds a demo mini program of the simulated WeChat.
    pub demo: bool,
    /// The time for the functions and the simulated WeChat.
    pub clock: SharedClock,
    /// Who fires the schedules.
    pub schedules: Schedules,
    /// Who reads the streams.
    pub streams: Streams,
}

impl Default for Options {
    /// A bundle for a test: free ports, nothing kept, no demo, schedules fired by hand, streams read by the bundle.
    fn default() -> Self {
        Self {
            port: 0,
            data: None,
            fresh: false,
            admin_token: None,
            wechat_api: None,
            demo: false,
            clock: Arc::new(SystemClock),
            schedules: Schedules::Manual,
            streams: Streams::Pump,
        }
    }
}
