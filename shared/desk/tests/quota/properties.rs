use std::cell::RefCell;

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRunner},
};

use crate::{
    model::{Fate, Habits, Kind, Plan, Seen, Step},
    world::World,
};

const HOUR: i64 = 3_600_000;

/// Pauses of a busy schedule, or of a schedule of several days.
fn pause(busy: bool) -> BoxedStrategy<i64> {
    if busy {
        return prop_oneof![25 => 0..700_i64, 1 => 30_000..300_000_i64].boxed();
    }
    prop_oneof![
        8 => 0..1500_i64,
        4 => 0..12_000_i64,
        2 => 40_000..90_000_i64,
        1 => 600_000..24 * HOUR,
        2 => 48 * HOUR - 12_000..48 * HOUR + 12_000,
    ]
    .boxed()
}

fn act() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![2 => Just(Kind::Message), 1 => Just(Kind::Enter)];
    (kind, delay(), prop_oneof![4 => Just(None), 1 => (0..20_000_i64).prop_map(Some)])
        .prop_map(|(kind, delay, again)| Step::Act { kind, delay, again })
}

fn delay() -> impl Strategy<Value = i64> {
    prop_oneof![3 => 20..800_i64, 1 => 0..10_000_i64]
}

/// The fate of a send in an exact run or in any run.
fn fate(exact: bool) -> BoxedStrategy<Fate> {
    let orderly = prop_oneof![
        6 => Just(Fate::Whole),
        1 => (0..3_u32).prop_map(Fate::Refused),
        1 => Just(Fate::Twice),
    ];
    if exact {
        return orderly.boxed();
    }
    let again = prop_oneof![Just(None), (0..900_000_i64).prop_map(Some), (0..24 * HOUR).prop_map(Some)];
    prop_oneof![
        4 => orderly,
        1 => Just(Fate::Unanswered),
        2 => (0..3_u32, again).prop_map(|(after, again)| Fate::Dies(after, again)),
    ]
    .boxed()
}

fn send(exact: bool, busy: bool) -> impl Strategy<Value = Step> {
    let parts = prop_oneof![6 => Just(1_u32), 2 => 2..4_u32];
    let keep = prop_oneof![3 => Just(0_u32), 1 => 1..3_u32];
    let gap = prop_oneof![6 => 0..400_i64, 3 => 0..5000_i64, 2 => 0..200_000_i64];
    let answer = if busy { (0..200_000_i64).boxed() } else { prop_oneof![6 => 0..400_i64, 1 => 0..60_000_i64].boxed() };
    (parts, keep, gap, fate(exact), answer)
        .prop_map(|(parts, keep, gap, fate, answer)| Step::Send(Plan { parts, keep, gap, fate, answer }))
}

fn check(habits: Habits, busy: bool, cases: u32, at_least: u64) -> Seen {
    let step = prop_oneof![4 => pause(busy).prop_map(Step::Pass), 3 => act(), 5 => send(habits.exact, busy)];
    let seen = RefCell::new(Seen::default());
    // The default generator would take most of the time of a debug build.
    let rng_algorithm = RngAlgorithm::XorShift;
    let mut runner = TestRunner::new(Config { cases, rng_algorithm, failure_persistence: None, ..Config::default() });
    let run = runner.run(&(any::<u64>(), vec(step, 20..120)), |(seed, steps)| {
        let mut world = World::new(habits, seed);
        for step in &steps {
            world.step(step);
        }
        world.settle_down();
        let mut all = seen.borrow_mut();
        all.steps += world.seen.steps;
        all.exhausted += world.seen.exhausted;
        all.closed += world.seen.closed;
        all.uncertain_replies += world.seen.uncertain_replies;
        all.full += world.seen.full;
        all.revived += world.seen.revived;
        all.bound += world.seen.bound;
        Ok(())
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
    let seen = seen.into_inner();
    assert!(seen.steps >= at_least, "{seen:?}");
    assert!(seen.uncertain_replies > 0 && seen.full == u64::from(cases), "{seen:?}");
    seen
}

#[test]
fn replies_left_never_exceed_wechats_grant() {
    let seen = check(Habits { exact: false, certain_only: false, forgetful: false }, false, 560, 55_000);
    assert!(seen.exhausted > 0 && seen.closed > 0 && seen.revived > 0, "{seen:?}");
}

#[test]
fn replies_left_never_exceed_grant_when_sent_replies_stay_in_flight() {
    let seen = check(Habits { exact: false, certain_only: false, forgetful: true }, false, 560, 55_000);
    assert!(seen.exhausted > 0 && seen.closed > 0 && seen.revived > 0, "{seen:?}");
}

#[test]
fn replies_left_never_exceed_grant_beyond_max_sends() {
    let seen = check(Habits { exact: false, certain_only: false, forgetful: false }, true, 500, 45_000);
    assert!(seen.exhausted > 0 && seen.revived > 0 && seen.bound > 0, "{seen:?}");
}

#[test]
fn certain_replies_are_never_refused() {
    let seen = check(Habits { exact: false, certain_only: true, forgetful: false }, false, 560, 55_000);
    assert!(seen.revived > 0, "{seen:?}");
}

#[test]
fn certain_and_uncertain_replies_cover_wechats_grant() {
    let seen = check(Habits { exact: true, certain_only: false, forgetful: false }, false, 560, 55_000);
    assert!(seen.exhausted > 0 && seen.closed > 0, "{seen:?}");
}
