//! Reception settings.

#![allow(dead_code, reason = "describes `desk::settings::Reception`")]

use desk::{settings::Mode, staff::AfterHours};
use serde::Deserialize;
use utoipa::ToSchema;

/// How visitors are received. In a change it is merged into the current settings (RFC 7396); null sets everything back.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Reception {
    #[serde(default)]
    #[schema(required = false)]
    mode: Mode,
    /// The robot that answers.
    #[serde(default)]
    robot_id: Option<String>,
    /// The group that conversations go to unless `session-from` names another.
    #[serde(default)]
    group_id: Option<String>,
    /// Whether `session-from` may choose neither robot nor group.
    #[serde(default)]
    locked: bool,
    /// For how many minutes after entering a `session-from` is used.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1440, default = 30)]
    session_from_minutes: u32,
    /// Sent when a visitor enters, once a day. At most 2048 bytes.
    #[serde(default)]
    greeting: Option<String>,
    #[serde(default)]
    handover: Handover,
    #[serde(default)]
    prompts: Prompts,
    #[serde(default)]
    after_hours: AfterHours,
    /// How many of WeChat's replies the robot leaves to the agent.
    #[serde(default)]
    #[schema(maximum = 4, default = 2)]
    reply_reserve: u32,
    #[serde(default)]
    idle: Idle,
    /// Place in the queue: each step is worth ten minutes of waiting.
    #[serde(default)]
    #[schema(maximum = 100, default = 0)]
    priority: u32,
}

/// When the robot hands over to an agent.
#[derive(Default, Deserialize, ToSchema)]
struct Handover {
    /// Words beside the usual ones such as 转人工, each of at most 30 characters.
    #[serde(default)]
    #[schema(max_items = 50)]
    keywords: Vec<String>,
    /// After so many turns without an answer; 0 is never.
    #[serde(default)]
    #[schema(maximum = 20, default = 2)]
    after_misses: u32,
    /// When the same question comes so often; 0 is never.
    #[serde(default)]
    #[schema(maximum = 20, default = 3)]
    after_repeats: u32,
}

/// The texts that are sent automatically. An empty text sends nothing. Each has at most 2048 bytes.
#[derive(Default, Deserialize, ToSchema)]
struct Prompts {
    /// When an agent takes the conversation; `{agent}` is the agent's name.
    #[serde(default)]
    connected: String,
    /// When the visitor begins to wait; `{ahead}` is how many are before them.
    #[serde(default)]
    queued: String,
    /// When no agent is available and a message can be left.
    #[serde(default)]
    leave_message: String,
    /// When a message was left.
    #[serde(default)]
    message_left: String,
    /// When agents are on duty but no more conversations may wait, and a message can be left.
    #[serde(default)]
    queue_full: String,
    /// When the visitor has waited as long as the group permits, and a message can be left.
    #[serde(default)]
    waited_too_long: String,
    /// When the visitor asks for an agent, none is available, and the robot continues.
    #[serde(default)]
    no_agent: String,
    /// Before the conversation is closed for want of messages.
    #[serde(default)]
    idle_warning: String,
    /// When the conversation is closed.
    #[serde(default)]
    closed: String,
}

/// When a conversation is closed for want of messages.
#[derive(Default, Deserialize, ToSchema)]
struct Idle {
    /// Minutes without a message. A visitor who still waits for an agent's first message, in a queue or with a message
    /// left, waits for 2880 whatever is set.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 2880, default = 2880)]
    close_after_minutes: u32,
    /// Minutes without a message after which the visitor is warned.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 2880)]
    warn_after_minutes: Option<u32>,
}
