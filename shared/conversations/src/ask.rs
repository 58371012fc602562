//! Asking a robot: its questions, a language model, or a webhook.

use std::time::Duration;

use desk::{
    faq::{self, ChoiceReply, Match},
    robot::Kind,
    turn::RobotAnswer,
};
use robots::{Asking, Chat, Client, Line, Passage, Webhook};
use store::{Conversation, Direction, Message, MessageState, Result, RobotStage, Turn};

use crate::{Conversations, knowledge::Knowing};

/// Questions that a model is given to answer from.
const PASSAGES: usize = 6;

/// Lines of the conversation that a model is given.
const HISTORY: usize = 6;

/// Messages among which those lines are looked for: a turn's own, and what was said but never arrived, are passed over.
const LOOKED_AT: i32 = 40;

/// An answer and where it comes from.
pub(crate) struct Given {
    pub(crate) answer: RobotAnswer,
    pub(crate) failure: Option<&'static str>,
    pub(crate) sources: Vec<String>,
}

/// What a robot is asked.
pub(crate) struct Asked<'a> {
    pub(crate) conversation: &'a Conversation,
    pub(crate) stage: &'a RobotStage,
    pub(crate) turn: &'a Turn,
    /// What the visitor has said, as one text.
    pub(crate) text: &'a str,
    /// Whether a person may be offered.
    pub(crate) person: bool,
}

impl Conversations {
    /// Asks the robot that knows this.
    pub(crate) async fn ask(&self, robots: &Client, knowing: &Knowing, asked: &Asked<'_>) -> Result<Given> {
        let &Asked { conversation, stage, turn, text, person } = asked;
        let given = |answer, sources| Given { answer, failure: None, sources };
        if let Some(reply) = faq::parse_choice_reply(text, stage.offered.len()) {
            return Ok(match reply {
                ChoiceReply::Person => given(RobotAnswer::ChosePerson, Vec::new()),
                ChoiceReply::Number(number) => {
                    let id = stage.offered.get(number.wrapping_sub(1));
                    match id.and_then(|id| knowing.questions.iter().find(|question| question.id == *id)) {
                        Some(question) => given(RobotAnswer::Text(question.answer.clone()), vec![question.id.clone()]),
                        None => given(RobotAnswer::DontKnow, Vec::new()),
                    }
                }
            });
        }
        let uid = conversation.thread().uid();
        let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
        let answered = match &knowing.robot.settings.kind {
            Kind::Faq { thresholds } => return Ok(by_questions(knowing, text, thresholds, person)),
            Kind::Chat { base_url, model, instructions, deadline_seconds } => {
                let Some(api_key) = self.secret(knowing).await? else {
                    return Ok(Given {
                        answer: RobotAnswer::Failed,
                        failure: Some("robot.no_key"),
                        sources: Vec::new(),
                    });
                };
                let chat = Chat {
                    base_url: base_url.clone(),
                    model: model.clone(),
                    api_key,
                    instructions: instructions.clone(),
                    deadline: seconds(*deadline_seconds),
                    max_answer_bytes: robots::MAX_ANSWER,
                };
                let hits = knowing.index.search(text, PASSAGES);
                let known: Vec<_> = hits.iter().map(|hit| &knowing.questions[hit.question]).collect();
                let passages: Vec<Passage<'_>> = known
                    .iter()
                    .map(|question| Passage { id: &question.id, title: &question.title, answer: &question.answer })
                    .collect();
                let history = self.history(conversation, turn).await?;
                let asking = asking(conversation, &uid, turn, text, &passages, &history);
                robots.chat(&chat, &asking).await
            }
            Kind::Webhook { url, deadline_seconds, .. } => {
                let Some(secret) = self.secret(knowing).await? else {
                    return Ok(Given {
                        answer: RobotAnswer::Failed,
                        failure: Some("robot.no_key"),
                        sources: Vec::new(),
                    });
                };
                let webhook = Webhook { url: url.clone(), secret, deadline: seconds(*deadline_seconds) };
                let history = self.history(conversation, turn).await?;
                let asking = asking(conversation, &uid, turn, text, &[], &history);
                robots.webhook(&webhook, &asking, self.table.clock().now()).await
            }
        };
        Ok(match answered {
            Ok(robots::Answer::Text(text)) => given(RobotAnswer::Text(text), Vec::new()),
            Ok(robots::Answer::HandOver(_)) => given(RobotAnswer::HandOver, Vec::new()),
            Ok(robots::Answer::DontKnow) => given(RobotAnswer::DontKnow, Vec::new()),
            Err(failure) => {
                tracing::warn!(robot_id = knowing.robot.id, code = failure.code(), "a robot could not be asked");
                Given { answer: RobotAnswer::Failed, failure: Some(failure.code()), sources: Vec::new() }
            }
        })
    }

    async fn secret(&self, knowing: &Knowing) -> Result<Option<store::SecretString>> {
        match &knowing.robot.secret {
            Some(sealed) => self.vault.open(sealed).await.map(Some),
            None => Ok(None),
        }
    }

    /// The last lines before this turn.
    async fn history(&self, conversation: &Conversation, turn: &Turn) -> Result<Vec<Line>> {
        let last = self.table.last_messages(&conversation.thread(), LOOKED_AT).await?;
        let was_said = |message: &&Message| {
            message.cid.as_ref() == Some(&conversation.cid)
                && !turn.messages.contains(&message.id)
                && (message.direction == Direction::In || message.state == MessageState::Sent)
        };
        let lines = last.iter().filter(was_said).filter_map(|message| {
            let text = message.content.get("content")?.as_str()?.to_owned();
            Some(Line { from_visitor: message.direction == Direction::In, text })
        });
        let mut lines: Vec<Line> = lines.take(HISTORY).collect();
        lines.reverse();
        Ok(lines)
    }
}

/// What the visitor has said, as one text.
pub(crate) fn said(messages: &[Message]) -> String {
    let line = |message: &Message| match message.kind.as_str() {
        "text" => message.content.get("content").and_then(|text| text.as_str()).unwrap_or_default().to_owned(),
        "image" => "[图片]".to_owned(),
        "miniprogrampage" => {
            let title = message.content.get("title").and_then(|title| title.as_str()).unwrap_or_default();
            format!("[小程序卡片] {title}")
        }
        _ => "[其他消息]".to_owned(),
    };
    messages.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn by_questions(knowing: &Knowing, text: &str, thresholds: &faq::Thresholds, person: bool) -> Given {
    let question = |place: usize| &knowing.questions[place];
    let (answer, sources) = match faq::find(&knowing.index, text, thresholds) {
        Match::Direct(place) => (RobotAnswer::Text(question(place).answer.clone()), vec![question(place).id.clone()]),
        Match::Choice(places) => {
            let offered: Vec<String> = places.iter().map(|place| question(*place).id.clone()).collect();
            let titles: Vec<&str> = places.iter().map(|place| question(*place).title.as_str()).collect();
            (
                RobotAnswer::Choice {
                    offered: offered.clone(),
                    text: faq::choice_text(&titles, language(text), person),
                },
                offered,
            )
        }
        Match::Unknown => (RobotAnswer::DontKnow, Vec::new()),
    };
    Given { answer, failure: None, sources }
}

/// The visitor's own language, as far as a choice is worded in it.
fn language(text: &str) -> faq::Language {
    if text.is_ascii() { faq::Language::En } else { faq::Language::Zh }
}

fn asking<'a>(
    conversation: &'a Conversation,
    uid: &'a str,
    turn: &'a Turn,
    text: &'a str,
    passages: &'a [Passage<'a>],
    history: &'a [Line],
) -> Asking<'a> {
    Asking {
        text,
        passages,
        history,
        id: turn.messages.last().map(String::as_str).unwrap_or_default(),
        cid: &conversation.cid,
        uid,
        app_id: &conversation.app_id,
    }
}
