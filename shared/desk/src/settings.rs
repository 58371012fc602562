//! The reception settings of a binding: the mode, the prompts, the handover rules, and the idle timeouts.
//!
//! The modes are those of Sobot's `service_mode`. The limits come from WeChat's customer service messages (发送客服消息,
//! `customer-message/send.html`): 2048 bytes per text, replies for 48 hours after a visitor's message, five replies.

use serde::{Deserialize, Serialize};

use crate::{Fault, allow::Allow, limits::Budgets, staff::AfterHours};

/// 接待模式: whether a robot or an agent answers first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ReceptionMode))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// 1 仅机器人: only the robot answers; a visitor who asks for a person is told that no agent is available.
    RobotOnly,
    /// 2 仅人工: only agents answer; the visitor is assigned or queued.
    #[default]
    AgentsOnly,
    /// 3 机器人优先: the robot answers until the visitor is handed over.
    RobotFirst,
    /// 4 人工优先: an agent who is free now, otherwise the robot.
    AgentsFirst,
}

/// The reception settings of a binding. A change is merged into the current settings (RFC 7396).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Reception {
    /// The reception mode.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub mode: Mode,
    /// The robot. Without a robot only agents answer, in every mode.
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub robot_id: Option<String>,
    /// The group that conversations are routed to unless `session-from` names another target.
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub group_id: Option<String>,
    /// Whether the robot and the targets in `session-from` are ignored.
    pub locked: bool,
    /// Which robots, groups and agents a `session-from` may name.
    pub allow: Allow,
    /// The validity of a `session-from` after the visitor enters, 1 to 1440 minutes. WeChat sends it with the enter event
    /// and not with messages.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1440, default = 30))]
    pub session_from_minutes: u32,
    /// The text sent when a visitor enters, or with the first message if no enter event arrived; at most once a day and
    /// 2048 bytes.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub greeting: Option<String>,
    /// When the robot hands over to a person.
    pub handover: HandoverRules,
    /// The automatic texts.
    pub prompts: Prompts,
    /// The policy when no agent is available, for targets without a policy of their own.
    pub after_hours: AfterHours,
    /// The number of WeChat's replies that the robot leaves for the agent, 0 to 4.
    #[cfg_attr(feature = "openapi", schema(maximum = 4, default = 2))]
    pub reply_reserve: u32,
    /// When an idle conversation ends.
    pub idle: Idle,
    /// The queue priority, 0 to 100. Each step counts as ten minutes of waiting time.
    #[cfg_attr(feature = "openapi", schema(maximum = 100, default = 0))]
    pub priority: u32,
    /// The messages of a visitor in a minute that are processed, 1 to 1000. Those beyond are stored and shown, and nothing
    /// follows from them. They count by the time at which they arrive.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000, default = 30))]
    pub messages_per_minute: u32,
    /// The turns of a visitor in an hour that a robot answers, up to 10,000; 0 sets no limit. Beyond it the visitor is handed
    /// over to people where the mode allows it, or gets the robot's fallback once.
    #[cfg_attr(feature = "openapi", schema(maximum = 10_000, default = 60))]
    pub robot_turns_per_hour: u32,
    /// What language models may use for this mini program on a day.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub budgets: Budgets,
}

/// When the robot hands a visitor over to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct HandoverRules {
    /// Keywords in addition to the built-in ones such as 转人工: at most 50 of 1 to 30 characters.
    #[cfg_attr(feature = "openapi", schema(max_items = 50))]
    pub keywords: Vec<String>,
    /// The number of consecutive turns without an answer, 0 to 20; 0 disables the rule.
    #[cfg_attr(feature = "openapi", schema(maximum = 20, default = 2))]
    pub after_misses: u32,
    /// The number of times the same question is asked, 2 to 20; 0 disables the rule.
    #[cfg_attr(feature = "openapi", schema(maximum = 20, default = 3))]
    pub after_repeats: u32,
}

/// The automatic texts, at most 2048 bytes each. An empty text is not sent. Each sent text uses one of the replies that
/// WeChat grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Prompts {
    /// Sent when an agent is assigned; `{agent}` is the agent's name.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub connected: String,
    /// Sent when the visitor is queued; `{position}` is the position in the queue, from 1, and `{ahead}` the number of
    /// visitors before it.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub queued: String,
    /// Sent when no agent is available and the visitor can leave a message.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub leave_message: String,
    /// Sent when agents are on duty, the queue is full, and the visitor can leave a message.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub queue_full: String,
    /// Sent when the visitor has waited for the group's `max_wait_seconds` and can leave a message.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub waited_too_long: String,
    /// Sent when the visitor has left the first message.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub message_left: String,
    /// Sent when the visitor asks for a person, no agent is available, and the robot continues.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub no_agent: String,
    /// Sent before an idle conversation ends.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub idle_warning: String,
    /// Sent when an idle conversation has ended.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub closed: String,
}

/// When an idle conversation ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Idle {
    /// Minutes since the last word of the agent or robot, 1 to 2880; the conversation ends within seconds after them. While the
    /// visitor has the last word, the conversation is kept for 48 hours after it, as long as WeChat permits replies. A visitor who is
    /// queued or has left a message waits for 48 hours as well.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2880, default = 2880))]
    pub close_after_minutes: u32,
    /// Minutes since the last word of the agent or robot before the warning, less than `close_after_minutes`; it is sent within
    /// seconds after them. Without a value no warning is sent, and none to a visitor who has the last word.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2880))]
    pub warn_after_minutes: Option<u32>,
}

impl Default for Reception {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            robot_id: None,
            group_id: None,
            locked: false,
            allow: Allow::default(),
            session_from_minutes: 30,
            greeting: None,
            handover: HandoverRules::default(),
            prompts: Prompts::default(),
            after_hours: AfterHours::default(),
            reply_reserve: 2,
            idle: Idle::default(),
            priority: 0,
            messages_per_minute: 30,
            robot_turns_per_hour: 60,
            budgets: Budgets::default(),
        }
    }
}

impl Default for HandoverRules {
    fn default() -> Self {
        Self { keywords: Vec::new(), after_misses: 2, after_repeats: 3 }
    }
}

impl Default for Prompts {
    fn default() -> Self {
        Self {
            connected: String::new(),
            queued: "客服正忙，您排在第 {position} 位，请稍候，我们会尽快为您服务。".to_owned(),
            leave_message: "现在没有客服在线。请留下您的问题，我们上线后会尽快回复您。".to_owned(),
            queue_full: "现在排队的人较多。请留下您的问题，我们会尽快回复您。".to_owned(),
            waited_too_long: "抱歉让您久等了，客服仍在忙。请留下您的问题，我们会尽快回复您。".to_owned(),
            message_left: "您的留言已收到，我们会尽快回复。".to_owned(),
            no_agent: "现在没有客服在线，我先为您解答。".to_owned(),
            idle_warning: "您还在吗？如果没有其他问题，本次会话稍后将自动结束。".to_owned(),
            closed: String::new(),
        }
    }
}

impl Default for Idle {
    fn default() -> Self {
        Self { close_after_minutes: IDLE_MAX, warn_after_minutes: None }
    }
}

/// 48 hours in minutes, after which WeChat refuses replies (发送客服消息, `customer-message/send.html`).
pub const IDLE_MAX: u32 = 48 * 60;
/// The size of one text message, in bytes (发送客服消息, `customer-message/send.html`).
const TEXT_MAX: usize = 2048;
/// The greatest budgets. Sums of them stay far below the greatest integer that JSON readers take exactly.
const CALLS_MAX: u32 = 1_000_000_000;
const TOKENS_MAX: u64 = 1_000_000_000_000;
const KEYWORDS_MAX: usize = 50;
const KEYWORD_MAX: usize = 30;

impl Reception {
    /// Validates the settings.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut must = |right: bool, field: &str, detail: &str| {
            if !right {
                faults.push(Fault::new(field, detail));
            }
        };
        let prompts = &self.prompts;
        for (field, text) in [
            ("greeting", self.greeting.as_deref().unwrap_or_default()),
            ("prompts.connected", &prompts.connected),
            ("prompts.queued", &prompts.queued),
            ("prompts.leave_message", &prompts.leave_message),
            ("prompts.queue_full", &prompts.queue_full),
            ("prompts.waited_too_long", &prompts.waited_too_long),
            ("prompts.message_left", &prompts.message_left),
            ("prompts.no_agent", &prompts.no_agent),
            ("prompts.idle_warning", &prompts.idle_warning),
            ("prompts.closed", &prompts.closed),
        ] {
            must(text.len() <= TEXT_MAX, field, "must have at most 2048 bytes, which is one message of WeChat's");
        }
        must((1..=1440).contains(&self.session_from_minutes), "session_from_minutes", "must be 1 to 1440");
        must(self.handover.keywords.len() <= KEYWORDS_MAX, "handover.keywords", "must be at most 50");
        let keyword = |word: &String| !word.trim().is_empty() && word.chars().count() <= KEYWORD_MAX;
        let keywords = self.handover.keywords.iter().all(keyword);
        must(keywords, "handover.keywords", "must have 1 to 30 characters each");
        must(self.handover.after_misses <= 20, "handover.after_misses", "must be 0 to 20");
        must(
            self.handover.after_repeats != 1 && self.handover.after_repeats <= 20,
            "handover.after_repeats",
            "must be 0 or 2 to 20",
        );
        must(self.reply_reserve <= 4, "reply_reserve", "must be 0 to 4 of the five replies that WeChat grants");
        let close = self.idle.close_after_minutes;
        must((1..=IDLE_MAX).contains(&close), "idle.close_after_minutes", "must be 1 to 2880");
        let warn = self.idle.warn_after_minutes.is_none_or(|warn| warn >= 1 && warn < close);
        must(warn, "idle.warn_after_minutes", "must be at least 1 and less than close_after_minutes");
        must(self.priority <= 100, "priority", "must be 0 to 100");
        must((1..=1000).contains(&self.messages_per_minute), "messages_per_minute", "must be 1 to 1000");
        must(self.robot_turns_per_hour <= 10_000, "robot_turns_per_hour", "must be 0 to 10000");
        let Budgets { model_calls_per_day, model_tokens_per_day } = self.budgets;
        must(model_calls_per_day <= CALLS_MAX, "budgets.model_calls_per_day", "must be 0 to 1000000000");
        must(model_tokens_per_day <= TOKENS_MAX, "budgets.model_tokens_per_day", "must be 0 to 1000000000000");
        faults.extend(self.allow.faults());
        faults
    }

    /// The number of replies that the robot must leave for an agent; 0 where agents never answer.
    pub fn robot_reserve(&self) -> u32 {
        if self.mode == Mode::RobotOnly { 0 } else { self.reply_reserve }
    }
}
