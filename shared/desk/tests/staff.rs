//! Groups, agents and merchants: ranking, choice after lost races, and validation.

#![expect(clippy::unwrap_used, reason = "also the helpers of a test are tests")]

use std::collections::BTreeSet;

use desk::{
    merchant::Merchant,
    staff::{AfterHours, Agent, AgentFacts, AgentStatus, Group, Strategy, choose_agent, rank_free_agents},
};
use jiff::Timestamp;
use serde_json::{Value, json};

fn facts(id: &str, load: u32, capacity: u32, assigned: Option<i64>) -> AgentFacts {
    AgentFacts {
        id: id.to_owned(),
        status: AgentStatus::Online,
        present: true,
        load,
        in_flight: 0,
        capacity,
        last_assigned_at: assigned.map(|second| Timestamp::from_second(second).unwrap()),
    }
}

#[test]
fn free_and_on_duty_follow_status_presence_and_load() {
    use AgentStatus::{Away, Busy, Offline, Online};
    for (status, present, load, free, on_duty) in [
        (Online, true, 4, true, true),
        (Online, true, 5, false, true),
        (Online, true, 6, false, true),
        (Online, false, 0, false, false),
        (Busy, true, 0, false, true),
        (Away, true, 0, false, true),
        (Away, false, 0, false, false),
        (Offline, true, 0, false, false),
    ] {
        let agent = AgentFacts { status, present, ..facts("a", load, 5, None) };
        assert_eq!((agent.is_free(), agent.is_on_duty()), (free, on_duty), "{agent:?}");
    }
}

#[test]
fn least_load_ranks_by_relative_load_then_idle_time() {
    // 3/10 < 1/3 < 2/5; 2/6 equals 1/3 and has been idle longer.
    let members = [
        facts("two-of-five", 2, 5, None),
        facts("one-of-three", 1, 3, Some(9)),
        facts("two-of-six", 2, 6, Some(8)),
        facts("three-of-ten", 3, 10, Some(99)),
        facts("full", 3, 3, None),
    ];
    let order = rank_free_agents(Strategy::LeastLoad, &members, None);
    assert_eq!(order, ["three-of-ten", "two-of-six", "one-of-three", "two-of-five"]);
    let order = rank_free_agents(Strategy::LeastLoad, &members, Some("two-of-five"));
    assert_eq!(order, ["two-of-five", "three-of-ten", "two-of-six", "one-of-three"]);
    // The sticky agent has no free capacity.
    assert_eq!(rank_free_agents(Strategy::LeastLoad, &members, Some("full"))[0], "three-of-ten");
    let order = rank_free_agents(Strategy::RoundRobin, &members, None);
    assert_eq!(order, ["two-of-five", "two-of-six", "one-of-three", "three-of-ten"]);
}

/// The agents chosen by sixty concurrent decisions after `lost_races`.
fn chosen(strategy: Strategy, free: &[AgentFacts], lost_races: u32) -> BTreeSet<&str> {
    let free: Vec<&AgentFacts> = free.iter().collect();
    let seeds = (0..60).map(|visitor| format!("visitor {visitor}"));
    seeds.map(|by| choose_agent(strategy, &free, lost_races, &by).unwrap().id.as_str()).collect()
}

#[test]
fn concurrent_decisions_spread_over_equivalent_agents() {
    let names: Vec<String> = (0..40).map(|number| format!("agent {number:02}")).collect();
    // Thirty agents are idle, ten have one conversation.
    let free: Vec<_> =
        names.iter().zip(0..).map(|(name, number)| facts(name, u32::from(number >= 30), 5, None)).collect();
    for strategy in [Strategy::LeastLoad, Strategy::RoundRobin] {
        assert_eq!(Vec::from_iter(chosen(strategy, &free, 0)), ["agent 00"]);
        assert_eq!(chosen(strategy, &free, 1).len(), 4, "among the first four");
    }
    let in_turn = chosen(Strategy::RoundRobin, &free, 8);
    assert!(in_turn.len() > 8 && in_turn.iter().all(|name| *name < "agent 10"), "a quarter: {in_turn:?}");
    assert_eq!(Vec::from_iter(chosen(Strategy::RoundRobin, &free[..3], 8)), ["agent 00"]);
    let idle = chosen(Strategy::LeastLoad, &free, 9);
    assert!(idle.len() > 20 && idle.iter().all(|name| *name < "agent 30"), "{idle:?}");
    let all = chosen(Strategy::RoundRobin, &free, 9);
    assert!(all.len() > 20 && all.iter().any(|name| *name >= "agent 30"), "{all:?}");
    // The choice is deterministic.
    assert_eq!(idle, chosen(Strategy::LeastLoad, &free, 9));
    assert_eq!(choose_agent(Strategy::LeastLoad, &[], 0, "a visitor"), None);
}

#[test]
fn assignment_in_flight_is_a_turn_that_was_had() {
    let mut members = [facts("a", 0, 9, Some(1)), facts("b", 0, 9, Some(2)), facts("c", 0, 3, Some(3))];
    let mut order = String::new();
    for _ in 0..7 {
        let best = rank_free_agents(Strategy::RoundRobin, &members, None).remove(0);
        order.push_str(&best);
        members.iter_mut().find(|agent| agent.id == best).unwrap().add_in_flight(1);
    }
    assert_eq!(order, "abcabca");
    // Those of the same millisecond: the smaller relative load.
    let members = [facts("a", 1, 2, Some(5)), facts("b", 1, 3, Some(5)), facts("c", 9, 90, Some(6))];
    assert_eq!(rank_free_agents(Strategy::RoundRobin, &members, None), ["b", "a", "c"]);
}

#[test]
fn colliding_decisions_diverge_on_retry() {
    let names: Vec<String> = (0..64).map(|number| format!("agent {number:02}")).collect();
    let free: Vec<_> = names.iter().map(|name| facts(name, 0, 5, None)).collect();
    let free: Vec<&AgentFacts> = free.iter().collect();
    let at = |lost_races, by: &str| choose_agent(Strategy::LeastLoad, &free, lost_races, by).unwrap().id.clone();
    let together = (0..40).map(|visitor| (format!("one {visitor}"), format!("other {visitor}")));
    let together: Vec<_> = together.filter(|(one, other)| at(1, one) == at(1, other)).collect();
    let again = together.iter().filter(|(one, other)| at(2, one) == at(2, other)).count();
    assert!(together.len() >= 4 && again * 2 < together.len(), "{again} of {}", together.len());
}

#[test]
fn relative_load_does_not_overflow() {
    let members = [facts("b", u32::MAX - 1, u32::MAX, None), facts("a", u32::MAX - 2, u32::MAX, None)];
    assert_eq!(rank_free_agents(Strategy::LeastLoad, &members, None), ["a", "b"]);
}

fn group(changes: &Value) -> Group {
    let mut group = json!({"name": "presale"});
    group.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    serde_json::from_value(group).unwrap()
}

#[test]
fn group_defaults_apply_without_settings() {
    let group = group(&json!({}));
    assert!(group.faults().is_empty());
    assert_eq!((group.strategy, group.after_hours), (Strategy::LeastLoad, AfterHours::LeaveMessage));
    assert_eq!((group.max_queue, group.max_wait_seconds, group.sticky_minutes), (100, None, 0));
    assert!(serde_json::from_value::<Group>(json!({"name": "x", "stratgy": "round_robin"})).is_err());
}

#[test]
fn group_limits_are_validated() {
    let ids = |count: usize| (0..count).map(|id| format!("a{id}")).collect::<Vec<_>>();
    let long = "组".repeat(60);
    for (changes, field) in [
        (json!({"name": long}), None),
        (json!({"name": format!("{long}!")}), Some("name")),
        (json!({"name": ""}), Some("name")),
        (json!({"name": " "}), Some("name")),
        (json!({"name": "a\nb"}), Some("name")),
        (json!({"members": ids(500)}), None),
        (json!({"members": ids(501)}), Some("members")),
        (json!({"members": ["a", "b", "a"]}), Some("members")),
        (json!({"members": [""]}), Some("members")),
        (json!({"max_queue": 1}), None),
        (json!({"max_queue": 0}), Some("max_queue")),
        (json!({"max_queue": 1001}), Some("max_queue")),
        (json!({"max_wait_seconds": 10}), None),
        (json!({"max_wait_seconds": 9}), Some("max_wait_seconds")),
        (json!({"max_wait_seconds": 86_400}), None),
        (json!({"max_wait_seconds": 86_401}), Some("max_wait_seconds")),
        (json!({"sticky_minutes": 527_040}), None),
        (json!({"sticky_minutes": 527_041}), Some("sticky_minutes")),
        (json!({"calendar_id": ""}), Some("calendar_id")),
        (json!({"aliases": ids(20)}), None),
        (json!({"aliases": ids(21)}), Some("aliases")),
        (json!({"aliases": ["x".repeat(100)]}), None),
        (json!({"aliases": ["x".repeat(101)]}), Some("aliases")),
        (json!({"aliases": [""]}), Some("aliases")),
        (json!({"aliases": [" x"]}), Some("aliases")),
        (json!({"aliases": ["x\u{3000}"]}), Some("aliases")),
        (json!({"aliases": ["x", "x"]}), Some("aliases")),
    ] {
        let faults: Vec<String> = group(&changes).faults().into_iter().map(|fault| fault.field).collect();
        assert_eq!(faults, Vec::from_iter(field.map(str::to_owned)), "{changes}");
    }
}

#[test]
fn agent_and_merchant_limits_are_validated() {
    let agent = |capacity| Agent { name: "Ann".to_owned(), capacity, disabled: false, aliases: Vec::new() };
    for (capacity, faults) in [(0, 1), (1, 0), (100, 0), (101, 1)] {
        assert_eq!(agent(capacity).faults().len(), faults, "{capacity}");
    }
    let ann: Agent = serde_json::from_value(json!({"name": "Ann"})).unwrap();
    assert_eq!(ann, agent(5));
    assert_eq!(Agent { name: "\u{7}".to_owned(), ..ann }.faults()[0].field, "name");

    let merchant = Merchant {
        name: "Tea".to_owned(),
        customer_code: "c1".to_owned(),
        group_id: "g1".to_owned(),
        aliases: Vec::new(),
    };
    assert!(merchant.faults().is_empty());
    assert_eq!(Merchant { customer_code: "x".repeat(101), ..merchant.clone() }.faults()[0].field, "customer_code");
    assert_eq!(Merchant { customer_code: "c1 ".to_owned(), ..merchant.clone() }.faults()[0].field, "customer_code");
    assert_eq!(Merchant { group_id: String::new(), ..merchant }.faults()[0].field, "group_id");
}
