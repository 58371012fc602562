//! 熟客: a returning visitor is assigned to the last agent within the group's `sticky_minutes`.

use std::collections::BTreeMap;

use desk::{
    routing::{Facts, LastAgent, Mode, Outcome, Plan, plan_after_wait},
    staff::{AfterHours, AgentFacts, Group},
};
use jiff::SignedDuration;
use serde_json::json;

use crate::world::{NOW, agent, passing, run, settings, to_group};

/// The agent assigned to a visitor whose last agent was Bob, `ago` before now. Bob has a higher load than Ann.
fn best(sticky_minutes: u32, ago: SignedDuration) -> String {
    let members = vec![agent("ann"), AgentFacts { load: 4, ..agent("bob") }];
    let group = Group { sticky_minutes, ..settings() };
    let facts = Facts::Group { group, members, open: true, waiting: 0, of_mini_program: None };
    let last = LastAgent { agent: "bob".to_owned(), at: NOW - ago };
    let plan = Plan::new(vec![passing("g")], Some(last), AfterHours::LeaveMessage);
    let (routed, _) = run(&plan, &BTreeMap::from([(to_group("g"), facts)]), Mode::Full);
    let Outcome::Assign { agents, .. } = routed.outcome else { panic!("{routed:?}") };
    assert_eq!(agents.len(), 2);
    agents[0].clone()
}

#[test]
fn last_agent_comes_first_within_sticky_minutes() {
    let minutes = SignedDuration::from_mins;
    for (sticky_minutes, ago, expected) in [
        (60, minutes(0), "bob"),
        (60, minutes(60), "bob"),
        (60, minutes(60) + SignedDuration::from_millis(1), "ann"),
        (60, minutes(600), "ann"),
        (600, minutes(600), "bob"),
        // The other clock is ahead.
        (60, minutes(-1), "bob"),
        // 0 minutes disable stickiness.
        (0, minutes(0), "ann"),
        (0, minutes(-1), "ann"),
    ] {
        assert_eq!(best(sticky_minutes, ago), expected, "{sticky_minutes} minutes, {ago:#} ago");
    }
}

#[test]
fn plan_round_trips_through_json() {
    let last = LastAgent { agent: "ann".to_owned(), at: NOW };
    let plan = Plan::new(vec![passing("a")], Some(last), AfterHours::Queue);
    let plan = Plan { robot_id: Some("r1".to_owned()), ..plan };
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["levels"][0]["target"], json!({"group": "a"}));
    assert_eq!(json["sticky"], json!({"agent": "ann", "at": "1970-01-01T00:00:00Z"}));
    assert_eq!(serde_json::from_value::<Plan>(json).unwrap(), plan);
    assert_eq!(plan_after_wait(&plan, 0), plan);
}

/// Conversations that were queued during an update have a plan of the older version.
#[test]
fn plan_of_older_version_is_readable() {
    let level = json!({ "target": { "group": "a" }, "named": "a", "overflows": true, "spill": "any" });
    for sticky in [json!("ann"), json!(null)] {
        let kept = json!({ "levels": [level], "first": 2, "sticky": sticky, "after_hours": "queue" });
        let expected = Plan { first: 2, ..Plan::new(vec![passing("a")], None, AfterHours::Queue) };
        assert_eq!(serde_json::from_value::<Plan>(kept).unwrap(), expected);
    }
    assert_eq!(
        serde_json::from_value::<Plan>(json!({ "levels": [level] })).unwrap(),
        Plan::new(vec![passing("a")], None, AfterHours::LeaveMessage)
    );
}
