//! What is stored with a conversation and its messages: who wrote, who closed, what happened.

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

/// What ended a conversation: an agent, an admin, a supervisor, the visitor, or the time without an answer (`idle`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClosedBy {
    /// An agent closed it.
    Agent,
    /// An administrator closed it.
    Admin,
    /// A supervisor closed it, in place of the agent who had it or while no agent had it.
    Supervisor,
    /// The visitor asked for the end.
    Visitor,
    /// The visitor did not answer for as long as the binding's settings allow.
    Idle,
}

impl ClosedBy {
    /// The name in the table and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Admin => "admin",
            Self::Supervisor => "supervisor",
            Self::Visitor => "visitor",
            Self::Idle => "idle",
        }
    }
}

/// What an event of a conversation says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// The visitor's first message opened it.
    #[serde(rename = "conversation.created")]
    Created,
    /// A robot answers from now on.
    #[serde(rename = "conversation.robot")]
    RobotStarted,
    /// A robot hands over to people.
    #[serde(rename = "conversation.handoff")]
    HandedOver,
    /// It waits in a queue.
    #[serde(rename = "conversation.queued")]
    Queued,
    /// An agent has it.
    #[serde(rename = "conversation.assigned")]
    Assigned,
    /// The assigned agent started to work on it.
    #[serde(rename = "conversation.accepted")]
    Accepted,
    /// A person replied for the first time.
    #[serde(rename = "conversation.answered")]
    Answered,
    /// A person gave it to another agent or group.
    #[serde(rename = "conversation.transferred")]
    Transferred,
    /// It left its queue for the next level of the plan.
    #[serde(rename = "conversation.overflowed")]
    Overflowed,
    /// It was taken from an agent whose workbench is silent.
    #[serde(rename = "conversation.requeued")]
    Requeued,
    /// The visitor entered again and asked for another target.
    #[serde(rename = "conversation.rerouted")]
    Rerouted,
    /// The visitor was warned that it will be closed.
    #[serde(rename = "conversation.idle")]
    IdleWarned,
    /// It ended.
    #[serde(rename = "conversation.closed")]
    Closed,
    /// The visitor was asked to leave a message.
    #[serde(rename = "leave_message.created")]
    LeaveMessageCreated,
    /// The visitor has sent more messages in a minute than the settings allow.
    #[serde(rename = "conversation.limited")]
    Limited,
    /// A robot answered the visitor's last messages.
    #[serde(rename = "robot.answered")]
    RobotAnswered,
    /// An automatic message was not sent.
    #[serde(rename = "message.not_said")]
    NotSent,
    /// An event that a later version wrote, by its name.
    #[serde(untagged)]
    Other(String),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn event_kind_of_a_later_version_keeps_its_name() {
        for (name, kind) in [
            ("conversation.closed", EventKind::Closed),
            ("message.not_said", EventKind::NotSent),
            ("conversation.noted", EventKind::Other("conversation.noted".to_owned())),
        ] {
            assert_eq!(serde_json::from_value::<EventKind>(json!(name)).unwrap(), kind);
            assert_eq!(serde_json::to_value(&kind).unwrap(), json!(name));
        }
    }
}
