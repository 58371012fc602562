//! Routing of a conversation to a group or an agent, level by level (多级溢出).
//!
//! `session-from` can name up to four groups or agents, with a condition for each under which a conversation overflows to
//! the next (小程序指定接待对接代码, `transfer_action`). [`levels_from_transfer_action`] makes the levels of a [`Plan`], and
//! [`route`](fn@route) decides by the state of each target:
//!
//! | State of the target | Meaning | Overflows on | Otherwise |
//! |---|---|---|---|
//! | [`TargetState::NotFound`] | no target has the id | always | the plan's after-hours policy |
//! | [`TargetState::OffWork`] | outside the group's working hours | [`OverflowCondition::OffWork`], [`OverflowCondition::Any`] | the after-hours policy |
//! | [`TargetState::Offline`] | no agent is on duty | [`OverflowCondition::Offline`], [`OverflowCondition::Any`] | the after-hours policy |
//! | [`TargetState::QueueFull`] | no agent is free and the queue is full | [`OverflowCondition::Busy`], [`OverflowCondition::Any`] | leave a message |
//! | [`TargetState::QueueShare`] | no agent is free and the visitor's mini program has its share of the queue | [`OverflowCondition::Busy`], [`OverflowCondition::Any`] | leave a message |
//! | [`TargetState::Busy`] | no agent is free, or the queue is not empty | [`OverflowCondition::Busy`], [`OverflowCondition::Any`] | queue |
//! | [`TargetState::Available`] | an agent is free and the queue is empty | never | assign |
//!
//! If several states apply, the first row wins. A conversation stays at a level that does not overflow, at the last level,
//! at the fourth level, and at a level after which no target exists. 智能判断 is not defined in the documentation; it is
//! [`OverflowCondition::Any`] here. The after-hours policy is the group's; an agent uses the plan's. With
//! [`Mode::ImmediateOnly`] the robot gets each conversation that is not assigned.
//!
//! [`route`](fn@route) requests the facts of one target at a time, so that the caller reads only what the decision needs.

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
    transfer_action::{Lookup, TransferLevel, Warning, WarningCode, levels_from_transfer_action},
};
