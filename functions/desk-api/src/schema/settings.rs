//! What answers add to settings.

#![allow(dead_code, reason = "describes `RecordView`")]

use jiff::Timestamp;
use utoipa::ToSchema;

use crate::duty::DutyView;

/// What the bundle adds to an agent.
#[derive(ToSchema)]
pub(crate) struct RecordedAgent {
    /// Stable; to be copied into `session-from`.
    id: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[schema(nullable = false)]
    duty: Option<DutyView>,
}
