//! Routing simulation: the same rules on the same facts, without a change.

use std::sync::Arc;

use desk::{
    reception::{Handler, Incoming, NextStep, ReceptionInput, WithoutTarget, decide},
    routing::{self, Outcome, Plan, TrailEntry},
    settings::Mode,
};
use jiff::Timestamp;
use serde::Serialize;
use store::{Result, Thread, Vault, Visitor};
use wechat::session_from::{self, SessionFrom};

use crate::{
    handles::Handles,
    reception_settings::reception,
    routing::{Freshness, PlannedRoute, Router, RoutingFacts, RoutingTerms, current_session_from},
    session_start::verify,
};

/// A text by which a visitor asks for a person.
const ASK_FOR_PERSON: &str = "转人工";

/// The visitor to simulate.
#[derive(Debug, Clone)]
pub struct Simulation<'a> {
    /// The mini program.
    pub app_id: &'a str,
    /// The `session-from` that the visitor enters with.
    pub session_from: &'a str,
    /// The visitor's first message.
    pub text: &'a str,
    /// A known visitor, whose last agent counts.
    pub openid: Option<&'a str>,
    /// The time for which working hours are evaluated. Staff and queues are always those of now.
    pub at: Timestamp,
}

/// Where a conversation would go, and why.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Simulated {
    /// The parsed `session-from`.
    pub session_from: SessionFrom,
    /// The mini program's mode of reception.
    pub mode: Mode,
    /// The first step.
    pub first: FirstStep,
    /// The robot, if one answers: at first, or where an agent is wanted and none is available.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub robot_id: Option<String>,
    /// The routing plan.
    pub plan: Plan,
    /// Where the conversation goes as soon as an agent is wanted; null if it stays unassigned: the mini program has no group, the
    /// visitor names none, and there is an `auto_reply` or no `leave_message` prompt.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub outcome: Option<Outcome>,
    /// The levels that were tried.
    pub trail: Vec<TrailEntry>,
    /// Irregularities of `transfer_action`, `platform_action` and `robotid`.
    pub warnings: Vec<routing::Warning>,
    /// The time of the simulation.
    pub at: Timestamp,
}

/// The first step of a conversation: the robot answers, the conversation is routed to an agent or a queue, the visitor
/// leaves a message, or the conversation stays unassigned (`open`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FirstStep {
    /// The robot answers.
    Robot,
    /// The conversation is routed.
    Route,
    /// The visitor leaves a message.
    LeaveMessage,
    /// The conversation stays unassigned.
    Open,
}

/// Simulates routing.
#[derive(Debug, Clone)]
pub(crate) struct Simulator {
    store: Arc<Handles>,
    vault: Vault,
    router: Router,
}

impl Simulator {
    pub(crate) fn new(vault: &Vault, router: &Router) -> Self {
        Self { store: router.store().clone(), vault: vault.clone(), router: router.clone() }
    }

    /// Simulates a visitor's first message. `None` when the mini program is not bound.
    pub(crate) async fn simulate(&self, simulation: &Simulation<'_>) -> Result<Option<Simulated>> {
        let Some(binding) = self.store.bindings.binding(simulation.app_id).await? else {
            return Ok(None);
        };
        let reception = reception(Some(&binding))?;
        let thread = Thread::new(simulation.app_id, simulation.openid.unwrap_or_default());
        let mut visitor = match simulation.openid {
            Some(_) => self.store.threads.visitor(&thread).await?,
            None => Visitor::default(),
        };
        visitor.session_from = Some(simulation.session_from.to_owned());
        visitor.session_from_at = Some(simulation.at);
        let given = session_from::parse_bounded(simulation.session_from);
        visitor.verification =
            Some(verify(&self.vault, &given, Some(&binding), &thread, self.store.clock.now()).await?);
        let from = current_session_from(&reception, &visitor, simulation.at);
        let planned = self.router.plan(&reception, &visitor, from.as_ref()).await?;
        let input = ReceptionInput {
            incoming: Incoming::Text(simulation.text),
            handler: None,
            mode: reception.mode,
            has_robot: planned.robot_id.is_some(),
            has_target: !planned.plan.levels.is_empty(),
            without_target: WithoutTarget::of(&reception.prompts, binding.auto_reply.as_deref()),
            keywords: &reception.handover.keywords,
        };
        let step = decide(&input);
        let first = first_step(step);
        // Where a robot answers first, the outcome is what follows when the visitor asks it for a person.
        let asking =
            ReceptionInput { incoming: Incoming::Text(ASK_FOR_PERSON), handler: Some(Handler::Robot), ..input };
        let step = if first == FirstStep::Robot { decide(&asking) } else { step };
        let (outcome, trail) = self.outcome(step, &planned, simulation.app_id, simulation.at).await?;
        let robot_answers = first == FirstStep::Robot || matches!(outcome, Some(Outcome::Robot { .. }));
        Ok(Some(Simulated {
            session_from: given,
            mode: reception.mode,
            first,
            robot_id: planned.robot_id.filter(|_| robot_answers),
            plan: planned.plan,
            outcome,
            trail,
            warnings: planned.warnings,
            at: simulation.at,
        }))
    }

    async fn outcome(
        &self,
        step: NextStep,
        planned: &PlannedRoute,
        app_id: &str,
        at: Timestamp,
    ) -> Result<(Option<Outcome>, Vec<TrailEntry>)> {
        let mode = match step {
            NextStep::Route { immediate: true, .. } => routing::Mode::ImmediateOnly,
            NextStep::Route { immediate: false, .. } => routing::Mode::Full,
            NextStep::LeaveMessage { .. } => return Ok((Some(Outcome::LeaveMessage { level: 0 }), Vec::new())),
            NextStep::AskRobot | NextStep::KeepWithRobot => return Ok((Some(Outcome::Robot { level: 0 }), Vec::new())),
            NextStep::RouteAgain { .. }
            | NextStep::RecordOnly
            | NextStep::Append
            | NextStep::OpenUnassigned
            | NextStep::Close => {
                return Ok((None, Vec::new()));
            }
        };
        let terms = RoutingTerms { app_id, mode, now: at, freshness: Freshness::Current };
        let routed = self.router.route(&planned.plan, &terms, &mut RoutingFacts::new()).await?;
        let outcome = match routed.outcome {
            // Without a robot the visitor is asked to leave a message instead.
            Outcome::Robot { level } if planned.robot_id.is_none() => Outcome::LeaveMessage { level },
            other => other,
        };
        Ok((Some(outcome), routed.trail))
    }
}

fn first_step(step: NextStep) -> FirstStep {
    match step {
        NextStep::AskRobot | NextStep::KeepWithRobot => FirstStep::Robot,
        NextStep::Route { .. } => FirstStep::Route,
        NextStep::LeaveMessage { .. } => FirstStep::LeaveMessage,
        NextStep::RouteAgain { .. }
        | NextStep::RecordOnly
        | NextStep::Append
        | NextStep::OpenUnassigned
        | NextStep::Close => FirstStep::Open,
    }
}
