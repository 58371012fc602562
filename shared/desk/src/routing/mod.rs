//! Which group or agent a conversation goes to, level by level (多级溢出).
//!
//! `session-from` can name up to four groups or agents and say of each for which reason a conversation overflows to the
//! next (小程序指定接待对接代码, `transfer_action`). [`levels`] makes a [`Plan`] of that, and [`route`](fn@route) decides:
//!
//! | State of the target | Means | Overflows on | Otherwise |
//! |---|---|---|---|
//! | [`State::NotFound`] | nobody has this id | always | the plan's after-hours policy |
//! | [`State::OffWork`] | outside of the group's hours | [`Spill::OffWork`], [`Spill::Any`] | after-hours policy |
//! | [`State::Offline`] | nobody is on duty | [`Spill::Offline`], [`Spill::Any`] | after-hours policy |
//! | [`State::QueueFull`] | busy, and no more may wait | [`Spill::Busy`], [`Spill::Any`] | leave a message |
//! | [`State::Busy`] | nobody is free, or others wait already | [`Spill::Busy`], [`Spill::Any`] | queue |
//! | [`State::Takeable`] | somebody is free and nobody waits | never | assign |
//!
//! Where several apply, the upper one counts. A level that may not overflow, the last one and the fourth keep what they
//! get; so does one that would pass it on to levels of which none has a target that exists. 智能判断, which no vendor
//! defines, is [`Spill::Any`]. The after-hours policy is the group's, for an agent the plan's. With
//! [`Mode::ImmediateOnly`] the robot has whatever is not assigned.
//!
//! It asks for the facts of one target at a time, so that nothing is read that the decision does not concern.

mod asked;
mod facts;
mod plan;
mod route;
mod trail;

pub use self::{
    asked::{Asked, Oddity, Warning, levels},
    facts::{AGENT_QUEUE_MAX, Facts, State},
    plan::{LEVELS_MAX, LastAgent, Level, Plan, Spill, Target, TargetKind, after_wait, follow, lead_nowhere},
    route::{Mode, Next, Outcome, Routed, route},
    trail::{Passage, Verdict},
};
