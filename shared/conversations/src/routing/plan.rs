//! The routing plan of a visitor, from `session-from` and the mini program's settings.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use desk::{
    merchant::{self, Merchant},
    routing::{self, LastAgent, Level, Lookup, Plan, Target, TargetKind, TransferLevel, Warning, WarningCode},
    settings::Reception,
};
use jiff::{SignedDuration, Timestamp};
use store::{Conversation, Kind, Result, Visitor};
use wechat::session_from::{self, PlatformAction, SessionFrom, Verification};

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
    /// Whether `session-from` names a group, an agent or a merchant that exists and is allowed.
    pub(crate) names_target: bool,
    /// Whether `session-from` names a robot that exists and is allowed.
    pub(crate) names_robot: bool,
}

impl PlannedRoute {
    /// A plan without levels, for a conversation that stays where it is.
    pub(crate) fn empty(reception: &Reception) -> Self {
        let plan = Plan::new(Vec::new(), None, reception.after_hours);
        Self { plan, warnings: Vec::new(), robot_id: None, names_target: false, names_robot: false }
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

/// Which targets the visitor's `session-from` may name.
struct Reach<'a> {
    router: &'a Router,
    reception: &'a Reception,
    /// Whether the signature of the `session-from` is verified: then it may name any target.
    verified: bool,
}

impl Reach<'_> {
    async fn lookup(&self, target: Option<Target>) -> Result<Lookup> {
        let Some(target) = target else { return Ok(Lookup::NotFound) };
        if self.verified {
            return Ok(Lookup::Found(target));
        }
        let (allow, group_id) = (&self.reception.allow, self.reception.group_id.as_deref());
        let merchant_groups = if allow.asks_for_merchants(&target, group_id) {
            self.router.store.cache.merchant_groups().await?
        } else {
            Arc::new(BTreeSet::new())
        };
        Ok(if allow.target(&target, group_id, &merchant_groups) { Lookup::Found(target) } else { Lookup::NotAllowed })
    }

    fn allows_robot(&self, id: &str) -> bool {
        self.verified || self.reception.allow.robot(id, self.reception.robot_id.as_deref())
    }
}

impl Router {
    /// Makes a plan: the levels of `transfer_action`; if none of their targets exists, the groups of `platform_action`
    /// after them; if none of these exists either, the mini program's group. So a wrong id never loses a visitor. Targets that
    /// the binding's allow-list does not have count as wrong, unless the signature of the `session-from` is verified.
    pub(crate) async fn plan(
        &self,
        reception: &Reception,
        visitor: &Visitor,
        from: Option<&SessionFrom>,
    ) -> Result<PlannedRoute> {
        let verified = visitor.verification == Some(Verification::Verified);
        let reach = Reach { router: self, reception, verified };
        let (mut levels, mut warnings) = match from {
            Some(from) => self.transfer_levels(from, &reach).await?,
            None => (Vec::new(), Vec::new()),
        };
        if let Some(action) = from.and_then(|from| from.platform_action.as_ref())
            && routing::all_unresolved(&levels)
        {
            let (groups, more) = self.platform_levels(action, &reach).await?;
            routing::append_levels(&mut levels, groups);
            warnings.extend(more);
        }
        let names_target = !routing::all_unresolved(&levels);
        if let Some(group) = reception.group_id.as_ref().filter(|_| !names_target) {
            routing::append_levels(&mut levels, vec![Level::from(Target::Group(group.clone()))]);
        }
        warnings.dedup();
        let named = match from.and_then(|from| from.robotid.as_deref()) {
            Some(named) => self.named_robot(named, &reach, &mut warnings).await?,
            None => None,
        };
        let names_robot = named.is_some();
        let robot_id = named.or_else(|| reception.robot_id.clone());
        let sticky = visitor.last_agent.as_ref().map(|(agent, at)| LastAgent { agent: agent.clone(), at: *at });
        let plan = Plan { robot_id: robot_id.clone(), ..Plan::new(levels, sticky, reception.after_hours) };
        Ok(PlannedRoute { plan, warnings, robot_id, names_target, names_robot })
    }

    /// The robot that `robotid` names, or else a warning.
    async fn named_robot(&self, named: &str, reach: &Reach<'_>, warnings: &mut Vec<Warning>) -> Result<Option<String>> {
        let (code, detail) = match self.store.settings.resolve(Kind::Robot, named).await? {
            Some(id) if reach.allows_robot(&id) => return Ok(Some(id)),
            Some(_) => {
                let detail = "the allow-list of the binding does not have the robotid";
                (WarningCode::NotAllowed, format!("{detail} {named:?}; the mini program's own answers"))
            }
            None => (
                WarningCode::RobotNotFound,
                format!("no robot has the robotid {named:?}; the mini program's own answers"),
            ),
        };
        warnings.push(Warning { level: 0, code, detail });
        Ok(None)
    }

    /// The levels of `transfer_action`, with our ids in place of other vendors'.
    async fn transfer_levels(&self, from: &SessionFrom, reach: &Reach<'_>) -> Result<(Vec<Level>, Vec<Warning>)> {
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
                resolved.insert((kind == TargetKind::Group, id.to_owned()), reach.lookup(found).await?);
            }
            let (option_id, spill_id) = (wanted.option_id.clone(), wanted.spill_id.clone());
            asked.push(TransferLevel { kind, given_id, option_id, spill_id });
        }
        Ok(routing::levels_from_transfer_action(&asked, |kind, id| {
            resolved.get(&(kind == TargetKind::Group, id.to_owned())).cloned().unwrap_or(Lookup::NotFound)
        }))
    }

    /// The levels of `platform_action`: the merchant's group and, when it cannot take the visitor, the main account's.
    async fn platform_levels(&self, action: &PlatformAction, reach: &Reach<'_>) -> Result<(Vec<Level>, Vec<Warning>)> {
        let code = action.customer_code.as_deref().unwrap_or_default().trim();
        let merchant = match self.store.settings.resolve(Kind::Merchant, code).await? {
            Some(id) => self.store.settings.record::<Merchant>(&id).await?,
            None => None,
        };
        let flow = action.flow_group_id.as_deref().map(str::trim);
        let group = match flow {
            Some(named) => self.store.settings.resolve(Kind::Group, named).await?.map(Target::Group),
            None => None,
        };
        let group = reach.lookup(group).await?;
        let merchant = merchant.map(|merchant| merchant.settings);
        Ok(merchant::levels_from_platform_action(code, merchant.as_ref(), flow, |_, _| group))
    }
}
