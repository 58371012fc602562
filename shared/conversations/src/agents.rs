//! What agents do: claim, accept, transfer, close, come and go.

use channel::RetryPolicy;
use desk::{
    routing::{Facts, Level, Mode, Outcome, Plan, Target},
    staff::AgentFacts,
};
use serde_json::{Value, json};
use store::{Committed, Conversation, Duty, Queue, Result, Stage, StoreError};

use crate::{
    Conversations, DECISIONS,
    assignment::Way,
    decision::Decision,
    plan::{Known, agent_facts, reception},
};

/// Why a conversation was not handed as somebody wished. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandoffError {
    /// There is no such conversation.
    NoConversation,
    /// It is closed.
    Closed,
    /// This agent has it.
    Taken {
        /// Who.
        agent_id: String,
        /// Their name.
        name: String,
    },
    /// There is no such agent.
    NoAgent,
    /// The agent is offline or gone.
    AgentOffline,
    /// The agent has as many conversations as they take.
    AgentFull,
    /// There is no such group.
    NoGroup,
    /// Nobody of the group is there; the words say why.
    GroupUnavailable(String),
    /// Nobody has it, or somebody else.
    NotYours,
}

/// To whom a conversation is transferred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferTarget {
    /// To this agent.
    Agent(String),
    /// To this group.
    Group(String),
}

type Handed = std::result::Result<Conversation, HandoffError>;

impl Conversations {
    /// An agent takes a conversation by hand: one that waits, one that a robot has, one that was left. It costs them
    /// room like any other.
    pub async fn claim(&self, cid: &str, agent: &str) -> Result<Handed> {
        for _ in 0..DECISIONS {
            let Some(conversation) = self.table.conversation(cid).await? else {
                return Ok(Err(HandoffError::NoConversation));
            };
            match &conversation.stage {
                Stage::Closed { .. } => return Ok(Err(HandoffError::Closed)),
                Stage::Assigned(assigned) if assigned.agent_id == agent => return Ok(Ok(conversation)),
                Stage::Assigned(assigned) => return Ok(Err(self.taken(&assigned.agent_id).await?)),
                _ => {}
            }
            if let Some(failure) = self.cannot_take(agent, false).await? {
                return Ok(Err(failure));
            }
            let group = conversation.waiting().and_then(|waiting| Queue::named(&waiting.queue));
            let group = group.and_then(|queue| if let Queue::Group(id) = queue { Some(id) } else { None });
            let mut decision = self.decision(conversation).await?;
            self.assign(&mut decision, agent, group, true, json!({ "claimed": true })).await?;
            if let Some(Stage::Assigned(assigned)) = decision.after.as_mut().map(|after| &mut after.stage) {
                // Whoever takes it by hand has taken it up.
                assigned.accepted_at = Some(assigned.since);
            }
            if let Committed::Now(after) = decision.commit(&self.table).await? {
                self.send_all(&decision).await?;
                return Ok(after.ok_or(HandoffError::NoConversation));
            }
        }
        Err(StoreError::Conflict)
    }

    /// The agent who has a conversation takes it up.
    pub async fn accept(&self, cid: &str, agent: &str) -> Result<Handed> {
        for _ in 0..DECISIONS {
            let Some(conversation) = self.table.conversation(cid).await? else {
                return Ok(Err(HandoffError::NoConversation));
            };
            match &conversation.stage {
                Stage::Closed { .. } => return Ok(Err(HandoffError::Closed)),
                Stage::Assigned(assigned) if assigned.agent_id != agent => {
                    return Ok(Err(self.taken(&assigned.agent_id).await?));
                }
                Stage::Assigned(assigned) if assigned.accepted_at.is_some() => return Ok(Ok(conversation)),
                Stage::Assigned(_) => {}
                _ => return Ok(Err(HandoffError::NotYours)),
            }
            let mut decision = self.decision(conversation).await?;
            let now = decision.now;
            if let Some(Stage::Assigned(assigned)) = decision.after.as_mut().map(|after| &mut after.stage) {
                assigned.accepted_at = Some(now);
            }
            decision.event("conversation.accepted", json!({ "agent_id": agent }));
            if let Committed::Now(after) = decision.commit(&self.table).await? {
                return Ok(after.ok_or(HandoffError::NoConversation));
            }
        }
        Err(StoreError::Conflict)
    }

    /// Hands a conversation on. `by`: the agent who does so, or nobody for an admin, who may hand on any.
    pub async fn transfer(
        &self,
        cid: &str,
        to: &TransferTarget,
        reason: Option<&str>,
        by: Option<&str>,
    ) -> Result<Handed> {
        let mut lost_races = 0;
        for _ in 0..DECISIONS {
            let Some(conversation) = self.table.conversation(cid).await? else {
                return Ok(Err(HandoffError::NoConversation));
            };
            if !conversation.is_open() {
                return Ok(Err(HandoffError::Closed));
            }
            if let (Some(by), Some(assignee)) = (by, conversation.assignee())
                && by != assignee
            {
                return Ok(Err(self.taken(assignee).await?));
            }
            let from = conversation.assignee().map(ToOwned::to_owned);
            let waited = conversation.waiting().cloned();
            let mut decision = self.decision(conversation.clone()).await?.lost_races(lost_races);
            decision.event(
                "conversation.transferred",
                json!({ "from": from, "to": shown(to), "reason": reason, "by": by }),
            );
            let queue = match to {
                TransferTarget::Agent(agent) if conversation.assignee() == Some(agent) => return Ok(Ok(conversation)),
                TransferTarget::Agent(agent) => {
                    if let Some(failure) = self.cannot_take(agent, true).await? {
                        return Ok(Err(failure));
                    }
                    self.assign(&mut decision, agent, None, true, json!({ "transferred": true })).await?;
                    None
                }
                TransferTarget::Group(group) => match self.to_group(&mut decision, group, from.as_deref()).await? {
                    Ok(queue) => queue,
                    Err(failure) => return Ok(Err(failure)),
                },
            };
            if let Some(Stage::Queued(waiting)) = decision.after.as_mut().map(|after| &mut after.stage) {
                // Whoever puts it into the queue where it waits already changes nothing about who gave it away.
                let same = waited.filter(|waited| waited.queue == waiting.queue);
                waiting.handed_on_by = from.clone().or(same.and_then(|waited| waited.handed_on_by));
            }
            match decision.commit(&self.table).await? {
                Committed::Now(after) => {
                    self.send_all(&decision).await?;
                    self.follow(queue, from).await;
                    return Ok(after.ok_or(HandoffError::NoConversation));
                }
                Committed::Agent => lost_races += 1,
                _ => {}
            }
        }
        Err(StoreError::Conflict)
    }

    async fn to_group(
        &self,
        decision: &mut Decision<'_>,
        group: &str,
        from: Option<&str>,
    ) -> Result<std::result::Result<Option<Queue>, HandoffError>> {
        let target = Target::Group(group.to_owned());
        let mut known = Known::new();
        let mut facts = self.facts(&target, decision.now).await?;
        match &mut facts {
            Facts::Missing => return Ok(Err(HandoffError::NoGroup)),
            // Whoever hands on does not get it back: where nobody else is, there is nobody to hand it on to.
            Facts::Group { members, open, .. } => {
                let all = members.len();
                members.retain(|member| Some(member.id.as_str()) != from);
                if *open && members.len() < all && !members.iter().any(AgentFacts::is_on_duty) {
                    let why = "nobody else of this group is on duty".to_owned();
                    return Ok(Err(HandoffError::GroupUnavailable(why)));
                }
            }
            Facts::Agent { .. } => {}
        }
        known.insert(target.clone(), facts);
        let plan = Plan::new(vec![Level::from(target)], None, decision.reception.after_hours);
        let routed = self.route(&plan, Mode::Full, decision.now, &mut known).await?;
        if matches!(routed.outcome, Outcome::LeaveMessage { .. } | Outcome::Robot { .. }) {
            let why = routed.trail.last().map(|passage| passage.because.clone()).unwrap_or_default();
            return Ok(Err(HandoffError::GroupUnavailable(why)));
        }
        let because = json!({ "transferred": true });
        let way = Way { plan: &plan, known: &known, robot_id: None, since: decision.now, tell: true, because };
        self.hand(decision, &routed, &way).await.map(Ok)
    }

    /// Ends a conversation; one that has ended stays as it is.
    pub async fn close(&self, cid: &str, by: &str, summary: Option<Value>) -> Result<Handed> {
        for _ in 0..DECISIONS {
            let Some(conversation) = self.table.conversation(cid).await? else {
                return Ok(Err(HandoffError::NoConversation));
            };
            if !conversation.is_open() {
                return Ok(Ok(conversation));
            }
            let freed = conversation.assignee().map(ToOwned::to_owned);
            let mut decision = self.decision(conversation).await?;
            Self::end(&mut decision, by, summary.as_ref());
            if let Committed::Now(after) = decision.commit(&self.table).await? {
                self.follow(None, freed).await;
                return Ok(after.ok_or(HandoffError::NoConversation));
            }
        }
        Err(StoreError::Conflict)
    }

    /// Sets an agent's status; whoever comes online gets what waits, as much of it as a request has time for.
    /// [`StoreError::Conflict`] when there is no such agent.
    pub async fn set_status(&self, agent: &str, status: &str, reason: Option<&str>) -> Result<Duty> {
        let duty = self.table.set_status(agent, status, reason).await?;
        if status != "online" {
            return Ok(duty);
        }
        self.follow(None, Some(agent.to_owned())).await;
        Ok(self.table.duty(agent).await?.unwrap_or(duty))
    }

    /// What follows a change that is made, and stays so: who could not be assigned now is assigned by the next tick.
    async fn follow(&self, queue: Option<Queue>, freed: Option<String>) {
        let drained = async {
            if let Some(queue) = queue {
                self.begin_drain(&[queue]).await?;
            }
            match freed {
                Some(agent) => self.drain_for(&agent).await,
                None => Ok(0),
            }
        };
        if let Err(error) = drained.await {
            tracing::error!(%error, "those who wait were not assigned");
        }
    }

    /// Why an agent cannot take a conversation by hand. `present`: their workbench must be open, too. Whoever is busy or
    /// in a break takes none by rule, but may be given one by a person who knows what they do.
    async fn cannot_take(&self, agent: &str, present: bool) -> Result<Option<HandoffError>> {
        let Some(duty) = self.table.duty(agent).await? else {
            return Ok(Some(HandoffError::NoAgent));
        };
        let facts = agent_facts(&duty, self.table.clock().now());
        Ok(if duty.status == "offline" || (present && !facts.present) {
            Some(HandoffError::AgentOffline)
        } else if duty.load >= duty.capacity {
            Some(HandoffError::AgentFull)
        } else {
            None
        })
    }

    async fn taken(&self, agent: &str) -> Result<HandoffError> {
        let name = self.table.duty(agent).await?.map(|duty| duty.name).unwrap_or_default();
        Ok(HandoffError::Taken { agent_id: agent.to_owned(), name })
    }

    /// A decision about a conversation as it stands.
    pub(crate) async fn decision(&self, conversation: Conversation) -> Result<Decision<'static>> {
        let thread = conversation.thread();
        let (visitor, binding) = tokio::try_join!(self.table.visitor(&thread), self.table.binding(&thread.app_id))?;
        let now = self.table.clock().now();
        Ok(Decision::new(thread, reception(binding.as_ref()), visitor, Some(conversation), now))
    }

    /// Sends what a decision says, now that it is written.
    pub(crate) async fn send_all(&self, decision: &Decision<'_>) -> Result<()> {
        for id in decision.sends() {
            self.channel.deliver(&decision.thread, id, RetryPolicy::Retry).await?;
        }
        Ok(())
    }
}

fn shown(to: &TransferTarget) -> Value {
    match to {
        TransferTarget::Agent(id) => json!({ "agent_id": id }),
        TransferTarget::Group(id) => json!({ "group_id": id }),
    }
}
