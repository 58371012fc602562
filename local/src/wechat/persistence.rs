//! Saves the state to one JSON file, shortly after each change.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::state::{Shared, Sim, WeChatState};
use crate::data;

/// The delay between a change and the write, which collects further changes.
const SAVE_DELAY: Duration = Duration::from_millis(200);

/// Reads the state; an empty one if there is no file.
pub(super) fn load(file: &Path) -> io::Result<WeChatState> {
    match std::fs::read(file) {
        Ok(text) => Ok(serde_json::from_slice(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(WeChatState::default()),
        Err(error) => Err(error),
    }
}

/// Writes the state, so that a crash leaves the old or the new one.
pub(super) fn save(sim: &Sim) {
    let Some(file) = &sim.data else { return };
    let write = || {
        let text = sim.read(serde_json::to_vec)?;
        data::replace(file, &text)
    };
    if let Err(error) = write() {
        tracing::warn!(%error, "cannot save the state of the simulated WeChat");
    }
}

/// Saves after each change; runs until the simulator is dropped.
pub(super) async fn run(sim: Shared) {
    let mut changes = sim.changes();
    while changes.changed().await.is_ok() {
        tokio::time::sleep(SAVE_DELAY).await;
        changes.mark_unchanged();
        let saved = Shared::clone(&sim);
        if tokio::task::spawn_blocking(move || save(&saved)).await.is_err() {
            return;
        }
    }
}
