//! A trial of a robot: what it answers to a text, without a conversation.

use std::sync::Arc;

use desk::robot::{Robot, RobotKind};
use robots::{Client, TurnRequest, Usage};
use store::{NewOutbound, Result};

use super::{
    RobotTurns,
    ask::{AskFailure, RobotReply, from_questions},
    knowledge::RobotKnowledge,
    outcome::answer_kind,
};
use crate::events::{AnswerKind, WithheldAnswer};

/// What a webhook gets as the ids of the conversation and the visitor of a trial.
const TRIAL: &str = "try";

/// What a robot answered in a trial.
#[derive(Debug)]
pub struct RobotTrial {
    /// What the robot answered.
    pub answer: AnswerKind,
    /// The text that a visitor would get; `None` where it would be the fallback, or the visitor would be handed over.
    pub text: Option<String>,
    /// The ids of the questions that the answer comes from, or that are offered.
    pub sources: Vec<String>,
    /// Why the robot could not be asked.
    pub failure: Option<AskFailure>,
    /// What the model wrote and would not be sent.
    pub withheld: Option<WithheldAnswer>,
    /// The tokens that the model's server counted.
    pub tokens: Option<u64>,
}

impl RobotTurns {
    /// Asks a robot, with its settings as the table has them, whether its circuit is open or not. `None` when there is no such
    /// robot.
    pub(crate) async fn try_robot(&self, robots: &Client, robot_id: &str, text: &str) -> Result<Option<RobotTrial>> {
        let Some(robot) = self.store.settings.record::<Robot>(robot_id).await? else { return Ok(None) };
        let knowledge = RobotKnowledge::read(&self.store, Arc::new(robot)).await?;
        let reply = match &knowledge.robot.settings.kind {
            RobotKind::Faq { thresholds } => from_questions(&knowledge, text, thresholds, false),
            RobotKind::Chat { .. } | RobotKind::Webhook { .. } => {
                let id = format!("{TRIAL}-{}", NewOutbound::fresh_id(self.store.clock.now()));
                let request =
                    TurnRequest { text, passages: &[], history: &[], id: &id, cid: TRIAL, uid: TRIAL, app_id: "" };
                self.ask_system(robots, &knowledge, &request, &Usage::default()).await?
            }
        };
        Ok(Some(RobotTrial::of(reply)))
    }
}

impl RobotTrial {
    fn of(reply: RobotReply) -> Self {
        let answer = answer_kind(&reply.answer);
        let text = reply.answer.into_text();
        let RobotReply { sources, failure, withheld, tokens, .. } = reply;
        Self { answer, text, sources, failure, withheld, tokens }
    }
}
