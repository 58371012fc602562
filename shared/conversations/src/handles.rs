//! The handles on the table that decisions need.

use store::{
    Backoff, BindingReader, ConversationReader, Decisions, Queues, SettingsReader, SharedClock, StaffReader, Table,
    ThreadReader,
};

/// The handles on the table that decisions need. All of them read; only [`Decisions`] and, for the checks of a queue,
/// [`Queues`] write.
#[derive(Debug)]
pub(crate) struct Handles {
    pub(crate) clock: SharedClock,
    pub(crate) backoff: Backoff,
    pub(crate) bindings: BindingReader,
    pub(crate) settings: SettingsReader,
    pub(crate) threads: ThreadReader,
    pub(crate) conversations: ConversationReader,
    pub(crate) queues: Queues,
    pub(crate) staff: StaffReader,
    pub(crate) decisions: Decisions,
}

impl Handles {
    pub(crate) fn new(table: &Table) -> Self {
        Self {
            clock: table.clock().clone(),
            backoff: table.backoff().clone(),
            bindings: table.bindings(),
            settings: table.settings(),
            threads: table.threads(),
            conversations: table.conversations(),
            queues: table.queues(),
            staff: table.staff(),
            decisions: table.decisions(),
        }
    }
}
