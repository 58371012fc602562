//! The facts that permissions are decided by, read from the table.

use std::collections::{BTreeMap, BTreeSet};

use desk::{
    policy::{
        Action, Caller, ConversationFacts, Grant, Groups, Holder, Member, Role, Subject, TokenHolder, Verdict,
        VisitorFacts, may,
    },
    routing::Target,
    staff::Group,
};
use store::{Conversation, Queue, Result, Stage, Thread, Visitor};

use crate::{Conversations, reception_settings::reception, routing::stored_plan};

/// The most conversations of an agent that are looked at to find the agent's visitors. An agent's capacity is 100.
const ASSIGNED_MAX: i32 = 1000;

impl Conversations {
    /// The holder of a token as a caller, with their agent and its groups.
    pub async fn caller(&self, holder: &TokenHolder) -> Result<Caller> {
        let member = match holder.role() {
            Role::Admin | Role::Integrator => Member::default(),
            Role::Supervisor | Role::Agent => {
                let agent_id = self.known_agent(holder).await?;
                let groups = match &agent_id {
                    Some(agent) => self.groups_of_member(agent).await?,
                    None => Groups::new(),
                };
                Member { agent_id, groups }
            }
        };
        Ok(Caller::new(&holder.grant, member))
    }

    /// The groups whose member lists name the agent.
    async fn groups_of_member(&self, agent: &str) -> Result<Groups> {
        let mut groups = Groups::new();
        for id in self.store.staff.groups_of(agent).await? {
            if let Some(group) = self.store.settings.record::<Group>(&id).await?
                && group.settings.members.iter().any(|member| member == agent)
            {
                groups.insert(id, group.settings.visibility);
            }
        }
        Ok(groups)
    }

    /// Whether the holder of a token may do something to a conversation.
    pub async fn may(&self, holder: &TokenHolder, action: Action, conversation: &Conversation) -> Result<Verdict> {
        let caller = match &holder.grant {
            // The permissions of these roles do not depend on groups, so the groups are not read.
            Grant::Admin | Grant::Integrator { .. } => {
                let agent_id = if action.shows_at_visitor() { self.known_agent(holder).await? } else { None };
                let caller = Caller::new(&holder.grant, Member { agent_id, groups: Groups::new() });
                let closed = Holder::Closed { last_agent: None, visitor_is_with: None };
                let facts = facts(conversation, BTreeSet::new(), self::holder(conversation).unwrap_or(closed));
                return Ok(may(&caller, action, &Subject::Conversation(&facts)));
            }
            Grant::Supervisor { .. } | Grant::Agent => {
                if let (Some(assignee), Some(agent)) = (conversation.assignee(), &holder.agent_id)
                    && assignee == agent
                {
                    // An agent's own conversation: whatever the groups.
                    let member = Member { agent_id: Some(agent.clone()), groups: Groups::new() };
                    let facts = facts(conversation, BTreeSet::new(), Holder::Agent(agent.clone()));
                    let caller = Caller::Agent(member);
                    if may(&caller, action, &Subject::Conversation(&facts)) == Verdict::Allow {
                        return Ok(Verdict::Allow);
                    }
                }
                self.caller(holder).await?
            }
        };
        let facts = self.conversation_facts(conversation).await?;
        Ok(may(&caller, action, &Subject::Conversation(&facts)))
    }

    /// A conversation, as far as permissions go.
    pub async fn conversation_facts(&self, conversation: &Conversation) -> Result<ConversationFacts> {
        let groups = match own_groups(conversation) {
            Some(groups) => groups,
            None => self.groups_of_binding(&conversation.app_id).await?,
        };
        let holder = match holder(conversation) {
            Some(holder) => holder,
            None => self.holder_of_closed(conversation).await?,
        };
        Ok(facts(conversation, groups, holder))
    }

    async fn holder_of_closed(&self, conversation: &Conversation) -> Result<Holder> {
        let visitor = self.store.threads.visitor(&conversation.thread()).await?;
        let open = match &visitor.open_cid {
            Some(cid) => self.store.conversations.conversation(cid).await?,
            None => None,
        };
        let visitor_is_with = open.and_then(|open| open.assignee().map(ToOwned::to_owned));
        Ok(Holder::Closed { last_agent: last_agent(conversation, &visitor), visitor_is_with })
    }

    /// A visitor, as far as permissions go. `group_id`: the group of their mini program.
    pub async fn visitor_facts(
        &self,
        thread: &Thread,
        visitor: &Visitor,
        group_id: Option<String>,
    ) -> Result<VisitorFacts> {
        let open = match &visitor.open_cid {
            Some(cid) => self.store.conversations.conversation(cid).await?,
            None => None,
        };
        let open = match open {
            Some(open) => Some(self.conversation_facts(&open).await?),
            None => None,
        };
        let last_agent = visitor.last_agent.as_ref().map(|(agent, _)| agent.clone());
        Ok(VisitorFacts { app_id: thread.app_id.clone(), open, group_id, last_agent })
    }

    /// Those of the conversations that the caller may read, in the same order.
    pub async fn readable(&self, caller: &Caller, conversations: Vec<Conversation>) -> Result<Vec<Conversation>> {
        if matches!(caller, Caller::Admin { .. }) {
            return Ok(conversations);
        }
        let visitors = self.visitors_of_closed(caller, &conversations).await?;
        let mut by_app_id: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut readable = Vec::with_capacity(conversations.len());
        for conversation in conversations {
            let groups = match (own_groups(&conversation), by_app_id.get(&conversation.app_id)) {
                (Some(groups), _) => groups,
                (None, Some(groups)) => groups.clone(),
                (None, None) => {
                    let groups = self.groups_of_binding(&conversation.app_id).await?;
                    by_app_id.insert(conversation.app_id.clone(), groups.clone());
                    groups
                }
            };
            let holder = holder(&conversation).unwrap_or_else(|| visitors.holder(&conversation));
            let facts = facts(&conversation, groups, holder);
            if may(caller, Action::ReadConversation, &Subject::Conversation(&facts)) == Verdict::Allow {
                readable.push(conversation);
            }
        }
        Ok(readable)
    }

    /// The visitors of the closed conversations, if the caller is an agent; no other caller's permissions depend on them.
    async fn visitors_of_closed(&self, caller: &Caller, conversations: &[Conversation]) -> Result<VisitorsOfClosed> {
        let Some(agent) = caller.member().and_then(|member| member.agent_id.clone()) else {
            return Ok(VisitorsOfClosed::default());
        };
        let closed = conversations.iter().filter(|conversation| !conversation.is_open());
        let threads: Vec<Thread> = closed.map(Conversation::thread).collect();
        if threads.is_empty() {
            return Ok(VisitorsOfClosed::default());
        }
        let visitors = self.store.threads.visitors(&threads).await?;
        let assigned = self.store.staff.assigned_to(&agent, ASSIGNED_MAX).await?;
        Ok(VisitorsOfClosed { agent: Some(agent), visitors, assigned })
    }

    /// The group that a mini program's conversations go to by default.
    async fn groups_of_binding(&self, app_id: &str) -> Result<BTreeSet<String>> {
        let binding = self.store.bindings.binding(app_id).await?;
        Ok(reception(binding.as_ref())?.group_id.into_iter().collect())
    }
}

/// The visitors of closed conversations, and which of them an agent has now.
#[derive(Default)]
struct VisitorsOfClosed {
    agent: Option<String>,
    visitors: Vec<(Thread, Visitor)>,
    /// The ids of the agent's conversations.
    assigned: Vec<String>,
}

impl VisitorsOfClosed {
    /// Which agent had a closed conversation last, and whether the visitor is with the caller's agent now.
    fn holder(&self, conversation: &Conversation) -> Holder {
        let visitor = self.visitors.iter().find(|(thread, _)| *thread == conversation.thread());
        let visitor = visitor.map(|(_, visitor)| visitor);
        let open = visitor.and_then(|visitor| visitor.open_cid.as_ref());
        let is_with_agent = open.is_some_and(|cid| self.assigned.contains(cid));
        Holder::Closed {
            last_agent: visitor.and_then(|visitor| last_agent(conversation, visitor)),
            visitor_is_with: self.agent.clone().filter(|_| is_with_agent),
        }
    }
}

/// Which agent has an open conversation; `None` for a closed one.
pub(crate) fn holder(conversation: &Conversation) -> Option<Holder> {
    match &conversation.stage {
        Stage::Closed { .. } => None,
        Stage::Assigned(assigned) => Some(Holder::Agent(assigned.agent_id.clone())),
        Stage::Unassigned | Stage::Robot(_) | Stage::Queued(_) | Stage::LeftMessage(_) => Some(Holder::Unassigned),
    }
}

pub(crate) fn facts(conversation: &Conversation, group_ids: BTreeSet<String>, holder: Holder) -> ConversationFacts {
    let queue = conversation.waiting().and_then(|waiting| Queue::named(&waiting.queue));
    let by_plan =
        stored_plan(conversation).into_iter().flat_map(|plan| plan.levels).filter_map(|level| match level.target {
            Some(Target::Agent(agent)) => Some(agent),
            _ => None,
        });
    let by_queue = queue.and_then(|queue| match queue {
        Queue::Agent(agent) => Some(agent),
        _ => None,
    });
    let routed_to = by_plan.chain(by_queue).collect();
    ConversationFacts { app_id: conversation.app_id.clone(), holder, group_ids, routed_to }
}

/// The group of a conversation's stage, or else the groups of its plan; `None` if there are neither.
pub(crate) fn own_groups(conversation: &Conversation) -> Option<BTreeSet<String>> {
    let of_queue = || match conversation.waiting().and_then(|waiting| Queue::named(&waiting.queue)) {
        Some(Queue::Group(id)) => Some(id),
        _ => None,
    };
    let of_stage = match &conversation.stage {
        Stage::Assigned(assigned) => assigned.group_id.clone(),
        _ => of_queue(),
    };
    if let Some(group) = of_stage {
        return Some([group].into());
    }
    let of_plan = stored_plan(conversation)?.levels.into_iter().filter_map(|level| match level.target {
        Some(Target::Group(group)) => Some(group),
        _ => None,
    });
    let groups: BTreeSet<String> = of_plan.collect();
    (!groups.is_empty()).then_some(groups)
}

/// The groups that a conversation belongs to by itself: that of its stage, or else those of its plan.
pub fn groups_of(conversation: &Conversation) -> BTreeSet<String> {
    own_groups(conversation).unwrap_or_default()
}

/// The agent who had a closed conversation last. The visitor's last agent is theirs if it was assigned within it.
pub fn last_agent(conversation: &Conversation, visitor: &Visitor) -> Option<String> {
    let (agent, at) = visitor.last_agent.as_ref()?;
    let within = *at >= conversation.created_at && conversation.closed_at.is_none_or(|end| *at <= end);
    within.then(|| agent.clone())
}
