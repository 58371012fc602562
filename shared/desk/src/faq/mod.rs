//! Retrieval of the question that a visitor asks from a robot's questions (FAQ retrieval).
//!
//! | Module | Step |
//! |---|---|
//! | `normalize` | maps spelling variants to one form: width, case, traditional characters |
//! | `analyzer` | turns a normalized text into terms: characters, bigrams, stemmed words |
//! | `fuzzy` | stems English words and finds known words one edit away |
//! | `index` | scores the questions that share terms with a text |
//! | `details`, `quantities`, `names` | tell questions apart that differ in a number, an opposite or a name alone |
//! | `choice` | writes a numbered choice and parses the reply |
//! | `coverage` | measures how many terms of a text occur in other texts |
//!
//! [`find`] returns a direct answer, a choice of up to five questions, or nothing, depending on the scores. The
//! [`Thresholds`] between them are tuned on the evaluation set in `tests/faq`.

mod analyzer;
mod choice;
mod coverage;
mod details;
mod fuzzy;
mod index;
mod names;
pub(crate) mod normalize;
mod quantities;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

pub use self::{
    choice::{CHOICES_MAX, ChoiceReply, Language, choice_text, parse_choice_reply},
    coverage::{Coverage, TermSet},
    index::{Hit, Index},
    normalize::normalize,
};
use crate::Fault;

/// The maximum number of questions of a robot. A function loads all of them into memory at the first turn.
pub const QUESTIONS_MAX: usize = 1000;
/// The maximum number of variants of a question.
pub const VARIANTS_MAX: usize = 20;
/// The maximum length of a title in characters. Five titles of this length fit into one WeChat message.
pub const TITLE_MAX: usize = 80;
/// The maximum length of a variant in characters.
pub const VARIANT_MAX: usize = 200;
/// The maximum size of an answer in bytes, that is one WeChat text message (发送客服消息, `customer-message/send.html`).
pub const ANSWER_MAX: usize = 2048;
/// The maximum size of a question's id in bytes.
pub const ID_MAX: usize = 64;

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The id, unique among the questions of a robot: 1 to 64 ASCII letters, digits, `-`, `_` or `.`.
    pub id: String,
    /// The question as shown in a choice: one line of 1 to 80 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 80))]
    pub title: String,
    /// Other wordings of the question: at most 20, each one line of 1 to 200 characters.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 20, required = true))]
    pub variants: Vec<String>,
    /// The answer, 1 to 2048 bytes.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 2048))]
    pub answer: String,
    /// Whether the question is excluded from retrieval.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub disabled: bool,
}

impl Question {
    /// Validates the question.
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
            // A text without letters or digits cannot be retrieved.
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
                format!("variants[{at}]"),
                format!("must be one line of 1 to {VARIANT_MAX} characters"),
            );
        }
        let answer = !wechat::text::is_blank(&self.answer) && self.answer.len() <= ANSWER_MAX;
        must(answer, "answer".into(), format!("must have 1 to {ANSWER_MAX} bytes"));
        faults
    }
}

/// Validates all questions of a robot. The field of a fault starts with the question's index, such as `questions[3].title`; a fault of
/// the whole list has the field `questions`.
pub fn faults(questions: &[Question]) -> Vec<Fault> {
    let mut faults = Vec::new();
    if questions.len() > QUESTIONS_MAX {
        faults.push(Fault::new("questions", format!("must be at most {QUESTIONS_MAX}")));
    }
    let mut ids = HashSet::new();
    for (at, question) in questions.iter().enumerate() {
        faults.extend(
            question
                .faults()
                .into_iter()
                .map(|fault| Fault::new(format!("questions[{at}].{}", fault.field), fault.detail)),
        );
        if !ids.insert(&question.id) {
            faults.push(Fault::new(format!("questions[{at}].id"), "must not be that of another question"));
        }
    }
    faults
}

/// The score thresholds of [`find`], each 0 to 1. The defaults are tuned on the evaluation set in `tests/faq`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// The minimum score for a direct answer.
    #[cfg_attr(feature = "openapi", schema(maximum = 1, default = 0.5))]
    pub direct: f64,
    /// The minimum score for a choice, more than 0 and at most `direct`.
    #[cfg_attr(feature = "openapi", schema(maximum = 1, default = 0.22))]
    pub choice: f64,
    /// The minimum lead of a direct answer over the second question; with a smaller lead both are offered.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1, default = 0.1))]
    pub lead: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { direct: 0.5, choice: 0.22, lead: 0.1 }
    }
}

impl Thresholds {
    /// Validates the thresholds.
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

/// The result of [`find`]. The numbers are indices into the questions that the index was built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// The question to answer directly.
    Direct(usize),
    /// The questions to offer, best first: 1 to [`CHOICES_MAX`].
    Choice(Vec<usize>),
    /// No question matches.
    Unknown,
}

/// The minimum score of an offered question relative to the best one.
const RELATIVE_SCORE_MIN: f32 = 0.6;

/// Finds the question that a visitor asks.
///
/// A text that equals a title or a variant is a direct match, regardless of the thresholds. A text that only names a topic
/// of several questions, such as 发票, is answered with a choice. A text that differs from the known question in a number, an
/// opposite or a name, such as 解绑 for 绑定, is never answered directly: the question is offered as a choice.
pub fn find(index: &Index, text: &str, thresholds: &Thresholds) -> Match {
    if let Some(question) = index.exact(text) {
        return Match::Direct(question);
    }
    let mut result = index.search_all(text);
    if !result.topic.is_empty() {
        result.topic.truncate(CHOICES_MAX);
        return Match::Choice(result.topic);
    }
    let Some(best) = result.hits.first() else { return Match::Unknown };
    let next = result.hits.get(1).map_or(0.0, |hit| hit.score);
    let is_direct = f64::from(best.score) >= thresholds.direct && f64::from(best.score - next) >= thresholds.lead;
    if is_direct && !index.differs(text, &result, best.question) {
        return Match::Direct(best.question);
    }
    let least = thresholds.choice.max(f64::from(best.score * RELATIVE_SCORE_MIN));
    let offered: Vec<_> = result
        .hits
        .iter()
        .take(CHOICES_MAX)
        .filter(|hit| f64::from(hit.score) >= least)
        .map(|hit| hit.question)
        .collect();
    if offered.is_empty() { Match::Unknown } else { Match::Choice(offered) }
}
