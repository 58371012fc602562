//! The command line.

use std::path::PathBuf;

use crate::error::BenchError;

/// What to measure and how to print it.
#[derive(Debug)]
pub(crate) struct Options {
    /// Print JSON instead of a table.
    pub(crate) json: bool,
    /// Number of starts of each program at full CPU.
    pub(crate) full: usize,
    /// Number of starts of `message-ingress` at the CPU share of a 128 MB function.
    pub(crate) throttled: usize,
    /// Folder with release binaries of an earlier version.
    pub(crate) baseline: Option<PathBuf>,
    /// Folder with other functions that `bench/peers/install.py` installed.
    pub(crate) peers: Option<PathBuf>,
    /// Number of starts of each of them.
    pub(crate) peer_runs: usize,
}

impl Options {
    /// Parses the arguments after the program's name.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, BenchError> {
        let mut options = Self { json: false, full: 41, throttled: 21, baseline: None, peers: None, peer_runs: 11 };
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| BenchError::Usage(format!("{name} needs a value")));
            match name.as_str() {
                "--json" => options.json = true,
                "--full" => options.full = number(&name, &value()?)?,
                "--throttled" => options.throttled = number(&name, &value()?)?,
                "--baseline" => options.baseline = Some(value()?.into()),
                "--peers" => options.peers = Some(value()?.into()),
                "--peer-runs" => options.peer_runs = number(&name, &value()?)?,
                other => return Err(BenchError::Usage(format!("unknown argument {other}"))),
            }
        }
        Ok(options)
    }
}

fn number(name: &str, text: &str) -> Result<usize, BenchError> {
    text.parse().map_err(|_| BenchError::Usage(format!("{name} needs a number, not {text}")))
}
