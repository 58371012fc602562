//! The state over a restart: one JSON file, written anew a moment after each change.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::state::{Shared, Sim, World};

/// How long changes are collected before they are written.
const MOMENT: Duration = Duration::from_millis(200);

/// The state in the file; an empty one where there is no file yet.
pub(super) fn load(file: &Path) -> io::Result<World> {
    match std::fs::read(file) {
        Ok(text) => Ok(serde_json::from_slice(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(World::default()),
        Err(error) => Err(error),
    }
}

/// Writes the state beside the file and puts it in its place, so that a crash leaves one or the other whole.
pub(super) fn save(sim: &Sim) {
    let Some(file) = &sim.data else { return };
    let write = || {
        let text = sim.look(serde_json::to_vec)?;
        let beside = file.with_extension("new");
        std::fs::write(&beside, text)?;
        std::fs::rename(&beside, file)
    };
    if let Err(error) = write() {
        tracing::warn!(%error, "the simulated WeChat's state could not be kept");
    }
}

/// Saves after changes, for ever.
pub(super) async fn run(sim: Shared) {
    let mut changes = sim.changes();
    while changes.changed().await.is_ok() {
        tokio::time::sleep(MOMENT).await;
        changes.mark_unchanged();
        let kept = Shared::clone(&sim);
        if tokio::task::spawn_blocking(move || save(&kept)).await.is_err() {
            return;
        }
    }
}
