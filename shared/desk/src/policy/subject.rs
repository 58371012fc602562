//! The facts about what a caller asks for.

use std::collections::BTreeSet;

/// What an action is done to.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// Nothing in particular: a list, or something that every holder of the role may do.
    Desk,
    /// A conversation.
    Conversation(&'a ConversationFacts),
    /// A visitor.
    Visitor(&'a VisitorFacts),
    /// A mini program, by its AppID.
    MiniProgram(&'a str),
    /// An agent, by their id.
    Agent(&'a str),
    /// A change of a group.
    Group(GroupChange<'a>),
    /// A calendar, by the ids of the groups that work by it.
    Calendar {
        /// The groups.
        used_by: &'a BTreeSet<String>,
    },
}

/// Which agent has a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// None: it waits, a robot has it, or the visitor left a message.
    Unassigned,
    /// This agent.
    Agent(String),
    /// None any more: it is closed.
    Closed {
        /// The agent who had it last, if any.
        last_agent: Option<String>,
        /// The agent who has the visitor's open conversation, if any.
        visitor_is_with: Option<String>,
    },
}

/// A conversation, as far as permissions go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationFacts {
    /// The mini program's AppID.
    pub app_id: String,
    /// Which agent has it.
    pub holder: Holder,
    /// The groups that it belongs to. A conversation of no group is open to every agent, so that a desk without groups
    /// needs no further settings.
    pub group_ids: BTreeSet<String>,
    /// The agents that it was routed to by name.
    pub routed_to: BTreeSet<String>,
}

/// A visitor, as far as permissions go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitorFacts {
    /// The mini program's AppID.
    pub app_id: String,
    /// The visitor's open conversation.
    pub open: Option<ConversationFacts>,
    /// The group that the visitors of the mini program go to by default.
    pub group_id: Option<String>,
    /// The agent who had the visitor last.
    pub last_agent: Option<String>,
}

/// A change of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupChange<'a> {
    /// The group's id.
    pub id: &'a str,
    /// Whether only the members and the calendar change.
    pub only_members_and_hours: bool,
}
