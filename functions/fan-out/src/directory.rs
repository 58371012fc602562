//! Who is connected, as this environment knows it.

use std::sync::{Arc, Mutex, PoisonError};

use store::{Connected, Connection, Result, SharedClock};

/// The connections that were read last, and the version that they are of.
type Kept = Option<(u64, Arc<Vec<Connection>>)>;

/// The open connections. A batch reads their version, and reads all connections again only if the version has changed.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    connected: Connected,
    clock: SharedClock,
    kept: Arc<Mutex<Kept>>,
}

impl Directory {
    pub(crate) fn new(connected: Connected, clock: SharedClock) -> Self {
        Self { connected, clock, kept: Arc::default() }
    }

    /// The connections that may be open now.
    pub(crate) async fn current(&self) -> Result<Vec<Connection>> {
        // Read first: who comes after it has another version, and is found by the next batch.
        let version = self.connected.version().await?;
        let kept = self.kept().clone().filter(|(known, _)| *known == version);
        let connections = if let Some((_, connections)) = kept {
            connections
        } else {
            let connections = Arc::new(self.connected.connections().await?);
            *self.kept() = Some((version, Arc::clone(&connections)));
            connections
        };
        let now = self.clock.now();
        Ok(connections.iter().filter(|connection| connection.expires_at > now).cloned().collect())
    }

    /// Forgets a connection that has ended.
    pub(crate) async fn forget(&self, id: &str) {
        if let Some((_, connections)) = &mut *self.kept() {
            Arc::make_mut(connections).retain(|connection| connection.id != id);
        }
        if let Err(error) = self.connected.forget(id).await {
            // It expires by itself.
            tracing::warn!(%error, "a connection that has ended was not deleted");
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
