//! The simulation matches the actual routing.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::session_from::{sobot, to_group, to_service};
use crate::open_conversation::{fields, problem};
use crate::service_desk::{APP, SHIPPING};
use crate::support::{ADMIN, Visitor, World};

async fn simulated(world: &World, session_from: &str, text: &str) -> Value {
    let wanted = json!({ "app_id": APP, "session_from": session_from, "text": text });
    world.post("/api/routing/simulate", &wanted).await.expect(200).body
}

/// The outcome of a conversation in the form of a simulation's outcome.
async fn actual_outcome(world: &World, conversation: &Value) -> (Value, Value) {
    let cid = conversation["cid"].as_str().unwrap();
    let (event, stage) = match conversation["stage"].as_str().unwrap() {
        "unassigned" => return (Value::Null, json!([])),
        "assigned" => ("conversation.assigned", "assign"),
        "queued" => ("conversation.queued", "queue"),
        "left_message" => ("leave_message.created", "leave_message"),
        "robot" => ("conversation.robot", "robot"),
        other => panic!("{other}"),
    };
    let data = world.event(cid, event).await["data"].clone();
    let outcome = match stage {
        "assign" => json!({ "agent": data["agent_id"], "group": data["group_id"], "level": data["level"] }),
        "queue" => json!({ "queue": data["queue"], "level": data["level"] }),
        "robot" => json!({ "robot": data["robot_id"] }),
        _ => json!({ "left_at": data["level"] }),
    };
    (outcome, data.get("trail").filter(|trail| !trail.is_null()).cloned().unwrap_or_else(|| json!([])))
}

/// The comparable part of a simulation's outcome.
fn simulated_outcome(simulated: &Value) -> (Value, Value) {
    let outcome = &simulated["outcome"];
    let simulation = if let Some(assign) = outcome.get("assign") {
        json!({ "agent": assign["agents"][0], "group": assign["group"], "level": assign["level"] })
    } else if let Some(queue) = outcome.get("queue") {
        let (kind, id) = queue["target"].as_object().unwrap().iter().next().unwrap();
        json!({ "queue": format!("{kind}:{}", id.as_str().unwrap()), "level": queue["level"] })
    } else if let Some(left) = outcome.get("leave_message") {
        json!({ "left_at": left["level"] })
    } else if outcome.get("robot").is_some() {
        json!({ "robot": simulated["robot_id"] })
    } else {
        Value::Null
    };
    (simulation, simulated["trail"].clone())
}

/// A visitor enters and writes; the simulation matches, at first and after a request for a person.
async fn assert_simulation_matches(world: &World, visitor: &Visitor<'_>, session_from: &str, text: &str) -> Value {
    visitor.enter(session_from).await;
    world.settle().await;
    let simulation = simulated(world, session_from, text).await;
    visitor.text(text).await;
    world.settle().await;
    let what = format!("{session_from} {text}: {simulation}");
    let mut conversation = visitor.conversation().await;
    let stays = conversation["stage"] == "robot" && simulation["first"] != "route";
    assert_eq!(simulation["first"] == "robot", stays, "{what}");
    if stays {
        assert_eq!(conversation["robot_id"], simulation["robot_id"], "{what}");
        visitor.text("转人工").await;
        world.settle().await;
        conversation = world.conversation(conversation["cid"].as_str().unwrap()).await;
    }
    let (actual, simulated) = (actual_outcome(world, &conversation).await, simulated_outcome(&simulation));
    assert_eq!(actual.0, simulated.0, "{what}");
    // A robot that keeps its visitor writes no trail.
    if !(stays && actual.0.get("robot").is_some()) {
        assert_eq!(actual.1, simulated.1, "{what}");
    }
    let answers = stays || actual.0.get("robot").is_some();
    assert_eq!(simulation["robot_id"].is_string(), answers, "{what}");
    simulation
}

/// Mode, group set, robot set, whether every `session-from` is tried.
const CASES: [(&str, bool, bool, bool); 11] = [
    ("robot_first", true, true, true),
    ("agents_first", true, true, true),
    ("agents_only", true, true, true),
    ("robot_only", true, true, false),
    ("robot_first", false, true, false),
    ("agents_first", false, true, false),
    ("agents_only", false, true, false),
    ("robot_only", false, true, false),
    ("agents_first", true, false, false),
    ("robot_only", true, false, false),
    ("robot_first", false, false, false),
];

#[tokio::test]
async fn simulation_matches_the_actual_routing() {
    let world = World::start().await;
    let desk = world.service_desk(2, json!({ "mode": "robot_first" })).await;
    let (busy, away) = (world.agent("忙碌", 5).await, world.agent("离开", 5).await);
    world.set_status(&busy, "busy").await;
    world.set_status(&away, "offline").await;
    let (all_busy, unstaffed) = (world.group(&[&busy]).await, world.group(&[&away]).await);
    let free = world.agent("空闲", 99).await;
    let aliased = world.create("groups", &json!({ "name": "售后", "members": [free], "aliases": ["售后"] })).await;
    let robots = world.create("groups", &json!({ "name": "夜里", "members": [away], "after_hours": "robot" })).await;
    world.create("merchants", &json!({ "name": "店", "customer_code": "C-1", "group_id": unstaffed })).await;
    let no_overflow = json!({ "actionType": "to_group", "deciId": all_busy, "optionId": "4" });
    let levels = |levels: Value| sobot(&[("transfer_action", levels)]);
    let entered = [
        String::new(),
        levels(json!([to_group("售后")])),
        levels(json!([to_group(&unstaffed), to_group(&all_busy), to_service(&away), to_group(&aliased)])),
        levels(json!([no_overflow, to_group(&aliased)])),
        levels(json!([to_group(&all_busy), to_group("unknown")])),
        levels(json!([to_group(&unstaffed)])),
        levels(json!([to_group(&robots)])),
        levels(json!([to_group("unknown"), to_service("unknown")])),
        levels(json!([to_service(&busy)])),
        sobot(&[("platform_action", json!({ "customerCode": "C-1", "flowGroupId": aliased }))]),
        sobot(&[("platform_action", json!({ "customerCode": "C-2" }))]),
        sobot(&[("robotid", json!("unknown"))]),
    ];
    let set_up = |mode: &str, group: bool, robot: bool| {
        let (group, robot) = (group.then_some(&desk.group), robot.then_some(&desk.robot));
        json!({ "mode": mode, "group_id": group, "robot_id": robot, "after_hours": "robot" })
    };
    let mut seen = BTreeSet::new();
    for (number, (mode, group, robot, every)) in CASES.into_iter().enumerate() {
        world.heartbeat(&[&desk.agent, &busy, &free]).await;
        world.set_reception(&desk.binding, set_up(mode, group, robot)).await;
        // The text makes no difference without a robot.
        let texts = if mode == "agents_only" { vec![SHIPPING] } else { vec![SHIPPING, "转人工"] };
        let places = if every { (0..entered.len()).collect() } else { vec![0, 6, 7] };
        for place in places {
            for (kind, text) in texts.iter().enumerate() {
                let visitor = desk.visitor(&world, &format!("o-{number}-{place}-{kind}"));
                let simulation = assert_simulation_matches(&world, &visitor, &entered[place], text).await;
                assert_eq!(simulation["mode"], mode);
                let outcome = simulation["outcome"].as_object().and_then(|outcome| outcome.keys().next());
                seen.extend(outcome.cloned());
                seen.insert(format!("first {}", simulation["first"].as_str().unwrap()));
            }
        }
    }
    let kinds = ["assign", "first leave_message", "first robot", "first route", "leave_message", "queue", "robot"];
    assert!(kinds.iter().all(|what| seen.contains(*what)), "{seen:?}");
}

#[tokio::test]
async fn simulation_without_settings_promises_no_agent() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "agents_only", "group_id": null, "robot_id": null })).await;
    let simulation = assert_simulation_matches(&world, &desk.visitor(&world, "o-1"), "", "在吗").await;
    assert_eq!(
        (&simulation["first"], &simulation["outcome"], &simulation["trail"]),
        (&json!("leave_message"), &json!({ "leave_message": { "level": 0 } }), &json!([]))
    );
    assert_eq!(simulation.get("robot_id"), None);

    // An agent is free at first; then the named robot answers.
    let settings = json!({ "mode": "agents_first", "group_id": desk.group, "robot_id": desk.robot });
    world.set_reception(&desk.binding, settings).await;
    let simulation = assert_simulation_matches(&world, &desk.visitor(&world, "o-2"), "", SHIPPING).await;
    assert_eq!((&simulation["first"], simulation.get("robot_id")), (&json!("route"), None));
    let simulation = assert_simulation_matches(&world, &desk.visitor(&world, "o-3"), "", SHIPPING).await;
    assert_eq!(simulation["first"], "route");
    assert_eq!(
        (&simulation["outcome"], &simulation["robot_id"]),
        (&json!({ "robot": { "level": 1 } }), &json!(desk.robot))
    );

    // Although an agent is free.
    world.set_reception(&desk.binding, json!({ "mode": "robot_only" })).await;
    desk.visitor(&world, "o-2").writes("结束会话").await;
    let simulation = assert_simulation_matches(&world, &desk.visitor(&world, "o-4"), "", SHIPPING).await;
    assert_eq!((&simulation["first"], &simulation["robot_id"]), (&json!("robot"), &json!(desk.robot)));
    assert!(simulation["outcome"].get("assign").is_none(), "{simulation}");
}

#[tokio::test]
async fn simulation_of_another_time_changes_nothing() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let weekly = json!([{ "days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "18:00" }]);
    let calendar = world.create("calendars", &json!({ "name": "工作日", "weekly": weekly })).await;
    world.update("groups", &desk.group, &json!({ "calendar_id": calendar })).await;
    let before = world.all_items().await;
    // 2026-03-02 is a Monday; the clock starts at 16:00 in Shanghai.
    for (at, outcome, state) in [
        ("2026-03-02T09:59:59Z", "assign", "takeable"),
        ("2026-03-02T10:00:00Z", "leave_message", "off_work"),
        ("2026-03-07T04:00:00Z", "leave_message", "off_work"),
        ("2026-03-09T01:00:00Z", "assign", "takeable"),
    ] {
        let wanted = json!({ "app_id": APP, "session_from": "", "text": "在吗", "at": at });
        let simulation = world.post("/api/routing/simulate", &wanted).await.expect(200).body;
        assert!(simulation["outcome"].get(outcome).is_some(), "{at}: {simulation}");
        assert_eq!((&simulation["trail"][0]["state"], &simulation["at"]), (&json!(state), &json!(at)));
    }
    assert_eq!(world.all_items().await, before);

    // Warnings are returned as well.
    let odd =
        simulated(&world, &sobot(&[("transfer_action", json!([{ "actionType": "to_moon", "deciId": "1" }]))]), "")
            .await;
    assert_eq!(odd["warnings"][0]["code"], "kind_unknown", "{odd}");
    assert_eq!(odd["session_from"]["dialect"], "sobot");

    // Agents may simulate as well. An unbound mini program is refused.
    let agent = world.access_token("agent").await;
    let wanted = json!({ "app_id": APP, "session_from": "" });
    world.call(Some(&agent), Method::POST, "/api/routing/simulate", Some(&wanted)).await.expect(200);
    let unbound = json!({ "app_id": "wx00000000000000ff", "session_from": "" });
    assert_eq!(problem(&world.post("/api/routing/simulate", &unbound).await).0, 404);
    let wrong = world
        .call(Some(ADMIN), Method::POST, "/api/routing/simulate", Some(&json!({ "app_id": APP, "at": "soon" })))
        .await;
    assert_eq!((problem(&wrong).0, fields(&wrong).len()), (422, 1));
}
