//! Where a conversation goes: reads the facts that the routing rules of `desk` ask for.

mod plan;

use std::{collections::BTreeMap, sync::Arc};

use desk::{
    calendar::Calendar,
    routing::{self, Facts, Mode, Outcome, Plan, RoutingDecision, RoutingStep, Target},
    staff::{AgentFacts, Group},
};
use jiff::Timestamp;
use store::{Duty, Queue, ReadConsistency, Result};

pub(crate) use plan::{PlannedRoute, current_session_from, stored_plan};

use crate::events::RoutingCause;
use crate::handles::Handles;

/// The targets that a routing decision has read.
pub(crate) type RoutingFacts = BTreeMap<Target, Facts>;

/// What a routing decision is applied with.
#[derive(Debug, Clone)]
pub(crate) struct RoutingContext<'a> {
    /// The plan that was routed by.
    pub(crate) plan: &'a Plan,
    /// The facts that were read for it.
    pub(crate) facts: &'a RoutingFacts,
    /// The robot that answers where the decision is for a robot.
    pub(crate) robot_id: Option<&'a str>,
    /// Since when the visitor waits.
    pub(crate) since: Timestamp,
    /// Whether the visitor is told which agent they have or that they wait. The invitation to leave a message is always
    /// sent.
    pub(crate) tell_visitor: bool,
    /// What made the conversation change hands.
    pub(crate) cause: RoutingCause,
}

/// Who is routed, when and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoutingTerms<'a> {
    /// The mini program of the visitor.
    pub(crate) app_id: &'a str,
    /// The outcomes that the decision can have.
    pub(crate) mode: Mode,
    /// The time of the decision.
    pub(crate) now: Timestamp,
    /// How current the facts are.
    pub(crate) freshness: Freshness,
}

/// How current the facts of a routing decision are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Settings from the cache, and agents read eventually consistent, at half the cost. For a decision that is checked: the
    /// transaction requires that the agent is free, and a queue is drained by current facts once the conversation has joined it.
    Recent,
    /// As they are in the table.
    Current,
}

/// The facts about a queue's agents, without the length of the queue.
#[derive(Debug)]
pub(crate) struct Staff {
    /// The facts, with a length of 0.
    pub(crate) facts: Facts,
    /// The agents, as far as they exist.
    pub(crate) duties: Vec<Duty>,
}

/// Routes conversations.
#[derive(Debug, Clone)]
pub(crate) struct Router {
    store: Arc<Handles>,
}

impl Router {
    pub(crate) fn new(store: Arc<Handles>) -> Self {
        Self { store }
    }

    pub(crate) fn store(&self) -> &Arc<Handles> {
        &self.store
    }

    /// Routes by a plan. Reads only the targets that the rules ask for and adds them to `facts`.
    pub(crate) async fn route(
        &self,
        plan: &Plan,
        terms: &RoutingTerms<'_>,
        facts: &mut RoutingFacts,
    ) -> Result<RoutingDecision> {
        loop {
            match routing::route(plan, facts, terms.mode, terms.now) {
                RoutingStep::FactsNeeded(target) => {
                    let found = self.facts(&target, terms).await?;
                    facts.insert(target, found);
                }
                RoutingStep::Decided(routed) => return Ok(routed),
            }
        }
    }

    /// The facts about a target: staff and queue as they are now, working hours as they are at the time of the decision.
    pub(crate) async fn facts(&self, target: &Target, terms: &RoutingTerms<'_>) -> Result<Facts> {
        let RoutingTerms { app_id, now: at, freshness, .. } = *terms;
        let now = self.store.clock.now();
        let consistency = match freshness {
            Freshness::Recent => ReadConsistency::Eventual,
            Freshness::Current => ReadConsistency::Strong,
        };
        match target {
            Target::Group(id) => {
                let Some(group) = self.group(id, freshness).await? else {
                    return Ok(Facts::Missing);
                };
                let queue = Queue::Group(id.clone());
                // Boxed, because three calls at once would add 18 kB to the future of everything that routes.
                let (duties, waiting, open) = tokio::try_join!(
                    Box::pin(self.store.staff.duties_with(&group.members, consistency)),
                    Box::pin(self.store.queues.length(&queue)),
                    Box::pin(self.is_open(group.calendar_id.as_deref(), at, freshness)),
                )?;
                let members = duties.iter().map(|duty| agent_facts(duty, now)).collect();
                let of_mini_program = waiting.share_of(app_id).map(|share| share.entries);
                Ok(Facts::Group { group, members, open, waiting: waiting.entries, of_mini_program })
            }
            Target::Agent(id) => {
                let queue = Queue::Agent(id.clone());
                let (duty, waiting) =
                    tokio::try_join!(self.store.staff.duty_with(id, consistency), self.store.queues.length(&queue))?;
                Ok(duty.map_or(Facts::Missing, |duty| Facts::Agent {
                    agent: agent_facts(&duty, now),
                    waiting: waiting.entries,
                }))
            }
        }
    }

    /// The agents of a target and its working hours, as they are now in the table.
    pub(crate) async fn staff(&self, target: &Target) -> Result<Staff> {
        let now = self.store.clock.now();
        let missing = || Staff { facts: Facts::Missing, duties: Vec::new() };
        match target {
            Target::Group(id) => {
                let Some(group) = self.group(id, Freshness::Current).await? else {
                    return Ok(missing());
                };
                let (duties, open) = tokio::try_join!(
                    Box::pin(self.store.staff.duties(&group.members)),
                    Box::pin(self.is_open(group.calendar_id.as_deref(), now, Freshness::Current)),
                )?;
                let members = duties.iter().map(|duty| agent_facts(duty, now)).collect();
                Ok(Staff { facts: Facts::Group { group, members, open, waiting: 0, of_mini_program: None }, duties })
            }
            Target::Agent(id) => Ok(match self.store.staff.duty(id).await? {
                Some(duty) => {
                    Staff { facts: Facts::Agent { agent: agent_facts(&duty, now), waiting: 0 }, duties: vec![duty] }
                }
                None => missing(),
            }),
        }
    }

    async fn group(&self, id: &str, freshness: Freshness) -> Result<Option<Group>> {
        Ok(match freshness {
            Freshness::Recent => self.store.cache.group(id).await?.map(|group| group.settings.clone()),
            Freshness::Current => self.store.settings.record(id).await?.map(|group| group.settings),
        })
    }

    /// Whether it is working time. A group without a calendar, or with a deleted one, is always open.
    async fn is_open(&self, calendar: Option<&str>, at: Timestamp, freshness: Freshness) -> Result<bool> {
        let Some(id) = calendar else {
            return Ok(true);
        };
        let is_open = |calendar: &Calendar| calendar.is_open(at);
        Ok(match freshness {
            Freshness::Recent => self.store.cache.calendar(id).await?.is_none_or(|found| is_open(&found.settings)),
            Freshness::Current => self.store.settings.record(id).await?.is_none_or(|found| is_open(&found.settings)),
        })
    }
}

/// Whether a routing decision leads to an agent, now or through a queue.
pub(crate) fn leads_to_agent(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Assign { .. } | Outcome::Queue { .. })
}

/// What the rules need to know about an agent.
pub(crate) fn agent_facts(duty: &Duty, now: Timestamp) -> AgentFacts {
    AgentFacts {
        id: duty.agent_id.clone(),
        status: duty.status,
        present: duty.present_until > now,
        load: duty.load,
        in_flight: 0,
        capacity: duty.capacity,
        last_assigned_at: duty.last_assigned_at,
    }
}

/// The queue of a target.
pub(crate) fn queue_of(target: &Target) -> Queue {
    match target {
        Target::Group(id) => Queue::Group(id.clone()),
        Target::Agent(id) => Queue::Agent(id.clone()),
    }
}

/// The target of a queue; `None` for left messages.
pub(crate) fn target_of(queue: &Queue) -> Option<Target> {
    match queue {
        Queue::Group(id) => Some(Target::Group(id.clone())),
        Queue::Agent(id) => Some(Target::Agent(id.clone())),
        Queue::LeftMessages => None,
    }
}
