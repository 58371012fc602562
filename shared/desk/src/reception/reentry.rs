//! A visitor with an open conversation enters again.

use super::Handler;
use crate::settings::Mode;

/// The input of [`on_reentry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReentryInput {
    /// The handler of the visitor's open conversation.
    pub handler: Handler,
    /// The binding's reception mode.
    pub mode: Mode,
    /// Whether the new `session-from` names another robot than the conversation has or was planned with.
    pub names_other_robot: bool,
    /// Whether the new `session-from` names other targets than the conversation was routed by.
    pub names_other_target: bool,
}

/// What follows for an open conversation whose visitor enters again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reentry {
    /// Nothing: it stays where it is.
    Stay,
    /// The robot that the visitor asks for answers from now on.
    Robot,
    /// The conversation is routed by the new targets.
    Route,
}

/// Decides what follows for an open conversation when its visitor enters again. A visitor who has an agent keeps the agent, and
/// a visitor who waits for an agent goes to a robot only if they ask for another one than before.
pub fn on_reentry(input: &ReentryInput) -> Reentry {
    let waits = matches!(input.handler, Handler::Queue | Handler::LeftMessage);
    if input.names_other_robot && input.mode != Mode::AgentsOnly && (waits || input.handler == Handler::Robot) {
        return Reentry::Robot;
    }
    if input.names_other_target && input.mode != Mode::RobotOnly && waits { Reentry::Route } else { Reentry::Stay }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visitor_who_enters_again_is_routed_anew_unless_a_person_has_them() {
        use {Handler as H, Mode as M, Reentry as R};
        let all = [H::Unassigned, H::Person, H::Robot, H::Queue, H::Agent, H::LeftMessage];
        for handler in all {
            let waits = matches!(handler, H::Queue | H::LeftMessage);
            let open = waits || handler == H::Robot;
            for mode in [M::RobotOnly, M::AgentsOnly, M::RobotFirst, M::AgentsFirst] {
                let decided = |names_other_robot, names_other_target| {
                    on_reentry(&ReentryInput { handler, mode, names_other_robot, names_other_target })
                };
                let route = if waits && mode != M::RobotOnly { R::Route } else { R::Stay };
                let robot = if open && mode != M::AgentsOnly { R::Robot } else { R::Stay };
                let context = format!("{handler:?} {mode:?}");
                assert_eq!(decided(false, false), R::Stay, "{context}");
                assert_eq!(decided(false, true), route, "{context}");
                assert_eq!(decided(true, false), robot, "{context}");
                assert_eq!(decided(true, true), if robot == R::Stay { route } else { robot }, "{context}");
            }
        }
    }
}
