//! What every handler needs.

use ::conversations::Conversations;
use channel::Channel;
use store::{Table, Vault};

/// The state of the router.
#[derive(Debug, Clone)]
pub(crate) struct Services {
    pub(crate) conversations: Conversations,
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
