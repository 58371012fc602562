//! The simulation of the routing.

#![allow(dead_code, reason = "describes `conversations::Simulated`")]

use jiff::Timestamp;
use utoipa::ToSchema;

use super::{SessionFrom, reception::ReceptionMode, settings::AfterHours};

/// Where a conversation would go, and why.
#[derive(ToSchema)]
pub(crate) struct Simulated {
    session_from: SessionFrom,
    mode: ReceptionMode,
    first: FirstStep,
    /// The robot, if one answers: at first, or where an agent is wanted and none is available.
    #[schema(nullable = false)]
    robot_id: Option<String>,
    plan: Plan,
    /// Where the conversation goes as soon as an agent is wanted; null where no agent or group is set up that could have
    /// it, so that it stays unassigned.
    outcome: Option<Outcome>,
    /// Why, level by level.
    trail: Vec<TrailEntry>,
    /// What is unusual about `transfer_action`, `platform_action` or `robotid`.
    warnings: Vec<PlanWarning>,
    at: Timestamp,
}

/// The first step.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum FirstStep {
    Robot,
    Route,
    LeaveMessage,
    Open,
}

/// Where the conversation may go.
#[derive(ToSchema)]
struct Plan {
    levels: Vec<PlanLevel>,
    /// The number of the first of the levels: 1, or more if the conversation has been at others before.
    #[schema(minimum = 1)]
    first: u8,
    /// The agent that the visitor last had, and when. How long that counts is the group's `sticky_minutes`.
    sticky: Option<Sticky>,
    /// The robot that takes over where no agent is available and a policy says so: that of `robotid`, or the mini
    /// program's own.
    robot_id: Option<String>,
    after_hours: AfterHours,
}

#[derive(ToSchema)]
struct PlanLevel {
    target: Option<Target>,
    /// The id as it was given.
    named: String,
    overflows: bool,
    spill: Spill,
}

/// `{"group": id}` or `{"agent": id}`.
#[derive(ToSchema)]
struct Target {
    #[schema(nullable = false)]
    group: Option<String>,
    #[schema(nullable = false)]
    agent: Option<String>,
}

/// For which reason a level overflows.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum Spill {
    Offline,
    Busy,
    OffWork,
    Any,
}

#[derive(ToSchema)]
struct Sticky {
    agent: String,
    at: Timestamp,
}

/// Where a conversation goes.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum Outcome {
    /// An agent takes it.
    #[schema(title = "assign")]
    Assign {
        /// Ids of the free agents, the best first.
        #[schema(min_items = 1)]
        agents: Vec<String>,
        /// The group that they take it for; null if the level names an agent.
        group: Option<String>,
        /// The number of the last level that was asked; 0 if there was none.
        #[schema(maximum = 4)]
        level: u8,
    },
    /// It waits.
    #[schema(title = "queue")]
    Queue {
        target: Target,
        /// The number of the last level that was asked; 0 if there was none.
        #[schema(maximum = 4)]
        level: u8,
    },
    /// The visitor leaves a message.
    #[schema(title = "leave_message")]
    LeaveMessage {
        /// The number of the last level that was asked; 0 if there was none.
        #[schema(maximum = 4)]
        level: u8,
    },
    /// The robot answers.
    #[schema(title = "robot")]
    Robot {
        /// The number of the last level that was asked; 0 if there was none.
        #[schema(maximum = 4)]
        level: u8,
    },
}

/// What a level of the plan decided.
#[derive(ToSchema)]
struct TrailEntry {
    #[schema(minimum = 1, maximum = 4)]
    level: u8,
    target: Option<Target>,
    /// The id as it was given.
    named: String,
    state: TargetState,
    verdict: Verdict,
    /// For a person.
    because: String,
}

/// The state of a level's target.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum TargetState {
    Takeable,
    OffWork,
    Offline,
    Busy,
    QueueFull,
    NotFound,
}

/// What a level decided.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum Verdict {
    Assigned,
    Queued,
    PassedOn,
    LeftMessage,
    Robot,
}

/// What is unusual about a plan.
#[derive(ToSchema)]
struct PlanWarning {
    /// The place in `transfer_action`; 0 if it is about none.
    level: u8,
    /// Stable.
    code: String,
    /// For a person.
    detail: String,
}
