//! Asks a robot: its questions, a language model, or a webhook.

use std::time::Duration;

use desk::{
    faq::{self, ChoiceReply, Match, Thresholds},
    robot::RobotKind,
    turn::RobotAnswer,
};
use robots::{Chat, Client, HistoryMessage, Passage, TurnRequest, Usage, Webhook};
use store::{Conversation, Direction, Message, MessageState, Result, RobotStage, SecretString, Turn};

use super::{RobotTurns, knowledge::RobotKnowledge};
use crate::events::WithheldAnswer;

/// How many questions a model is given to answer from.
const PASSAGES_MAX: usize = 6;

/// How many lines of the conversation a model is given.
const HISTORY_MAX: usize = 6;

/// How many messages of the thread are searched for these lines. The turn's own messages and those that did not arrive
/// are skipped.
const MESSAGES_SEARCHED: i32 = 40;

/// The failure code of a robot whose key or secret is not stored.
const NO_KEY: &str = "robot.no_key";

/// The failure code of a robot whose circuit is open.
const CIRCUIT_OPEN: &str = "robot.circuit_open";

/// The failure code of a language model whose mini program has used up its budget of the day.
const BUDGET_EXHAUSTED: &str = "robot.budget_exhausted";

/// A robot's reply.
#[derive(Debug)]
pub(super) struct RobotReply {
    /// The answer.
    pub(super) answer: RobotAnswer,
    /// Why the robot could not be asked.
    pub(super) failure: Option<AskFailure>,
    /// The ids of the questions that the answer comes from.
    pub(super) sources: Vec<String>,
    /// What the robot wrote and is not sent.
    pub(super) withheld: Option<WithheldAnswer>,
    /// The tokens that the robot's server counted.
    pub(super) tokens: Option<u64>,
    /// Whether a model or a webhook was asked.
    pub(super) is_asked: bool,
    /// Whether the failure is the server's, whatever the visitor wrote.
    pub(super) is_down: bool,
}

/// Why a robot could not be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskFailure {
    /// The stable code, such as `robot.refused`.
    pub code: &'static str,
    /// The HTTP status of a refusal.
    pub status: Option<u16>,
    /// The server's own error message, at most 200 characters, without keys.
    pub message: Option<String>,
}

impl AskFailure {
    /// A failure that only has a code.
    pub(super) fn of(code: &'static str) -> Self {
        Self { code, status: None, message: None }
    }
}

impl From<&robots::Failure> for AskFailure {
    fn from(failure: &robots::Failure) -> Self {
        let message = failure.message().map(ToOwned::to_owned);
        Self { code: failure.code(), status: failure.status(), message }
    }
}

/// What a robot is asked.
pub(super) struct RobotQuestion<'a> {
    pub(super) conversation: &'a Conversation,
    pub(super) stage: &'a RobotStage,
    pub(super) turn: &'a Turn,
    /// What the visitor wrote, as one text.
    pub(super) text: &'a str,
    /// Whether the visitor may be offered an agent.
    pub(super) has_agents: bool,
    /// Whether the mini program has used up its budget for language models.
    pub(super) is_used_up: bool,
}

impl RobotReply {
    pub(super) fn new(answer: RobotAnswer, sources: Vec<String>) -> Self {
        Self { answer, failure: None, sources, withheld: None, tokens: None, is_asked: false, is_down: false }
    }

    pub(super) fn failed(answer: RobotAnswer, failure: AskFailure) -> Self {
        Self { failure: Some(failure), ..Self::new(answer, Vec::new()) }
    }
}

impl From<robots::Outcome> for RobotReply {
    fn from(outcome: robots::Outcome) -> Self {
        let answer = match outcome.answer {
            robots::Answer::Text(text) => RobotAnswer::Text(text),
            robots::Answer::HandOver(_) => RobotAnswer::HandOver,
            robots::Answer::DontKnow => RobotAnswer::DontKnow,
        };
        let withheld = outcome.withheld.map(Into::into);
        Self { withheld, tokens: outcome.tokens, is_asked: true, ..Self::new(answer, outcome.sources) }
    }
}

impl RobotTurns {
    /// Asks a robot, unless its circuit is open or the budget is used up.
    pub(super) async fn ask(
        &self,
        robots: &Client,
        knowledge: &RobotKnowledge,
        question: &RobotQuestion<'_>,
        usage: &Usage,
    ) -> Result<RobotReply> {
        let offered = &question.stage.offered;
        if let Some(reply) = faq::parse_choice_reply(question.text, offered.len()) {
            return Ok(chosen_answer(knowledge, offered, reply));
        }
        let robot = &knowledge.robot;
        if let RobotKind::Faq { thresholds } = &robot.settings.kind {
            return Ok(from_questions(knowledge, question.text, thresholds, question.has_agents));
        }
        if question.is_used_up && matches!(robot.settings.kind, RobotKind::Chat { .. }) {
            tracing::warn!(
                BudgetsExhausted = 1,
                robot_id = robot.id,
                "a model is not asked: the budget of the day is used up"
            );
            return Ok(RobotReply::failed(RobotAnswer::Unavailable, AskFailure::of(BUDGET_EXHAUSTED)));
        }
        let circuits = self.cache.circuits();
        if !circuits.admits(&robot.id, robot.version, self.store.clock.now()) {
            return Ok(RobotReply::failed(RobotAnswer::Unavailable, AskFailure::of(CIRCUIT_OPEN)));
        }
        let history = self.history(question).await?;
        let uid = question.conversation.thread().uid();
        let request = TurnRequest {
            text: question.text,
            passages: &[],
            history: &history,
            id: question.turn.messages.last().map(String::as_str).unwrap_or_default(),
            cid: &question.conversation.cid,
            uid: &uid,
            app_id: &question.conversation.app_id,
        };
        let reply = self.ask_system(robots, knowledge, &request, usage).await?;
        if !reply.is_down && reply.is_asked {
            circuits.succeeded(&robot.id);
        }
        if reply.is_down && circuits.failed(&robot.id, robot.version, self.store.clock.now()) {
            tracing::warn!(RobotCircuitsOpened = 1, robot_id = robot.id, "a robot that fails is not asked for a while");
        }
        Ok(reply)
    }

    /// Asks the model or the webhook of a robot. A model gets the nearest of the robot's questions as passages.
    pub(super) async fn ask_system(
        &self,
        robots: &Client,
        knowledge: &RobotKnowledge,
        request: &TurnRequest<'_>,
        usage: &Usage,
    ) -> Result<RobotReply> {
        let Some(secret) = self.secret(knowledge).await? else {
            return Ok(RobotReply::failed(RobotAnswer::Failed, AskFailure::of(NO_KEY)));
        };
        let now = self.store.clock.now();
        let answered = match &knowledge.robot.settings.kind {
            RobotKind::Faq { .. } => return Ok(RobotReply::new(RobotAnswer::DontKnow, Vec::new())),
            RobotKind::Chat { base_url, model, instructions, deadline_seconds } => {
                let chat = Chat {
                    base_url: base_url.clone(),
                    model: model.clone(),
                    api_key: secret,
                    instructions: instructions.clone(),
                    deadline: seconds(*deadline_seconds),
                    max_answer_bytes: robots::MAX_ANSWER,
                };
                let hits = knowledge.index.search(request.text, PASSAGES_MAX);
                let found = hits.iter().map(|hit| &knowledge.questions[hit.question]);
                let passages: Vec<Passage<'_>> =
                    found.map(|found| Passage { id: &found.id, title: &found.title, answer: &found.answer }).collect();
                Box::pin(robots.chat(&chat, &TurnRequest { passages: &passages, ..*request }, usage, now)).await
            }
            RobotKind::Webhook { url, deadline_seconds, ai_generated } => {
                let deadline = seconds(*deadline_seconds);
                let webhook = Webhook { url: url.clone(), is_ai: *ai_generated, secret, deadline };
                Box::pin(robots.webhook(&webhook, request, now)).await
            }
        };
        Ok(match answered {
            Ok(outcome) => outcome.into(),
            Err(failure) => {
                let is_down = failure.is_of_server();
                let failure = AskFailure::from(&failure);
                let AskFailure { code, status, message } = &failure;
                tracing::warn!(robot_id = knowledge.robot.id, code, status, message, "the robot could not be asked");
                RobotReply { is_asked: true, is_down, ..RobotReply::failed(RobotAnswer::Failed, failure) }
            }
        })
    }

    async fn secret(&self, knowledge: &RobotKnowledge) -> Result<Option<SecretString>> {
        match &knowledge.robot.secret {
            Some(sealed) => self.vault.open(sealed).await.map(Some),
            None => Ok(None),
        }
    }

    /// The last lines of the conversation before this turn, oldest first.
    async fn history(&self, question: &RobotQuestion<'_>) -> Result<Vec<HistoryMessage>> {
        let RobotQuestion { conversation, turn, .. } = question;
        let last = self.store.threads.last_messages(&conversation.thread(), MESSAGES_SEARCHED).await?;
        let was_said = |message: &&Message| {
            message.cid.as_ref() == Some(&conversation.cid)
                && !turn.messages.contains(&message.id)
                && message.ignored.is_none()
                && (message.direction == Direction::In || message.state == MessageState::Sent)
        };
        let lines = last.iter().filter(was_said).filter_map(|message| {
            let text = message.content.get("content")?.as_str()?.to_owned();
            Some(HistoryMessage { from_visitor: message.direction == Direction::In, text })
        });
        let mut lines: Vec<HistoryMessage> = lines.take(HISTORY_MAX).collect();
        lines.reverse();
        Ok(lines)
    }
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(u64::from(seconds))
}

/// The answer to a visitor who chose from the questions that were offered.
fn chosen_answer(knowledge: &RobotKnowledge, offered: &[String], reply: ChoiceReply) -> RobotReply {
    match reply {
        ChoiceReply::Person => RobotReply::new(RobotAnswer::ChosePerson, Vec::new()),
        ChoiceReply::Number(number) => {
            let id = offered.get(number.wrapping_sub(1));
            match id.and_then(|id| knowledge.questions.iter().find(|question| question.id == *id)) {
                Some(question) => {
                    RobotReply::new(RobotAnswer::Text(question.answer.clone()), vec![question.id.clone()])
                }
                None => RobotReply::new(RobotAnswer::DontKnow, Vec::new()),
            }
        }
    }
}

/// The answer of a robot that has only its questions.
pub(super) fn from_questions(
    knowledge: &RobotKnowledge,
    text: &str,
    thresholds: &Thresholds,
    has_agents: bool,
) -> RobotReply {
    let question = |place: usize| &knowledge.questions[place];
    match faq::find(&knowledge.index, text, thresholds) {
        Match::Direct(place) => {
            RobotReply::new(RobotAnswer::Text(question(place).answer.clone()), vec![question(place).id.clone()])
        }
        Match::Choice(places) => {
            let offered: Vec<String> = places.iter().map(|place| question(*place).id.clone()).collect();
            let titles: Vec<&str> = places.iter().map(|place| question(*place).title.as_str()).collect();
            let text = faq::choice_text(&titles, language(text), has_agents);
            RobotReply::new(RobotAnswer::Choice { offered: offered.clone(), text }, offered)
        }
        Match::Unknown => RobotReply::new(RobotAnswer::DontKnow, Vec::new()),
    }
}

/// The language in which a choice is worded.
fn language(text: &str) -> faq::Language {
    if text.is_ascii() { faq::Language::En } else { faq::Language::Zh }
}
