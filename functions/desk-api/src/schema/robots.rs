//! Robots and their questions.

#![allow(dead_code, reason = "describes types of other crates")]

use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

/// A robot. Which fields it has depends on its kind.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "小助", "kind": "faq" }))]
pub(crate) struct NewRobot {
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    kind: RobotKind,
    /// Sent when it has no answer, or none in time. At most 2048 bytes.
    #[serde(default)]
    fallback: String,
    /// Ids that it has elsewhere, such as another vendor's `robotid`. Each belongs to one robot only and is the id of no
    /// other (`alias.taken`).
    #[serde(default)]
    #[schema(max_items = 20)]
    aliases: Vec<String>,
    #[serde(default)]
    #[schema(nullable = false)]
    thresholds: Option<Thresholds>,
    /// `chat`: the address of the OpenAI-compatible API, without `/chat/completions`. At most 2048 bytes.
    #[serde(default)]
    #[schema(nullable = false, format = Uri)]
    base_url: Option<String>,
    /// `chat`: the model's name there.
    #[serde(default)]
    #[schema(nullable = false)]
    model: Option<String>,
    /// `chat`: the tone to answer in.
    #[serde(default)]
    #[schema(nullable = false)]
    instructions: Option<String>,
    /// `webhook`: the address of the system that answers. At most 2048 bytes.
    #[serde(default)]
    #[schema(nullable = false, format = Uri)]
    url: Option<String>,
    /// `webhook`: whether a model makes the answers, which are labelled then.
    #[serde(default)]
    #[schema(nullable = false)]
    ai_generated: Option<bool>,
    /// `chat`, `webhook`: how many seconds an answer may take.
    #[serde(default)]
    #[schema(nullable = false, minimum = 1, maximum = 25, default = 15)]
    deadline_seconds: Option<u32>,
    /// `chat`: needed; given again where `base_url` leads to another host.
    #[serde(default)]
    #[schema(nullable = false, write_only, min_length = 1, max_length = 512)]
    api_key: Option<String>,
    /// `webhook`: `whsec_` and 24 to 64 bytes in Base64. Where it is missing on creation, or `null` in a change, one is
    /// generated and is in that answer only.
    #[serde(default)]
    #[schema(nullable = false, write_only)]
    secret: Option<String>,
}

/// How a robot finds its answers: by its questions and answers alone, with a language model, or by another system.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RobotKind {
    Faq,
    Chat,
    Webhook,
}

/// `faq`: from which score on a question is answered, or offered, and how far it must be ahead of the next. 0 < choice <=
/// direct <= 1.
#[derive(Deserialize, ToSchema)]
struct Thresholds {
    #[serde(default)]
    #[schema(maximum = 1, default = 0.5)]
    direct: f64,
    #[serde(default)]
    #[schema(maximum = 1, default = 0.22)]
    choice: f64,
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1, default = 0.1)]
    lead: f64,
}

/// What the bundle adds to a robot.
#[derive(ToSchema)]
pub(crate) struct RecordedRobot {
    /// Stable; to be copied into `session-from`.
    id: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Whether a credential is kept. No answer has it again.
    has_secret: bool,
}

/// What the bundle adds to a robot in the answer that creates or changes it.
#[derive(ToSchema)]
pub(crate) struct CreatedRobotFields {
    /// Stable; to be copied into `session-from`.
    id: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Whether a credential is kept. No answer has it again.
    has_secret: bool,
    /// The secret of a webhook that was generated with this request; no other answer has it.
    #[schema(nullable = false)]
    secret: Option<String>,
}

/// A question with its answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "title": "怎么退款", "answer": "在订单页点击“申请退款”。" }))]
pub(crate) struct NewQuestion {
    /// 1 to 64 letters, digits, hyphens, underscores or dots; generated where it is missing.
    #[serde(default)]
    #[schema(nullable = false, pattern = "^[A-Za-z0-9._-]{1,64}$")]
    id: Option<String>,
    /// The question as it is shown in a choice, one line.
    #[schema(min_length = 1, max_length = 80)]
    title: String,
    /// Other ways to ask it, each one line of at most 200 characters.
    #[serde(default)]
    #[schema(max_items = 20)]
    variants: Vec<String>,
    /// At most 2048 bytes.
    #[schema(min_length = 1)]
    answer: String,
    /// Whether the robot does not use it for now.
    #[serde(default)]
    #[schema(default = false)]
    disabled: bool,
}

/// A question of a robot.
#[derive(ToSchema)]
pub(crate) struct Question {
    /// Its id among the robot's questions.
    id: String,
    /// The question as it is shown in a choice, one line.
    title: String,
    /// Other ways to ask it.
    variants: Vec<String>,
    answer: String,
    /// Whether the robot does not use it for now.
    disabled: bool,
}

/// All questions of a robot.
#[derive(ToSchema)]
pub(crate) struct QuestionReplacement {
    #[schema(max_items = 1000)]
    questions: Vec<NewQuestion>,
}
