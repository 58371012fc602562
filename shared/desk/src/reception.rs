//! What happens next when something has come in from a visitor.
//!
//! | Mode | First message | Asks for a person |
//! |---|---|---|
//! | agents only | an agent or the queue | – |
//! | robot first | the robot | an agent or the queue; if nobody is there, see below |
//! | agents first | an agent who is free now, otherwise the robot | as above |
//! | robot only | the robot | is told that nobody is there; the robot goes on |
//!
//! Nobody is promised who is not there: whether somebody can take the visitor is found out before they are told.
//! Whoever has left a message and writes again gets an agent who is free by now.

use crate::{handover, settings::Mode};

/// What the decision depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation<'a> {
    /// What came in.
    pub arrival: Arrival<'a>,
    /// Who has the visitor's open conversation, if there is one.
    pub holder: Option<Holder>,
    /// Who answers first here.
    pub mode: Mode,
    /// Whether there is a robot for this visitor.
    pub has_robot: bool,
    /// Whether there is a group or an agent that conversations go to.
    pub has_target: bool,
    /// The mini program's own words for wanting a person.
    pub keywords: &'a [String],
}

/// What came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival<'a> {
    /// A text.
    Text(&'a str),
    /// Something else that the visitor sent: a picture, a card.
    Other,
    /// Something that happened, such as entering by the contact button: nobody waits for an answer to it.
    Event,
}

/// Who has a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// Nobody.
    Nobody,
    /// A robot.
    Robot,
    /// A queue.
    Queue,
    /// An agent.
    Agent,
    /// The visitor is leaving a message.
    LeftMessage,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// It is noted with the visitor; no conversation is opened for it.
    Note,
    /// The robot keeps the visitor, who is told that nobody else is there.
    Stay,
    /// It is routed if somebody can take it, like [`NextStep::Route`]; otherwise it belongs to what was left.
    Return {
        /// Only to somebody who is free now; otherwise the queue will do, too.
        immediate: bool,
    },
    /// It belongs to the conversation as it stands.
    Join,
    /// A conversation is opened that nobody has.
    Open,
    /// The robot answers.
    Robot,
    /// It is routed to an agent or a queue; with `immediate`, to an agent who is free now or else to the robot.
    Route {
        /// Only to somebody who is free now.
        immediate: bool,
        /// Why, if it is handed over by a robot.
        handover: Option<handover::Reason>,
    },
    /// The visitor may leave a message.
    LeaveMessage,
    /// The visitor ends the conversation.
    End,
}

/// Decides.
pub fn decide(situation: &Situation<'_>) -> NextStep {
    let text = match situation.arrival {
        Arrival::Event => return NextStep::Note,
        Arrival::Text(text) => Some(text),
        Arrival::Other => None,
    };
    let wants_person = text.is_some_and(|text| handover::asks_for_person(text, situation.keywords));
    let wants_to_end = text.is_some_and(handover::wants_to_end);
    match situation.holder {
        Some(_) if wants_to_end => NextStep::End,
        // A farewell after the end is the end of nothing.
        None if wants_to_end => NextStep::Note,
        None | Some(Holder::Nobody) => begin(situation, wants_person),
        Some(Holder::Robot) if wants_person => to_person(situation),
        Some(Holder::Robot) => NextStep::Robot,
        Some(Holder::LeftMessage) if situation.has_target && situation.mode != Mode::RobotOnly => {
            NextStep::Return { immediate: !wants_person }
        }
        Some(Holder::Queue | Holder::Agent | Holder::LeftMessage) => NextStep::Join,
    }
}

fn begin(situation: &Situation<'_>, wants_person: bool) -> NextStep {
    let route = |immediate| NextStep::Route { immediate, handover: None };
    match (situation.mode, situation.has_robot, situation.has_target) {
        (Mode::RobotOnly | Mode::RobotFirst | Mode::AgentsFirst, true, _) if wants_person => to_person(situation),
        (Mode::AgentsFirst, true, true) => route(true),
        (Mode::RobotOnly | Mode::RobotFirst | Mode::AgentsFirst, true, _) => NextStep::Robot,
        (_, _, true) => route(false),
        (_, _, false) if situation.holder.is_some() => NextStep::Join,
        (_, _, false) => NextStep::Open,
    }
}

fn to_person(situation: &Situation<'_>) -> NextStep {
    match (situation.mode, situation.has_target) {
        (Mode::RobotOnly, _) => NextStep::Stay,
        (_, false) => NextStep::LeaveMessage,
        (_, true) => NextStep::Route { immediate: false, handover: Some(handover::Reason::Keyword) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASK: &str = "转人工";

    fn decided(mode: Mode, robot: bool, target: bool, holder: Option<Holder>, arrival: Arrival<'_>) -> NextStep {
        decide(&Situation { arrival, holder, mode, has_robot: robot, has_target: target, keywords: &[] })
    }

    #[test]
    fn the_first_message_goes_where_the_mode_says() {
        use {Mode as M, NextStep as D};
        let full = NextStep::Route { immediate: false, handover: None };
        let over = NextStep::Route { immediate: false, handover: Some(handover::Reason::Keyword) };
        let now = NextStep::Route { immediate: true, handover: None };
        for (mode, robot, target, plain, asking) in [
            (M::RobotOnly, true, true, D::Robot, D::Stay),
            (M::RobotOnly, true, false, D::Robot, D::Stay),
            (M::RobotOnly, false, true, full, full),
            (M::RobotOnly, false, false, D::Open, D::Open),
            (M::AgentsOnly, true, true, full, full),
            (M::AgentsOnly, false, true, full, full),
            (M::AgentsOnly, true, false, D::Open, D::Open),
            (M::AgentsOnly, false, false, D::Open, D::Open),
            (M::RobotFirst, true, true, D::Robot, over),
            (M::RobotFirst, true, false, D::Robot, D::LeaveMessage),
            (M::RobotFirst, false, true, full, full),
            (M::RobotFirst, false, false, D::Open, D::Open),
            (M::AgentsFirst, true, true, now, over),
            (M::AgentsFirst, true, false, D::Robot, D::LeaveMessage),
            (M::AgentsFirst, false, true, full, full),
            (M::AgentsFirst, false, false, D::Open, D::Open),
        ] {
            let context = format!("{mode:?} robot={robot} target={target}");
            assert_eq!(decided(mode, robot, target, None, Arrival::Text("你好")), plain, "{context}");
            assert_eq!(decided(mode, robot, target, None, Arrival::Other), plain, "{context}");
            assert_eq!(decided(mode, robot, target, None, Arrival::Text(ASK)), asking, "{context}");
            assert_eq!(decided(mode, robot, target, None, Arrival::Event), D::Note, "{context}");
            assert_eq!(decided(mode, robot, target, None, Arrival::Text("再见")), D::Note, "{context}");
        }
    }

    #[test]
    fn whoever_has_the_conversation_keeps_it() {
        for mode in [Mode::RobotOnly, Mode::AgentsOnly, Mode::RobotFirst, Mode::AgentsFirst] {
            for holder in [Holder::Queue, Holder::Agent] {
                for text in ["你好", ASK] {
                    assert_eq!(decided(mode, true, true, Some(holder), Arrival::Text(text)), NextStep::Join);
                }
            }
            let left = Some(Holder::LeftMessage);
            for (text, immediate) in [("你好", true), (ASK, false)] {
                let again = match mode {
                    Mode::RobotOnly => NextStep::Join,
                    _ => NextStep::Return { immediate },
                };
                assert_eq!(decided(mode, true, true, left, Arrival::Text(text)), again);
                assert_eq!(decided(mode, true, false, left, Arrival::Text(text)), NextStep::Join);
            }
            let robot = Some(Holder::Robot);
            assert_eq!(decided(mode, true, true, robot, Arrival::Text("你好")), NextStep::Robot);
            let handover = Some(handover::Reason::Keyword);
            let (with, without) = match mode {
                Mode::RobotOnly => (NextStep::Stay, NextStep::Stay),
                _ => (NextStep::Route { immediate: false, handover }, NextStep::LeaveMessage),
            };
            assert_eq!(decided(mode, true, true, robot, Arrival::Text(ASK)), with);
            assert_eq!(decided(mode, true, false, robot, Arrival::Text(ASK)), without);
            for holder in [Holder::Nobody, Holder::Robot, Holder::Queue, Holder::Agent, Holder::LeftMessage] {
                assert_eq!(decided(mode, true, true, Some(holder), Arrival::Event), NextStep::Note);
                assert_eq!(decided(mode, true, true, Some(holder), Arrival::Text("结束会话")), NextStep::End);
            }
        }
        // Nobody has it and nobody is set to: it stays so.
        let nobody = Some(Holder::Nobody);
        assert_eq!(decided(Mode::AgentsOnly, false, false, nobody, Arrival::Text("你好")), NextStep::Join);
        // Meanwhile a group was set.
        let route = NextStep::Route { immediate: false, handover: None };
        assert_eq!(decided(Mode::AgentsOnly, false, true, nobody, Arrival::Text("你好")), route);
    }
}
