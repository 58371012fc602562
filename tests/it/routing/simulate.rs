//! A simulation answers what then really happens.

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

/// What a conversation came to, in the words of a simulation: the first step, the outcome, the trail.
async fn came_to(world: &World, visitor: &Visitor<'_>) -> (String, Value, Value) {
    let conversation = visitor.conversation().await;
    let stage = conversation["stage"].as_str().unwrap();
    let first = match stage {
        "robot" => "robot",
        "unassigned" => "open",
        _ => "route",
    };
    let event = match stage {
        "assigned" => "conversation.assigned",
        "queued" => "conversation.queued",
        "left_message" => "leave_message.created",
        _ => return (first.to_owned(), conversation["robot_id"].clone(), Value::Null),
    };
    let data = world.event(conversation["cid"].as_str().unwrap(), event).await["data"].clone();
    let outcome = match stage {
        "assigned" => json!([data["agent_id"], data["group_id"], data["level"]]),
        "queued" => json!([data["queue"], data["level"]]),
        _ => json!([data["level"]]),
    };
    (first.to_owned(), outcome, data["trail"].clone())
}

/// The same of a simulation.
fn foretold(simulated: &Value) -> (String, Value, Value) {
    let first = simulated["first"].as_str().unwrap().to_owned();
    if first == "robot" {
        return (first, simulated["robot_id"].clone(), Value::Null);
    }
    let outcome = &simulated["outcome"];
    let told = if let Some(assign) = outcome.get("assign") {
        json!([assign["agents"][0], assign["group"], assign["level"]])
    } else if let Some(queue) = outcome.get("queue") {
        let (kind, id) = queue["target"].as_object().unwrap().iter().next().unwrap();
        json!([format!("{kind}:{}", id.as_str().unwrap()), queue["level"]])
    } else {
        json!([outcome["leave_message"]["level"]])
    };
    (first, told, simulated["trail"].clone())
}

#[tokio::test]
async fn what_is_foretold_is_what_happens() {
    let world = World::start().await;
    let shop = world.shop(2, json!({ "mode": "robot_first" })).await;
    let (busy, away) = (world.agent("忙碌", 5).await, world.agent("离开", 5).await);
    world.status(&busy, "busy").await;
    world.status(&away, "offline").await;
    let (all_busy, nobody) = (world.group(&[&busy]).await, world.group(&[&away]).await);
    let free = world.agent("空闲", 50).await;
    let aliased = world.make("groups", &json!({ "name": "售后", "members": [free], "aliases": ["售后"] })).await;
    world.make("merchants", &json!({ "name": "店", "customer_code": "C-1", "group_id": nobody })).await;
    let no_overflow = json!({ "actionType": "to_group", "deciId": all_busy, "optionId": "4" });
    let levels = |levels: Value| sobot(&[("transfer_action", levels)]);
    let entered = [
        String::new(),
        "sobot||||".to_owned(),
        "from=poster".to_owned(),
        levels(json!([to_group("售后")])),
        levels(json!([to_group(&nobody), to_group(&all_busy), to_service(&away), to_group(&aliased)])),
        levels(json!([no_overflow, to_group(&aliased)])),
        levels(json!([to_group(&nobody)])),
        levels(json!([to_group("unknown"), to_service("unknown")])),
        levels(json!([to_service(&busy)])),
        sobot(&[("platform_action", json!({ "customerCode": "C-1", "flowGroupId": aliased }))]),
        sobot(&[("platform_action", json!({ "customerCode": "C-2" }))]),
        sobot(&[("robotid", json!("unknown"))]),
    ];
    let modes = ["robot_first", "agents_only", "agents_first", "robot_only"];
    for (number, mode) in modes.into_iter().enumerate() {
        world.heartbeat(&[&shop.agent, &busy, &free]).await;
        world.receive(&shop.binding, json!({ "mode": mode, "group_id": shop.group, "robot_id": shop.robot })).await;
        for (place, session_from) in entered.iter().enumerate() {
            for (kind, text) in [SHIPPING, "转人工"].into_iter().enumerate() {
                let visitor = shop.visitor(&world, &format!("o-{number}-{place}-{kind}"));
                visitor.enter(session_from).await;
                world.settle().await;
                let told = simulated(&world, session_from, text).await;
                assert_eq!(told["mode"], mode);
                visitor.text(text).await;
                world.settle().await;
                let (mut told_first, told_rest, told_trail) = foretold(&told);
                if told_first == "leave_message" {
                    // The first step there is no routing.
                    assert_eq!(visitor.stage().await, "left_message", "{mode} {session_from} {text}");
                    told_first.clear();
                    continue;
                }
                if told["outcome"].get("robot").is_some() && told_first == "route" {
                    assert_eq!(visitor.stage().await, "robot", "{mode} {session_from} {text}");
                    continue;
                }
                let happened = came_to(&world, &visitor).await;
                assert_eq!(happened, (told_first, told_rest, told_trail), "{mode} {session_from} {text}");
            }
        }
    }
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
