//! What is stored with a conversation and its messages: who wrote, who closed.

use serde::{Deserialize, Serialize};

use crate::policy::Role;

/// Who wrote an outbound message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuthorRole {
    /// The binding's automatic reply.
    AutoReply,
    /// A set text, such as a greeting or the place in the queue.
    Prompt,
    /// A robot.
    Robot,
    /// A holder of an admin token.
    Admin,
    /// A holder of a supervisor token.
    Supervisor,
    /// A holder of an agent token.
    Agent,
    /// A holder of an integrator token: another system.
    Integrator,
}

impl AuthorRole {
    /// Whether a person or another system wrote the message through the API. Only such a message waits for the visitor's next message when WeChat
    /// grants no reply.
    pub fn is_caller(self) -> bool {
        matches!(self, Self::Admin | Self::Supervisor | Self::Agent | Self::Integrator)
    }
}

impl From<Role> for AuthorRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::Supervisor => Self::Supervisor,
            Role::Agent => Self::Agent,
            Role::Integrator => Self::Integrator,
        }
    }
}

/// What ended a conversation: an agent, an admin, the visitor, or the time without a message (`idle`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClosedBy {
    /// An agent closed it.
    Agent,
    /// An administrator closed it.
    Admin,
    /// The visitor asked for the end.
    Visitor,
    /// Neither side wrote for as long as the binding's settings allow.
    Idle,
}

impl ClosedBy {
    /// The name in the table and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Admin => "admin",
            Self::Visitor => "visitor",
            Self::Idle => "idle",
        }
    }
}
