//! The events of a conversation, with their data as webhooks, browsers and the API's history show it.

use desk::{conversation::ClosedBy, handover, routing::TrailEntry};
use serde::{Serialize, Serializer};
use serde_json::Value;
use store::NewEvent;
use wechat::session_from;

use crate::TransferTarget;

/// A change of a conversation. It serializes as the event's data.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum ConversationEvent {
    /// `conversation.created`: the visitor's first message opened it.
    Created {
        /// Irregularities of the `session-from` that the routing was based on.
        session_from_warnings: Vec<session_from::Warning>,
        /// The result of verifying the signature of `session-from`.
        verification: Option<String>,
        /// Irregularities of `transfer_action`, `platform_action` and `robotid`.
        routing_warnings: Vec<desk::routing::Warning>,
    },
    /// `conversation.handoff`: a robot hands over to people.
    HandedOver {
        /// Why.
        reason: handover::Reason,
    },
    /// `conversation.robot`: a robot answers from now on.
    RobotStarted {
        /// The robot.
        robot_id: String,
        /// The routing decision; absent when the mode of reception sends every visitor to the robot.
        #[serde(flatten)]
        route: Option<Route>,
    },
    /// `conversation.assigned`: an agent has it.
    Assigned {
        /// The agent.
        agent_id: String,
        /// The group that it was assigned through.
        group_id: Option<String>,
        /// How it was assigned.
        #[serde(flatten)]
        origin: AssignmentOrigin,
    },
    /// `conversation.queued`: it waits in a queue.
    Queued {
        /// The queue's name.
        queue: String,
        /// How many wait before it, counted up to 99.
        ahead: u32,
        /// The level of the plan.
        level: u8,
        /// The levels that were tried.
        trail: Vec<TrailEntry>,
        /// What made it change hands.
        because: RoutingCause,
    },
    /// `leave_message.created`: the visitor was asked to leave a message.
    LeaveMessageCreated {
        /// The level of the plan.
        level: u8,
        /// The levels that were tried, where any were.
        trail: Option<Vec<TrailEntry>>,
        /// What made it change hands.
        because: RoutingCause,
    },
    /// `conversation.accepted`: the assigned agent started to work on it.
    Accepted {
        /// The agent.
        agent_id: String,
    },
    /// `conversation.transferred`: a person gave it to another agent or group.
    Transferred {
        /// The agent who had it.
        from: Option<String>,
        /// Where it goes.
        to: TransferTarget,
        /// The reason that the person gave.
        reason: Option<String>,
        /// The agent who transferred it; absent for an administrator.
        by: Option<String>,
    },
    /// `conversation.requeued`: it was taken from an agent whose workbench is silent.
    Requeued {
        /// The agent who had it.
        from: String,
        /// Why, in words.
        because: &'static str,
    },
    /// `conversation.overflowed`: it leaves its queue for the next level of the plan.
    Overflowed(RoutingCause),
    /// `conversation.idle`: the visitor was warned that it will be closed.
    IdleWarned,
    /// `conversation.closed`: it ended.
    Closed {
        /// Who ended it: `agent`, `admin`, `visitor` or `idle`.
        by: ClosedBy,
        /// The agent who had it.
        agent_id: Option<String>,
        /// The agent's notes.
        summary: Option<Value>,
    },
    /// `message.not_said`: an automatic message was not sent.
    NotSent {
        /// The message's purpose.
        what: &'static str,
        /// Why, in words.
        because: &'static str,
    },
    /// `robot.answered`: a robot's answer to the visitor's last messages.
    RobotAnswered {
        /// `direct`, `choice`, `unknown`, `handover` or `failed`.
        answer: &'static str,
        /// The ids of the questions that the answer comes from.
        sources: Vec<String>,
        /// The code of the failure, if the robot could not be asked.
        failure: Option<&'static str>,
        /// Consecutive turns without an answer.
        misses: u32,
    },
}

/// How a conversation came to a robot.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Route {
    /// The levels that were tried.
    pub(crate) trail: Vec<TrailEntry>,
    /// What made it change hands.
    pub(crate) because: RoutingCause,
}

/// How a conversation came to an agent.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum AssignmentOrigin {
    /// By a routing decision.
    Routed {
        /// The level of the plan.
        level: u8,
        /// The levels that were tried.
        trail: Vec<TrailEntry>,
        /// What made it change hands.
        because: RoutingCause,
    },
    /// From a queue.
    Queue {
        /// How long the visitor waited, in seconds.
        waited_seconds: i64,
    },
    /// The agent claimed it.
    Claimed {
        /// Always `true`.
        claimed: True,
    },
    /// A person transferred it to the agent.
    Transferred {
        /// Always `true`.
        transferred: True,
    },
}

/// What made a conversation change hands.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RoutingCause {
    /// The visitor's message, and the reason of the handover if a robot had it.
    Handover(Option<handover::Reason>),
    /// A visitor who left a message wrote again.
    LeftMessage(True),
    /// This agent's workbench is silent.
    AgentGone(String),
    /// All agents of this queue are off duty.
    #[serde(rename = "nobody_there")]
    Unstaffed(String),
    /// It waited this many seconds, the longest wait that the group allows.
    WaitedSeconds(i64),
    /// A person transferred it.
    Transferred(True),
}

/// Serializes as `true`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct True;

impl Serialize for True {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

impl ConversationEvent {
    /// The event's type.
    fn kind(&self) -> &'static str {
        match self {
            Self::Created { .. } => "conversation.created",
            Self::HandedOver { .. } => "conversation.handoff",
            Self::RobotStarted { .. } => "conversation.robot",
            Self::Assigned { .. } => "conversation.assigned",
            Self::Queued { .. } => "conversation.queued",
            Self::LeaveMessageCreated { .. } => "leave_message.created",
            Self::Accepted { .. } => "conversation.accepted",
            Self::Transferred { .. } => "conversation.transferred",
            Self::Requeued { .. } => "conversation.requeued",
            Self::Overflowed(_) => "conversation.overflowed",
            Self::IdleWarned => "conversation.idle",
            Self::Closed { .. } => "conversation.closed",
            Self::NotSent { .. } => "message.not_said",
            Self::RobotAnswered { .. } => "robot.answered",
        }
    }
}

impl From<ConversationEvent> for NewEvent {
    fn from(event: ConversationEvent) -> Self {
        // These types have string keys only, which is all that JSON asks for.
        Self::new(event.kind(), serde_json::to_value(&event).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use desk::routing::{TargetState, Verdict};
    use serde_json::json;

    use super::*;

    fn trail() -> Vec<TrailEntry> {
        vec![TrailEntry {
            level: 1,
            target: None,
            named: "g".to_owned(),
            state: TargetState::Busy,
            verdict: Verdict::Queued,
            reason: "busy".to_owned(),
        }]
    }

    fn check(event: ConversationEvent, kind: &str, data: Value) {
        let event = NewEvent::from(event);
        assert_eq!((event.kind, event.data), (kind, data));
    }

    fn passage() -> Value {
        json!({ "level": 1, "target": null, "named": "g", "state": "busy", "verdict": "queued", "because": "busy" })
    }

    #[test]
    fn assignments_serialize_with_their_origin() {
        let check = |origin, data: Value| {
            let event = ConversationEvent::Assigned { agent_id: "a".to_owned(), group_id: None, origin };
            check(event, "conversation.assigned", data);
        };
        check(
            AssignmentOrigin::Routed { level: 2, trail: trail(), because: RoutingCause::LeftMessage(True) },
            json!({
                "agent_id": "a", "group_id": null, "level": 2, "trail": [passage()], "because": { "left_message": true },
            }),
        );
        check(
            AssignmentOrigin::Claimed { claimed: True },
            json!({ "agent_id": "a", "group_id": null, "claimed": true }),
        );
        check(
            AssignmentOrigin::Transferred { transferred: True },
            json!({ "agent_id": "a", "group_id": null, "transferred": true }),
        );
        check(
            AssignmentOrigin::Queue { waited_seconds: 5 },
            json!({ "agent_id": "a", "group_id": null, "waited_seconds": 5 }),
        );
    }

    #[test]
    fn robot_start_serializes_with_its_route_if_it_has_one() {
        let robot = |route| ConversationEvent::RobotStarted { robot_id: "r".to_owned(), route };
        check(robot(None), "conversation.robot", json!({ "robot_id": "r" }));
        let route = Route { trail: trail(), because: RoutingCause::AgentGone("a".to_owned()) };
        let data = json!({ "robot_id": "r", "trail": [passage()], "because": { "agent_gone": "a" } });
        check(robot(Some(route)), "conversation.robot", data);
    }

    #[test]
    fn absent_values_serialize_as_null() {
        let because = RoutingCause::Handover(None);
        check(
            ConversationEvent::LeaveMessageCreated { level: 0, trail: None, because },
            "leave_message.created",
            json!({ "level": 0, "trail": null, "because": { "handover": null } }),
        );
        let to = TransferTarget::Group("g".to_owned());
        check(
            ConversationEvent::Transferred { from: None, to, reason: None, by: Some("a".to_owned()) },
            "conversation.transferred",
            json!({ "from": null, "to": { "group_id": "g" }, "reason": null, "by": "a" }),
        );
        check(
            ConversationEvent::Closed { by: ClosedBy::Idle, agent_id: None, summary: None },
            "conversation.closed",
            json!({ "by": "idle", "agent_id": null, "summary": null }),
        );
        check(ConversationEvent::IdleWarned, "conversation.idle", Value::Null);
        let overflowed = ConversationEvent::Overflowed(RoutingCause::Unstaffed("group:g".to_owned()));
        check(overflowed, "conversation.overflowed", json!({ "nobody_there": "group:g" }));
    }
}
