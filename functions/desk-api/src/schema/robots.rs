//! Robots.

#![allow(dead_code, reason = "describes types of other crates")]

use desk::faq::Thresholds;
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
    #[schema(max_length = 2048)]
    fallback: String,
    /// Ids that it has elsewhere, such as another vendor's `robotid`. Each belongs to one robot only and is the id of no
    /// other (`alias.taken`).
    #[serde(default)]
    #[schema(max_items = 20)]
    aliases: Vec<String>,
    /// `faq`: the score thresholds for an answer and for a choice.
    #[serde(default)]
    #[schema(nullable = false)]
    thresholds: Option<Thresholds>,
    /// `chat`: the address of the OpenAI-compatible API, without `/chat/completions`. At most 2048 bytes.
    #[serde(default)]
    #[schema(nullable = false, format = Uri, max_length = 2048)]
    base_url: Option<String>,
    /// `chat`: the model's name there.
    #[serde(default)]
    #[schema(nullable = false, min_length = 1, max_length = 100)]
    model: Option<String>,
    /// `chat`: the tone to answer in.
    #[serde(default)]
    #[schema(nullable = false, max_length = 4000)]
    instructions: Option<String>,
    /// `webhook`: the address of the system that answers. At most 2048 bytes. A request that fails in passing (a broken
    /// connection, 408, 425, 429, most 5xx) is repeated within the deadline, with the same `webhook-id`.
    #[serde(default)]
    #[schema(nullable = false, format = Uri, max_length = 2048)]
    url: Option<String>,
    /// `webhook`: whether a model makes the answers, which are labelled then, and whose Markdown becomes plain text.
    #[serde(default)]
    #[schema(nullable = false)]
    ai_generated: Option<bool>,
    /// `chat`, `webhook`: how many seconds an answer may take, with all attempts.
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
    #[schema(write_only, max_length = 100)]
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
