//! The texts that are sent without a person writing them.

use desk::conversation::AuthorRole;

/// What an automatic text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AutomaticMessage {
    /// The mini program's automatic reply where neither a group nor a robot receives its visitors.
    AutoReply,
    /// The greeting of a visitor who enters.
    Greeting,
    /// An agent has the conversation.
    Connected,
    /// The place in the queue.
    Queued,
    /// The invitation to leave a message.
    LeaveMessage,
    /// The confirmation of a message that was left.
    MessageLeft,
    /// No agent is there; the robot goes on.
    NoAgent,
    /// The conversation will be closed unless the visitor writes.
    IdleWarning,
    /// The conversation was closed.
    Closed,
    /// A robot's answer.
    RobotAnswer {
        /// Whether a language model wrote it.
        ai: bool,
    },
}

impl AutomaticMessage {
    /// The purpose, which the message's id is derived from and which `message.not_said` shows.
    pub(crate) fn purpose(self) -> &'static str {
        match self {
            Self::AutoReply => "reply",
            Self::Greeting => "greeting",
            Self::Connected => "connected",
            Self::Queued => "queued",
            Self::LeaveMessage => "leave",
            Self::MessageLeft => "left",
            Self::NoAgent => "no_agent",
            Self::IdleWarning => "idle",
            Self::Closed => "closed",
            Self::RobotAnswer { .. } => "robot",
        }
    }

    /// The role of the message's author.
    pub(crate) fn author_role(self) -> AuthorRole {
        match self {
            Self::AutoReply => AuthorRole::AutoReply,
            Self::RobotAnswer { .. } => AuthorRole::Robot,
            _ => AuthorRole::Prompt,
        }
    }

    /// Whether it counts against the replies that are reserved for agents.
    pub(crate) fn is_robot(self) -> bool {
        matches!(self, Self::RobotAnswer { .. })
    }

    /// Whether it has to be marked as written by a model.
    pub(crate) fn is_ai(self) -> bool {
        matches!(self, Self::RobotAnswer { ai: true })
    }
}
