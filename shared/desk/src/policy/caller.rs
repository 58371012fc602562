//! Who calls.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::staff::Visibility;

/// The role of an access token. `admin`: everything; `supervisor`: the conversations, members and working hours of their
/// groups; `agent`: their own conversations; `integrator`: what its scopes name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    Admin,
    /// The conversations, members and working hours of some groups; reads settings.
    Supervisor,
    /// Their own conversations and those that wait in their groups.
    Agent,
    /// A program: what its scopes name.
    Integrator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Supervisor, Self::Agent, Self::Integrator];

    /// The role with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// The role's name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Supervisor => "supervisor",
            Self::Agent => "agent",
            Self::Integrator => "integrator",
        }
    }
}

/// A permission of an integrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Scope {
    /// Read bindings and their health.
    #[serde(rename = "bindings:read")]
    BindingsRead,
    /// Read conversations, their messages and events, and visitors.
    #[serde(rename = "conversations:read")]
    ConversationsRead,
    /// Send messages and cards, show "typing", take held texts back.
    #[serde(rename = "messages:write")]
    MessagesWrite,
    /// Read the access tokens of WeChat's API that Kefu keeps for a mini program.
    #[serde(rename = "tokens:read")]
    TokensRead,
    /// Manage webhooks.
    #[serde(rename = "webhooks")]
    Webhooks,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] =
        [Self::BindingsRead, Self::ConversationsRead, Self::MessagesWrite, Self::TokensRead, Self::Webhooks];

    /// The scope with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    /// The scope's name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BindingsRead => "bindings:read",
            Self::ConversationsRead => "conversations:read",
            Self::MessagesWrite => "messages:write",
            Self::TokensRead => "tokens:read",
            Self::Webhooks => "webhooks",
        }
    }
}

/// The mini programs that an integrator's scopes hold for. In JSON: a list of AppIDs, or `null` for all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<BTreeSet<String>>", into = "Option<BTreeSet<String>>")]
pub enum AppIds {
    /// All, also those that are bound later.
    #[default]
    All,
    /// These.
    Named(BTreeSet<String>),
}

impl AppIds {
    /// Whether the mini program is one of them.
    pub fn contains(&self, app_id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(named) => named.contains(app_id),
        }
    }

    /// Whether these are all mini programs.
    pub fn is_all(&self) -> bool {
        *self == Self::All
    }
}

impl From<Option<BTreeSet<String>>> for AppIds {
    fn from(named: Option<BTreeSet<String>>) -> Self {
        named.map_or(Self::All, Self::Named)
    }
}

impl From<AppIds> for Option<BTreeSet<String>> {
    fn from(app_ids: AppIds) -> Self {
        match app_ids {
            AppIds::All => None,
            AppIds::Named(named) => Some(named),
        }
    }
}

/// What an access token grants: its role, with the limits of that role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub enum Grant {
    /// Everything.
    Admin,
    /// The supervision of groups.
    Supervisor {
        /// Ids of the groups; where it is empty, the groups that the token's agent is a member of.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        group_ids: BTreeSet<String>,
    },
    /// The work of an agent.
    Agent,
    /// Access for a program.
    Integrator {
        /// What it may do.
        scopes: BTreeSet<Scope>,
        /// The mini programs that it may do it for.
        #[serde(default, skip_serializing_if = "AppIds::is_all")]
        app_ids: AppIds,
    },
}

impl Grant {
    /// The role alone.
    pub const fn role(&self) -> Role {
        match self {
            Self::Admin => Role::Admin,
            Self::Supervisor { .. } => Role::Supervisor,
            Self::Agent => Role::Agent,
            Self::Integrator { .. } => Role::Integrator,
        }
    }
}

/// The holder of an access token, as the authorizer identified them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHolder {
    /// What the token grants.
    pub grant: Grant,
    /// The id of the token.
    pub token_id: String,
    /// The holder's name, if the token has one.
    pub name: Option<String>,
    /// The agent that the token names.
    pub agent_id: Option<String>,
    /// The id of the session, if the token is that of one.
    pub session_id: Option<String>,
}

impl TokenHolder {
    /// The role of the token.
    pub fn role(&self) -> Role {
        self.grant.role()
    }
}

/// Groups by their ids, each with what its members may read.
pub type Groups = BTreeMap<String, Visibility>;

/// An agent, as far as permissions go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Member {
    /// The agent's id; `None` for a token whose agent does not exist yet.
    pub agent_id: Option<String>,
    /// The groups whose member lists name the agent.
    pub groups: Groups,
}

/// Who calls, with what the decision needs to know about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// An admin.
    Admin {
        /// The agent that the admin works as, if any.
        agent_id: Option<String>,
    },
    /// A supervisor, who has the permissions of an agent as well.
    Supervisor {
        /// The agent that the supervisor works as.
        member: Member,
        /// The groups that they supervise.
        supervised: BTreeSet<String>,
    },
    /// An agent.
    Agent(Member),
    /// A program.
    Integrator {
        /// What it may do.
        scopes: BTreeSet<Scope>,
        /// The mini programs that it may do it for.
        app_ids: AppIds,
        /// The agent that it works as, if any.
        agent_id: Option<String>,
    },
}

impl Caller {
    /// The caller who holds a token with this grant.
    pub fn new(grant: &Grant, member: Member) -> Self {
        match grant {
            Grant::Admin => Self::Admin { agent_id: member.agent_id },
            Grant::Supervisor { group_ids } => {
                let supervised =
                    if group_ids.is_empty() { member.groups.keys().cloned().collect() } else { group_ids.clone() };
                Self::Supervisor { member, supervised }
            }
            Grant::Agent => Self::Agent(member),
            Grant::Integrator { scopes, app_ids } => {
                Self::Integrator { scopes: scopes.clone(), app_ids: app_ids.clone(), agent_id: member.agent_id }
            }
        }
    }

    /// The agent that the caller works as, with its groups; `None` where no permission depends on groups.
    pub fn member(&self) -> Option<&Member> {
        match self {
            Self::Supervisor { member, .. } | Self::Agent(member) => Some(member),
            Self::Admin { .. } | Self::Integrator { .. } => None,
        }
    }
}
