//! What an admin sets for a mini program: who answers first, what is said by itself, when a conversation ends.

use serde::{Deserialize, Serialize};

use crate::{Fault, staff::AfterHours};

/// 接待模式: who answers a visitor first. The numbers are those of Sobot's `service_mode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// 1 仅机器人: never a person; whoever asks for one is told that nobody is there.
    RobotOnly,
    /// 2 仅人工: an agent at once, or the queue.
    #[default]
    AgentsOnly,
    /// 3 机器人优先: the robot until something hands the visitor over.
    RobotFirst,
    /// 4 人工优先: an agent if one is free now, otherwise the robot.
    AgentsFirst,
}

/// How a mini program's visitors are received.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reception {
    /// Who answers first.
    pub mode: Mode,
    /// The robot; without one nobody but agents answers, whatever the mode.
    pub robot_id: Option<String>,
    /// The group that conversations go to unless `session-from` names another.
    pub group_id: Option<String>,
    /// Whether `session-from` may choose neither robot nor group.
    pub locked: bool,
    /// How long after entering a `session-from` still chooses, in minutes. It arrives with the event of entering
    /// and not with the messages.
    pub session_from_minutes: u32,
    /// Said when a visitor enters, or with the first message if WeChat told of no entering; once in a day.
    pub greeting: Option<String>,
    /// When the robot hands over.
    pub handover: HandoverRules,
    /// What is said by itself.
    pub prompts: Prompts,
    /// What happens when nobody is there, where a group has no policy of its own.
    pub after_hours: AfterHours,
    /// How many of WeChat's few replies the robot leaves to the agent.
    pub reply_reserve: u32,
    /// When a conversation ends by itself.
    pub idle: Idle,
    /// Place in the queue: each step is worth ten minutes of waiting.
    pub priority: u32,
}

/// When the robot hands a visitor over to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HandoverRules {
    /// Words of this mini program's own, beside the usual ones such as 转人工.
    pub keywords: Vec<String>,
    /// After this many turns without an answer; 0 is never.
    pub after_misses: u32,
    /// When the same question comes this many times; 0 is never.
    pub after_repeats: u32,
}

/// What is said by itself. An empty text says nothing. Each costs one of the few replies that WeChat grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Prompts {
    /// When an agent has the conversation; `{agent}` is their name.
    pub connected: String,
    /// When the visitor begins to wait; `{position}` is their place in the queue, from 1, and `{ahead}` how many are
    /// before them.
    pub queued: String,
    /// When nobody is there and a message can be left.
    pub leave_message: String,
    /// When somebody is there, but no more may wait, and a message can be left.
    pub queue_full: String,
    /// When somebody has waited for as long as the group lets them, and a message can be left.
    pub waited_too_long: String,
    /// When the first message has been left.
    pub message_left: String,
    /// When somebody asks for a person, nobody is there, and the robot goes on.
    pub no_agent: String,
    /// Before a conversation ends for want of an answer.
    pub idle_warning: String,
    /// When a conversation has ended by itself.
    pub closed: String,
}

/// When a conversation ends by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Idle {
    /// Minutes without a word from either side. At most 2880: after 48 hours WeChat lets nobody answer. Whoever still
    /// waits for a person, in a queue or with a message that they left, waits for those 48 hours whatever is set here.
    pub close_after_minutes: u32,
    /// Minutes without a word before a warning; none without it.
    pub warn_after_minutes: Option<u32>,
}

impl Default for Reception {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            robot_id: None,
            group_id: None,
            locked: false,
            session_from_minutes: 30,
            greeting: None,
            handover: HandoverRules::default(),
            prompts: Prompts::default(),
            after_hours: AfterHours::default(),
            reply_reserve: 2,
            idle: Idle::default(),
            priority: 0,
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

/// 48 hours in minutes: after that WeChat lets nobody answer (发送客服消息, "customer-message/send").
pub const IDLE_MAX: u32 = 48 * 60;
/// What one message of WeChat's takes, in bytes.
const TEXT_MAX: usize = 2048;
const KEYWORDS_MAX: usize = 50;
const KEYWORD_MAX: usize = 30;

impl Reception {
    /// What is wrong with these settings; nothing if they can be used.
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
        faults
    }

    /// How many replies the robot must leave. Where no agent ever answers, there is nobody to keep them for.
    pub fn robot_keeps(&self) -> u32 {
        if self.mode == Mode::RobotOnly { 0 } else { self.reply_reserve }
    }
}
