//! What a record of the table's stream says has changed, for those who are told of it.

use crate::{conversation::Conversation, keys, queue::Queue, visitor::Visitor};

/// A change that pages of the workbench may have to hear of.
#[derive(Debug, Clone, PartialEq)]
pub enum ImageChange {
    /// A message of a conversation is new or has another state.
    Message {
        /// The conversation.
        cid: String,
        /// The message.
        message_id: String,
    },
    /// A conversation is new or has changed.
    Conversation(Box<Conversation>),
    /// A conversation has left the queue of a group. One that joins it is a change of the conversation.
    Queue {
        /// The group.
        group_id: String,
    },
    /// The status of an agent has changed, or which conversations they have; a heartbeat is no change.
    Duty {
        /// The agent.
        agent_id: String,
    },
    /// What people note about a visitor has changed, or whether they are blocked.
    Visitor {
        /// The visitor's conversation, or their last one.
        cid: String,
    },
}

/// The attribute of a duty whose change is told, until the next heartbeat, and of a visitor, until the next write. The stream is
/// filtered by it.
pub(crate) const HINT: &str = "hint";

impl ImageChange {
    /// The change in a record. `None` when the image is that of another item, or unreadable.
    pub fn from_image<'a>(attribute: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        match attribute("kind")? {
            "inbound" | "outbound" => Some(Self::Message {
                cid: attribute("cid")?.to_owned(),
                message_id: attribute("sk")?.strip_prefix(keys::MESSAGE_PREFIX)?.to_owned(),
            }),
            keys::CONVERSATION => serde_json::from_str(attribute("data")?)
                .ok()
                .map(|conversation| Self::Conversation(Box::new(conversation))),
            keys::DEPARTURES => group_of(attribute("pk")?.split_once('#')?.1).map(|group_id| Self::Queue { group_id }),
            keys::DUTY => {
                attribute(HINT).and(attribute("agent_id")).map(|agent| Self::Duty { agent_id: agent.to_owned() })
            }
            keys::VISITOR => {
                let visitor: Visitor = serde_json::from_str(attribute(HINT).and(attribute("data"))?).ok()?;
                visitor.latest_cid().map(|cid| Self::Visitor { cid: cid.to_owned() })
            }
            _ => None,
        }
    }
}

impl Conversation {
    /// The group in whose queue it waits.
    pub fn queue_group(&self) -> Option<String> {
        group_of(&self.waiting()?.queue)
    }
}

/// The group whose queue has this name.
fn group_of(queue: &str) -> Option<String> {
    match Queue::named(queue)? {
        Queue::Group(id) => Some(id),
        Queue::Agent(_) | Queue::LeftMessages => None,
    }
}
