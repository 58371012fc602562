//! Limits on what one visitor and one mini program may use, so that no stranger spends the team's money without a bound.
//!
//! | Limit | Counted by | Beyond it |
//! |---|---|---|
//! | messages | visitor and minute of arrival ([`receive`]) | stored and shown, and nothing follows from them |
//! | robot turns | visitor and hour ([`Used`]) | the visitor is handed over, or told once that the robot has no answer |
//! | calls and tokens of language models | mini program and day in UTC ([`Budgets`]) | the robot is not asked |
//! | places in a queue | mini program ([`Group::places_for_one`](crate::staff::Group::places_for_one)) | as if the queue were full |
//!
//! A [blocked](Block) visitor's messages are stored and shown as well, and nothing follows from them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest reason of a block, in bytes.
pub const REASON_MAX: usize = 200;

/// How much was used of something in the current period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// The number of the period since 1970.
    #[serde(rename = "p", alias = "period")]
    period: i64,
    /// How often in this period.
    #[serde(rename = "n", alias = "count")]
    count: u32,
}

/// How a use stands to its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// Within the limit.
    Within,
    /// The first one beyond the limit in its period.
    FirstBeyond,
    /// Another one beyond the limit.
    Beyond,
}

impl Used {
    /// Counts a use at this time, in periods of this length; a limit of 0 is none. What is counted late, after a use of a
    /// later period, counts towards that period, so that no order of arrivals permits more than the limit in each.
    pub fn count(&mut self, at: Timestamp, period: SignedDuration, limit: u32) -> Usage {
        let number = at.as_second().div_euclid(period.as_secs().max(1));
        if number > self.period {
            *self = Self { period: number, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        match self.count {
            _ if limit == 0 => Usage::Within,
            count if count <= limit => Usage::Within,
            count if count == limit.saturating_add(1) => Usage::FirstBeyond,
            _ => Usage::Beyond,
        }
    }

    /// The same without counting it.
    pub fn next(self, at: Timestamp, period: SignedDuration, limit: u32) -> Usage {
        let mut used = self;
        used.count(at, period, limit)
    }
}

/// The period of the limit on messages.
pub const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// The period of the limit on robot turns.
pub const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// That a visitor is blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Block {
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself; without a value it does not.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub until: Option<Timestamp>,
    /// Why, for colleagues: at most 200 bytes on one line.
    pub reason: String,
}

impl Block {
    /// Whether it is in force at this time.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// Why nothing follows from a visitor's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ignored {
    /// The visitor is blocked.
    Blocked,
    /// The visitor has sent more messages in this minute than the mini program's settings allow.
    TooMany,
}

impl Ignored {
    /// The name in the table and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::TooMany => "too_many",
        }
    }

    /// The reason with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Blocked, Self::TooMany].into_iter().find(|reason| reason.as_str() == name)
    }
}

/// What becomes of a visitor's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It is processed.
    Processed,
    /// It is stored and shown. Nothing follows from it: it is neither routed nor answered, and resets no timer.
    Ignored {
        /// Why.
        reason: Ignored,
        /// Whether agents are told: once a minute.
        is_told: bool,
    },
}

/// Decides what becomes of a visitor's message, and counts it. `arrived_at` is when it arrived here: WeChat's `CreateTime` is
/// whatever the push says. A blocked visitor's messages are not counted.
pub fn receive(
    block: Option<&Block>,
    messages: &mut Used,
    limit: u32,
    arrived_at: Timestamp,
    now: Timestamp,
) -> Received {
    if block.is_some_and(|block| block.is_in_force(now)) {
        return Received::Ignored { reason: Ignored::Blocked, is_told: false };
    }
    match messages.count(arrived_at, MINUTE, limit) {
        Usage::Within => Received::Processed,
        beyond => Received::Ignored { reason: Ignored::TooMany, is_told: beyond == Usage::FirstBeyond },
    }
}

/// What the language models of a mini program may use on a day in UTC. Only calls of models count: neither answers from
/// the questions of a robot, nor webhooks, nor the trial of a robot by an administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Budgets {
    /// Requests to language models, those that are repeated among them; 0 sets no limit. A busy mini program of some 5000
    /// visitors a day stays below the default.
    #[cfg_attr(feature = "openapi", schema(maximum = 1_000_000_000, default = 20_000))]
    pub model_calls_per_day: u32,
    /// Tokens of prompts and completions, as far as the models' servers count them; 0 sets no limit. The default is 1000
    /// tokens for each call of the default above: a question with its passages and its answer.
    #[cfg_attr(feature = "openapi", schema(maximum = 1_000_000_000_000_u64, default = 20_000_000))]
    pub model_tokens_per_day: u64,
}

impl Default for Budgets {
    fn default() -> Self {
        Self { model_calls_per_day: 20_000, model_tokens_per_day: 20_000_000 }
    }
}

/// What language models have used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModelUse {
    /// Requests.
    pub calls: u64,
    /// Tokens.
    pub tokens: u64,
}

impl Budgets {
    /// Whether a day's use leaves no further call. The last call may exceed the limit of tokens: what it uses is known after it.
    pub fn are_used_up(&self, used: ModelUse) -> bool {
        let reached = |limit: u64, used: u64| limit > 0 && used >= limit;
        reached(self.model_calls_per_day.into(), used.calls) || reached(self.model_tokens_per_day, used.tokens)
    }

    /// The part of one of `parts` equal parts, rounded up.
    #[must_use]
    pub fn part(&self, parts: u32) -> Self {
        let parts = parts.max(1);
        Self {
            model_calls_per_day: self.model_calls_per_day.div_ceil(parts),
            model_tokens_per_day: self.model_tokens_per_day.div_ceil(parts.into()),
        }
    }
}

#[cfg(test)]
mod tests;
