//! A simulation answers what then really happens.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::session_from::{sobot, to_group, to_service};
use crate::desk::{fields, problem};
use crate::shop::{APP, SHIPPING};
use crate::support::{ADMIN, Visitor, World};

async fn simulated(world: &World, session_from: &str, text: &str) -> Value {
    let wanted = json!({ "app_id": APP, "session_from": session_from, "text": text });
    world.post("/api/routing/simulate", &wanted).await.expect(200).body
}

/// What a conversation came to, in the words of a simulation.
async fn came_to(world: &World, conversation: &Value) -> (Value, Value) {
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

/// The same of a simulation's outcome.
fn foretold(simulated: &Value) -> (Value, Value) {
    let outcome = &simulated["outcome"];
    let told = if let Some(assign) = outcome.get("assign") {
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
    (told, simulated["trail"].clone())
}

/// A visitor enters and writes; what was foretold is what happens, at first and when they want a person.
async fn comes_true(world: &World, visitor: &Visitor<'_>, session_from: &str, text: &str) -> Value {
    visitor.enter(session_from).await;
    world.settle().await;
    let told = simulated(world, session_from, text).await;
    visitor.text(text).await;
    world.settle().await;
    let what = format!("{session_from} {text}: {told}");
    let mut conversation = visitor.conversation().await;
    let stays = conversation["stage"] == "robot" && told["first"] != "route";
    assert_eq!(told["first"] == "robot", stays, "{what}");
    if stays {
        assert_eq!(conversation["robot_id"], told["robot_id"], "{what}");
        visitor.text("转人工").await;
        world.settle().await;
        conversation = world.shown(conversation["cid"].as_str().unwrap()).await;
    }
    let (happened, foretold) = (came_to(world, &conversation).await, foretold(&told));
    assert_eq!(happened.0, foretold.0, "{what}");
    // A robot that has the visitor already and keeps them leaves no trail.
    if !(stays && happened.0.get("robot").is_some()) {
        assert_eq!(happened.1, foretold.1, "{what}");
    }
    let answers = stays || happened.0.get("robot").is_some();
    assert_eq!(told["robot_id"].is_string(), answers, "{what}");
    told
}

#[tokio::test]
async fn what_is_foretold_is_what_happens() {
    let world = World::start().await;
    let shop = world.shop(2, json!({ "mode": "robot_first" })).await;
    let (busy, away) = (world.agent("忙碌", 5).await, world.agent("离开", 5).await);
    world.status(&busy, "busy").await;
    world.status(&away, "offline").await;
    let (all_busy, nobody) = (world.group(&[&busy]).await, world.group(&[&away]).await);
    let free = world.agent("空闲", 99).await;
    let aliased = world.make("groups", &json!({ "name": "售后", "members": [free], "aliases": ["售后"] })).await;
    let robots = world.make("groups", &json!({ "name": "夜里", "members": [away], "after_hours": "robot" })).await;
    world.make("merchants", &json!({ "name": "店", "customer_code": "C-1", "group_id": nobody })).await;
    let no_overflow = json!({ "actionType": "to_group", "deciId": all_busy, "optionId": "4" });
    let levels = |levels: Value| sobot(&[("transfer_action", levels)]);
    let entered = [
        String::new(),
        levels(json!([to_group("售后")])),
        levels(json!([to_group(&nobody), to_group(&all_busy), to_service(&away), to_group(&aliased)])),
        levels(json!([no_overflow, to_group(&aliased)])),
        levels(json!([to_group(&all_busy), to_group("unknown")])),
        levels(json!([to_group(&nobody)])),
        levels(json!([to_group(&robots)])),
        levels(json!([to_group("unknown"), to_service("unknown")])),
        levels(json!([to_service(&busy)])),
        sobot(&[("platform_action", json!({ "customerCode": "C-1", "flowGroupId": aliased }))]),
        sobot(&[("platform_action", json!({ "customerCode": "C-2" }))]),
        sobot(&[("robotid", json!("unknown"))]),
    ];
    let set_up = |mode: &str, group: bool, robot: bool| {
        let (group, robot) = (group.then_some(&shop.group), robot.then_some(&shop.robot));
        json!({ "mode": mode, "group_id": group, "robot_id": robot, "after_hours": "robot" })
    };
    let (all, few) = ((0..entered.len()).collect(), vec![0, 6, 7]);
    let cases: [(&str, bool, bool, &Vec<usize>); 11] = [
        ("robot_first", true, true, &all),
        ("agents_first", true, true, &all),
        ("agents_only", true, true, &all),
        ("robot_only", true, true, &few),
        ("robot_first", false, true, &few),
        ("agents_first", false, true, &few),
        ("agents_only", false, true, &few),
        ("robot_only", false, true, &few),
        ("agents_first", true, false, &few),
        ("robot_only", true, false, &few),
        ("robot_first", false, false, &few),
    ];
    let mut seen = BTreeSet::new();
    for (number, (mode, group, robot, places)) in cases.into_iter().enumerate() {
        world.heartbeat(&[&shop.agent, &busy, &free]).await;
        world.receive(&shop.binding, set_up(mode, group, robot)).await;
        // What is written makes no difference where no robot is asked first.
        let texts = if mode == "agents_only" { vec![SHIPPING] } else { vec![SHIPPING, "转人工"] };
        for place in places {
            for (kind, text) in texts.iter().enumerate() {
                let visitor = shop.visitor(&world, &format!("o-{number}-{place}-{kind}"));
                let told = comes_true(&world, &visitor, &entered[*place], text).await;
                assert_eq!(told["mode"], mode);
                let outcome = told["outcome"].as_object().and_then(|outcome| outcome.keys().next());
                seen.insert(outcome.cloned().unwrap_or_else(|| "nobody".to_owned()));
                seen.insert(format!("first {}", told["first"].as_str().unwrap()));
            }
        }
    }
    let kinds = ["assign", "first open", "first robot", "first route", "leave_message", "nobody", "queue", "robot"];
    assert!(kinds.iter().all(|what| seen.contains(*what)), "{seen:?}");
}

#[tokio::test]
async fn it_promises_nobody_who_is_not_set_up() {
    let world = World::start().await;
    let shop = world.shop(1, json!({ "mode": "agents_only", "group_id": null, "robot_id": null })).await;
    let told = comes_true(&world, &shop.visitor(&world, "o-1"), "", "在吗").await;
    assert_eq!((&told["first"], &told["outcome"], &told["trail"]), (&json!("open"), &Value::Null, &json!([])));
    assert_eq!(told.get("robot_id"), None);

    // An agent is free at first; then it is the robot's turn, who is named.
    let settings = json!({ "mode": "agents_first", "group_id": shop.group, "robot_id": shop.robot });
    world.receive(&shop.binding, settings).await;
    let told = comes_true(&world, &shop.visitor(&world, "o-2"), "", SHIPPING).await;
    assert_eq!((&told["first"], told.get("robot_id")), (&json!("route"), None));
    let told = comes_true(&world, &shop.visitor(&world, "o-3"), "", SHIPPING).await;
    assert_eq!(told["first"], "route");
    assert_eq!((&told["outcome"], &told["robot_id"]), (&json!({ "robot": { "level": 1 } }), &json!(shop.robot)));

    // However free an agent is.
    world.receive(&shop.binding, json!({ "mode": "robot_only" })).await;
    shop.visitor(&world, "o-2").says("结束会话").await;
    let told = comes_true(&world, &shop.visitor(&world, "o-4"), "", SHIPPING).await;
    assert_eq!((&told["first"], &told["robot_id"]), (&json!("robot"), &json!(shop.robot)));
    assert!(told["outcome"].get("assign").is_none(), "{told}");
}

#[tokio::test]
async fn it_tells_of_another_time_and_changes_nothing() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only" })).await;
    let weekly = json!([{ "days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "18:00" }]);
    let calendar = world.make("calendars", &json!({ "name": "工作日", "weekly": weekly })).await;
    world.change("groups", &shop.group, &json!({ "calendar_id": calendar })).await;
    let before = world.whole_table().await;
    // 2026-03-02 is a Monday; it is 16:00 in Shanghai when a bundle begins.
    for (at, outcome, state) in [
        ("2026-03-02T09:59:59Z", "assign", "takeable"),
        ("2026-03-02T10:00:00Z", "leave_message", "off_work"),
        ("2026-03-07T04:00:00Z", "leave_message", "off_work"),
        ("2026-03-09T01:00:00Z", "assign", "takeable"),
    ] {
        let wanted = json!({ "app_id": APP, "session_from": "", "text": "在吗", "at": at });
        let told = world.post("/api/routing/simulate", &wanted).await.expect(200).body;
        assert!(told["outcome"].get(outcome).is_some(), "{at}: {told}");
        assert_eq!((&told["trail"][0]["state"], &told["at"]), (&json!(state), &json!(at)));
    }
    assert_eq!(world.whole_table().await, before);

    // Odd things are told, too.
    let odd =
        simulated(&world, &sobot(&[("transfer_action", json!([{ "actionType": "to_moon", "deciId": "1" }]))]), "")
            .await;
    assert_eq!(odd["warnings"][0]["code"], "kind_unknown", "{odd}");
    assert_eq!(odd["session_from"]["dialect"], "sobot");

    // An agent may ask as well. Nobody is told of a mini program that is not bound.
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
