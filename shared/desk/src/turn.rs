//! A robot's turn: what is said, and whether the visitor is handed over.

use crate::{handover::Reason, settings::HandoverRules};

/// What the robot made of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RobotAnswer {
    /// It has an answer.
    Text(String),
    /// It asks which of these is meant; the text lists them.
    Choice {
        /// The questions, by id.
        offered: Vec<String>,
        /// What is said.
        text: String,
    },
    /// It has none.
    DontKnow,
    /// It wants a person to take over.
    HandOver,
    /// The visitor has picked the person from a choice.
    ChosePerson,
    /// It could not be asked, or not in time.
    Failed,
}

/// What was so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnHistory {
    /// Turns without an answer, one after the other.
    pub misses: u32,
    /// How often the question of this turn has come, this time included.
    pub repeats: u32,
}

/// What comes of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnDecision {
    /// Turns without an answer from now on.
    pub misses: u32,
    /// The questions that are offered from now on.
    pub offered: Vec<String>,
    /// What to try before anything is said.
    pub handover: Option<Handover>,
    /// What is said, if the visitor is not handed over.
    pub text: String,
}

/// A wish to hand over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handover {
    /// Why.
    pub reason: Reason,
    /// Whether the visitor has asked for it. Then they may leave a message if nobody is there; a visitor who has
    /// not asked stays with the robot.
    pub requested: bool,
}

/// Decides.
pub fn decide(answer: RobotAnswer, history: TurnHistory, rules: &HandoverRules, fallback: &str) -> TurnDecision {
    let repeated = rules.after_repeats > 0 && history.repeats >= rules.after_repeats;
    let hand = |reason, requested| Some(Handover { reason, requested });
    let plain = |text: String, offered| TurnDecision {
        misses: 0,
        offered,
        handover: if repeated { hand(Reason::Repeated, false) } else { None },
        text,
    };
    match answer {
        RobotAnswer::Text(text) => plain(text, Vec::new()),
        RobotAnswer::Choice { offered, text } => plain(text, offered),
        RobotAnswer::HandOver | RobotAnswer::ChosePerson => {
            let reason = if answer == RobotAnswer::HandOver { Reason::Robot } else { Reason::Picked };
            let handover = hand(reason, true);
            TurnDecision { misses: history.misses, offered: Vec::new(), handover, text: fallback.to_owned() }
        }
        RobotAnswer::DontKnow | RobotAnswer::Failed => {
            let misses = history.misses + 1;
            let enough = rules.after_misses > 0 && misses >= rules.after_misses;
            let reason = if answer == RobotAnswer::Failed { Reason::Failed } else { Reason::Misses };
            let handover = match (enough, repeated) {
                (true, _) => hand(reason, false),
                (false, true) => hand(Reason::Repeated, false),
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
    fn every_answer_has_one_outcome() {
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
