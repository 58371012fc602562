//! Asks a robot: its questions, a language model, or a webhook.

use std::time::Duration;

use desk::{
    faq::{self, ChoiceReply, Match, Thresholds},
    robot::RobotKind,
    turn::RobotAnswer,
};
use robots::{Chat, Client, HistoryMessage, Passage, TurnRequest, Webhook};
use store::{Conversation, Direction, Message, MessageState, Result, RobotStage, SecretString, Turn};

use super::{RobotTurns, knowledge::RobotKnowledge};

/// How many questions a model is given to answer from.
const PASSAGES_MAX: usize = 6;

/// How many lines of the conversation a model is given.
const HISTORY_MAX: usize = 6;

/// How many messages of the thread are searched for these lines. The turn's own messages and those that did not arrive
/// are skipped.
const MESSAGES_SEARCHED: i32 = 40;

/// The failure code of a robot whose key or secret is not stored.
const NO_KEY: &str = "robot.no_key";

/// A robot's reply.
pub(super) struct RobotReply {
    /// The answer.
    pub(super) answer: RobotAnswer,
    /// The code of the failure, if the robot could not be asked.
    pub(super) failure: Option<&'static str>,
    /// The ids of the questions that the answer comes from.
    pub(super) sources: Vec<String>,
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
}

impl RobotReply {
    fn new(answer: RobotAnswer, sources: Vec<String>) -> Self {
        Self { answer, failure: None, sources }
    }

    fn failed(code: &'static str) -> Self {
        Self { answer: RobotAnswer::Failed, failure: Some(code), sources: Vec::new() }
    }
}

impl From<robots::Outcome> for RobotReply {
    fn from(outcome: robots::Outcome) -> Self {
        let answer = match outcome.answer {
            robots::Answer::Text(text) => RobotAnswer::Text(text),
            robots::Answer::HandOver(_) => RobotAnswer::HandOver,
            robots::Answer::DontKnow => RobotAnswer::DontKnow,
        };
        Self::new(answer, outcome.sources)
    }
}

impl RobotTurns {
    /// Asks a robot.
    pub(super) async fn ask(
        &self,
        robots: &Client,
        knowledge: &RobotKnowledge,
        question: &RobotQuestion<'_>,
    ) -> Result<RobotReply> {
        let offered = &question.stage.offered;
        if let Some(reply) = faq::parse_choice_reply(question.text, offered.len()) {
            return Ok(chosen_answer(knowledge, offered, reply));
        }
        let answered = match &knowledge.robot.settings.kind {
            RobotKind::Faq { thresholds } => {
                return Ok(from_questions(knowledge, question.text, thresholds, question.has_agents));
            }
            RobotKind::Chat { base_url, model, instructions, deadline_seconds } => {
                let Some(api_key) = self.secret(knowledge).await? else {
                    return Ok(RobotReply::failed(NO_KEY));
                };
                let chat = Chat {
                    base_url: base_url.clone(),
                    model: model.clone(),
                    api_key,
                    instructions: instructions.clone(),
                    deadline: seconds(*deadline_seconds),
                    max_answer_bytes: robots::MAX_ANSWER,
                };
                self.ask_model(robots, &chat, knowledge, question).await?
            }
            RobotKind::Webhook { url, deadline_seconds, ai_generated } => {
                let Some(secret) = self.secret(knowledge).await? else {
                    return Ok(RobotReply::failed(NO_KEY));
                };
                let deadline = seconds(*deadline_seconds);
                let webhook = Webhook { url: url.clone(), is_ai: *ai_generated, secret, deadline };
                let history = self.history(question).await?;
                let uid = question.conversation.thread().uid();
                robots.webhook(&webhook, &asking(question, &uid, &[], &history), self.store.clock.now()).await
            }
        };
        Ok(match answered {
            Ok(outcome) => RobotReply::from(outcome),
            Err(failure) => {
                tracing::warn!(robot_id = knowledge.robot.id, code = failure.code(), "the robot could not be asked");
                RobotReply::failed(failure.code())
            }
        })
    }

    async fn ask_model(
        &self,
        robots: &Client,
        chat: &Chat,
        knowledge: &RobotKnowledge,
        question: &RobotQuestion<'_>,
    ) -> Result<std::result::Result<robots::Outcome, robots::Failure>> {
        let hits = knowledge.index.search(question.text, PASSAGES_MAX);
        let found = hits.iter().map(|hit| &knowledge.questions[hit.question]);
        let passages: Vec<Passage<'_>> =
            found.map(|found| Passage { id: &found.id, title: &found.title, answer: &found.answer }).collect();
        let history = self.history(question).await?;
        let uid = question.conversation.thread().uid();
        Ok(robots.chat(chat, &asking(question, &uid, &passages, &history), self.store.clock.now()).await)
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
fn from_questions(knowledge: &RobotKnowledge, text: &str, thresholds: &Thresholds, has_agents: bool) -> RobotReply {
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

fn asking<'a>(
    question: &RobotQuestion<'a>,
    uid: &'a str,
    passages: &'a [Passage<'a>],
    history: &'a [HistoryMessage],
) -> TurnRequest<'a> {
    TurnRequest {
        text: question.text,
        passages,
        history,
        id: question.turn.messages.last().map(String::as_str).unwrap_or_default(),
        cid: &question.conversation.cid,
        uid,
        app_id: &question.conversation.app_id,
    }
}
