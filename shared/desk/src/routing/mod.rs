//! Which group or agent a conversation goes to, level by level (多级溢出).
//!
//! `session-from` can name up to four groups or agents and say of each for which reason a conversation overflows to the
//! next (小程序指定接待对接代码, `transfer_action`). [`levels_from_transfer_action`] makes a [`Plan`] of that, and [`route`](fn@route) decides:
//!
//! | State of the target | Means | Overflows on | Otherwise |
//! |---|---|---|---|
//! | [`TargetState::NotFound`] | nobody has this id | always | the plan's after-hours policy |
//! | [`TargetState::OffWork`] | outside of the group's hours | [`OverflowCondition::OffWork`], [`OverflowCondition::Any`] | after-hours policy |
//! | [`TargetState::Offline`] | nobody is on duty | [`OverflowCondition::Offline`], [`OverflowCondition::Any`] | after-hours policy |
//! | [`TargetState::QueueFull`] | busy, and no more may wait | [`OverflowCondition::Busy`], [`OverflowCondition::Any`] | leave a message |
//! | [`TargetState::Busy`] | nobody is free, or others wait already | [`OverflowCondition::Busy`], [`OverflowCondition::Any`] | queue |
//! | [`TargetState::Available`] | somebody is free and nobody waits | never | assign |
//!
//! Where several apply, the upper one counts. A level that may not overflow, the last one and the fourth keep what they
//! get; so does one that would pass it on to levels of which none has a target that exists. 智能判断, which no vendor
//! defines, is [`OverflowCondition::Any`]. The after-hours policy is the group's, for an agent the plan's. With
//! [`Mode::ImmediateOnly`] the robot has whatever is not assigned.
//!
//! It asks for the facts of one target at a time, so that nothing is read that the decision does not concern.

mod facts;
mod plan;
mod route;
mod trail;
mod transfer_action;

pub use self::{
    facts::{AGENT_QUEUE_MAX, Facts, TargetState},
    plan::{
        LEVELS_MAX, LastAgent, Level, OverflowCondition, Plan, Target, TargetKind, all_unresolved, append_levels,
        plan_after_wait,
    },
    route::{Mode, Outcome, RoutingDecision, RoutingStep, route},
    trail::{TrailEntry, Verdict},
    transfer_action::{TransferLevel, Warning, WarningCode, levels_from_transfer_action},
};
