//! The overflow truth table, and what it leaves out: policies, the mode of agents first, longer plans.

use std::{
    collections::{BTreeMap, BTreeSet},
    slice::from_ref,
};

use desk::{
    routing::{
        AGENT_QUEUE_MAX, Asked, Facts, Level, Mode, Outcome, Passage, Plan, Spill, State, Target, TargetKind, Verdict,
        Warning, levels,
    },
    staff::{AfterHours, AgentFacts, AgentStatus, Group},
};
use serde::Serialize;

use crate::world::{agent, group, loaded, passing, plan, run, settings, to_group, unheard_of, with_status};

const TABLE: &str = include_str!("../overflow.tsv");

/// The word that a state, a verdict or a code has in JSON.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

fn number(cell: &str) -> Option<u32> {
    (cell != "-").then(|| cell.parse().unwrap())
}

fn kind(cell: &str) -> TargetKind {
    if cell == "group" { TargetKind::Group } else { TargetKind::Agent }
}

/// Everything that a target in this state may look like; nothing in it: nobody has the id.
fn facts(kind: TargetKind, state: &str) -> Vec<Option<Facts>> {
    let of_group = |open, members: &[AgentFacts], waiting| Some(group(open, members, waiting));
    let of_agent = |agent, waiting| Some(Facts::Agent { agent, waiting });
    let (ann, busy, away) = (agent("ann"), with_status(AgentStatus::Busy), with_status(AgentStatus::Away));
    let gone = with_status(AgentStatus::Offline);
    match (kind, state) {
        (_, "not_found") => vec![None],
        (TargetKind::Group, "takeable") => {
            vec![of_group(true, from_ref(&ann), 0), of_group(true, &[loaded(), ann, gone], 0)]
        }
        (TargetKind::Group, "off_work") => vec![
            of_group(false, &[], 0),
            of_group(false, &[ann], 0),
            of_group(false, &[gone], 10),
            of_group(false, &[loaded()], 10),
        ],
        (TargetKind::Group, "offline") => vec![
            of_group(true, &[], 0),
            of_group(true, from_ref(&gone), 0),
            of_group(true, &[unheard_of()], 3),
            of_group(true, &[gone, unheard_of()], 10),
        ],
        (TargetKind::Group, "busy") => vec![
            of_group(true, &[loaded()], 0),
            of_group(true, &[busy, gone], 0),
            of_group(true, &[away], 9),
            of_group(true, &[ann, loaded()], 1),
        ],
        (TargetKind::Group, "queue_full") => {
            vec![of_group(true, &[loaded()], 10), of_group(true, &[ann], 10), of_group(true, &[away], 11)]
        }
        (TargetKind::Agent, "takeable") => vec![of_agent(ann, 0)],
        (TargetKind::Agent, "off_work") => vec![of_agent(gone.clone(), 0), of_agent(gone, AGENT_QUEUE_MAX)],
        (TargetKind::Agent, "offline") => vec![of_agent(unheard_of(), 0), of_agent(gone, 1)],
        (TargetKind::Agent, "busy") => {
            vec![of_agent(loaded(), 0), of_agent(busy, 0), of_agent(away, AGENT_QUEUE_MAX - 1), of_agent(ann, 1)]
        }
        (TargetKind::Agent, "queue_full") => vec![of_agent(loaded(), AGENT_QUEUE_MAX), of_agent(ann, AGENT_QUEUE_MAX)],
        other => panic!("{other:?} is not in the table's language"),
    }
}

fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Assign { level, .. } => format!("assign@{level}"),
        Outcome::Queue { level, .. } => format!("queue@{level}"),
        Outcome::LeaveMessage { level } => format!("leave_message@{level}"),
        Outcome::Robot { level } => format!("robot@{level}"),
    }
}

fn shown_trail(trail: &[Passage]) -> String {
    let passages: Vec<String> = trail.iter().map(|at| format!("{}:{}", word(at.state), word(at.verdict))).collect();
    passages.join(" ")
}

fn shown_warnings(warnings: &[Warning]) -> String {
    let mut codes: Vec<String> = warnings.iter().map(|warning| word(warning.code)).collect();
    codes.sort();
    if codes.is_empty() { "-".to_owned() } else { codes.join(",") }
}

#[test]
fn every_row_of_the_overflow_table_holds() {
    for row in TABLE.lines().filter(|line| !line.starts_with('#')).skip(1) {
        let [of, option, spill, state, place, outcome, trail, odd] =
            row.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let kind = kind(of);
        let first =
            Asked { kind: Some(kind), named: "first".to_owned(), option_id: number(option), spill_id: number(spill) };
        let next =
            Asked { kind: Some(TargetKind::Group), named: "next".to_owned(), option_id: Some(4), spill_id: None };
        let asked = if place == "last" { vec![first] } else { vec![first, next] };
        for facts in facts(kind, state) {
            let (levels, warnings) = levels(&asked, |kind, id| match kind {
                _ if id == "first" && facts.is_none() => None,
                TargetKind::Group => Some(Target::Group(id.to_owned())),
                TargetKind::Agent => Some(Target::Agent(id.to_owned())),
            });
            let mut world = BTreeMap::from([(to_group("next"), group(true, &[agent("bob")], 0))]);
            if let (Some(facts), Some(target)) = (&facts, &levels[0].target) {
                world.insert(target.clone(), facts.clone());
            }
            let (routed, _) = run(&plan(levels), &world, Mode::Full);
            let found = (shown(&routed.outcome), shown_trail(&routed.trail), shown_warnings(&warnings));
            assert_eq!(found, (outcome.to_owned(), trail.to_owned(), odd.to_owned()), "{row}: {facts:?}");
        }
    }
}

#[test]
fn the_overflow_table_has_every_combination_once() {
    let inputs = |row: &str| row.split('\t').take(5).collect::<Vec<_>>().join(" ");
    let rows: Vec<String> = TABLE.lines().filter(|line| !line.starts_with('#')).skip(1).map(inputs).collect();
    let mut expected = BTreeSet::new();
    for kind in ["group", "agent"] {
        for option in ["1", "2", "3", "4", "-"] {
            for spill in ["1", "2", "3", "4", "5", "6", "7", "-"] {
                for state in ["takeable", "off_work", "offline", "busy", "queue_full", "not_found"] {
                    expected.extend(["last", "followed"].map(|place| [kind, option, spill, state, place].join(" ")));
                }
            }
        }
    }
    assert_eq!(rows.len(), 960);
    assert_eq!(rows.into_iter().collect::<BTreeSet<_>>(), expected);
}

/// The state, the policy that counts, the outcome of both modes.
#[test]
fn what_nobody_takes_goes_by_the_policy() {
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
        // A queue that is full takes nobody, whatever the policy.
        (Some(full(false, &[])), Queue, "leave_message@1"),
        (Some(full(true, &[])), Queue, "leave_message@1"),
        (Some(full(true, &[loaded()])), Queue, "leave_message@1"),
        (Some(full(true, &[loaded()])), Robot, "leave_message@1"),
        // While somebody is on duty it is not after hours.
        (Some(busy.clone()), LeaveMessage, "queue@1"),
        (Some(busy), Robot, "queue@1"),
        (None, LeaveMessage, "leave_message@1"),
        (None, Robot, "robot@1"),
        // There is nobody to wait for.
        (None, Queue, "leave_message@1"),
    ] {
        let other = if policy == Robot { LeaveMessage } else { Robot };
        let is_known = facts.is_some();
        let facts = match facts {
            Some(Facts::Group { group, members, open, waiting }) => {
                Facts::Group { group: Group { after_hours: policy, ..group }, members, open, waiting }
            }
            _ => Facts::Missing,
        };
        let world = BTreeMap::from([(to_group("g"), facts)]);
        // The group's policy goes before the plan's; what is not found has none but the plan's.
        let after_hours = if is_known { other } else { policy };
        let plan = Plan::new(vec![passing("g")], None, after_hours);
        let (routed, _) = run(&plan, &world, Mode::Full);
        assert_eq!(shown(&routed.outcome), outcome, "{policy:?} {world:?}");
        let (routed, _) = run(&plan, &world, Mode::ImmediateOnly);
        assert_eq!(shown(&routed.outcome), "robot@1", "{policy:?} {world:?}");
    }
}

#[test]
fn an_agents_policy_is_the_plans() {
    let world = BTreeMap::from([(Target::Agent("ann".to_owned()), Facts::Agent { agent: unheard_of(), waiting: 0 })]);
    for (policy, outcome) in
        [(AfterHours::LeaveMessage, "leave_message@1"), (AfterHours::Queue, "queue@1"), (AfterHours::Robot, "robot@1")]
    {
        let plan = Plan::new(vec![Level::from(Target::Agent("ann".to_owned()))], None, policy);
        assert_eq!(shown(&run(&plan, &world, Mode::Full).0.outcome), outcome);
    }
}

#[test]
fn a_plan_without_levels_goes_by_its_policy_and_leaves_no_trail() {
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
fn the_fourth_level_keeps_what_it_gets_and_a_fifth_is_never_asked() {
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
fn a_target_that_was_deleted_is_passed_through() {
    let world = BTreeMap::from([(to_group("b"), group(true, &[agent("bob")], 0))]);
    let gone = Level::from(to_group("gone"));
    let (routed, _) = run(&plan(vec![gone.clone(), passing("b")]), &world, Mode::Full);
    assert_eq!(
        routed.outcome,
        Outcome::Assign { agents: vec!["bob".to_owned()], group: Some("b".to_owned()), level: 2 }
    );
    assert_eq!((routed.trail[0].state, routed.trail[0].verdict), (State::NotFound, Verdict::PassedOn));
    assert_eq!(run(&plan(vec![gone]), &world, Mode::Full).0.outcome, Outcome::LeaveMessage { level: 1 });
}

#[test]
fn a_group_without_stickiness_pays_no_heed_to_the_agent_of_the_last_time() {
    let members = [agent("ann"), AgentFacts { load: 4, ..agent("bob") }];
    for (sticky_minutes, best) in [(0, "ann"), (60, "bob")] {
        let group = Group { sticky_minutes, ..settings() };
        let facts = Facts::Group { group, members: members.to_vec(), open: true, waiting: 0 };
        let plan = Plan::new(vec![passing("g")], Some("bob".to_owned()), AfterHours::LeaveMessage);
        let (routed, _) = run(&plan, &BTreeMap::from([(to_group("g"), facts)]), Mode::Full);
        let Outcome::Assign { agents, .. } = routed.outcome else { panic!("{routed:?}") };
        assert_eq!((agents[0].as_str(), agents.len()), (best, 2));
    }
}

#[test]
fn the_trail_says_why() {
    let three = [loaded(), loaded(), loaded()];
    let because = |levels: Vec<Level>, facts: Facts, mode| {
        let world = BTreeMap::from([(to_group("a"), facts), (to_group("b"), group(true, &[agent("bob")], 0))]);
        run(&plan(levels), &world, mode).0.trail[0].because.clone()
    };
    let busy = || group(true, &three, 0);
    let when_busy = Level { spill: Spill::Busy, ..passing("a") };
    let two = || vec![when_busy.clone(), passing("b")];
    assert_eq!(because(two(), busy(), Mode::Full), "3 on duty, none free; this level overflows when busy");
    let closed = group(false, &three, 0);
    assert_eq!(
        because(two(), closed, Mode::Full),
        "it is outside of this group's working hours; this level overflows only when busy, so the visitor leaves a message"
    );
    let alone = || vec![when_busy.clone()];
    let crowd = group(true, &[agent("ann"), loaded()], 4);
    assert_eq!(
        because(alone(), crowd, Mode::Full),
        "2 on duty, 1 free, 4 waiting already; no level follows, so the conversation waits here"
    );
    let full = group(true, &three, settings().max_queue);
    assert_eq!(
        because(alone(), full, Mode::ImmediateOnly),
        "3 on duty, none free, and no more than 10 may wait; no level follows, so the robot answers"
    );
    let stays = vec![Level::from(to_group("a")), passing("b")];
    assert_eq!(
        because(stays, busy(), Mode::Full),
        "3 on duty, none free; this level does not overflow, so the conversation waits here"
    );
}
