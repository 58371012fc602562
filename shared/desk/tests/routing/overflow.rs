//! Cases beyond the overflow table: after-hours policies, [`Mode::ImmediateOnly`], longer plans, the reasons in the trail.

use std::collections::BTreeMap;

use desk::{
    routing::{Facts, Level, Mode, Outcome, OverflowCondition, Plan, Target, TargetState, Verdict},
    staff::{AfterHours, AgentFacts, Group},
};

use crate::world::{agent, group, loaded, passing, plan, run, settings, shown, shown_trail, to_group, unheard_of};

/// Each case has the facts, the policy that applies, and the outcome in [`Mode::Full`].
#[test]
fn unavailable_target_follows_after_hours_policy() {
    use AfterHours::{LeaveMessage, Queue, Robot};
    let (off, offline) = (group(false, &[agent("ann")], 0), group(true, &[], 0));
    let busy = group(true, &[loaded()], 0);
    let full = |open, members: &[AgentFacts]| group(open, members, 10);
    for (facts, policy, outcome) in [
        (Some(off.clone()), LeaveMessage, "leave_message@1"),
        (Some(off.clone()), Queue, "queue@1"),
        (Some(off), Robot, "robot@1"),
        (Some(offline.clone()), LeaveMessage, "leave_message@1"),
        (Some(offline.clone()), Queue, "queue@1"),
        (Some(offline), Robot, "robot@1"),
        // A full queue accepts no conversation under any policy.
        (Some(full(false, &[])), Queue, "leave_message@1"),
        (Some(full(true, &[])), Queue, "leave_message@1"),
        (Some(full(true, &[loaded()])), Queue, "leave_message@1"),
        (Some(full(true, &[loaded()])), Robot, "leave_message@1"),
        // The after-hours policy does not apply while an agent is on duty.
        (Some(busy.clone()), LeaveMessage, "queue@1"),
        (Some(busy), Robot, "queue@1"),
        (None, LeaveMessage, "leave_message@1"),
        (None, Robot, "robot@1"),
        // Without a target there is no queue.
        (None, Queue, "leave_message@1"),
    ] {
        let other = if policy == Robot { LeaveMessage } else { Robot };
        let is_known = facts.is_some();
        let facts = match facts {
            Some(Facts::Group { group, members, open, waiting, of_mini_program }) => {
                let group = Group { after_hours: policy, ..group };
                Facts::Group { group, members, open, waiting, of_mini_program }
            }
            _ => Facts::Missing,
        };
        let world = BTreeMap::from([(to_group("g"), facts)]);
        // The group's policy takes precedence over the plan's, which applies if the target is not found.
        let after_hours = if is_known { other } else { policy };
        let plan = Plan::new(vec![passing("g")], None, after_hours);
        let (routed, _) = run(&plan, &world, Mode::Full);
        assert_eq!(shown(&routed.outcome), outcome, "{policy:?} {world:?}");
        let (routed, _) = run(&plan, &world, Mode::ImmediateOnly);
        assert_eq!(shown(&routed.outcome), "robot@1", "{policy:?} {world:?}");
    }
}

/// A wrong id at a later level changes neither the queue nor the policy of the group.
#[test]
fn level_before_missing_targets_follows_its_own_policy() {
    use AfterHours::{LeaveMessage, Queue, Robot};
    for (open, policy, outcome) in [
        (true, LeaveMessage, "queue@1"),
        (true, Robot, "queue@1"),
        (false, Queue, "queue@1"),
        (false, Robot, "robot@1"),
        (false, LeaveMessage, "leave_message@1"),
    ] {
        let group = Group { after_hours: policy, ..settings() };
        let facts = Facts::Group { group, members: vec![loaded()], open, waiting: 0, of_mini_program: None };
        let world = BTreeMap::from([(to_group("g"), facts)]);
        for behind in [passing("deleted"), Level { target: None, ..passing("unknown") }] {
            let other = if policy == Robot { LeaveMessage } else { Robot };
            let plan = Plan::new(vec![passing("g"), behind], None, other);
            let (routed, _) = run(&plan, &world, Mode::Full);
            assert_eq!((shown(&routed.outcome).as_str(), routed.trail.len()), (outcome, 1), "{policy:?} open={open}");
            let (routed, _) = run(&plan, &world, Mode::ImmediateOnly);
            assert_eq!(shown(&routed.outcome), "robot@1");
        }
    }
}

#[test]
fn later_levels_are_not_read_if_level_does_not_overflow() {
    let behind = || vec![passing("b"), passing("c")];
    for (first, facts, asked) in [
        (passing("a"), group(true, &[agent("ann")], 0), vec!["a"]),
        (Level::from(to_group("a")), group(true, &[loaded()], 0), vec!["a"]),
        (Level { condition: OverflowCondition::OffWork, ..passing("a") }, group(true, &[loaded()], 0), vec!["a"]),
        // Facts are read up to the first target that exists.
        (passing("a"), group(true, &[loaded()], 0), vec!["a", "b"]),
    ] {
        let world = BTreeMap::from([(to_group("a"), facts), (to_group("b"), group(true, &[agent("bob")], 0))]);
        let found = run(&plan([vec![first], behind()].concat()), &world, Mode::Full).1;
        assert_eq!(found, asked.into_iter().map(to_group).collect::<Vec<_>>());
    }
}

#[test]
fn agent_target_follows_policy_of_plan() {
    let world = BTreeMap::from([(Target::Agent("ann".to_owned()), Facts::Agent { agent: unheard_of(), waiting: 0 })]);
    for (policy, outcome) in
        [(AfterHours::LeaveMessage, "leave_message@1"), (AfterHours::Queue, "queue@1"), (AfterHours::Robot, "robot@1")]
    {
        let plan = Plan::new(vec![Level::from(Target::Agent("ann".to_owned()))], None, policy);
        assert_eq!(shown(&run(&plan, &world, Mode::Full).0.outcome), outcome);
    }
}

#[test]
fn plan_without_levels_follows_its_policy_with_empty_trail() {
    for (policy, mode, outcome) in [
        (AfterHours::LeaveMessage, Mode::Full, "leave_message@0"),
        (AfterHours::Queue, Mode::Full, "leave_message@0"),
        (AfterHours::Robot, Mode::Full, "robot@0"),
        (AfterHours::LeaveMessage, Mode::ImmediateOnly, "robot@0"),
    ] {
        let (routed, asked) = run(&Plan::new(Vec::new(), None, policy), &BTreeMap::new(), mode);
        assert_eq!((shown(&routed.outcome).as_str(), routed.trail.len(), asked.len()), (outcome, 0, 0));
    }
}

#[test]
fn fourth_level_does_not_overflow_and_fifth_is_not_read() {
    let mut world: BTreeMap<Target, Facts> =
        ["a", "b", "c", "d"].map(|id| (to_group(id), group(true, &[loaded()], 0))).into();
    world.insert(to_group("e"), group(true, &[agent("eve")], 0));
    let levels = ["a", "b", "c", "d", "e"].map(passing).to_vec();
    let (routed, asked) = run(&plan(levels), &world, Mode::Full);
    assert_eq!(routed.outcome, Outcome::Queue { target: to_group("d"), level: 4 });
    assert_eq!(shown_trail(&routed.trail), "busy:passed_on busy:passed_on busy:passed_on busy:queued");
    assert_eq!(asked, ["a", "b", "c", "d"].map(to_group));
}

#[test]
fn deleted_target_overflows() {
    let world = BTreeMap::from([(to_group("b"), group(true, &[agent("bob")], 0))]);
    let gone = Level::from(to_group("gone"));
    let (routed, _) = run(&plan(vec![gone.clone(), passing("b")]), &world, Mode::Full);
    assert_eq!(
        routed.outcome,
        Outcome::Assign { agents: vec!["bob".to_owned()], group: Some("b".to_owned()), level: 2 }
    );
    assert_eq!((routed.trail[0].state, routed.trail[0].verdict), (TargetState::NotFound, Verdict::PassedOn));
    assert_eq!(run(&plan(vec![gone]), &world, Mode::Full).0.outcome, Outcome::LeaveMessage { level: 1 });
}

#[test]
fn trail_gives_reason_of_each_level() {
    let three = [loaded(), loaded(), loaded()];
    let reason = |levels: Vec<Level>, facts: Facts, mode| {
        let world = BTreeMap::from([(to_group("a"), facts), (to_group("b"), group(true, &[agent("bob")], 0))]);
        run(&plan(levels), &world, mode).0.trail[0].reason.clone()
    };
    let busy = || group(true, &three, 0);
    let when_busy = Level { condition: OverflowCondition::Busy, ..passing("a") };
    let two = || vec![when_busy.clone(), passing("b")];
    assert_eq!(reason(two(), busy(), Mode::Full), "3 on duty, none free; this level overflows when busy");
    let closed = group(false, &three, 0);
    assert_eq!(
        reason(two(), closed, Mode::Full),
        "it is outside of this group's working hours; this level overflows only when busy, so the visitor leaves a message"
    );
    let alone = || vec![when_busy.clone()];
    let crowd = group(true, &[agent("ann"), loaded()], 4);
    assert_eq!(
        reason(alone(), crowd, Mode::Full),
        "2 on duty, 1 free, 4 waiting already; no level follows, so the conversation waits here"
    );
    let full = group(true, &three, settings().max_queue);
    assert_eq!(
        reason(alone(), full, Mode::ImmediateOnly),
        "3 on duty, none free, and no more than 10 may wait; no level follows, so the robot answers"
    );
    let astray = vec![passing("a"), passing("deleted"), Level { target: None, ..passing("unknown") }];
    assert_eq!(
        reason(astray.clone(), busy(), Mode::Full),
        "3 on duty, none free; no other level can be asked, so the conversation waits here"
    );
    assert_eq!(
        reason(astray[1..].to_vec(), busy(), Mode::Full),
        "this group does not exist any more; no other level can be asked, so the visitor leaves a message"
    );
    let stays = vec![Level::from(to_group("a")), passing("b")];
    assert_eq!(
        reason(stays, busy(), Mode::Full),
        "3 on duty, none free; this level does not overflow, so the conversation waits here"
    );
}
