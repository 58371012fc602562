//! Asks a robot for the answer to a visitor's turn.
//!
//! - [`Client::chat`]: a language model behind an OpenAI-compatible `/chat/completions`, held to the robot's own knowledge.
//! - [`Client::webhook`]: somebody else's system, asked by a request signed after Standard Webhooks 1.0.0.
//!
//! Where a robot lives is set by an admin, so that requests go only to https addresses on the public internet, by the
//! same guard as pictures ([`channel::check_public`], [`channel::untrusted_url_client`]). Nothing is asked twice: the visitor
//! waits, and the fallback is said instead.

mod chat;
mod failure;
mod grounding;
mod length;
mod numeral;
mod prompt;
mod transport;
mod webhook;

pub use chat::Chat;
pub use failure::Failure;
pub use transport::{Client, MAX_BODY};
pub use webhook::{Webhook, generate_secret, is_secret};

/// Longest answer, in bytes of UTF-8: one message of WeChat's.
pub const MAX_ANSWER: usize = wechat::text::MAX_TEXT;
/// Most passages that a robot is given.
pub const MAX_PASSAGES: usize = 8;
/// Most lines of the conversation that a robot is given: the last ones.
pub const MAX_HISTORY: usize = 10;
/// Longest turn that a robot is given, in bytes of UTF-8: its beginning.
pub const MAX_TURN: usize = 4096;
/// Longest line of the conversation that a robot is given, in bytes of UTF-8: its beginning.
pub const MAX_LINE: usize = 1024;
/// Longest answer of a passage that a robot is given, in bytes of UTF-8: its beginning.
pub const MAX_PASSAGE: usize = 8192;

/// What a robot is asked.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// What the visitor wrote in this turn: messages in quick succession, joined by line breaks.
    pub text: &'a str,
    /// What the robot knows about it, best first. For [`Client::chat`] alone.
    pub passages: &'a [Passage<'a>],
    /// The last lines before this turn, oldest first.
    pub history: &'a [Line],
    /// Identifies the turn, and stays the same when it is asked again.
    pub id: &'a str,
    /// The conversation.
    pub cid: &'a str,
    /// The visitor.
    pub uid: &'a str,
    /// The mini program.
    pub app_id: &'a str,
}

/// A piece of a robot's knowledge.
#[derive(Clone, Copy)]
pub struct Passage<'a> {
    /// Its id.
    pub id: &'a str,
    /// The question that it answers.
    pub title: &'a str,
    /// The answer.
    pub answer: &'a str,
}

/// A line of the conversation.
#[derive(Clone)]
pub struct Line {
    /// Whether the visitor wrote it, or else the desk: an agent or a robot.
    pub from_visitor: bool,
    /// Its text.
    pub text: String,
}

impl<'a> Asking<'a> {
    fn turn(&self) -> &'a str {
        length::head(self.text, MAX_TURN)
    }

    fn lines(&self) -> impl Iterator<Item = (&'static str, &'a str)> {
        let last = &self.history[self.history.len().saturating_sub(MAX_HISTORY)..];
        last.iter().map(|line| (if line.from_visitor { "visitor" } else { "desk" }, length::head(&line.text, MAX_LINE)))
    }

    fn known(&self) -> impl Iterator<Item = Passage<'a>> {
        let passages = self.passages.iter().take(MAX_PASSAGES);
        passages.map(|passage| Passage { answer: length::head(passage.answer, MAX_PASSAGE), ..*passage })
    }
}

/// What a robot says to a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Its answer, trimmed, not empty, and short enough for one message.
    Text(String),
    /// A person should go on. Why, in its words, at most 200 characters: for the agent, not for the visitor.
    HandOver(Option<String>),
    /// It does not know.
    DontKnow,
}

impl Answer {
    fn text(text: &str, limit: usize) -> Self {
        match length::fit(text, limit) {
            text if text.is_empty() => Self::DontKnow,
            text => Self::Text(text),
        }
    }

    fn hand_over(reason: Option<&str>) -> Self {
        let reason = reason.map(|reason| reason.trim().chars().take(200).collect::<String>());
        Self::HandOver(reason.filter(|reason| !reason.is_empty()))
    }
}
