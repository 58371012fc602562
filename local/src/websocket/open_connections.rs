//! The open connections, to which functions send by `@connections`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::MESSAGE_MAX;

/// How many messages wait for a client that reads slowly, before the connection counts as ended.
const WAITING_MAX: usize = 200;

/// What a connection is told.
pub(super) enum Command {
    Send(String),
    Close,
}

/// Why a request by `@connections` is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such connection.
    Gone,
    /// The message is too long.
    TooLarge,
}

struct Open {
    commands: mpsc::Sender<Command>,
    connected_at: Timestamp,
    last_active_at: Timestamp,
    source_ip: String,
    user_agent: String,
}

/// The open connections by their ids. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct OpenConnections(Arc<Mutex<HashMap<String, Open>>>);

impl OpenConnections {
    pub(super) fn add(&self, id: &str, source_ip: &str, user_agent: &str, now: Timestamp) -> mpsc::Receiver<Command> {
        let (commands, receiver) = mpsc::channel(WAITING_MAX);
        let open = Open {
            commands,
            connected_at: now,
            last_active_at: now,
            source_ip: source_ip.to_owned(),
            user_agent: user_agent.to_owned(),
        };
        self.open().insert(id.to_owned(), open);
        receiver
    }

    pub(super) fn remove(&self, id: &str) {
        self.open().remove(id);
    }

    /// Records a message of a connection, or to it.
    pub(super) fn is_active(&self, id: &str, now: Timestamp) {
        if let Some(open) = self.open().get_mut(id) {
            open.last_active_at = now;
        }
    }

    pub(super) fn last_active_at(&self, id: &str) -> Timestamp {
        self.open().get(id).map_or(Timestamp::MIN, |open| open.last_active_at)
    }

    /// Sends a text to a connection.
    pub(crate) fn post(&self, id: &str, text: String) -> Result<(), Refusal> {
        if text.len() > MESSAGE_MAX {
            return Err(Refusal::TooLarge);
        }
        self.tell(id, Command::Send(text))
    }

    /// Closes a connection.
    pub(crate) fn close(&self, id: &str) -> Result<(), Refusal> {
        self.tell(id, Command::Close)
    }

    /// What `GET @connections` answers.
    pub(crate) fn describe(&self, id: &str) -> Result<Value, Refusal> {
        let open = self.open();
        let open = open.get(id).ok_or(Refusal::Gone)?;
        Ok(json!({
            "connectedAt": open.connected_at, "lastActiveAt": open.last_active_at,
            "identity": { "sourceIp": open.source_ip, "userAgent": open.user_agent },
        }))
    }

    fn tell(&self, id: &str, command: Command) -> Result<(), Refusal> {
        let open = self.open();
        let open = open.get(id).ok_or(Refusal::Gone)?;
        open.commands.try_send(command).map_err(|_| Refusal::Gone)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
