//! What the audit log says about resources.

use super::entry::{AuditAction, AuditSubjectKind};
use crate::resource::Kind;

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResourceChange {
    Created,
    Changed,
    Deleted,
}

impl Kind {
    /// The kind of the resource as a subject.
    pub(crate) fn audit_subject(self) -> AuditSubjectKind {
        match self {
            Self::Group => AuditSubjectKind::Group,
            Self::Agent => AuditSubjectKind::Agent,
            Self::Merchant => AuditSubjectKind::Merchant,
            Self::Robot => AuditSubjectKind::Robot,
            Self::Calendar => AuditSubjectKind::Calendar,
        }
    }

    /// The action of a change of a resource.
    pub(crate) fn audit_action(self, change: ResourceChange) -> AuditAction {
        use ResourceChange::{Changed, Created, Deleted};
        match (self, change) {
            (Self::Group, Created) => AuditAction::GroupCreated,
            (Self::Group, Changed) => AuditAction::GroupChanged,
            (Self::Group, Deleted) => AuditAction::GroupDeleted,
            (Self::Agent, Created) => AuditAction::AgentCreated,
            (Self::Agent, Changed) => AuditAction::AgentChanged,
            (Self::Agent, Deleted) => AuditAction::AgentDeleted,
            (Self::Merchant, Created) => AuditAction::MerchantCreated,
            (Self::Merchant, Changed) => AuditAction::MerchantChanged,
            (Self::Merchant, Deleted) => AuditAction::MerchantDeleted,
            (Self::Robot, Created) => AuditAction::RobotCreated,
            (Self::Robot, Changed) => AuditAction::RobotChanged,
            (Self::Robot, Deleted) => AuditAction::RobotDeleted,
            (Self::Calendar, Created) => AuditAction::CalendarCreated,
            (Self::Calendar, Changed) => AuditAction::CalendarChanged,
            (Self::Calendar, Deleted) => AuditAction::CalendarDeleted,
        }
    }
}
