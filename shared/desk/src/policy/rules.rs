//! The decision.

use super::{
    Action, Caller, Role, Scope,
    caller::Member,
    subject::{ConversationFacts, Holder, Subject, VisitorFacts},
};
use crate::staff::Visibility;

/// Whether a caller may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Allow,
    /// Yes, once the caller's agent has claimed the conversation.
    AllowAfterClaim,
    /// Yes, for a caller who works as no agent and so cannot claim the conversation. A robot that has it leaves it first.
    AllowInPlaceOfRobot,
    /// No: the conversation is visible and no agent has it. It has to be claimed first (409).
    ClaimFirst,
    /// No: the conversation is visible and another agent has it (409).
    Taken,
    /// No, and the answer is the same as if it did not exist (404).
    Hide,
    /// No (403).
    Refuse,
}

/// How an agent stands to a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// The agent has it.
    Own,
    /// No agent has it, and it belongs to one of the agent's groups or to no group, or was routed to the agent.
    Waiting,
    /// Another agent has it, and a group of both lets its members read it.
    Colleague,
    /// It is closed, and the agent had it last or has its visitor now.
    Earlier,
    /// None of these.
    Stranger,
}

/// How an agent stands to a conversation.
pub fn relation(member: &Member, conversation: &ConversationFacts) -> Relation {
    let is_me = |agent: &String| member.agent_id.as_ref() == Some(agent);
    let mut shared = conversation.group_ids.iter().filter_map(|id| member.groups.get(id));
    match &conversation.holder {
        Holder::Agent(agent) if is_me(agent) => Relation::Own,
        Holder::Agent(_) if conversation.group_ids.is_empty() => Relation::Colleague,
        Holder::Agent(_) if shared.any(|visibility| *visibility == Visibility::Group) => Relation::Colleague,
        Holder::Unassigned
            if conversation.group_ids.is_empty()
                || shared.next().is_some()
                || conversation.routed_to.iter().any(is_me) =>
        {
            Relation::Waiting
        }
        Holder::Closed { last_agent, visitor_is_with }
            if [last_agent, visitor_is_with].into_iter().flatten().any(is_me) =>
        {
            Relation::Earlier
        }
        _ => Relation::Stranger,
    }
}

/// Whether a role with these scopes may ever do something, whatever to. What it may never do is refused before
/// anything is read.
pub fn may_ever(caller: &Caller, action: Action) -> bool {
    let role = match caller {
        Caller::Admin { .. } => return true,
        Caller::Supervisor { .. } => Role::Supervisor,
        Caller::Agent(_) => Role::Agent,
        Caller::Integrator { scopes, .. } => {
            return match scope_of(action) {
                Some(scope) => scopes.contains(&scope),
                None => action == Action::ReadSelf,
            };
        }
    };
    match action {
        Action::ReadSelf
        | Action::ListConversations
        | Action::ReadConversation
        | Action::SendMessage
        | Action::ShowTyping
        | Action::TakeBackMessage
        | Action::ClaimConversation
        | Action::AcceptConversation
        | Action::TransferConversation
        | Action::CloseConversation
        | Action::ReadVisitor
        | Action::NoteVisitor
        | Action::ReadFrames
        | Action::OpenFrame
        | Action::ReadQuickReplies
        | Action::WriteQuickReply
        | Action::BlockVisitor
        | Action::ReadStaff
        | Action::SetAgentStatus
        | Action::SimulateRouting
        | Action::SignIn
        | Action::ManageSessions
        | Action::OpenConnection => true,
        Action::ClaimForAgent
        | Action::ListBindings
        | Action::ReadBinding
        | Action::ReadSettings
        | Action::ChangeGroup
        | Action::ChangeCalendar => role == Role::Supervisor,
        Action::ReadVisitorMessages
        | Action::EraseVisitor
        | Action::ExportVisitor
        | Action::ManageBindings
        | Action::ManageSettings
        | Action::ManageAccessTokens
        | Action::ReadAudit => false,
    }
}

/// The scope that lets an integrator do something; `None` where no scope does.
fn scope_of(action: Action) -> Option<Scope> {
    match action {
        Action::ListConversations | Action::ReadConversation | Action::ReadVisitor | Action::ReadVisitorMessages => {
            Some(Scope::ConversationsRead)
        }
        Action::SendMessage | Action::ShowTyping | Action::TakeBackMessage => Some(Scope::MessagesWrite),
        Action::ListBindings | Action::ReadBinding => Some(Scope::BindingsRead),
        _ => None,
    }
}

/// Whether a caller may do something to a subject.
pub fn may(caller: &Caller, action: Action, subject: &Subject<'_>) -> Verdict {
    if !may_ever(caller, action) {
        return Verdict::Refuse;
    }
    match (caller, subject) {
        (Caller::Integrator { app_ids, .. }, subject) if app_id(subject).is_some_and(|id| !app_ids.contains(id)) => {
            Verdict::Hide
        }
        (Caller::Admin { agent_id } | Caller::Integrator { agent_id, .. }, Subject::Conversation(conversation))
            if action.shows_at_visitor() =>
        {
            of_writer(agent_id.as_ref(), &conversation.holder)
        }
        (Caller::Admin { .. } | Caller::Integrator { .. }, _)
        | (Caller::Supervisor { .. }, Subject::MiniProgram(_)) => Verdict::Allow,
        (Caller::Supervisor { member, supervised }, Subject::Conversation(conversation)) => {
            if conversation.group_ids.is_disjoint(supervised) {
                of_agent(member, action, conversation)
            } else {
                of_supervisor(member, action, conversation)
            }
        }
        (Caller::Agent(member), Subject::Conversation(conversation)) => of_agent(member, action, conversation),
        (_, Subject::Visitor(visitor)) if action == Action::BlockVisitor => of_block(caller, visitor),
        (_, Subject::Visitor(visitor)) => of_visitor(caller, visitor),
        (Caller::Supervisor { member, .. } | Caller::Agent(member), Subject::Agent(id)) => {
            if member.agent_id.as_deref() == Some(id) { Verdict::Allow } else { Verdict::Refuse }
        }
        (Caller::Supervisor { supervised, .. }, Subject::Group(change)) => {
            let permitted = change.only_members_and_hours && supervised.contains(change.id);
            if permitted { Verdict::Allow } else { Verdict::Refuse }
        }
        (Caller::Supervisor { supervised, .. }, Subject::Calendar { used_by }) => {
            let permitted = !used_by.is_empty() && used_by.is_subset(supervised);
            if permitted { Verdict::Allow } else { Verdict::Refuse }
        }
        (Caller::Supervisor { .. } | Caller::Agent(_), Subject::Desk) if !needs_subject(action) => Verdict::Allow,
        _ => Verdict::Refuse,
    }
}

/// The mini program that a subject belongs to.
fn app_id<'a>(subject: &Subject<'a>) -> Option<&'a str> {
    match subject {
        Subject::Conversation(conversation) => Some(&conversation.app_id),
        Subject::Visitor(visitor) => Some(&visitor.app_id),
        Subject::MiniProgram(app_id) => Some(app_id),
        Subject::Desk | Subject::Agent(_) | Subject::Group(_) | Subject::Calendar { .. } => None,
    }
}

/// Whether an action is only ever decided for a subject of its own.
fn needs_subject(action: Action) -> bool {
    !matches!(
        action,
        Action::ReadSelf
            | Action::ListConversations
            | Action::ListBindings
            | Action::ReadFrames
            | Action::ReadQuickReplies
            | Action::ReadStaff
            | Action::ReadSettings
            | Action::SimulateRouting
            | Action::SignIn
            | Action::ManageSessions
            | Action::OpenConnection
    )
}

/// Whether an admin or a program may write to a visitor. One person or robot at a time talks with a visitor.
fn of_writer(agent_id: Option<&String>, holder: &Holder) -> Verdict {
    match (holder, agent_id) {
        (Holder::Closed { .. }, _) => Verdict::Allow,
        (Holder::Agent(holder), agent) if agent == Some(holder) => Verdict::Allow,
        (Holder::Agent(_), _) => Verdict::Taken,
        (Holder::Unassigned, Some(_)) => Verdict::AllowAfterClaim,
        (Holder::Unassigned, None) => Verdict::AllowInPlaceOfRobot,
    }
}

/// What an agent may do with a conversation.
fn of_agent(member: &Member, action: Action, conversation: &ConversationFacts) -> Verdict {
    match (relation(member, conversation), action) {
        (Relation::Stranger, _) => Verdict::Hide,
        (Relation::Own | Relation::Earlier, _)
        | (_, Action::ReadConversation | Action::OpenFrame)
        | (Relation::Waiting, Action::ClaimConversation) => Verdict::Allow,
        (Relation::Waiting, action) if action.shows_at_visitor() => Verdict::AllowAfterClaim,
        (Relation::Waiting, Action::ClaimForAgent) => Verdict::Refuse,
        (Relation::Waiting, _) => Verdict::ClaimFirst,
        (Relation::Colleague, _) => Verdict::Taken,
    }
}

/// What a supervisor may do with a conversation of a group that they supervise.
fn of_supervisor(member: &Member, action: Action, conversation: &ConversationFacts) -> Verdict {
    match (&conversation.holder, action) {
        (
            _,
            Action::ReadConversation
            | Action::OpenFrame
            | Action::ClaimConversation
            | Action::ClaimForAgent
            | Action::TransferConversation
            | Action::CloseConversation
            | Action::TakeBackMessage,
        ) => Verdict::Allow,
        (Holder::Agent(agent), _) if member.agent_id.as_ref() != Some(agent) => Verdict::Taken,
        (Holder::Agent(_) | Holder::Closed { .. }, _) => Verdict::Allow,
        (Holder::Unassigned, action) if action.shows_at_visitor() => Verdict::AllowAfterClaim,
        (Holder::Unassigned, _) => Verdict::ClaimFirst,
    }
}

/// An agent may block the visitor of a conversation that they have. A supervisor may block the visitors that they may read, and the
/// visitors of a mini program whose group they supervise, because a blocked visitor may have no open conversation.
fn of_block(caller: &Caller, visitor: &VisitorFacts) -> Verdict {
    let is_own = |member: &Member| match visitor.open.as_ref().map(|open| &open.holder) {
        Some(Holder::Agent(agent)) => member.agent_id.as_ref() == Some(agent),
        _ => false,
    };
    match caller {
        Caller::Supervisor { supervised, .. }
            if visitor.group_id.as_ref().is_some_and(|id| supervised.contains(id)) =>
        {
            Verdict::Allow
        }
        Caller::Agent(member) if !is_own(member) => match of_visitor(caller, visitor) {
            Verdict::Hide => Verdict::Hide,
            _ => Verdict::Refuse,
        },
        _ => of_visitor(caller, visitor),
    }
}

/// Agents and supervisors read, and write notes about, the visitors whose open conversation they may read and those they had last.
fn of_visitor(caller: &Caller, visitor: &VisitorFacts) -> Verdict {
    let had_last = || {
        let agent = caller.member().and_then(|member| member.agent_id.as_ref());
        agent.is_some() && agent == visitor.last_agent.as_ref()
    };
    let reads_open = visitor
        .open
        .as_ref()
        .is_some_and(|open| may(caller, Action::ReadConversation, &Subject::Conversation(open)) == Verdict::Allow);
    if reads_open || had_last() { Verdict::Allow } else { Verdict::Hide }
}
