use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn block(until: Option<i64>) -> Block {
    Block { since: at(0), until: until.map(at), reason: "spam".to_owned() }
}

#[test]
fn message_is_ignored_beyond_the_limit_of_its_minute() {
    let too_many = |is_told| Received::Ignored { reason: Ignored::TooMany, is_told };
    let mut used = Used::default();
    for (second, expected) in [
        (60, Received::Processed),
        (119, Received::Processed),
        (119, too_many(true)),
        (119, too_many(false)),
        (120, Received::Processed),
        // One that arrived in the minute before and comes late.
        (119, Received::Processed),
        (121, too_many(true)),
        (180, Received::Processed),
    ] {
        assert_eq!(receive(None, &mut used, 2, at(second), at(second)), expected, "{second}");
    }
}

#[test]
fn block_ignores_until_it_ends_and_counts_nothing() {
    let mut used = Used::default();
    let blocked = Received::Ignored { reason: Ignored::Blocked, is_told: false };
    for (until, now, expected) in
        [(None, 1_000_000, blocked), (Some(70), 69, blocked), (Some(70), 70, Received::Processed)]
    {
        assert_eq!(receive(Some(&block(until)), &mut used, 1, at(now), at(now)), expected, "{until:?} {now}");
    }
    assert_eq!(used.next(at(70), MINUTE, 1), Usage::FirstBeyond, "only the last one was counted");
}

#[test]
fn budget_is_used_up_by_calls_or_by_tokens() {
    let budgets = |calls, tokens| Budgets { model_calls_per_day: calls, model_tokens_per_day: tokens };
    for (budgets, calls, tokens, expected) in [
        (budgets(10, 100), 9, 99, false),
        (budgets(10, 100), 10, 0, true),
        (budgets(10, 100), 0, 100, true),
        (budgets(0, 100), u64::MAX, 99, false),
        (budgets(10, 0), 9, u64::MAX, false),
        (budgets(0, 0), u64::MAX, u64::MAX, false),
        (budgets(10, 100).part(4), 3, 0, true),
        (budgets(10, 100).part(4), 2, 24, false),
        (budgets(0, 0).part(4), u64::MAX, u64::MAX, false),
    ] {
        assert_eq!(budgets.are_used_up(ModelUse { calls, tokens }), expected, "{budgets:?} {calls} {tokens}");
    }
}

proptest! {
    #[test]
    fn each_period_has_no_more_than_the_limit_whatever_the_order(seconds in vec(0..300i64, 0..200), limit in 1..20u32) {
        let mut used = Used::default();
        let within = seconds.iter().filter(|second| used.count(at(**second), MINUTE, limit) == Usage::Within).count();
        let periods = seconds.iter().map(|second| second / 60).collect::<std::collections::BTreeSet<_>>().len();
        prop_assert!(within <= periods * usize::try_from(limit).unwrap());
    }

    #[test]
    fn in_order_of_arrival_the_first_of_each_period_are_within(mut seconds in vec(0..300i64, 0..200), limit in 1..20u32) {
        seconds.sort_unstable();
        let (mut used, mut seen) = (Used::default(), BTreeMap::<i64, u32>::new());
        for second in seconds {
            let count = seen.entry(second / 60).or_default();
            *count += 1;
            let expected = match *count {
                count if count <= limit => Usage::Within,
                count if count == limit + 1 => Usage::FirstBeyond,
                _ => Usage::Beyond,
            };
            prop_assert_eq!(used.count(at(second), MINUTE, limit), expected);
        }
    }
}
