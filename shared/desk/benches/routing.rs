//! The duration of a routing decision over four levels of groups with twenty members. A hash of the same facts as text is measured in
//! the same run, so that results of different machines can be compared.

#![expect(clippy::unwrap_used, reason = "a measurement, not the product")]

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hasher},
    hint::black_box,
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use desk::{
    routing::{Facts, Level, Mode, Outcome, OverflowCondition, Plan, RoutingStep, Target, route},
    staff::{AfterHours, AgentFacts, AgentStatus, Group},
};

const LEVELS: usize = 4;
const MEMBERS: usize = 20;
const CAPACITY: u32 = 5;

/// All agents are on duty. Only half of the last group has free capacity, each with a different load.
fn facts_of(level: usize) -> Facts {
    let id = |member: usize| format!("a{level:04x}{member:08x}");
    let is_free = |member: usize| level + 1 == LEVELS && member.is_multiple_of(2);
    let members = (0..MEMBERS).map(|member| AgentFacts {
        id: id(member),
        status: AgentStatus::Online,
        present: true,
        load: if is_free(member) { u32::try_from(member).unwrap() % CAPACITY } else { CAPACITY },
        in_flight: 0,
        capacity: CAPACITY,
        last_assigned_at: Some(format!("2026-11-22T09:{:02}:00Z", (member * 7) % 60).parse().unwrap()),
    });
    let group = serde_json::json!({ "name": "售后", "members": (0..MEMBERS).map(id).collect::<Vec<_>>() });
    let group: Group = serde_json::from_value(group).unwrap();
    Facts::Group { group, members: members.collect(), open: true, waiting: 0, of_mini_program: None }
}

fn benches(criterion: &mut Criterion) {
    let targets: Vec<Target> = (0..LEVELS).map(|level| Target::Group(format!("g{level:012x}"))).collect();
    let level = |target: &Target| Level {
        target: Some(target.clone()),
        given_id: target.id().to_owned(),
        overflows: true,
        condition: OverflowCondition::Any,
        not_allowed: false,
    };
    let plan = Plan::new(targets.iter().map(level).collect(), None, AfterHours::LeaveMessage);
    let facts: BTreeMap<Target, Facts> = targets.into_iter().zip((0..LEVELS).map(facts_of)).collect();
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    let RoutingStep::Decided(routed) = route(&plan, &facts, Mode::Full, now) else {
        unreachable!("all facts are given")
    };
    assert!(matches!(routed.outcome, Outcome::Assign { level: 4, .. }), "{routed:?}");

    let mut group = criterion.benchmark_group("routing");
    group.throughput(Throughput::Elements(1));
    group.bench_function("decide", |bencher| {
        bencher.iter(|| route(black_box(&plan), black_box(&facts), Mode::Full, now));
    });
    let written = format!("{facts:?}");
    group.bench_function("hash", |bencher| {
        bencher.iter(|| {
            let mut hasher = DefaultHasher::new();
            hasher.write(black_box(written.as_bytes()));
            hasher.finish()
        });
    });
    group.finish();
}

criterion_group!(group, benches);
criterion_main!(group);
