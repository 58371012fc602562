//! What a workbench is told about changes: hints, which name what has changed and never say how. The workbench reads it by the API,
//! which decides what it may see. Who gets a hint is decided here, by the same permissions.

use serde::Serialize;

use crate::policy::{Action, Caller, ConversationFacts, Relation, Subject, Verdict, may, relation};

/// The version of the form of hints.
const VERSION: u8 = 1;

/// A hint. In JSON it has `v`, the version of its form, and `type`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Hint {
    /// A message of a conversation is new or has another state.
    Message {
        /// The conversation.
        cid: String,
        /// The message.
        message_id: String,
    },
    /// A conversation has changed, or what people note about its visitor, or one that the caller may see is new.
    Conversation {
        /// The conversation.
        cid: String,
    },
    /// The queue of a group has changed.
    Queue {
        /// The group.
        group_id: String,
    },
    /// The status of an agent has changed, or which conversations they have.
    Duty {
        /// The agent.
        agent_id: String,
    },
    /// The session has ended; the connection is closed after it.
    SessionEnded,
}

impl Hint {
    /// The hint as a browser gets it.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Versioned<'a> {
            v: u8,
            #[serde(flatten)]
            hint: &'a Hint,
        }
        serde_json::to_string(&Versioned { v: VERSION, hint: self }).unwrap_or_default()
    }
}

/// Whether a caller is told of changes of a conversation: who may read it, but for colleagues of the agent who has it. They may look,
/// and need not hear of every message.
pub fn hears_of_conversation(caller: &Caller, conversation: &ConversationFacts) -> bool {
    if may(caller, Action::ReadConversation, &Subject::Conversation(conversation)) != Verdict::Allow {
        return false;
    }
    match caller {
        Caller::Admin { .. } => true,
        Caller::Integrator { .. } => false,
        Caller::Supervisor { member, supervised } => {
            !conversation.group_ids.is_disjoint(supervised) || relation(member, conversation) != Relation::Colleague
        }
        Caller::Agent(member) => relation(member, conversation) != Relation::Colleague,
    }
}

/// Whether a caller is told that the queue of a group has changed: who serves or supervises the group, and admins.
pub fn hears_of_queue(caller: &Caller, group: &str) -> bool {
    match caller {
        Caller::Admin { .. } => true,
        Caller::Integrator { .. } => false,
        Caller::Supervisor { member, supervised } => supervised.contains(group) || member.groups.contains_key(group),
        Caller::Agent(member) => member.groups.contains_key(group),
    }
}

/// Whether a caller is told of the duty of an agent: the agent, and those who look after others.
pub fn hears_of_duty(caller: &Caller, agent: &str) -> bool {
    match caller {
        Caller::Admin { .. } | Caller::Supervisor { .. } => true,
        Caller::Integrator { .. } => false,
        Caller::Agent(member) => member.agent_id.as_deref() == Some(agent),
    }
}
