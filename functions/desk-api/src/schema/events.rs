//! Events of a conversation.

#![allow(dead_code, reason = "describes `store::Event`")]

use conversations::ConversationEvent;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A change of a conversation. The data depends on the type.
#[derive(Serialize, ToSchema)]
pub(crate) struct Event {
    /// Numbers the events of a conversation without a gap.
    #[schema(minimum = 1)]
    seq: u64,
    at: Timestamp,
    #[serde(flatten)]
    change: ConversationEvent,
}
