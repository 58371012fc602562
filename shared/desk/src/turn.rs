//! The result of a robot's turn: the text to send, and whether the visitor is handed over.
//!
//! [`decide`] takes the robot's answer, the counters of the conversation, and the binding's [`HandoverRules`].

use crate::{handover::Reason, settings::HandoverRules};

/// The robot's answer to a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RobotAnswer {
    /// An answer.
    Text(String),
    /// A numbered choice of questions.
    Choice {
        /// The ids of the offered questions.
        offered: Vec<String>,
        /// The text that lists the questions.
        text: String,
    },
    /// No answer.
    DontKnow,
    /// The robot requests a handover.
    HandOver,
    /// The visitor has chosen the person in a choice.
    ChosePerson,
    /// The robot failed or did not answer in time.
    Failed,
    /// The robot was not asked, because it has failed too often just now. It is no miss of the visitor's question.
    Unavailable,
    /// The robot was not asked, because the visitor has had as many turns in this hour as the settings allow. It is no miss.
    OverLimit {
        /// Whether the visitor is told: once an hour.
        is_told: bool,
    },
}

impl RobotAnswer {
    /// The text for the visitor, if there is one.
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Choice { text, .. } => Some(text),
            Self::DontKnow
            | Self::HandOver
            | Self::ChosePerson
            | Self::Failed
            | Self::Unavailable
            | Self::OverLimit { .. } => None,
        }
    }
}

/// The counters of the conversation before the turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnHistory {
    /// The number of consecutive turns without an answer.
    pub misses: u32,
    /// The number of times that the turn's question was asked, including this turn.
    pub repeats: u32,
}

/// The result of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnDecision {
    /// The new number of consecutive turns without an answer.
    pub misses: u32,
    /// The ids of the questions that the visitor can choose from.
    pub offered: Vec<String>,
    /// The handover to attempt before the text is sent.
    pub handover: Option<Handover>,
    /// The text to send if the visitor is not handed over.
    pub text: String,
}

/// A handover to attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handover {
    /// The reason.
    pub reason: Reason,
    /// Whether the visitor or the robot has requested it. If no agent is available, a requested handover ends with a left
    /// message; otherwise the conversation stays with the robot.
    pub requested: bool,
}

/// Decides the result of a turn. `fallback` is the robot's text for turns without an answer.
pub fn decide(answer: RobotAnswer, history: TurnHistory, rules: &HandoverRules, fallback: &str) -> TurnDecision {
    let repeated = rules.after_repeats > 0 && history.repeats >= rules.after_repeats;
    let handover = |reason, requested| Some(Handover { reason, requested });
    let answered = |text: String, offered| TurnDecision {
        misses: 0,
        offered,
        handover: if repeated { handover(Reason::Repeated, false) } else { None },
        text,
    };
    match answer {
        RobotAnswer::Text(text) => answered(text, Vec::new()),
        RobotAnswer::Choice { offered, text } => answered(text, offered),
        RobotAnswer::HandOver | RobotAnswer::ChosePerson => {
            let reason = if answer == RobotAnswer::HandOver { Reason::Robot } else { Reason::Picked };
            let handover = handover(reason, true);
            TurnDecision { misses: history.misses, offered: Vec::new(), handover, text: fallback.to_owned() }
        }
        RobotAnswer::Unavailable => {
            let handover = if repeated { handover(Reason::Repeated, false) } else { None };
            TurnDecision { misses: history.misses, offered: Vec::new(), handover, text: fallback.to_owned() }
        }
        RobotAnswer::OverLimit { is_told } => TurnDecision {
            misses: history.misses,
            offered: Vec::new(),
            handover: handover(Reason::Limited, false),
            text: if is_told { fallback.to_owned() } else { String::new() },
        },
        RobotAnswer::DontKnow | RobotAnswer::Failed => {
            let misses = history.misses + 1;
            let enough = rules.after_misses > 0 && misses >= rules.after_misses;
            let reason = if answer == RobotAnswer::Failed { Reason::Failed } else { Reason::Misses };
            let handover = match (enough, repeated) {
                (true, _) => handover(reason, false),
                (false, true) => handover(Reason::Repeated, false),
                (false, false) => None,
            };
            TurnDecision { misses, offered: Vec::new(), handover, text: fallback.to_owned() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_and_counters_decide_text_and_handover() {
        let rules = HandoverRules { keywords: Vec::new(), after_misses: 2, after_repeats: 3 };
        let never = HandoverRules { after_misses: 0, after_repeats: 0, ..rules.clone() };
        let text = || RobotAnswer::Text("yes".to_owned());
        let choice = || RobotAnswer::Choice { offered: vec!["q1".to_owned()], text: "1?".to_owned() };
        for (answer, misses, repeats, rules, after, handover, said) in [
            (text(), 1, 1, &rules, 0, None, "yes"),
            (text(), 0, 2, &rules, 0, None, "yes"),
            (text(), 0, 3, &rules, 0, Some((Reason::Repeated, false)), "yes"),
            (text(), 9, 9, &never, 0, None, "yes"),
            (choice(), 1, 1, &rules, 0, None, "1?"),
            (RobotAnswer::DontKnow, 0, 1, &rules, 1, None, "sorry"),
            (RobotAnswer::DontKnow, 1, 1, &rules, 2, Some((Reason::Misses, false)), "sorry"),
            (RobotAnswer::DontKnow, 0, 3, &rules, 1, Some((Reason::Repeated, false)), "sorry"),
            (RobotAnswer::DontKnow, 9, 9, &never, 10, None, "sorry"),
            (RobotAnswer::Failed, 0, 1, &rules, 1, None, "sorry"),
            (RobotAnswer::Failed, 1, 1, &rules, 2, Some((Reason::Failed, false)), "sorry"),
            (RobotAnswer::Unavailable, 1, 1, &rules, 1, None, "sorry"),
            (RobotAnswer::Unavailable, 1, 3, &rules, 1, Some((Reason::Repeated, false)), "sorry"),
            (RobotAnswer::OverLimit { is_told: true }, 1, 3, &rules, 1, Some((Reason::Limited, false)), "sorry"),
            (RobotAnswer::OverLimit { is_told: false }, 1, 1, &never, 1, Some((Reason::Limited, false)), ""),
            (RobotAnswer::HandOver, 0, 1, &never, 0, Some((Reason::Robot, true)), "sorry"),
            (RobotAnswer::ChosePerson, 1, 1, &rules, 1, Some((Reason::Picked, true)), "sorry"),
        ] {
            let context = format!("{answer:?} after {misses} misses, {repeats} times");
            let came = decide(answer, TurnHistory { misses, repeats }, rules, "sorry");
            assert_eq!(came.misses, after, "{context}");
            assert_eq!(came.handover.map(|hand| (hand.reason, hand.requested)), handover, "{context}");
            assert_eq!(came.text, said, "{context}");
        }
        assert_eq!(decide(choice(), TurnHistory { misses: 0, repeats: 1 }, &rules, "").offered, ["q1"]);
    }
}
