//! Whether the reception settings of a binding lead visitors to anyone: shown as `warnings` when they are set, and by the binding's
//! health.

use api::Problem;
use desk::{
    merchant::Merchant,
    robot::{Robot, RobotKind},
    settings::{Mode, Reception},
    staff::Group,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::services::Services;

/// Something in the reception settings by which visitors are not received as they say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ReceptionWarning {
    /// The path of the setting, such as `reception.group_id`.
    field: &'static str,
    code: ReceptionWarningCode,
    /// What visitors meet and what to do, for a person.
    pub(crate) detail: &'static str,
}

/// The stable code of a warning about reception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReceptionWarningCode {
    /// The mode needs a group, and none is set.
    NoGroup,
    /// The group no longer exists.
    GroupNotFound,
    /// The group has no agents.
    GroupWithoutAgents,
    /// The mode needs a robot, and none is set.
    NoRobot,
    /// The robot no longer exists.
    RobotNotFound,
    /// The robot has no key or secret.
    RobotWithoutKey,
    /// The robot has no questions to answer from.
    RobotWithoutQuestions,
}

/// What reception settings name, as far as it exists.
#[derive(Debug, Clone, Copy, Default)]
struct Named {
    /// The number of the group's agents.
    agents: Option<usize>,
    robot: Option<NamedRobot>,
    /// Whether a merchant sends visitors to a group of its own.
    has_merchants: bool,
}

#[derive(Debug, Clone, Copy)]
struct NamedRobot {
    /// Whether it has what it needs to be asked.
    has_key: bool,
    /// Whether it has what it needs to answer.
    has_questions: bool,
}

/// The warnings about these settings, by what they name now.
pub(crate) async fn warnings(services: &Services, reception: &Reception) -> Result<Vec<ReceptionWarning>, Problem> {
    Ok(judged(reception, named(services, reception).await?))
}

async fn named(services: &Services, reception: &Reception) -> Result<Named, Problem> {
    let store = &services.store;
    let agents = match &reception.group_id {
        Some(id) => store.settings.record::<Group>(id).await?.map(|group| group.settings.members.len()),
        None => None,
    };
    let robot = match &reception.robot_id {
        Some(id) => match store.settings.record::<Robot>(id).await? {
            Some(robot) => {
                let kind = &robot.settings.kind;
                let has_key = matches!(kind, RobotKind::Faq { .. }) || robot.secret.is_some();
                let has_questions =
                    matches!(kind, RobotKind::Webhook { .. }) || store.settings.count_questions(id).await? > 0;
                Some(NamedRobot { has_key, has_questions })
            }
            None => None,
        },
        None => None,
    };
    let has_merchants = reception.group_id.is_none()
        && !reception.locked
        && !store.lists.records::<Merchant>(None, 1).await?.items.is_empty();
    Ok(Named { agents, robot, has_merchants })
}

fn judged(reception: &Reception, named: Named) -> Vec<ReceptionWarning> {
    use ReceptionWarningCode as Code;
    let robot = match (&reception.robot_id, named.robot) {
        (None, _) if reception.mode == Mode::AgentsOnly => None,
        (None, _) => {
            Some((Code::NoRobot, "No robot is set, so that only agents answer. Set robot_id, or the mode agents_only."))
        }
        (Some(_), None) => Some((Code::RobotNotFound, "The robot no longer exists. Set another robot_id.")),
        (Some(_), Some(robot)) if !robot.has_key => {
            Some((Code::RobotWithoutKey, "The robot has no key and cannot be asked. Set its api_key or secret."))
        }
        (Some(_), Some(robot)) if !robot.has_questions => {
            Some((Code::RobotWithoutQuestions, "The robot has no questions and answers nothing. Add questions to it."))
        }
        (Some(_), Some(_)) => None,
    };
    let needs_agents = match reception.mode {
        Mode::AgentsOnly | Mode::AgentsFirst => true,
        Mode::RobotOnly | Mode::RobotFirst => named.robot.is_none(),
    };
    let group = match (&reception.group_id, named.agents) {
        (None, _) if !needs_agents || named.has_merchants => None,
        (None, _) => Some((
            Code::NoGroup,
            "No group is set: a visitor whose session-from names none reaches no agent and can only leave a message. Set group_id.",
        )),
        (Some(_), None) => Some((Code::GroupNotFound, "The group no longer exists. Set another group_id.")),
        (Some(_), Some(0)) if reception.mode != Mode::RobotOnly || needs_agents => Some((
            Code::GroupWithoutAgents,
            "The group has no agents: its visitors reach nobody. Add members to the group.",
        )),
        (Some(_), Some(_)) => None,
    };
    let warning = |field, found: Option<(Code, &'static str)>| {
        found.map(|(code, detail)| ReceptionWarning { field, code, detail })
    };
    warning("reception.robot_id", robot).into_iter().chain(warning("reception.group_id", group)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKS: NamedRobot = NamedRobot { has_key: true, has_questions: true };

    /// What a setting names.
    #[derive(Debug, Clone, Copy)]
    enum Set<T> {
        Nothing,
        Deleted,
        There(T),
    }

    impl<T> Set<T> {
        /// The id that is set, and what it names.
        fn read(self, id: &str) -> (Option<String>, Option<T>) {
            match self {
                Self::Nothing => (None, None),
                Self::Deleted => (Some(id.to_owned()), None),
                Self::There(named) => (Some(id.to_owned()), Some(named)),
            }
        }
    }

    fn codes(mode: Mode, robot: Set<NamedRobot>, group: Set<usize>) -> Vec<ReceptionWarningCode> {
        let ((robot_id, robot), (group_id, agents)) = (robot.read("r1"), group.read("g1"));
        let reception = Reception { mode, robot_id, group_id, ..Reception::default() };
        let named = Named { agents, robot, has_merchants: false };
        judged(&reception, named).into_iter().map(|warning| warning.code).collect()
    }

    #[test]
    fn settings_that_leave_visitors_without_an_answer_give_warnings() {
        use {Mode as M, ReceptionWarningCode as C};
        let (works, gone, none) = (Set::There(WORKS), Set::Deleted, Set::Nothing);
        let keyless = Set::There(NamedRobot { has_key: false, ..WORKS });
        let ignorant = Set::There(NamedRobot { has_questions: false, ..WORKS });
        let (unset, staffed, empty, deleted) = (Set::Nothing, Set::There(2), Set::There(0), Set::Deleted);
        for (mode, robot, group, expected) in [
            (M::AgentsOnly, none, unset, vec![C::NoGroup]),
            (M::AgentsOnly, none, staffed, vec![]),
            (M::AgentsOnly, none, empty, vec![C::GroupWithoutAgents]),
            (M::AgentsOnly, none, deleted, vec![C::GroupNotFound]),
            (M::AgentsOnly, gone, staffed, vec![C::RobotNotFound]),
            (M::AgentsFirst, works, unset, vec![C::NoGroup]),
            (M::AgentsFirst, works, staffed, vec![]),
            (M::AgentsFirst, none, staffed, vec![C::NoRobot]),
            (M::RobotFirst, none, unset, vec![C::NoRobot, C::NoGroup]),
            (M::RobotFirst, gone, unset, vec![C::RobotNotFound, C::NoGroup]),
            (M::RobotFirst, works, unset, vec![]),
            (M::RobotFirst, works, empty, vec![C::GroupWithoutAgents]),
            (M::RobotFirst, works, deleted, vec![C::GroupNotFound]),
            (M::RobotFirst, keyless, staffed, vec![C::RobotWithoutKey]),
            (M::RobotFirst, ignorant, staffed, vec![C::RobotWithoutQuestions]),
            (M::RobotOnly, works, unset, vec![]),
            (M::RobotOnly, works, empty, vec![]),
            (M::RobotOnly, none, staffed, vec![C::NoRobot]),
            (M::RobotOnly, none, unset, vec![C::NoRobot, C::NoGroup]),
        ] {
            assert_eq!(codes(mode, robot, group), expected, "{mode:?} {robot:?} {group:?}");
        }
    }

    #[test]
    fn merchants_are_targets() {
        let named = Named { has_merchants: true, ..Named::default() };
        assert_eq!(judged(&Reception::default(), named), []);
    }
}
