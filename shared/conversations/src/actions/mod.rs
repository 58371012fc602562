//! What people do with conversations: claim, accept, transfer and close them, and change an agent's status.
//!
//! Whether a person may do so is the policy's decision, on the conversation as the caller has read it. What can change between
//! that decision and the write (the assignee, the agent's room) is checked again here, within the read-decide-write cycle:
//! its first attempt decides on the same conversation, and its transaction fails if that has changed.

mod block;
mod claim;
mod close;
mod mark_read;
mod replace_robot;
mod transfer;

use std::sync::Arc;

pub use block::NewBlock;
use desk::{conversation::ClosedBy, policy::Role, staff::AgentStatus};
use serde::Serialize;
use store::{
    Attempt, Attempted, AuditAction, AuditActor, AuditDetail, Conversation, Duty, DutyWriter, NewAudit, Result,
    TokenAgents, Visitor,
};

use crate::{
    Conversations,
    assignment::Assigner,
    cycle::{DecisionCycle, FollowUp},
    decision::Decision,
    handles::Handles,
    routing::{Router, agent_facts},
};

/// Why a handoff was refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandoffError {
    /// There is no such conversation.
    NoConversation,
    /// The conversation is closed.
    Closed,
    /// Another agent has the conversation.
    Taken {
        /// The agent's id.
        agent_id: String,
        /// The agent's name; empty if the agent was deleted.
        name: String,
    },
    /// There is no such agent.
    NoAgent,
    /// The agent is offline, or their workbench is silent.
    AgentOffline {
        /// The agent's id.
        agent_id: String,
        /// The agent's name.
        name: String,
    },
    /// The agent has as many conversations as their capacity.
    AgentFull {
        /// The agent's id.
        agent_id: String,
        /// The agent's name.
        name: String,
    },
    /// There is no such group.
    NoGroup,
    /// The group cannot take the conversation; the text says why.
    GroupUnavailable(String),
    /// The conversation is assigned to no agent.
    NotYours,
}

/// Where a conversation is transferred to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TransferTarget {
    /// To this agent.
    #[serde(rename = "agent_id")]
    Agent(String),
    /// To this group.
    #[serde(rename = "group_id")]
    Group(String),
}

/// The person who acts on a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor<'a> {
    /// An agent, by id. Refused with [`HandoffError::Taken`] when another agent has the conversation at the moment of the
    /// write.
    Agent(&'a str),
    /// A supervisor, by the id of the agent that they work as, in place of the agent who has the conversation, if any.
    Supervisor(&'a str),
    /// An administrator, in place of the agent who has the conversation, if any.
    Admin,
}

/// A conversation after a handoff.
#[derive(Debug, Clone, PartialEq)]
pub struct HandedOff {
    /// The conversation.
    pub conversation: Conversation,
    /// Its visitor, if known: `None` where the handoff changed nothing, or sent messages, which change the visitor again.
    pub visitor: Option<Visitor>,
}

/// The conversation after a handoff, or why it was refused.
pub type HandoffResult = std::result::Result<HandedOff, HandoffError>;

/// What people do with conversations. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AgentActions {
    pub(crate) conversations: Conversations,
    pub(crate) duty_writer: DutyWriter,
    pub(crate) token_agents: TokenAgents,
    store: Arc<Handles>,
    cycle: DecisionCycle,
    router: Router,
    assigner: Assigner,
    /// The caller that the entries of the audit log name.
    actor: Option<Arc<AuditActor>>,
}

impl Actor<'_> {
    /// Whether another agent's conversation is out of this person's reach.
    fn is_refused(self, assignee: &str) -> bool {
        match self {
            Self::Agent(agent) => agent != assignee,
            Self::Supervisor(_) | Self::Admin => false,
        }
    }

    /// The agent's id; `None` for an administrator.
    pub(crate) fn agent_id(&self) -> Option<&str> {
        match self {
            Self::Agent(agent) | Self::Supervisor(agent) => Some(agent),
            Self::Admin => None,
        }
    }

    fn closed_by(self) -> ClosedBy {
        match self {
            Self::Agent(_) => ClosedBy::Agent,
            Self::Supervisor(_) => ClosedBy::Supervisor,
            Self::Admin => ClosedBy::Admin,
        }
    }

    fn role(self) -> Role {
        match self {
            Self::Agent(_) => Role::Agent,
            Self::Supervisor(_) => Role::Supervisor,
            Self::Admin => Role::Admin,
        }
    }
}

impl AgentActions {
    /// The actions on these conversations.
    pub fn new(conversations: &Conversations, duty_writer: DutyWriter, token_agents: TokenAgents) -> Self {
        Self {
            conversations: conversations.clone(),
            duty_writer,
            token_agents,
            store: conversations.store.clone(),
            cycle: conversations.cycle.clone(),
            router: conversations.router.clone(),
            assigner: conversations.assigner.clone(),
            actor: None,
        }
    }

    /// The same actions for a person: where they transfer or close a conversation that they do not have, the audit log has an
    /// entry.
    #[must_use]
    pub fn by(&self, actor: &Arc<AuditActor>) -> Self {
        Self { actor: Some(Arc::clone(actor)), ..self.clone() }
    }

    /// The entry of the audit log about an action on a conversation that the person does not have.
    fn audit(
        &self,
        action: AuditAction,
        by: Actor<'_>,
        conversation: &Conversation,
        detail: AuditDetail,
    ) -> Option<Box<NewAudit>> {
        let assignee = conversation.assignee();
        let is_own = assignee.is_some() && by.agent_id() == assignee;
        let actor = self.actor.as_ref().filter(|_| !is_own)?;
        let detail = AuditDetail { agent_id: assignee.map(ToOwned::to_owned), ..detail };
        Some(Box::new(NewAudit::of_conversation(actor, action, conversation, detail)))
    }

    /// The conversations.
    pub fn conversations(&self) -> &Conversations {
        &self.conversations
    }

    /// Sets an agent's status. An agent who comes online gets waiting conversations; another function
    /// goes on with those that a request has no time for.
    /// Fails as [`DutyWriter::set_status`] does when there is no such agent.
    #[tracing::instrument(skip_all, fields(agent_id = agent))]
    pub async fn set_status(&self, agent: &str, status: AgentStatus, reason: Option<&str>) -> Result<Duty> {
        let duty = self.duty_writer.set_status(agent, status, reason).await?;
        if status != AgentStatus::Online {
            return Ok(duty);
        }
        Box::pin(self.cycle.follow_up_in_request(FollowUp::freed_agent(Some(agent.to_owned())))).await;
        Ok(self.store.staff.duty(agent).await?.unwrap_or(duty))
    }

    /// Decides about a conversation as the caller has read it, and again as it is later, until no other writer interferes.
    async fn hand_off<F>(
        &self,
        conversation: Conversation,
        decide: impl Fn(Conversation, Attempt) -> F,
    ) -> Result<HandoffResult>
    where
        F: Future<Output = Result<Attempted<HandoffResult>>>,
    {
        let decide = &decide;
        let decide_if_found = |conversation, attempt| async move {
            match conversation {
                Some(conversation) => decide(conversation, attempt).await,
                None => Ok(refused(HandoffError::NoConversation)),
            }
        };
        self.cycle.decide(conversation, decide_if_found).await
    }

    /// Writes a decision and follows up within the time of a request.
    async fn complete(&self, decision: &mut Decision<'_>, follow_up: FollowUp) -> Result<Attempted<HandoffResult>> {
        Ok(match self.cycle.write(decision).await? {
            Attempted::Done(after) => {
                Box::pin(self.cycle.follow_up_in_request(follow_up)).await;
                let visitor = decision.sends().next().is_none().then(|| decision.written_visitor());
                let handed_off = after.map(|conversation| HandedOff { conversation, visitor });
                Attempted::Done(handed_off.ok_or(HandoffError::NoConversation))
            }
            Attempted::Conflict => Attempted::Conflict,
            Attempted::AgentTaken => Attempted::AgentTaken,
        })
    }

    /// Why an agent cannot be given a conversation by hand. `present`: their workbench must be open, too. A busy or absent
    /// agent gets no conversation automatically, but a person may give them one.
    async fn cannot_take(&self, agent: &str, present: bool) -> Result<Option<HandoffError>> {
        let Some(duty) = self.store.staff.duty(agent).await? else {
            return Ok(Some(HandoffError::NoAgent));
        };
        let facts = agent_facts(&duty, self.store.clock.now());
        let (agent_id, name) = (duty.agent_id, duty.name);
        Ok(if duty.status == AgentStatus::Offline || (present && !facts.present) {
            Some(HandoffError::AgentOffline { agent_id, name })
        } else if duty.load >= duty.capacity {
            Some(HandoffError::AgentFull { agent_id, name })
        } else {
            None
        })
    }

    /// The refusal that names the agent who has the conversation.
    async fn taken(&self, agent: &str) -> Result<HandoffError> {
        let name = self.store.staff.duty(agent).await?.map(|duty| duty.name).unwrap_or_default();
        Ok(HandoffError::Taken { agent_id: agent.to_owned(), name })
    }
}

/// A conversation that stays as it is ends the cycle.
fn unchanged(conversation: Conversation) -> Attempted<HandoffResult> {
    Attempted::Done(Ok(HandedOff { conversation, visitor: None }))
}

/// A refusal ends the cycle.
fn refused(error: HandoffError) -> Attempted<HandoffResult> {
    Attempted::Done(Err(error))
}
