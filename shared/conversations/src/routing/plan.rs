//! The routing plan of a visitor, from `session-from` and the mini program's settings.

use std::collections::BTreeMap;

use desk::{
    merchant::{self, Merchant},
    routing::{self, LastAgent, Level, Plan, Target, TargetKind, TransferLevel, Warning, WarningCode},
    settings::Reception,
};
use jiff::{SignedDuration, Timestamp};
use store::{Conversation, Kind, Result, Visitor};
use wechat::session_from::{self, PlatformAction, SessionFrom};

use super::Router;

/// A routing plan and how it came about.
#[derive(Debug, Clone)]
pub(crate) struct PlannedRoute {
    /// The plan.
    pub(crate) plan: Plan,
    /// Irregularities of what `session-from` asked for.
    pub(crate) warnings: Vec<Warning>,
    /// The visitor's robot.
    pub(crate) robot_id: Option<String>,
}

impl PlannedRoute {
    /// A plan without levels, for a conversation that stays where it is.
    pub(crate) fn empty(reception: &Reception) -> Self {
        let plan = Plan::new(Vec::new(), None, reception.after_hours);
        Self { plan, warnings: Vec::new(), robot_id: None }
    }
}

/// The plan that a conversation was last routed by.
pub(crate) fn stored_plan(conversation: &Conversation) -> Option<Plan> {
    conversation.plan.clone()
}

/// The visitor's `session-from`, unless it is too old or the mini program's settings are locked against it.
pub(crate) fn current_session_from(reception: &Reception, visitor: &Visitor, now: Timestamp) -> Option<SessionFrom> {
    let life = SignedDuration::from_mins(i64::from(reception.session_from_minutes));
    let fresh = visitor.session_from_at.is_some_and(|at| now.duration_since(at) <= life);
    let text = visitor.session_from.as_deref().filter(|_| fresh && !reception.locked)?;
    Some(session_from::parse_bounded(text))
}

impl Router {
    /// Makes a plan: the levels of `transfer_action`; if none of their targets exists, the groups of `platform_action`
    /// after them; if none of these exists either, the mini program's group. So a wrong id never loses a visitor.
    pub(crate) async fn plan(
        &self,
        reception: &Reception,
        visitor: &Visitor,
        from: Option<&SessionFrom>,
    ) -> Result<PlannedRoute> {
        let (mut levels, mut warnings) = match from {
            Some(from) => self.transfer_levels(from).await?,
            None => (Vec::new(), Vec::new()),
        };
        if let Some(action) = from.and_then(|from| from.platform_action.as_ref())
            && routing::all_unresolved(&levels)
        {
            let (groups, more) = self.platform_levels(action).await?;
            routing::append_levels(&mut levels, groups);
            warnings.extend(more);
        }
        if let Some(group) = &reception.group_id
            && routing::all_unresolved(&levels)
        {
            routing::append_levels(&mut levels, vec![Level::from(Target::Group(group.clone()))]);
        }
        warnings.dedup();
        let mut robot_id = None;
        if let Some(named) = from.and_then(|from| from.robotid.as_deref()) {
            robot_id = self.store.settings.resolve(Kind::Robot, named).await?;
            if robot_id.is_none() {
                let detail = format!("no robot has the robotid {named:?}; the mini program's own answers");
                warnings.push(Warning { level: 0, code: WarningCode::RobotNotFound, detail });
            }
        }
        let robot_id = robot_id.or_else(|| reception.robot_id.clone());
        let sticky = visitor.last_agent.as_ref().map(|(agent, at)| LastAgent { agent: agent.clone(), at: *at });
        let plan = Plan { robot_id: robot_id.clone(), ..Plan::new(levels, sticky, reception.after_hours) };
        Ok(PlannedRoute { plan, warnings, robot_id })
    }

    /// The levels of `transfer_action`, with our ids in place of other vendors'.
    async fn transfer_levels(&self, from: &SessionFrom) -> Result<(Vec<Level>, Vec<Warning>)> {
        let mut asked = Vec::new();
        let mut resolved = BTreeMap::new();
        for wanted in &from.transfer_action {
            let kind = wanted.action_type.as_deref().and_then(TargetKind::from_action_type);
            let given_id = wanted.deci_id.clone().unwrap_or_default();
            let id = given_id.trim();
            if let Some(kind) = kind
                && asked.len() < usize::from(routing::LEVELS_MAX)
                && !id.is_empty()
            {
                let found = match kind {
                    TargetKind::Group => self.store.settings.resolve(Kind::Group, id).await?.map(Target::Group),
                    TargetKind::Agent => self.store.settings.resolve(Kind::Agent, id).await?.map(Target::Agent),
                };
                resolved.insert((kind == TargetKind::Group, id.to_owned()), found);
            }
            let (option_id, spill_id) = (wanted.option_id.clone(), wanted.spill_id.clone());
            asked.push(TransferLevel { kind, given_id, option_id, spill_id });
        }
        Ok(routing::levels_from_transfer_action(&asked, |kind, id| {
            resolved.get(&(kind == TargetKind::Group, id.to_owned())).cloned().flatten()
        }))
    }

    /// The levels of `platform_action`: the merchant's group and, when it cannot take the visitor, the main account's.
    async fn platform_levels(&self, action: &PlatformAction) -> Result<(Vec<Level>, Vec<Warning>)> {
        let code = action.customer_code.as_deref().unwrap_or_default().trim();
        let merchant = match self.store.settings.resolve(Kind::Merchant, code).await? {
            Some(id) => self.store.settings.record::<Merchant>(&id).await?,
            None => None,
        };
        let flow = action.flow_group_id.as_deref().map(str::trim);
        let group = match flow {
            Some(named) => self.store.settings.resolve(Kind::Group, named).await?,
            None => None,
        };
        let merchant = merchant.map(|merchant| merchant.settings);
        Ok(merchant::levels_from_platform_action(code, merchant.as_ref(), flow, |_, _| group.map(Target::Group)))
    }
}
