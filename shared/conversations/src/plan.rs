//! Where a conversation may go, and the facts that the decision asks for.

use std::collections::BTreeMap;

use desk::{
    calendar::Calendar,
    merchant::{self, Merchant},
    routing::{
        self, AGENT_QUEUE_MAX, Facts, LastAgent, Level, Plan, RoutingDecision, RoutingStep, Target, TargetKind,
        TransferLevel, Warning, WarningCode,
    },
    settings::Reception,
    staff::{AgentFacts, AgentStatus, Group},
};
use jiff::{SignedDuration, Timestamp};
use store::{Binding, Conversation, Duty, Kind, Queue, Result, Visitor};
use wechat::session_from::{self, PlatformAction, SessionFrom};

use crate::Conversations;

/// The facts that a decision has asked for.
pub(crate) type Known = BTreeMap<Target, Facts>;

/// Where a visitor's conversation may go.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) robot_id: Option<String>,
}

/// The plan that a conversation was last handed on by.
pub(crate) fn kept_plan(conversation: &Conversation) -> Option<Plan> {
    serde_json::from_value(conversation.plan.clone()).ok()
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

impl Conversations {
    /// Makes the plan: the levels of `transfer_action`; if they lead nowhere, behind them the groups of
    /// `platform_action`; if these lead nowhere either, the binding's group. Nobody is lost for a wrong id.
    pub(crate) async fn plan(
        &self,
        reception: &Reception,
        visitor: &Visitor,
        from: Option<&SessionFrom>,
    ) -> Result<Planned> {
        let (mut levels, mut warnings) = match from {
            Some(from) => self.levels(from).await?,
            None => (Vec::new(), Vec::new()),
        };
        if let Some(action) = from.and_then(|from| from.platform_action.as_ref())
            && routing::all_unresolved(&levels)
        {
            let (groups, odd) = self.of_platform(action).await?;
            routing::append_levels(&mut levels, groups);
            warnings.extend(odd);
        }
        if let Some(group) = &reception.group_id
            && routing::all_unresolved(&levels)
        {
            routing::append_levels(&mut levels, vec![Level::from(Target::Group(group.clone()))]);
        }
        warnings.dedup();
        let mut robot_id = None;
        if let Some(named) = from.and_then(|from| from.robotid.as_deref()) {
            robot_id = self.table.resolve(Kind::Robot, named).await?;
            if robot_id.is_none() {
                let detail = format!("no robot has the robotid {named:?}; the mini program's own answers");
                warnings.push(Warning { level: 0, code: WarningCode::RobotNotFound, detail });
            }
        }
        let robot_id = robot_id.or_else(|| reception.robot_id.clone());
        let sticky = visitor.last_agent.as_ref().map(|(agent, at)| LastAgent { agent: agent.clone(), at: *at });
        let plan = Plan { robot_id: robot_id.clone(), ..Plan::new(levels, sticky, reception.after_hours) };
        Ok(Planned { plan, warnings, robot_id })
    }

    async fn levels(&self, from: &SessionFrom) -> Result<(Vec<Level>, Vec<Warning>)> {
        let mut asked = Vec::new();
        let mut known = BTreeMap::new();
        for wanted in &from.transfer_action {
            let kind = wanted.action_type.as_deref().and_then(TargetKind::from_action_type);
            let named = wanted.deci_id.clone().unwrap_or_default();
            let id = named.trim();
            if let Some(kind) = kind
                && asked.len() < usize::from(routing::LEVELS_MAX)
                && !id.is_empty()
            {
                let found = match kind {
                    TargetKind::Group => self.table.resolve(Kind::Group, id).await?.map(Target::Group),
                    TargetKind::Agent => self.table.resolve(Kind::Agent, id).await?.map(Target::Agent),
                };
                known.insert((kind == TargetKind::Group, id.to_owned()), found);
            }
            let (option_id, spill_id) = (wanted.option_id.clone(), wanted.spill_id.clone());
            asked.push(TransferLevel { kind, named, option_id, spill_id });
        }
        Ok(routing::levels_from_transfer_action(&asked, |kind, id| {
            known.get(&(kind == TargetKind::Group, id.to_owned())).cloned().flatten()
        }))
    }

    /// The merchant's group, and when it cannot take the visitor, the main account's.
    async fn of_platform(&self, action: &PlatformAction) -> Result<(Vec<Level>, Vec<Warning>)> {
        let code = action.customer_code.as_deref().unwrap_or_default().trim();
        let merchant = match self.table.resolve(Kind::Merchant, code).await? {
            Some(id) => self.table.record::<Merchant>(Kind::Merchant, &id).await?,
            None => None,
        };
        let flow = action.flow_group_id.as_deref().map(str::trim);
        let group = match flow {
            Some(named) => self.table.resolve(Kind::Group, named).await?,
            None => None,
        };
        let merchant = merchant.map(|merchant| merchant.settings);
        Ok(merchant::levels_from_platform_action(code, merchant.as_ref(), flow, |_, _| group.map(Target::Group)))
    }

    /// Routes by a plan; reads what the decision asks for and nothing else.
    pub(crate) async fn route(
        &self,
        plan: &Plan,
        mode: routing::Mode,
        now: Timestamp,
        known: &mut Known,
    ) -> Result<RoutingDecision> {
        loop {
            match routing::route(plan, known, mode, now) {
                RoutingStep::FactsNeeded(target) => {
                    let facts = self.facts(&target, now).await?;
                    known.insert(target, facts);
                }
                RoutingStep::Decided(routed) => return Ok(routed),
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
