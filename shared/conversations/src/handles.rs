//! The handles on the table that decisions need.

use store::{
    Backoff, BindingReader, ConversationReader, Decisions, DueNow, Queues, SettingsReader, SharedClock, StaffReader,
    Table, ThreadReader, TurnSlots,
};

use crate::settings_cache::SettingsCache;

/// The handles on the table that decisions need. All of them read; only [`Decisions`], [`DueNow`] and [`TurnSlots`]
/// write.
#[derive(Debug)]
pub(crate) struct Handles {
    pub(crate) clock: SharedClock,
    pub(crate) backoff: Backoff,
    /// Bindings and settings as the table has them.
    pub(crate) bindings: BindingReader,
    pub(crate) settings: SettingsReader,
    /// Bindings and settings as they were some seconds ago, for what is decided for every message.
    pub(crate) cache: SettingsCache,
    pub(crate) threads: ThreadReader,
    pub(crate) conversations: ConversationReader,
    pub(crate) queues: Queues,
    pub(crate) staff: StaffReader,
    pub(crate) decisions: Decisions,
    pub(crate) due_now: DueNow,
    pub(crate) turn_slots: TurnSlots,
}

impl Handles {
    pub(crate) fn new(table: &Table) -> Self {
        Self {
            clock: table.clock().clone(),
            backoff: table.backoff().clone(),
            bindings: table.bindings(),
            settings: table.settings(),
            cache: SettingsCache::new(table),
            threads: table.threads(),
            conversations: table.conversations(),
            queues: table.queues(),
            staff: table.staff(),
            decisions: table.decisions(),
            due_now: table.due_now(),
            turn_slots: table.turn_slots(),
        }
    }
}
