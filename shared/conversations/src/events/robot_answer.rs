//! What the event `robot.answered` says of an answer.

use robots::Withheld;
use serde::Serialize;

/// The longest withheld answer in an event, in characters.
const WITHHELD_MAX: usize = 500;

/// What a robot answered: one question's answer, a choice of questions, that it has no answer, that it hands over, or
/// nothing because it failed.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = RobotAnswerKind))]
#[serde(rename_all = "snake_case")]
pub enum AnswerKind {
    /// The answer of one question.
    Direct,
    /// A choice of questions.
    Choice,
    /// It has no answer.
    Unknown,
    /// It hands over.
    Handover,
    /// It could not be asked, or not in time.
    Failed,
}

/// A model's answer that was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WithheldAnswer {
    /// Why: `no_source`, or what its sources do not have or say (`link`, `markup`, `contact`, `number`, `commitment`,
    /// `contradiction`, `unrelated`), or what it must not say (`secret`, `instructions`).
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "number"))]
    pub reason: Withheld,
    /// The answer, at most 500 characters.
    pub text: String,
}

impl From<robots::WithheldAnswer> for WithheldAnswer {
    fn from(withheld: robots::WithheldAnswer) -> Self {
        Self { reason: withheld.reason, text: withheld.text.chars().take(WITHHELD_MAX).collect() }
    }
}
