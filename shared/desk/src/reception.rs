//! The next step of a conversation when something arrives from a visitor.
//!
//! [`decide`] maps the incoming message or event, the handler of the open conversation, and the binding's reception
//! settings to one [`NextStep`]. The modes are those of Sobot's `service_mode` ([`Mode`]):
//!
//! | Mode | First message | Visitor asks for a person |
//! |---|---|---|
//! | agents only | routed to an agent or a queue | – |
//! | robot first | answered by the robot | routed to an agent or a queue; if there is no target, leaves a message |
//! | agents first | routed to an agent who is free now, otherwise answered by the robot | as in robot first |
//! | robot only | answered by the robot | told that no agent is available; the robot continues |
//!
//! The visitor is told about an agent or a queue only after routing has found one. A visitor who left a message and
//! writes again is routed again. A visitor without a robot and without a target is also answered ([`WithoutTarget`]).

mod reentry;

pub use reentry::{Reentry, ReentryInput, on_reentry};

use crate::{
    handover,
    settings::{Mode, Prompts},
};

/// The input of [`decide`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceptionInput<'a> {
    /// What arrived.
    pub incoming: Incoming<'a>,
    /// The handler of the visitor's open conversation; `None` if no conversation is open.
    pub handler: Option<Handler>,
    /// The binding's reception mode.
    pub mode: Mode,
    /// Whether a robot is configured for this visitor.
    pub has_robot: bool,
    /// Whether the routing plan has a level, that is a group or an agent to route to.
    pub has_target: bool,
    /// What a visitor without a robot and without a target is told.
    pub without_target: WithoutTarget,
    /// The binding's additional keywords for requesting a person ([`handover::asks_for_person`]).
    pub keywords: &'a [String],
}

/// What a visitor without a robot and without a target is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutTarget {
    /// The visitor is asked to leave a message.
    LeaveMessage,
    /// The visitor gets the mini program's automatic reply, and is asked to leave a message on asking for a person.
    AutoReply,
    /// Nothing: the administrator has emptied the invitation to leave a message. The conversation stays unassigned, with the
    /// automatic reply if there is one, until an agent claims it.
    Unassigned,
}

impl WithoutTarget {
    /// By the texts of a mini program.
    pub fn of(prompts: &Prompts, auto_reply: Option<&str>) -> Self {
        let is_said = |text: &str| !text.trim().is_empty();
        match (is_said(&prompts.leave_message), auto_reply.is_some_and(is_said)) {
            (false, _) => Self::Unassigned,
            (true, true) => Self::AutoReply,
            (true, false) => Self::LeaveMessage,
        }
    }
}

/// What arrived from a visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A text message.
    Text(&'a str),
    /// A message of another type, such as an image or a mini program card.
    Other,
    /// An event, such as entering the session by the contact button. An event needs no answer.
    Event,
}

/// The handler of an open conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handler {
    /// None: the conversation is open and unassigned.
    Unassigned,
    /// A person who works as no agent: the conversation is unassigned, and a person has written in it.
    Person,
    /// A robot.
    Robot,
    /// A queue.
    Queue,
    /// An agent.
    Agent,
    /// None: the visitor is leaving a message.
    LeftMessage,
}

/// The next step of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Record the visitor's activity without opening a conversation.
    RecordOnly,
    /// The robot keeps the conversation, and the visitor is told that no agent is available.
    KeepWithRobot,
    /// Route a conversation with a left message again. If neither an agent nor a queue takes it, append the message.
    RouteAgain {
        /// Accept only an agent who is free now; otherwise a queue is accepted as well.
        immediate: bool,
    },
    /// Append the message to the conversation, whose handler does not change.
    Append,
    /// Open a conversation without a handler.
    OpenUnassigned,
    /// The robot answers.
    AskRobot,
    /// Route the conversation to an agent or a queue.
    Route {
        /// Accept only an agent who is free now; otherwise the robot answers.
        immediate: bool,
        /// The reason if the robot hands the conversation over.
        handover: Option<handover::Reason>,
    },
    /// The visitor leaves a message.
    LeaveMessage {
        /// The reason if the robot hands the conversation over.
        handover: Option<handover::Reason>,
    },
    /// The visitor ends the conversation.
    Close,
}

/// How much of a text decides, in bytes: twice the longest text of WeChat's. The time that the rules take grows with the square
/// of the length.
const TEXT_MAX: usize = 4096;

/// Decides the next step.
pub fn decide(input: &ReceptionInput<'_>) -> NextStep {
    let text = match input.incoming {
        Incoming::Event => return NextStep::RecordOnly,
        Incoming::Text(text) => Some(&text[..text.floor_char_boundary(TEXT_MAX)]),
        Incoming::Other => None,
    };
    let wants_person = text.is_some_and(|text| handover::asks_for_person(text, input.keywords));
    let wants_to_end = text.is_some_and(handover::wants_to_end);
    match input.handler {
        Some(_) if wants_to_end => NextStep::Close,
        // A farewell does not open a conversation.
        None if wants_to_end => NextStep::RecordOnly,
        None | Some(Handler::Unassigned) => begin(input, wants_person),
        Some(Handler::Person) => after_person(input, wants_person),
        Some(Handler::Robot) if wants_person => to_person(input),
        Some(Handler::Robot) => NextStep::AskRobot,
        Some(Handler::LeftMessage) if input.has_target && input.mode != Mode::RobotOnly => {
            NextStep::RouteAgain { immediate: !wants_person }
        }
        Some(Handler::Queue | Handler::Agent | Handler::LeftMessage) => NextStep::Append,
    }
}

/// The step of a conversation that has no handler yet.
fn begin(input: &ReceptionInput<'_>, wants_person: bool) -> NextStep {
    let route = |immediate| NextStep::Route { immediate, handover: None };
    match (input.mode, input.has_robot, input.has_target) {
        (Mode::RobotOnly | Mode::RobotFirst | Mode::AgentsFirst, true, _) if wants_person => to_person(input),
        (Mode::AgentsFirst, true, true) => route(true),
        (Mode::RobotOnly | Mode::RobotFirst | Mode::AgentsFirst, true, _) => NextStep::AskRobot,
        (_, _, true) => route(false),
        (_, _, false) => without_target(input, wants_person),
    }
}

/// The step of a conversation for which there is neither a robot nor a target.
fn without_target(input: &ReceptionInput<'_>, wants_person: bool) -> NextStep {
    match (input.without_target, input.handler) {
        // A person who has written may go on.
        (_, Some(Handler::Person)) => NextStep::Append,
        (WithoutTarget::LeaveMessage, _) => NextStep::LeaveMessage { handover: None },
        (WithoutTarget::AutoReply, _) if wants_person => NextStep::LeaveMessage { handover: None },
        (_, Some(_)) => NextStep::Append,
        (_, None) => NextStep::OpenUnassigned,
    }
}

/// The step of a conversation in which a person has written who cannot have it. A robot answers over a person only where
/// robots alone ever answer.
fn after_person(input: &ReceptionInput<'_>, wants_person: bool) -> NextStep {
    match (input.mode, input.has_target) {
        (Mode::RobotOnly, _) => begin(input, wants_person),
        (_, true) => NextStep::Route { immediate: false, handover: None },
        (_, false) => NextStep::Append,
    }
}

/// The step when a visitor of the robot asks for a person.
fn to_person(input: &ReceptionInput<'_>) -> NextStep {
    match (input.mode, input.has_target) {
        (Mode::RobotOnly, _) => NextStep::KeepWithRobot,
        (_, false) => NextStep::LeaveMessage { handover: Some(handover::Reason::Keyword) },
        (_, true) => NextStep::Route { immediate: false, handover: Some(handover::Reason::Keyword) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASK: &str = "转人工";

    fn decided(mode: Mode, robot: bool, target: bool, handler: Option<Handler>, incoming: Incoming<'_>) -> NextStep {
        told(WithoutTarget::LeaveMessage, mode, robot, target, handler, incoming)
    }

    fn told(
        without_target: WithoutTarget,
        mode: Mode,
        has_robot: bool,
        has_target: bool,
        handler: Option<Handler>,
        incoming: Incoming<'_>,
    ) -> NextStep {
        decide(&ReceptionInput { incoming, handler, mode, has_robot, has_target, without_target, keywords: &[] })
    }

    #[test]
    fn first_message_follows_reception_mode() {
        use {Mode as M, NextStep as D};
        let full = NextStep::Route { immediate: false, handover: None };
        let over = NextStep::Route { immediate: false, handover: Some(handover::Reason::Keyword) };
        let now = NextStep::Route { immediate: true, handover: None };
        let left = NextStep::LeaveMessage { handover: None };
        let asked = NextStep::LeaveMessage { handover: Some(handover::Reason::Keyword) };
        for (mode, robot, target, plain, asking) in [
            (M::RobotOnly, true, true, D::AskRobot, D::KeepWithRobot),
            (M::RobotOnly, true, false, D::AskRobot, D::KeepWithRobot),
            (M::RobotOnly, false, true, full, full),
            (M::RobotOnly, false, false, left, left),
            (M::AgentsOnly, true, true, full, full),
            (M::AgentsOnly, false, true, full, full),
            (M::AgentsOnly, true, false, left, left),
            (M::AgentsOnly, false, false, left, left),
            (M::RobotFirst, true, true, D::AskRobot, over),
            (M::RobotFirst, true, false, D::AskRobot, asked),
            (M::RobotFirst, false, true, full, full),
            (M::RobotFirst, false, false, left, left),
            (M::AgentsFirst, true, true, now, over),
            (M::AgentsFirst, true, false, D::AskRobot, asked),
            (M::AgentsFirst, false, true, full, full),
            (M::AgentsFirst, false, false, left, left),
        ] {
            let context = format!("{mode:?} robot={robot} target={target}");
            assert_eq!(decided(mode, robot, target, None, Incoming::Text("你好")), plain, "{context}");
            assert_eq!(decided(mode, robot, target, None, Incoming::Other), plain, "{context}");
            assert_eq!(decided(mode, robot, target, None, Incoming::Text(ASK)), asking, "{context}");
            assert_eq!(decided(mode, robot, target, None, Incoming::Event), D::RecordOnly, "{context}");
            assert_eq!(decided(mode, robot, target, None, Incoming::Text("再见")), D::RecordOnly, "{context}");
        }
    }

    #[test]
    fn later_message_follows_current_handler() {
        for mode in [Mode::RobotOnly, Mode::AgentsOnly, Mode::RobotFirst, Mode::AgentsFirst] {
            for handler in [Handler::Queue, Handler::Agent] {
                for text in ["你好", ASK] {
                    assert_eq!(decided(mode, true, true, Some(handler), Incoming::Text(text)), NextStep::Append);
                }
            }
            let left = Some(Handler::LeftMessage);
            for (text, immediate) in [("你好", true), (ASK, false)] {
                let again = match mode {
                    Mode::RobotOnly => NextStep::Append,
                    _ => NextStep::RouteAgain { immediate },
                };
                assert_eq!(decided(mode, true, true, left, Incoming::Text(text)), again);
                assert_eq!(decided(mode, true, false, left, Incoming::Text(text)), NextStep::Append);
            }
            let robot = Some(Handler::Robot);
            assert_eq!(decided(mode, true, true, robot, Incoming::Text("你好")), NextStep::AskRobot);
            let handover = Some(handover::Reason::Keyword);
            let (with, without) = match mode {
                Mode::RobotOnly => (NextStep::KeepWithRobot, NextStep::KeepWithRobot),
                _ => (NextStep::Route { immediate: false, handover }, NextStep::LeaveMessage { handover }),
            };
            assert_eq!(decided(mode, true, true, robot, Incoming::Text(ASK)), with);
            assert_eq!(decided(mode, true, false, robot, Incoming::Text(ASK)), without);
            for handler in [
                Handler::Unassigned,
                Handler::Person,
                Handler::Robot,
                Handler::Queue,
                Handler::Agent,
                Handler::LeftMessage,
            ] {
                assert_eq!(decided(mode, true, true, Some(handler), Incoming::Event), NextStep::RecordOnly);
                assert_eq!(decided(mode, true, true, Some(handler), Incoming::Text("结束会话")), NextStep::Close);
            }
        }
        // No robot answers over a person who has written.
        let person = Some(Handler::Person);
        for (mode, target, step) in [
            (Mode::RobotFirst, true, NextStep::Route { immediate: false, handover: None }),
            (Mode::AgentsFirst, true, NextStep::Route { immediate: false, handover: None }),
            (Mode::AgentsOnly, true, NextStep::Route { immediate: false, handover: None }),
            (Mode::RobotFirst, false, NextStep::Append),
            (Mode::AgentsOnly, false, NextStep::Append),
            (Mode::RobotOnly, true, NextStep::AskRobot),
        ] {
            assert_eq!(decided(mode, true, target, person, Incoming::Text("你好")), step, "{mode:?} {target}");
        }
        // An unassigned conversation is routed once a group is configured.
        let unassigned = Some(Handler::Unassigned);
        let route = NextStep::Route { immediate: false, handover: None };
        assert_eq!(decided(Mode::AgentsOnly, false, true, unassigned, Incoming::Text("你好")), route);
    }

    #[test]
    fn visitor_without_robot_and_target_is_told_what_the_texts_allow() {
        use {NextStep as D, WithoutTarget as W};
        let left = D::LeaveMessage { handover: None };
        let prompts = |leave_message: &str| Prompts { leave_message: leave_message.to_owned(), ..Prompts::default() };
        for (invitation, auto_reply, told_by, first, later, asking) in [
            ("请留言。", None, W::LeaveMessage, left, left, left),
            ("请留言。", Some(" "), W::LeaveMessage, left, left, left),
            ("请留言。", Some("已收到。"), W::AutoReply, D::OpenUnassigned, D::Append, left),
            ("", Some("已收到。"), W::Unassigned, D::OpenUnassigned, D::Append, D::Append),
            (" ", None, W::Unassigned, D::OpenUnassigned, D::Append, D::Append),
        ] {
            let by = WithoutTarget::of(&prompts(invitation), auto_reply);
            assert_eq!(by, told_by, "{invitation:?} {auto_reply:?}");
            let unassigned = Some(Handler::Unassigned);
            for mode in [Mode::RobotOnly, Mode::AgentsOnly, Mode::RobotFirst, Mode::AgentsFirst] {
                assert_eq!(told(by, mode, false, false, None, Incoming::Text("你好")), first, "{mode:?}");
                assert_eq!(told(by, mode, false, false, unassigned, Incoming::Other), later, "{mode:?}");
                assert_eq!(told(by, mode, false, false, unassigned, Incoming::Text(ASK)), asking, "{mode:?}");
                assert_eq!(told(by, mode, false, false, None, Incoming::Text("再见")), D::RecordOnly, "{mode:?}");
            }
        }
    }
}
