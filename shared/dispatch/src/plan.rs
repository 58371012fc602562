//! Where a conversation may go, and the facts that the decision asks for.

use std::collections::BTreeMap;

use desk::{
    calendar::Calendar,
    merchant::{self, Merchant},
    routing::{self, AGENT_QUEUE_MAX, Asked, Facts, Level, Next, Plan, Routed, Target, TargetKind, Warning},
    settings::Reception,
    staff::{AgentFacts, AgentStatus, Group},
};
use jiff::{SignedDuration, Timestamp};
use store::{Binding, Duty, Kind, Queue, Result, Visitor};
use wechat::session_from::{self, SessionFrom};

use crate::Dispatch;

/// The facts that a decision has asked for.
pub(crate) type Known = BTreeMap<Target, Facts>;

/// Where a visitor's conversation may go.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) robot_id: Option<String>,
}

/// How a mini program's visitors are received.
pub fn reception(binding: Option<&Binding>) -> Reception {
    let set = binding.map(|binding| binding.reception.clone()).filter(|set| !set.is_null());
    set.and_then(|set| serde_json::from_value(set).ok()).unwrap_or_default()
}

/// What the visitor entered with, as long as it chooses.
pub(crate) fn choosing(reception: &Reception, visitor: &Visitor, now: Timestamp) -> Option<SessionFrom> {
    let life = SignedDuration::from_mins(i64::from(reception.session_from_minutes));
    let fresh = visitor.session_from_at.is_some_and(|at| now.duration_since(at) <= life);
    let text = visitor.session_from.as_deref().filter(|_| fresh && !reception.locked)?;
    Some(session_from::parse(text))
}

impl Dispatch {
    /// Makes the plan: the levels of `transfer_action`, or the groups of `platform_action`, or the binding's group.
    pub(crate) async fn plan(
        &self,
        reception: &Reception,
        visitor: &Visitor,
        from: Option<&SessionFrom>,
    ) -> Result<Planned> {
        let (mut levels, mut warnings) = match from {
            Some(from) if !from.transfer_action.is_empty() => self.levels(from).await?,
            Some(from) if from.platform_action.is_some() => self.of_platform(from).await?,
            _ => (Vec::new(), Vec::new()),
        };
        // Nobody is lost for a wrong id: where no level leads anywhere, the binding's own group does.
        if levels.iter().all(|level| level.target.is_none())
            && let Some(group) = &reception.group_id
        {
            levels = vec![Level::from(Target::Group(group.clone()))];
        }
        warnings.dedup();
        let robot_id = match from.and_then(|from| from.robotid.as_deref()) {
            Some(named) => self.table.resolve(Kind::Robot, named).await?,
            None => None,
        };
        let sticky = visitor.last_agent.as_ref().map(|(agent, _)| agent.clone());
        Ok(Planned {
            plan: Plan::new(levels, sticky, reception.after_hours),
            warnings,
            robot_id: robot_id.or_else(|| reception.robot_id.clone()),
        })
    }

    async fn levels(&self, from: &SessionFrom) -> Result<(Vec<Level>, Vec<Warning>)> {
        let number = |text: &Option<String>| text.as_deref().and_then(|text| text.trim().parse().ok());
        let mut asked = Vec::new();
        let mut known = BTreeMap::new();
        for wanted in &from.transfer_action {
            let kind = match wanted.action_type.as_deref() {
                Some("to_group") => Some(TargetKind::Group),
                Some("to_service") => Some(TargetKind::Agent),
                _ => None,
            };
            let named = wanted.deci_id.clone().unwrap_or_default();
            if let Some(kind) = kind
                && asked.len() < usize::from(routing::LEVELS_MAX)
                && !named.is_empty()
            {
                let found = match kind {
                    TargetKind::Group => self.table.resolve(Kind::Group, &named).await?.map(Target::Group),
                    TargetKind::Agent => self.table.resolve(Kind::Agent, &named).await?.map(Target::Agent),
                };
                known.insert((kind == TargetKind::Group, named.clone()), found);
            }
            let (option_id, spill_id) = (number(&wanted.option_id), number(&wanted.spill_id));
            asked.push(Asked { kind, named, option_id, spill_id });
        }
        Ok(routing::levels(&asked, |kind, named| {
            known.get(&(kind == TargetKind::Group, named.to_owned())).cloned().flatten()
        }))
    }

    /// The merchant's group, and when it cannot take the visitor, the main account's.
    async fn of_platform(&self, from: &SessionFrom) -> Result<(Vec<Level>, Vec<Warning>)> {
        let Some(action) = &from.platform_action else {
            return Ok((Vec::new(), Vec::new()));
        };
        let code = action.customer_code.as_deref().unwrap_or_default();
        let merchant = match self.table.resolve(Kind::Merchant, code).await? {
            Some(id) => self.table.record::<Merchant>(Kind::Merchant, &id).await?,
            None => None,
        };
        let flow = action.flow_group_id.as_deref();
        let group = match flow {
            Some(named) => self.table.resolve(Kind::Group, named).await?,
            None => None,
        };
        let merchant = merchant.map(|merchant| merchant.settings);
        Ok(merchant::levels(code, merchant.as_ref(), flow, |_, _| group.map(Target::Group)))
    }

    /// Routes by a plan; reads what the decision asks for and nothing else.
    pub(crate) async fn route(
        &self,
        plan: &Plan,
        mode: routing::Mode,
        now: Timestamp,
        known: &mut Known,
    ) -> Result<Routed> {
        loop {
            match routing::route(plan, known, mode) {
                Next::Need(target) => {
                    let facts = self.facts(&target, now).await?;
                    known.insert(target, facts);
                }
                Next::Done(routed) => return Ok(routed),
            }
        }
    }

    /// What is known of a target: staff and queues as they are now, working hours as they are `at` a time.
    pub(crate) async fn facts(&self, target: &Target, at: Timestamp) -> Result<Facts> {
        let now = self.table.clock().now();
        match target {
            Target::Group(id) => {
                let Some(group) = self.table.record::<Group>(Kind::Group, id).await? else {
                    return Ok(Facts::Missing);
                };
                let group = group.settings;
                let queue = Queue::Group(id.clone());
                // Boxed: three calls at once would weigh 18 kB in the future of everything that routes.
                let (duties, waiting, open) = tokio::try_join!(
                    Box::pin(self.table.duties(&group.members)),
                    Box::pin(self.table.count_waiting(&queue, None, group.max_queue)),
                    Box::pin(self.is_open(group.calendar_id.as_deref(), at)),
                )?;
                let members = duties.iter().map(|duty| agent_facts(duty, now)).collect();
                Ok(Facts::Group { group, members, open, waiting })
            }
            Target::Agent(id) => {
                let queue = Queue::Agent(id.clone());
                let (duty, waiting) =
                    tokio::try_join!(self.table.duty(id), self.table.count_waiting(&queue, None, AGENT_QUEUE_MAX))?;
                Ok(duty.map_or(Facts::Missing, |duty| Facts::Agent { agent: agent_facts(&duty, now), waiting }))
            }
        }
    }

    /// Whether it is working time. A calendar that is gone closes nothing.
    async fn is_open(&self, calendar: Option<&str>, at: Timestamp) -> Result<bool> {
        let Some(id) = calendar else {
            return Ok(true);
        };
        let calendar = self.table.record::<Calendar>(Kind::Calendar, id).await?;
        Ok(calendar.is_none_or(|calendar| calendar.settings.is_open(at)))
    }
}

/// What the rules need to know of an agent on duty.
pub(crate) fn agent_facts(duty: &Duty, now: Timestamp) -> AgentFacts {
    let status = match duty.status.as_str() {
        "online" => AgentStatus::Online,
        "busy" => AgentStatus::Busy,
        "away" => AgentStatus::Away,
        _ => AgentStatus::Offline,
    };
    AgentFacts {
        id: duty.agent_id.clone(),
        status,
        present: duty.present_until > now,
        load: duty.load,
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

/// The target of a queue.
pub(crate) fn target_of(queue: &Queue) -> Option<Target> {
    match queue {
        Queue::Group(id) => Some(Target::Group(id.clone())),
        Queue::Agent(id) => Some(Target::Agent(id.clone())),
        Queue::LeftMessages => None,
    }
}
