//! Properties that hold for every plan and every staffing.

use std::collections::BTreeMap;

use desk::{
    routing::{
        Facts, LastAgent, Level, Mode, Outcome, OverflowCondition, Plan, RoutingStep, Target, TargetKind, TargetState,
        TransferLevel, Verdict, levels_from_transfer_action, route,
    },
    staff::{AfterHours, AgentFacts, AgentStatus, Group, Strategy as Order, rank_free_agents},
};
use jiff::{SignedDuration, Timestamp};
use proptest::{collection::vec, option, prelude::*, sample::select};

use crate::world::{NOW, agent, group, run, settings, to_group};

fn agents() -> impl Strategy<Value = AgentFacts> {
    let status = select(vec![
        AgentStatus::Online,
        AgentStatus::Online,
        AgentStatus::Busy,
        AgentStatus::Away,
        AgentStatus::Offline,
    ]);
    (0..6u8, status, prop::bool::weighted(0.8), (0..8u32, 0..3u32), 0..8u32, option::of(0..4i64)).prop_map(
        |(id, status, present, (load, in_flight), capacity, assigned)| AgentFacts {
            id: format!("a{id}"),
            status,
            present,
            load,
            in_flight,
            capacity,
            last_assigned_at: assigned.map(|second| Timestamp::from_second(second).unwrap()),
        },
    )
}

fn policies() -> impl Strategy<Value = AfterHours> {
    select(vec![AfterHours::LeaveMessage, AfterHours::Queue, AfterHours::Robot])
}

fn orders() -> impl Strategy<Value = Order> {
    select(vec![Order::LeastLoad, Order::RoundRobin])
}

fn targets() -> impl Strategy<Value = Target> {
    prop_oneof![
        (0..4u8).prop_map(|id| Target::Group(format!("g{id}"))),
        (0..3u8).prop_map(|id| Target::Agent(format!("a{id}")))
    ]
}

fn facts() -> impl Strategy<Value = Facts> {
    let of_group = (
        vec(agents(), 0..5),
        any::<bool>(),
        select(vec![0, 0, 0, 1, 9, 10]),
        policies(),
        orders(),
        0..2u32,
        option::of(0..11u32),
    );
    let of_group =
        of_group.prop_map(|(members, open, waiting, after_hours, strategy, sticky_minutes, own)| Facts::Group {
            group: Group { after_hours, strategy, sticky_minutes, ..settings() },
            members,
            open,
            waiting,
            of_mini_program: own.map(|own| own.min(waiting)),
        });
    let of_agent =
        (agents(), select(vec![0, 0, 1, 99, 100])).prop_map(|(agent, waiting)| Facts::Agent { agent, waiting });
    prop_oneof![4 => of_group, 4 => of_agent, 1 => Just(Facts::Missing)]
}

fn plans() -> impl Strategy<Value = Plan> {
    let spill = select(vec![
        OverflowCondition::Offline,
        OverflowCondition::Busy,
        OverflowCondition::OffWork,
        OverflowCondition::Any,
    ]);
    let level = (option::weighted(0.9, targets()), prop::bool::weighted(0.8), spill).prop_map(
        |(target, overflows, condition)| Level {
            target,
            given_id: "x".to_owned(),
            overflows,
            condition,
            not_allowed: false,
        },
    );
    let sticky = (0..6u8, 0..90i64)
        .prop_map(|(id, ago)| LastAgent { agent: format!("a{id}"), at: NOW - SignedDuration::from_secs(ago) });
    (vec(level, 0..7), 0..6u8, option::of(sticky), policies())
        .prop_map(|(levels, first, sticky, after_hours)| Plan { first, ..Plan::new(levels, sticky, after_hours) })
}

fn asked() -> impl Strategy<Value = TransferLevel> {
    let kind = option::of(select(vec![TargetKind::Group, TargetKind::Agent]));
    (kind, " ?[a-c]?", option::of("[0-5x]"), option::of("[0-8x]"))
        .prop_map(|(kind, given_id, option_id, spill_id)| TransferLevel { kind, given_id, option_id, spill_id })
}

fn modes() -> impl Strategy<Value = Mode> {
    select(vec![Mode::Full, Mode::ImmediateOnly])
}

fn worlds() -> impl Strategy<Value = BTreeMap<Target, Facts>> {
    prop::collection::btree_map(targets(), facts(), 0..7)
}

fn exists(target: &Target, world: &BTreeMap<Target, Facts>) -> bool {
    match (target, world.get(target)) {
        (Target::Group(_), Some(Facts::Group { .. })) | (Target::Agent(_), Some(Facts::Agent { .. })) => true,
        (_, Some(Facts::Group { .. } | Facts::Agent { .. } | Facts::Missing) | None) => false,
    }
}

fn level_of(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Assign { level, .. }
        | Outcome::Queue { level, .. }
        | Outcome::LeaveMessage { level }
        | Outcome::Robot { level } => *level,
    }
}

fn verdict_of(outcome: &Outcome) -> Verdict {
    match outcome {
        Outcome::Assign { .. } => Verdict::Assigned,
        Outcome::Queue { .. } => Verdict::Queued,
        Outcome::LeaveMessage { .. } => Verdict::LeftMessage,
        Outcome::Robot { .. } => Verdict::Robot,
    }
}

/// `load / capacity` without rounding, for capacities below 8.
fn relative_load(agent: &AgentFacts) -> u32 {
    (1..8).product::<u32>() * agent.load / agent.capacity
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// `run` fails if the facts of a target are requested twice.
    #[test]
    fn every_plan_has_one_outcome_and_consistent_trail(plan in plans(), world in worlds(), mode in modes()) {
        let (routed, asked) = run(&plan, &world, mode);
        prop_assert!(routed.trail.len() <= 4 && asked.len() <= 4);
        prop_assert_eq!(&run(&plan, &world, mode).0, &routed);
        prop_assert!(routed.trail.iter().all(|at| !at.reason.is_empty() && (1..=4).contains(&at.level)));
        prop_assert!(routed.trail.windows(2).all(|pair| pair[0].level + 1 == pair[1].level));
        if let Some((last, before)) = routed.trail.split_last() {
            prop_assert!(before.iter().all(|at| at.verdict == Verdict::PassedOn && at.state != TargetState::Available));
            prop_assert_eq!((last.level, last.verdict), (level_of(&routed.outcome), verdict_of(&routed.outcome)));
        }
        if let Outcome::Queue { target, .. } = &routed.outcome {
            prop_assert!(mode == Mode::Full && routed.trail.last().unwrap().target.as_ref() == Some(target));
        }
        if mode == Mode::ImmediateOnly {
            prop_assert!([Verdict::Assigned, Verdict::Robot].contains(&verdict_of(&routed.outcome)));
        }
    }

    /// Facts about other targets do not change the decision.
    #[test]
    fn only_facts_of_considered_targets_are_requested(plan in plans(), world in worlds(), mode in modes()) {
        let (routed, asked) = run(&plan, &world, mode);
        if let RoutingStep::Decided(at_once) = route(&plan, &world, mode, NOW) {
            prop_assert_eq!(&at_once, &routed);
        }
        // A requested target that is not in the trail does not exist.
        let passed: Vec<_> = routed.trail.iter().filter_map(|at| at.target.clone()).collect();
        prop_assert!(asked.iter().all(|target| passed.contains(target) || !exists(target, &world)));
    }

    /// A level without an existing target only adds an entry to the trail.
    #[test]
    fn levels_without_target_do_not_change_outcome(plan in plans(), world in worlds(), mode in modes()) {
        let counting = usize::from(5 - plan.first.clamp(1, 5)).min(plan.levels.len());
        let is_right = |level: &&Level| level.target.as_ref().is_some_and(|target| exists(target, &world));
        let right: Vec<Level> = plan.levels[..counting].iter().filter(is_right).cloned().collect();
        if right.is_empty() {
            return Ok(());
        }
        let alone = Plan { levels: right, ..plan.clone() };
        let without_level = |plan: &Plan| match run(plan, &world, mode).0.outcome {
            Outcome::Assign { agents, group, .. } => Outcome::Assign { agents, group, level: 0 },
            Outcome::Queue { target, .. } => Outcome::Queue { target, level: 0 },
            Outcome::LeaveMessage { .. } => Outcome::LeaveMessage { level: 0 },
            Outcome::Robot { .. } => Outcome::Robot { level: 0 },
        };
        prop_assert_eq!(without_level(&plan), without_level(&alone));
    }

    #[test]
    fn assigned_agents_are_free_and_queue_is_empty(plan in plans(), world in worlds(), mode in modes()) {
        let (routed, _) = run(&plan, &world, mode);
        let Outcome::Assign { agents, .. } = &routed.outcome else { return Ok(()) };
        prop_assert!(!agents.is_empty());
        match &world[routed.trail.last().unwrap().target.as_ref().unwrap()] {
            Facts::Group { members, open, waiting, .. } => {
                prop_assert!(*open && *waiting == 0);
                let free = members.iter().filter(|agent| agent.is_free()).count();
                prop_assert_eq!(agents.len(), free);
            }
            Facts::Agent { agent, waiting } => {
                prop_assert!(agent.is_free() && *waiting == 0);
                prop_assert_eq!(agents, &vec![agent.id.clone()]);
            }
            Facts::Missing => prop_assert!(false),
        }
    }

    /// A level that overflows to a single free group overflows in every plan.
    #[test]
    fn level_overflows_independently_of_other_levels(plan in plans(), world in worlds()) {
        let (routed, _) = run(&plan, &world, Mode::Full);
        for (passage, level) in routed.trail.iter().zip(&plan.levels) {
            let mut world = world.clone();
            world.insert(to_group("free"), group(true, &[agent("bob")], 0));
            let pair = Plan { levels: vec![level.clone(), Level::from(to_group("free"))], first: 1, ..plan.clone() };
            let (alone, _) = run(&pair, &world, Mode::Full);
            prop_assert_eq!(alone.trail[0].state, passage.state);
            let behind = usize::from(passage.level - plan.first.max(1)) + 1;
            let counting = usize::from(4 - plan.first.max(1)) + 1;
            let mut later = plan.levels.iter().take(counting).skip(behind);
            if passage.verdict == Verdict::PassedOn {
                prop_assert_eq!(level_of(&alone.outcome), 2);
            } else if later.any(|level| level.target.as_ref().is_some_and(|target| exists(target, &world))) {
                prop_assert_eq!(alone.trail[0].verdict, passage.verdict);
            }
        }
    }

    #[test]
    fn at_most_four_levels_are_converted_and_resolved(asked in vec(asked(), 0..9)) {
        let mut calls = 0;
        let (levels, warnings) = levels_from_transfer_action(&asked, |_, id| { calls += 1; (id == "a").then(|| to_group(id)) });
        prop_assert!(calls <= levels.len() && levels.len() <= 4);
        prop_assert_eq!(levels.len(), asked.iter().take(4).filter(|level| level.kind.is_some()).count());
        let unknown = warnings.iter().filter(|warning| warning.code == desk::routing::WarningCode::TargetNotFound).count();
        prop_assert_eq!(unknown, levels.iter().filter(|level| level.target.is_none()).count());
        prop_assert_eq!(warnings.iter().any(|warning| warning.level == 5), asked.len() > 4);
    }

    #[test]
    fn ranking_does_not_depend_on_order_of_members(
        mut members in vec(agents(), 0..8),
        order in orders(),
        sticky in option::of("a[0-5]"),
        seed in 0..8usize,
    ) {
        members.sort_by(|a, b| a.id.cmp(&b.id));
        members.dedup_by(|a, b| a.id == b.id);
        let sorted = rank_free_agents(order, &members, sticky.as_deref());
        if !members.is_empty() {
            let middle = seed % members.len();
            members.rotate_left(middle);
            members.reverse();
        }
        prop_assert_eq!(&rank_free_agents(order, &members, sticky.as_deref()), &sorted);

        let of = |id: &String| members.iter().find(|agent| &agent.id == id).unwrap();
        prop_assert_eq!(sorted.len(), members.iter().filter(|agent| agent.is_free()).count());
        if let Some(sticky) = sticky.filter(|sticky| sorted.contains(sticky)) {
            prop_assert_eq!(&sorted[0], &sticky);
        }
        // The other agents follow the last agent.
        let rest = sorted.get(1..).unwrap_or_default();
        for pair in rest.windows(2) {
            let (a, b) = (of(&pair[0]), of(&pair[1]));
            let key = |agent: &AgentFacts| {
                let by_load = if order == Order::LeastLoad { relative_load(agent) } else { 0 };
                let turn = (agent.in_flight, agent.last_assigned_at);
                (by_load, turn, relative_load(agent), agent.id.clone())
            };
            prop_assert!(key(a) < key(b));
        }
    }
}
