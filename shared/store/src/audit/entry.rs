//! What an entry says.

use std::{collections::BTreeSet, sync::Arc};

use desk::policy::{Role, TokenHolder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::conversation::Conversation;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AuditAction {
    /// A mini program was bound.
    #[serde(rename = "binding.created")]
    BindingCreated,
    /// A binding was changed, or the secret that signs `session-from` was made anew.
    #[serde(rename = "binding.changed")]
    BindingChanged,
    /// A binding was deleted.
    #[serde(rename = "binding.deleted")]
    BindingDeleted,
    /// A group was created.
    #[serde(rename = "group.created")]
    GroupCreated,
    /// A group was changed.
    #[serde(rename = "group.changed")]
    GroupChanged,
    /// A group was deleted.
    #[serde(rename = "group.deleted")]
    GroupDeleted,
    /// An agent was created.
    #[serde(rename = "agent.created")]
    AgentCreated,
    /// An agent was changed.
    #[serde(rename = "agent.changed")]
    AgentChanged,
    /// An agent was deleted.
    #[serde(rename = "agent.deleted")]
    AgentDeleted,
    /// A merchant was created.
    #[serde(rename = "merchant.created")]
    MerchantCreated,
    /// A merchant was changed.
    #[serde(rename = "merchant.changed")]
    MerchantChanged,
    /// A merchant was deleted.
    #[serde(rename = "merchant.deleted")]
    MerchantDeleted,
    /// A robot was created.
    #[serde(rename = "robot.created")]
    RobotCreated,
    /// A robot was changed.
    #[serde(rename = "robot.changed")]
    RobotChanged,
    /// A robot was deleted.
    #[serde(rename = "robot.deleted")]
    RobotDeleted,
    /// A calendar was created.
    #[serde(rename = "calendar.created")]
    CalendarCreated,
    /// A calendar was changed.
    #[serde(rename = "calendar.changed")]
    CalendarChanged,
    /// A calendar was deleted.
    #[serde(rename = "calendar.deleted")]
    CalendarDeleted,
    /// A question of a robot was created.
    #[serde(rename = "question.created")]
    QuestionCreated,
    /// A question of a robot was changed.
    #[serde(rename = "question.changed")]
    QuestionChanged,
    /// A question of a robot was deleted.
    #[serde(rename = "question.deleted")]
    QuestionDeleted,
    /// All questions of a robot were replaced.
    #[serde(rename = "questions.replaced")]
    QuestionsReplaced,
    /// An access token was created.
    #[serde(rename = "access_token.created")]
    AccessTokenCreated,
    /// An access token was rotated.
    #[serde(rename = "access_token.rotated")]
    AccessTokenRotated,
    /// An access token was revoked.
    #[serde(rename = "access_token.revoked")]
    AccessTokenRevoked,
    /// An access token was used for the first time since it was created or rotated.
    #[serde(rename = "access_token.first_used")]
    AccessTokenFirstUsed,
    /// The bootstrap token was retired.
    #[serde(rename = "bootstrap_token.retired")]
    BootstrapTokenRetired,
    /// A sign-in code was made.
    #[serde(rename = "sign_in_code.created")]
    SignInCodeCreated,
    /// A person signed in: a code was exchanged for a session.
    #[serde(rename = "session.created")]
    SessionCreated,
    /// A session was ended by a person.
    #[serde(rename = "session.revoked")]
    SessionRevoked,
    /// A conversation was transferred by a person who did not have it.
    #[serde(rename = "conversation.transferred")]
    ConversationTransferred,
    /// A conversation was closed by a person who did not have it.
    #[serde(rename = "conversation.closed")]
    ConversationClosed,
    /// A visitor was blocked.
    #[serde(rename = "visitor.blocked")]
    VisitorBlocked,
    /// The block of a visitor was ended by a person.
    #[serde(rename = "visitor.unblocked")]
    VisitorUnblocked,
    /// What is stored of a visitor was exported.
    #[serde(rename = "visitor.exported")]
    VisitorExported,
    /// The frames were replaced.
    #[serde(rename = "frames.changed")]
    FramesChanged,
    /// The key of a frame was made anew.
    #[serde(rename = "frame_key.rotated")]
    FrameKeyRotated,
    /// The erasure of a visitor began.
    #[serde(rename = "visitor.erasure_begun")]
    VisitorErasureBegun,
    /// A visitor was erased.
    #[serde(rename = "visitor.erased")]
    VisitorErased,
}

/// The kind of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuditSubjectKind {
    /// A binding, by its AppID.
    Binding,
    /// A group.
    Group,
    /// An agent.
    Agent,
    /// A merchant.
    Merchant,
    /// A robot.
    Robot,
    /// A calendar.
    Calendar,
    /// A question of a robot.
    Question,
    /// An access token.
    AccessToken,
    /// The bootstrap token; its id is `bootstrap`.
    BootstrapToken,
    /// A session.
    Session,
    /// A conversation, by its cid.
    Conversation,
    /// A visitor, by their uid.
    Visitor,
    /// A frame; `all` for all frames together.
    Frame,
}

/// What it was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditSubject {
    /// The kind.
    pub kind: AuditSubjectKind,
    /// The id.
    pub id: String,
}

/// The holder of an access token who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditActor {
    /// The token's id; `admin` for the bootstrap token. Of a session: that of the token that it was made from, or of itself where it
    /// was made for an agent.
    pub token_id: String,
    /// The holder's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub name: Option<String>,
    /// The token's role.
    pub role: Role,
    /// The agent that the token names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub agent_id: Option<String>,
}

/// More about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct AuditDetail {
    /// Of a change: the names of the fields that were changed, without their values.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub fields: BTreeSet<String>,
    /// Of an access token, a sign-in code or a session: its role.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub role: Option<Role>,
    /// Of an access token, a sign-in code or a session: the agent that it names. Of a conversation: the agent who had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub agent_id: Option<String>,
    /// Of questions: their robot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub robot_id: Option<String>,
    /// Of questions that were replaced: how many the robot has since.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub count: Option<u64>,
    /// Of a transfer: the agent who got the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub to_agent_id: Option<String>,
    /// Of a transfer: the group that got the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub to_group_id: Option<String>,
}

/// An entry of the audit log. It serialises as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// Its id.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: AuditActor,
    /// What was done.
    pub action: AuditAction,
    /// What it was done to.
    pub subject: AuditSubject,
    /// The mini program that it concerns, if it concerns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub app_id: Option<String>,
    /// More about it.
    pub detail: AuditDetail,
}

/// An entry to write.
#[derive(Debug, Clone)]
pub struct NewAudit {
    /// See [`AuditEntry::actor`].
    pub actor: Arc<AuditActor>,
    /// See [`AuditEntry::action`].
    pub action: AuditAction,
    /// See [`AuditEntry::subject`].
    pub subject: AuditSubject,
    /// See [`AuditEntry::app_id`].
    pub app_id: Option<String>,
    /// See [`AuditEntry::detail`].
    pub detail: AuditDetail,
}

impl NewAudit {
    /// An entry about a conversation.
    pub fn of_conversation(
        actor: &Arc<AuditActor>,
        action: AuditAction,
        conversation: &Conversation,
        detail: AuditDetail,
    ) -> Self {
        Self {
            actor: Arc::clone(actor),
            action,
            subject: AuditSubject::new(AuditSubjectKind::Conversation, &conversation.cid),
            app_id: Some(conversation.app_id.clone()),
            detail,
        }
    }
}

impl From<&TokenHolder> for AuditActor {
    fn from(holder: &TokenHolder) -> Self {
        Self {
            token_id: holder.token_id.clone(),
            name: holder.name.clone(),
            role: holder.role(),
            agent_id: holder.agent_id.clone(),
        }
    }
}

impl AuditSubject {
    /// A subject.
    pub fn new(kind: AuditSubjectKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }

    /// The mini program, if the subject is one.
    pub(crate) fn app_id(&self) -> Option<String> {
        (self.kind == AuditSubjectKind::Binding).then(|| self.id.clone())
    }
}

impl AuditDetail {
    /// The names of changed fields.
    pub(crate) fn of_fields(fields: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { fields: fields.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}
