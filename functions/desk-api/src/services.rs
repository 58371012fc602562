//! What every handler needs.

use std::sync::Arc;

use ::conversations::Conversations;
use axum::extract::FromRef;
use channel::Channel;
use store::{Table, Vault};

/// The state of the router.
#[derive(Debug, Clone)]
pub(crate) struct Services {
    pub(crate) conversations: Conversations,
    /// SHA-256 of the bootstrap admin token.
    pub(crate) bootstrap_hash: Arc<str>,
}

impl FromRef<Services> for Conversations {
    fn from_ref(services: &Services) -> Self {
        services.conversations.clone()
    }
}

impl Services {
    pub(crate) fn table(&self) -> &Table {
        self.conversations.table()
    }

    pub(crate) fn vault(&self) -> &Vault {
        self.conversations.vault()
    }

    pub(crate) fn channel(&self) -> &Channel {
        self.conversations.channel()
    }
}
