//! Clients of the robots that answer a visitor's turn.
//!
//! - [`Client::chat`]: a language model behind an OpenAI-compatible `/chat/completions`, grounded in the robot's own knowledge.
//! - [`Client::webhook`]: an external system, with requests signed according to Standard Webhooks 1.0.0.
//!
//! An admin sets a robot's address, so requests go only to https addresses on the public internet, with the same protection
//! as pictures ([`channel::check_public`], [`channel::untrusted_url_client`]). A request that fails in passing is made again
//! while the robot's deadline allows it; then the visitor, who is waiting, gets the fallback text.

mod body;
mod chat;
mod clean;
mod completion;
mod failure;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod grounding;
mod length;
mod parameters;
mod plain;
mod prompt;
mod refusal;
mod transport;
mod usage;
mod webhook;
mod withheld;

pub use body::MAX_BODY;
pub use chat::Chat;
pub use failure::Failure;
pub use refusal::Refusal;
pub use transport::Client;
pub use usage::Usage;
pub use webhook::{Webhook, generate_secret, is_secret};
pub use withheld::Withheld;

/// The longest answer, in bytes of UTF-8: one WeChat message.
pub const MAX_ANSWER: usize = wechat::text::MAX_TEXT;
/// The number of passages that a robot gets at most.
pub const MAX_PASSAGES: usize = 8;
/// The number of history messages that a robot gets at most: the latest ones.
pub const MAX_HISTORY: usize = 10;
/// The longest turn that a robot gets, in bytes of UTF-8. A longer one is truncated.
pub const MAX_TURN: usize = 4096;
/// The longest history message that a robot gets, in bytes of UTF-8. A longer one is truncated.
pub const MAX_LINE: usize = 1024;
/// The longest passage that a robot gets, in bytes of UTF-8. A longer one is truncated.
pub const MAX_PASSAGE: usize = 8192;

/// One turn of a visitor that a robot answers.
#[derive(Clone, Copy)]
pub struct TurnRequest<'a> {
    /// The visitor's messages of this turn, joined by line breaks.
    pub text: &'a str,
    /// The retrieved passages of the robot's knowledge, best first. Used by [`Client::chat`] alone.
    pub passages: &'a [Passage<'a>],
    /// The messages before this turn, oldest first.
    pub history: &'a [HistoryMessage],
    /// The turn's id, the same for a repeated request.
    pub id: &'a str,
    /// The conversation's id.
    pub cid: &'a str,
    /// The visitor's opaque id.
    pub uid: &'a str,
    /// The mini program's AppID.
    pub app_id: &'a str,
}

/// A passage of a robot's knowledge.
#[derive(Clone, Copy)]
pub struct Passage<'a> {
    /// The passage's id.
    pub id: &'a str,
    /// The question that it answers.
    pub title: &'a str,
    /// The answer.
    pub answer: &'a str,
}

/// A message of the conversation before the turn.
#[derive(Clone)]
pub struct HistoryMessage {
    /// Whether the visitor sent it, and not an agent or a robot.
    pub from_visitor: bool,
    /// The text.
    pub text: String,
}

impl<'a> TurnRequest<'a> {
    fn bounded_text(&self) -> &'a str {
        length::head(self.text, MAX_TURN)
    }

    fn bounded_history(&self) -> impl Iterator<Item = (&'static str, &'a str)> {
        let last = &self.history[self.history.len().saturating_sub(MAX_HISTORY)..];
        last.iter().map(|line| (if line.from_visitor { "visitor" } else { "desk" }, length::head(&line.text, MAX_LINE)))
    }

    fn bounded_passages(&self) -> impl Iterator<Item = Passage<'a>> {
        let passages = self.passages.iter().take(MAX_PASSAGES);
        passages.map(|passage| Passage { answer: length::head(passage.answer, MAX_PASSAGE), ..*passage })
    }
}

/// A robot's answer to a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The text, trimmed, not empty, and short enough for one message.
    Text(String),
    /// Hands the conversation over to an agent. The robot's reason, at most 200 characters, is for the agent, not the visitor.
    HandOver(Option<String>),
    /// The robot has no answer.
    DontKnow,
}

/// What came of a request to a robot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The answer.
    pub answer: Answer,
    /// The ids of the passages that the answer cites.
    pub sources: Vec<String>,
    /// The text that the robot wrote and that is not sent.
    pub withheld: Option<WithheldAnswer>,
    /// The tokens of the prompt and the completion, if the robot's server counts them.
    pub tokens: Option<u64>,
}

/// A text that is not sent, because the robot's knowledge does not support it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithheldAnswer {
    /// Why.
    pub reason: Withheld,
    /// The text, at most [`MAX_ANSWER`] bytes.
    pub text: String,
}

impl Outcome {
    fn of(answer: Answer) -> Self {
        Self { answer, sources: Vec::new(), withheld: None, tokens: None }
    }
}

impl Answer {
    fn text(text: &str, limit: usize) -> Self {
        match length::fit(&clean::without_invisible(text), limit) {
            text if text.is_empty() => Self::DontKnow,
            text => Self::Text(text),
        }
    }

    fn hand_over(reason: Option<&str>) -> Self {
        let reason = reason.map(|reason| clean::without_invisible(reason).trim().chars().take(200).collect::<String>());
        Self::HandOver(reason.filter(|reason| !reason.is_empty()))
    }
}
