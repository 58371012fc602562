//! Events of a conversation.

#![allow(dead_code, reason = "describes `store::Event`")]

use jiff::Timestamp;
use utoipa::ToSchema;

/// A change of a conversation.
#[derive(ToSchema)]
pub(crate) struct Event {
    /// Numbers the events of a conversation without a gap.
    #[schema(minimum = 1)]
    seq: u64,
    #[schema(rename = "type")]
    kind: EventType,
    at: Timestamp,
    data: Option<EventData>,
}

/// What happened.
#[derive(ToSchema)]
enum EventType {
    #[schema(rename = "conversation.created")]
    Created,
    #[schema(rename = "conversation.robot")]
    Robot,
    #[schema(rename = "conversation.handoff")]
    Handoff,
    #[schema(rename = "conversation.queued")]
    Queued,
    #[schema(rename = "conversation.assigned")]
    Assigned,
    #[schema(rename = "conversation.accepted")]
    Accepted,
    #[schema(rename = "conversation.answered")]
    Answered,
    #[schema(rename = "conversation.transferred")]
    Transferred,
    #[schema(rename = "conversation.overflowed")]
    Overflowed,
    #[schema(rename = "conversation.requeued")]
    Requeued,
    #[schema(rename = "conversation.idle")]
    Idle,
    #[schema(rename = "conversation.closed")]
    Closed,
    #[schema(rename = "leave_message.created")]
    MessageLeft,
    #[schema(rename = "robot.answered")]
    RobotAnswered,
    #[schema(rename = "message.not_said")]
    MessageNotSent,
}

/// More about the event. Which fields there are depends on its type; a decision has the trail that says why.
#[derive(ToSchema)]
struct EventData {
    /// `conversation.assigned`, `conversation.accepted`, `conversation.closed`: the agent.
    agent_id: Option<String>,
    /// The group that the conversation was assigned through or waits for.
    group_id: Option<String>,
    /// `conversation.robot`, `robot.answered`: the robot.
    robot_id: Option<String>,
    /// `conversation.closed`: what closed the conversation. `conversation.transferred`: the agent who did it.
    by: Option<String>,
    /// `conversation.handoff`: why the robot handed over. `conversation.transferred`: what the agent wrote.
    reason: Option<String>,
}
