//! Which of the questions that a robot knows a visitor means.
//!
//! The ladder is that of other vendors: a question that is surely meant is answered at once, a few that may be meant are offered
//! as a numbered choice, and whatever is left is not known. Where the steps are is set on the evaluation set in `tests/faq`.

mod analyzer;
mod choice;
mod coverage;
mod fuzzy;
mod index;
pub(crate) mod normalize;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

pub use self::{
    choice::{CHOICES_MAX, ChoiceReply, Language, choice_text, parse_choice_reply},
    coverage::{Coverage, TermSet},
    index::{Hit, Index},
    normalize::normalize,
};
use crate::Fault;

/// A robot knows at most so many questions: they are read into memory whole when a function has just been started.
pub const QUESTIONS_MAX: usize = 1000;
/// A question has at most so many variants.
pub const VARIANTS_MAX: usize = 20;
/// Characters of a title. Five of the longest are still one message to WeChat.
pub const TITLE_MAX: usize = 80;
/// Characters of a variant.
pub const VARIANT_MAX: usize = 200;
/// Bytes of an answer: WeChat takes no more as one message, and every further one takes another of the few replies.
pub const ANSWER_MAX: usize = 2048;
/// Bytes of an id.
pub const ID_MAX: usize = 64;

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What it is called by, among a robot's questions.
    pub id: String,
    /// The question as it is shown in a choice.
    pub title: String,
    /// Other ways to ask it.
    #[serde(default)]
    pub variants: Vec<String>,
    /// The answer.
    pub answer: String,
    /// Whether it is left out for now.
    #[serde(default)]
    pub disabled: bool,
}

impl Question {
    /// What is wrong with it.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut must = |right: bool, field: String, detail: String| {
            if !right {
                faults.push(Fault { field, detail });
            }
        };
        let id = (1..=ID_MAX).contains(&self.id.len())
            && self.id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        must(id, "id".into(), format!("must have 1 to {ID_MAX} letters, digits, hyphens, underscores or dots"));
        let is_line = |text: &str, limit| {
            // A text without letters or digits would never be found.
            !normalize::bare(text).is_empty() && text.chars().count() <= limit && !text.contains(char::is_control)
        };
        must(
            is_line(&self.title, TITLE_MAX),
            "title".into(),
            format!("must be one line of 1 to {TITLE_MAX} characters"),
        );
        must(self.variants.len() <= VARIANTS_MAX, "variants".into(), format!("must be at most {VARIANTS_MAX}"));
        for (at, variant) in self.variants.iter().enumerate() {
            must(
                is_line(variant, VARIANT_MAX),
                format!("variants.{at}"),
                format!("must be one line of 1 to {VARIANT_MAX} characters"),
            );
        }
        let answer = !self.answer.trim().is_empty() && self.answer.len() <= ANSWER_MAX;
        must(answer, "answer".into(), format!("must have 1 to {ANSWER_MAX} bytes"));
        faults
    }
}

/// What is wrong with all the questions of a robot: with each by its place, such as `3.title`, and with the whole.
pub fn faults(questions: &[Question]) -> Vec<Fault> {
    let mut faults = Vec::new();
    if questions.len() > QUESTIONS_MAX {
        faults.push(Fault::new("questions", format!("must be at most {QUESTIONS_MAX}")));
    }
    let mut ids = HashSet::new();
    for (at, question) in questions.iter().enumerate() {
        faults.extend(
            question.faults().into_iter().map(|fault| Fault::new(format!("{at}.{}", fault.field), fault.detail)),
        );
        if !ids.insert(&question.id) {
            faults.push(Fault::new(format!("{at}.id"), "must not be that of another question"));
        }
    }
    faults
}

/// From when on a question is meant. The defaults come from the evaluation set in `tests/faq`, which holds them to what they promise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// A question of at least this score is answered directly.
    pub direct: f64,
    /// A question of at least this score is offered.
    pub choice: f64,
    /// So much the answered question must be ahead of the next one; otherwise both are offered.
    pub lead: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { direct: 0.5, choice: 0.22, lead: 0.1 }
    }
}

impl Thresholds {
    /// What is wrong with them.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !(0.0 < self.choice && self.choice <= self.direct && self.direct <= 1.0) {
            faults.push(Fault::new("thresholds", "must be 0 < choice <= direct <= 1"));
        }
        if !(0.0..=1.0).contains(&self.lead) {
            faults.push(Fault::new("thresholds.lead", "must be 0 to 1"));
        }
        faults
    }
}

/// What is found for a text. The numbers are places among the questions that the index was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// This question is meant.
    Direct(usize),
    /// One of these may be meant, best first: 1 to [`CHOICES_MAX`].
    Choice(Vec<usize>),
    /// Nothing fits.
    Unknown,
}

/// A question far behind the best one is not worth a line of the choice.
const SPREAD: f32 = 0.6;

/// Finds what a visitor means. A question that is asked word for word is meant, whatever the thresholds. Who names but a topic
/// that several questions are about (发票) has not asked any of them yet, and is offered them.
pub fn find(index: &Index, text: &str, thresholds: &Thresholds) -> Match {
    if let Some(question) = index.exact(text) {
        return Match::Direct(question);
    }
    let mut sought = index.search_all(text);
    if !sought.about.is_empty() {
        sought.about.truncate(CHOICES_MAX);
        return Match::Choice(sought.about);
    }
    let Some(best) = sought.hits.first() else { return Match::Unknown };
    let next = sought.hits.get(1).map_or(0.0, |hit| hit.score);
    if f64::from(best.score) >= thresholds.direct && f64::from(best.score - next) >= thresholds.lead {
        return Match::Direct(best.question);
    }
    let least = thresholds.choice.max(f64::from(best.score * SPREAD));
    let offered: Vec<_> = sought
        .hits
        .iter()
        .take(CHOICES_MAX)
        .filter(|hit| f64::from(hit.score) >= least)
        .map(|hit| hit.question)
        .collect();
    if offered.is_empty() { Match::Unknown } else { Match::Choice(offered) }
}
