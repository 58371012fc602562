//! The events of a conversation, with their data as webhooks, browsers and the API's history show it.

mod robot_answer;

use desk::{
    conversation::{ClosedBy, EventKind},
    handover,
    policy::Role,
    routing::TrailEntry,
};
use serde::{Serialize, Serializer};
use serde_json::Value;
use store::NewEvent;
use wechat::session_from;

pub use robot_answer::{AnswerKind, WithheldAnswer};

use crate::TransferTarget;

/// The type of a change of a conversation, and its data. "It" is the conversation.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", content = "data")]
pub enum ConversationEvent {
    /// The visitor's first message opened it.
    #[serde(rename = "conversation.created")]
    Created {
        /// Irregularities of the `session-from` that the routing was based on.
        session_from_warnings: Vec<session_from::Warning>,
        /// The result of verifying the signature of `session-from`.
        #[cfg_attr(feature = "openapi", schema(required = true))]
        verification: Option<session_from::Verification>,
        /// The version that this signature says it has: 1 may be copied by another visitor, 2 may not.
        #[cfg_attr(feature = "openapi", schema(required = true))]
        signature_version: Option<session_from::SignatureVersion>,
        /// Irregularities of `transfer_action`, `platform_action` and `robotid`.
        routing_warnings: Vec<desk::routing::Warning>,
    },
    /// A robot hands over to people.
    #[serde(rename = "conversation.handoff")]
    HandedOver {
        /// Why.
        reason: handover::Reason,
    },
    /// A robot answers from now on.
    #[serde(rename = "conversation.robot")]
    RobotStarted {
        /// The robot.
        robot_id: String,
        /// The levels that were tried; missing where the mode of reception sends every visitor to the robot.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        trail: Option<Vec<TrailEntry>>,
        /// What made it change hands; missing together with the trail.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        because: Option<RoutingCause>,
    },
    /// An agent has it.
    #[serde(rename = "conversation.assigned")]
    Assigned {
        /// The agent.
        agent_id: String,
        /// The group that it was assigned through.
        #[cfg_attr(feature = "openapi", schema(required = true))]
        group_id: Option<String>,
        /// How it was assigned.
        #[serde(flatten)]
        origin: AssignmentOrigin,
    },
    /// It waits in a queue.
    #[serde(rename = "conversation.queued")]
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
    /// The visitor was asked to leave a message.
    #[serde(rename = "leave_message.created")]
    LeaveMessageCreated {
        /// The level of the plan.
        level: u8,
        /// The levels that were tried, where any were.
        #[cfg_attr(feature = "openapi", schema(required = true))]
        trail: Option<Vec<TrailEntry>>,
        /// What made it change hands.
        because: RoutingCause,
    },
    /// The assigned agent started to work on it.
    #[serde(rename = "conversation.accepted")]
    Accepted {
        /// The agent.
        agent_id: String,
    },
    /// A person gave it to another agent or group.
    #[serde(rename = "conversation.transferred")]
    Transferred {
        /// The agent who had it.
        #[cfg_attr(feature = "openapi", schema(required = true))]
        from: Option<String>,
        /// Where it goes.
        to: TransferTarget,
        /// The reason that the person gave.
        #[cfg_attr(feature = "openapi", schema(required = true))]
        reason: Option<String>,
        /// The agent that the person who transferred it works as; absent for an administrator.
        #[cfg_attr(feature = "openapi", schema(required = true))]
        by: Option<String>,
        /// The role in which that person did it: `agent`, `supervisor` or `admin`. Absent in events of earlier versions.
        #[cfg_attr(feature = "openapi", schema(required = false))]
        by_role: Role,
    },
    /// It was taken from an agent whose workbench is silent.
    #[serde(rename = "conversation.requeued")]
    Requeued {
        /// The agent who had it.
        from: String,
        /// Why, in words.
        because: &'static str,
    },
    /// The visitor, who has no agent, entered again with a `session-from` that names other targets or another robot.
    #[serde(rename = "conversation.rerouted")]
    Rerouted {
        /// The queue that the visitor waited in, or the robot that answered.
        from: String,
        /// Irregularities of what the new `session-from` asks for.
        routing_warnings: Vec<desk::routing::Warning>,
    },
    /// It leaves its queue for the next level of the plan.
    #[serde(rename = "conversation.overflowed")]
    Overflowed(RoutingCause),
    /// The visitor was warned that it will be closed.
    #[serde(rename = "conversation.idle")]
    IdleWarned(NoData),
    /// A person replied for the first time.
    #[serde(rename = "conversation.answered")]
    Answered(NoData),
    /// It ended.
    #[serde(rename = "conversation.closed")]
    Closed {
        /// Who ended it: `agent`, `supervisor`, `admin`, `visitor` or `idle`.
        by: ClosedBy,
        /// The agent that the person who ended it works as; absent unless an agent or a supervisor did.
        /// Absent in events of earlier versions.
        by_agent_id: Option<String>,
        /// The agent who had it.
        #[cfg_attr(feature = "openapi", schema(required = true))]
        agent_id: Option<String>,
        /// The agent's notes.
        #[cfg_attr(feature = "openapi", schema(required = true, value_type = Option<Object>))]
        summary: Option<Value>,
    },
    /// The visitor has sent more messages in a minute than the settings allow. Those beyond are shown, and nothing follows from
    /// them. Once a minute.
    #[serde(rename = "conversation.limited")]
    Limited {
        /// The limit.
        messages_per_minute: u32,
    },
    /// An automatic message was not sent.
    #[serde(rename = "message.not_said")]
    NotSent {
        /// The message's purpose.
        what: &'static str,
        /// Why, in words.
        because: &'static str,
    },
    /// A robot's answer to the visitor's last messages.
    #[serde(rename = "robot.answered")]
    RobotAnswered {
        /// What the robot answered.
        answer: AnswerKind,
        /// The ids of the questions that the answer comes from.
        sources: Vec<String>,
        /// The code of the failure, if the robot could not be asked.
        #[cfg_attr(feature = "openapi", schema(required = true))]
        failure: Option<String>,
        /// The HTTP status with which the robot's server refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        status: Option<u16>,
        /// The server's own error message, at most 200 characters, without keys.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        detail: Option<String>,
        /// What the model wrote and was not sent, because the questions do not support it.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        withheld: Option<WithheldAnswer>,
        /// The tokens that the model's server counted.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(nullable = false))]
        tokens: Option<u64>,
        /// Consecutive turns without an answer.
        misses: u32,
    },
}

/// How a conversation came to an agent.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum AssignmentOrigin {
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RoutingCause {
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
    /// The visitor entered again and asked for another target.
    EnteredAgain(True),
}

/// The routing decision by which a conversation came to a robot.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    /// The levels that were tried.
    pub(crate) trail: Vec<TrailEntry>,
    /// What made it change hands.
    pub(crate) because: RoutingCause,
}

/// Serializes as `true`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct True;

/// Serializes as `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NoData;

impl Serialize for True {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

impl From<ConversationEvent> for NewEvent {
    fn from(event: ConversationEvent) -> Self {
        // These types have string keys only, which is all that JSON asks for.
        let mut event = serde_json::to_value(&event).unwrap_or_default();
        let data = event["data"].take();
        let kind = serde_json::from_value(event["type"].take());
        Self::new(kind.unwrap_or_else(|_| EventKind::Other(String::new())), data)
    }
}

/// Schemas that cannot be derived.
#[cfg(feature = "openapi")]
mod schemas {
    use utoipa::{
        PartialSchema, ToSchema,
        openapi::{ObjectBuilder, RefOr, Schema, Type},
    };

    use super::{NoData, True};

    impl PartialSchema for True {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true])).into()
        }
    }

    impl ToSchema for True {}

    impl PartialSchema for NoData {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new().schema_type(Type::Null).into()
        }
    }

    impl ToSchema for NoData {}
}

#[cfg(test)]
mod tests;
