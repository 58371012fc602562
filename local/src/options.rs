//! The options of a bundle.

use std::path::PathBuf;
use std::sync::Arc;

use store::{SharedClock, SystemClock};

use crate::wechat::Callbacks;

/// How schedules are fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedules {
    /// At the intervals of the template, the first time at the start.
    Timer,
    /// Only by [`Bundle::tick`](crate::Bundle::tick).
    Manual,
}

/// How streams are processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// After each write. There is a pause before the retry of a failed batch.
    Automatic,
    /// Only by [`Bundle::drain_streams`](crate::Bundle::drain_streams). Failed batches are retried without a pause.
    Manual,
}

/// The options of a bundle.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port of the API on 127.0.0.1, 0 for any free port. The simulated WeChat listens on the next port, or on any free port.
    pub port: u16,
    /// Other host names, with their ports if they have one, by which the API may be called, as that of a tunnel.
    pub allowed_hosts: Vec<String>,
    /// The folder for the table, the secrets and the checkpoints; `None` keeps them in memory.
    pub data: Option<PathBuf>,
    /// Deletes the existing data first. An error if the bundle did not make the folder.
    pub fresh: bool,
    /// The admin token. If it is missing, the saved one is used, or a new one is generated and saved.
    pub admin_token: Option<String>,
    /// The base URL of a WeChat API to call instead of the simulated WeChat, as `https://api.weixin.qq.com`.
    pub wechat_api: Option<String>,
    /// The callback URLs that the simulated WeChat calls; `None` for those of this bundle.
    pub callbacks: Option<Callbacks>,
    /// Whether to bind the demo mini program.
    pub demo: bool,
    /// The clock of the functions and of the simulated WeChat.
    pub clock: SharedClock,
    /// How schedules are fired.
    pub schedules: Schedules,
    /// How streams are processed.
    pub streams: Streams,
}

impl Default for Options {
    /// The options for tests: free ports, data in memory, no demo, manual schedules, automatic streams.
    fn default() -> Self {
        Self {
            port: 0,
            allowed_hosts: Vec::new(),
            data: None,
            fresh: false,
            admin_token: None,
            wechat_api: None,
            callbacks: None,
            demo: false,
            clock: Arc::new(SystemClock),
            schedules: Schedules::Manual,
            streams: Streams::Automatic,
        }
    }
}
