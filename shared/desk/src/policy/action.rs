//! What a caller asks for.

/// What a caller asks for. Each route of the API has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Read the API's description, or who the caller is.
    ReadSelf,
    /// List conversations. Each item is then subject to [`ReadConversation`](Self::ReadConversation).
    ListConversations,
    /// Read a conversation, its messages and its events.
    ReadConversation,
    /// Send a message or a card.
    SendMessage,
    /// Show the visitor that an agent is typing.
    ShowTyping,
    /// Take a held text back before it is sent.
    TakeBackMessage,
    /// Take a conversation that no agent has.
    ClaimConversation,
    /// Give a conversation that no agent has to another agent than the caller's.
    ClaimForAgent,
    /// Confirm an assignment, or mark the visitor's messages as read.
    AcceptConversation,
    /// Transfer a conversation to an agent or a group.
    TransferConversation,
    /// Close a conversation.
    CloseConversation,
    /// Read a visitor's profile.
    ReadVisitor,
    /// Read all messages of a visitor, over all conversations.
    ReadVisitorMessages,
    /// Name, tag or star a visitor, or read and write the notes about them.
    NoteVisitor,
    /// List the frames.
    ReadFrames,
    /// Get a signed context of a conversation for a frame.
    OpenFrame,
    /// Read the quick replies that the caller may use.
    ReadQuickReplies,
    /// Create, change or delete a quick reply: agents their own, supervisors those of their groups, admins those of any group and of all.
    WriteQuickReply,
    /// Block a visitor, or end a block.
    BlockVisitor,
    /// Erase all that is stored of a visitor.
    EraseVisitor,
    /// Export all that is stored of a visitor.
    ExportVisitor,
    /// List bindings. Each item is then subject to [`ReadBinding`](Self::ReadBinding).
    ListBindings,
    /// Read a binding or its health. Credentials are never shown.
    ReadBinding,
    /// Create, change or delete a binding, or generate a secret for it.
    ManageBindings,
    /// Read agents and groups.
    ReadStaff,
    /// Read merchants, robots, their questions, and calendars.
    ReadSettings,
    /// Create, change or delete agents, groups, merchants, robots, questions or calendars.
    ManageSettings,
    /// Change a group.
    ChangeGroup,
    /// Change a calendar.
    ChangeCalendar,
    /// Set an agent's status, or send a heartbeat for an agent.
    SetAgentStatus,
    /// Simulate routing, or build or parse a `session-from`.
    SimulateRouting,
    /// List, create, rotate or delete access tokens, and end the sessions of others.
    ManageAccessTokens,
    /// Exchange a sign-in code for a session. Its route asks for no token.
    SignIn,
    /// List and end one's own sessions.
    ManageSessions,
    /// Open a WebSocket that hears of changes.
    OpenConnection,
    /// Read the audit log.
    ReadAudit,
}

impl Action {
    /// Whether the visitor sees it: a message, a card, or the typing indicator.
    pub const fn shows_at_visitor(self) -> bool {
        matches!(self, Self::SendMessage | Self::ShowTyping)
    }

    /// Every action.
    pub const ALL: [Self; 36] = [
        Self::ReadSelf,
        Self::ListConversations,
        Self::ReadConversation,
        Self::SendMessage,
        Self::ShowTyping,
        Self::TakeBackMessage,
        Self::ClaimConversation,
        Self::ClaimForAgent,
        Self::AcceptConversation,
        Self::TransferConversation,
        Self::CloseConversation,
        Self::ReadVisitor,
        Self::ReadVisitorMessages,
        Self::NoteVisitor,
        Self::ReadFrames,
        Self::OpenFrame,
        Self::ReadQuickReplies,
        Self::WriteQuickReply,
        Self::BlockVisitor,
        Self::EraseVisitor,
        Self::ExportVisitor,
        Self::ListBindings,
        Self::ReadBinding,
        Self::ManageBindings,
        Self::ReadStaff,
        Self::ReadSettings,
        Self::ManageSettings,
        Self::ChangeGroup,
        Self::ChangeCalendar,
        Self::SetAgentStatus,
        Self::SimulateRouting,
        Self::ManageAccessTokens,
        Self::SignIn,
        Self::ManageSessions,
        Self::OpenConnection,
        Self::ReadAudit,
    ];
}
