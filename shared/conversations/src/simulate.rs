//! Who would get a conversation, and why: the same rules on the same facts, without a change.

use desk::{
    reception::{Handler, Incoming, NextStep, ReceptionInput, decide},
    routing::{self, Outcome, Plan, TrailEntry},
    settings::Mode,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use store::{Result, Thread, Visitor};
use wechat::session_from::{self, SessionFrom};

use crate::{
    Conversations,
    plan::{Known, Planned, choosing, reception},
};

/// What a visitor says who wants a person.
const WANTING: &str = "转人工";

/// What is to be tried.
#[derive(Debug, Clone)]
pub struct Simulation<'a> {
    /// The mini program.
    pub app_id: &'a str,
    /// What the visitor enters with.
    pub session_from: &'a str,
    /// What they write.
    pub text: &'a str,
    /// A visitor who is known, for the agent they last had.
    pub openid: Option<&'a str>,
    /// When. Working hours are those of then; staff and queues are those of now.
    pub at: Timestamp,
}

/// What would happen.
#[derive(Debug, Serialize)]
pub struct Simulated {
    /// What `session-from` says.
    pub session_from: SessionFrom,
    /// Who answers first here.
    pub mode: Mode,
    /// The first step: `robot`, `route`, `leave_message` or `open`.
    pub first: &'static str,
    /// The robot, if one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub robot_id: Option<String>,
    /// Where the conversation may go.
    pub plan: Plan,
    /// Where it goes as soon as a person is wanted; nothing if nobody is set up who could have it.
    pub outcome: Option<Outcome>,
    /// Why, level by level.
    pub trail: Vec<TrailEntry>,
    /// What was odd about `transfer_action`, `platform_action` and `robotid`.
    pub warnings: Value,
    /// When it is.
    pub at: Timestamp,
}

impl Conversations {
    /// Tries. `None` when the mini program is not bound.
    pub async fn simulate(&self, wanted: &Simulation<'_>) -> Result<Option<Simulated>> {
        let Some(binding) = self.table.binding(wanted.app_id).await? else {
            return Ok(None);
        };
        let reception = reception(Some(&binding));
        let known = match wanted.openid {
            Some(openid) => self.table.visitor(&Thread::new(wanted.app_id, openid)).await?,
            None => Visitor::default(),
        };
        let mut visitor = known;
        visitor.session_from = Some(wanted.session_from.to_owned());
        visitor.session_from_at = Some(wanted.at);
        let from = choosing(&reception, &visitor, wanted.at);
        let planned = self.plan(&reception, &visitor, from.as_ref()).await?;
        let input = ReceptionInput {
            incoming: Incoming::Text(wanted.text),
            handler: None,
            mode: reception.mode,
            has_robot: planned.robot_id.is_some(),
            has_target: !planned.plan.levels.is_empty(),
            keywords: &reception.handover.keywords,
        };
        let decision = decide(&input);
        let first = match decision {
            NextStep::AskRobot | NextStep::KeepWithRobot => "robot",
            NextStep::Route { .. } => "route",
            NextStep::LeaveMessage => "leave_message",
            NextStep::RouteAgain { .. }
            | NextStep::RecordOnly
            | NextStep::Append
            | NextStep::OpenUnassigned
            | NextStep::Close => "open",
        };
        // The robot has it until a person is wanted. What then happens is another decision by the same rules.
        let wanting = ReceptionInput { incoming: Incoming::Text(WANTING), handler: Some(Handler::Robot), ..input };
        let decision = if first == "robot" { decide(&wanting) } else { decision };
        let (outcome, trail) = self.outcome(decision, &planned, wanted.at).await?;
        let answers = first == "robot" || matches!(outcome, Some(Outcome::Robot { .. }));
        Ok(Some(Simulated {
            session_from: session_from::parse(wanted.session_from),
            mode: reception.mode,
            first,
            robot_id: planned.robot_id.filter(|_| answers),
            plan: planned.plan,
            outcome,
            trail,
            warnings: serde_json::to_value(planned.warnings).unwrap_or_default(),
            at: wanted.at,
        }))
    }

    async fn outcome(
        &self,
        decision: NextStep,
        planned: &Planned,
        at: Timestamp,
    ) -> Result<(Option<Outcome>, Vec<TrailEntry>)> {
        let mode = match decision {
            NextStep::Route { immediate: true, .. } => routing::Mode::ImmediateOnly,
            NextStep::Route { immediate: false, .. } => routing::Mode::Full,
            NextStep::LeaveMessage => return Ok((Some(Outcome::LeaveMessage { level: 0 }), Vec::new())),
            NextStep::AskRobot | NextStep::KeepWithRobot => return Ok((Some(Outcome::Robot { level: 0 }), Vec::new())),
            NextStep::RouteAgain { .. }
            | NextStep::RecordOnly
            | NextStep::Append
            | NextStep::OpenUnassigned
            | NextStep::Close => {
                return Ok((None, Vec::new()));
            }
        };
        let routed = self.route(&planned.plan, mode, at, &mut Known::new()).await?;
        let outcome = match routed.outcome {
            // Where no robot is set up, its part is to let the visitor leave a message.
            Outcome::Robot { level } if planned.robot_id.is_none() => Outcome::LeaveMessage { level },
            other => other,
        };
        Ok((Some(outcome), routed.trail))
    }
}
