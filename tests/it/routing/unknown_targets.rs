//! `session-from` with unknown ids: a warning is recorded, and the visitor is routed anyway.

use serde_json::{Value, json};

use super::{
    platform::platform_action,
    session_from::{sobot, to_group, to_service},
};
use crate::service_desk::{APP, SHIPPING, SHIPPING_ANSWER, ServiceDesk, assigned_to};
use crate::support::{Visitor, World};

/// The levels of the trail: number, given id, state and verdict.
fn trail(data: &Value) -> Vec<String> {
    let passage = |it: &Value| {
        let text = |field: &str| it[field].as_str().unwrap().to_owned();
        format!("{} {}: {}, {}", it["level"], text("named"), text("state"), text("verdict"))
    };
    data["trail"].as_array().unwrap().iter().map(passage).collect()
}

/// The warnings: level and code.
fn warnings(warnings: &Value) -> Vec<String> {
    let warning = |it: &Value| format!("{} {}", it["level"], it["code"].as_str().unwrap());
    warnings.as_array().unwrap().iter().map(warning).collect()
}

/// A visitor who enters with these fields and writes.
async fn enters_and_writes<'a>(
    world: &'a World,
    desk: &'a ServiceDesk,
    openid: &str,
    keyed: &[(&str, Value)],
) -> Visitor<'a> {
    let visitor = desk.visitor(world, openid);
    visitor.enters(&sobot(keyed)).await;
    visitor.writes(SHIPPING).await;
    visitor
}

async fn created_warnings(world: &World, visitor: &Visitor<'_>) -> Vec<String> {
    let created = world.event(&visitor.cid().await, "conversation.created").await;
    warnings(&created["data"]["routing_warnings"])
}

#[tokio::test]
async fn unknown_id_at_the_last_level_does_not_prevent_queueing() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let busy = world.agent("忙碌", 5).await;
    world.set_status(&busy, "busy").await;
    let all_busy = json!({ "name": "忙组", "members": [busy], "max_wait_seconds": 60 });
    let all_busy = world.create("groups", &all_busy).await;
    let last = json!({ "actionType": "to_group", "deciId": "unknown", "optionId": 4 });
    for (openid, first) in [("o-1", to_service(&busy)), ("o-2", to_group(&all_busy))] {
        let keyed = [("transfer_action", json!([first, to_group("unknown"), last]))];
        let visitor = enters_and_writes(&world, &desk, openid, &keyed).await;
        assert_eq!(visitor.stage().await, "queued", "{first}");
        let queued = world.event(&visitor.cid().await, "conversation.queued").await["data"].clone();
        let id = first["deciId"].as_str().unwrap();
        assert_eq!(trail(&queued), [format!("1 {id}: busy, queued")]);
        let because = queued["trail"][0]["because"].as_str().unwrap();
        assert!(because.ends_with("no other level can be asked, so the conversation waits here"), "{because}");
        assert_eq!(created_warnings(&world, &visitor).await, ["2 target_not_found", "3 target_not_found"]);
    }
    // After the maximum wait there is no further level.
    world.run_minutes_online(2, &[&busy]).await;
    let left = desk.visitor(&world, "o-2");
    assert_eq!(left.stage().await, "left_message");
    let data = world.event(&left.cid().await, "leave_message.created").await["data"].clone();
    assert_eq!((&data["level"], &data["trail"]), (&json!(1), &Value::Null), "{data}");
    assert_eq!(desk.visitor(&world, "o-1").stage().await, "queued");
}

#[tokio::test]
async fn unknown_levels_are_in_the_trail_before_the_bindings_group() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let two = json!([to_group("n1"), to_service("n2")]);
    let visitor = enters_and_writes(&world, &desk, "o-1", &[("transfer_action", two)]).await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    let assigned = world.event(&visitor.cid().await, "conversation.assigned").await["data"].clone();
    let own = format!("3 {}: takeable, assigned", desk.group);
    assert_eq!(trail(&assigned), ["1 n1: not_found, passed_on", "2 n2: not_found, passed_on", &own]);
    assert_eq!(created_warnings(&world, &visitor).await, ["1 target_not_found", "2 target_not_found"]);

    // There are at most four levels. The warning of a dropped level is kept.
    let four = json!([to_group("n1"), to_group("n2"), to_group("n3"), to_group("n4")]);
    let visitor = enters_and_writes(&world, &desk, "o-2", &[("transfer_action", four)]).await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    let assigned = world.event(&visitor.cid().await, "conversation.assigned").await["data"].clone();
    let own = format!("4 {}: takeable, assigned", desk.group);
    let lost = ["1 n1: not_found, passed_on", "2 n2: not_found, passed_on", "3 n3: not_found, passed_on"];
    assert_eq!(trail(&assigned), [lost.as_slice(), &[&own]].concat());
    assert_eq!(created_warnings(&world, &visitor).await, [1, 2, 3, 4].map(|level| format!("{level} target_not_found")));
}

#[tokio::test]
async fn unknown_transfer_action_falls_back_to_the_merchant() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let (clerk, main) = (world.agent("店员", 1).await, world.agent("平台客服", 5).await);
    let (store, mains) = (world.group(&[&clerk]).await, world.group(&[&main]).await);
    world.create("merchants", &json!({ "name": "咖啡店", "customer_code": "C-001", "group_id": store })).await;
    let unknown = |ids: &[&str]| ("transfer_action", ids.iter().map(|id| to_group(id)).collect::<Value>());
    let merchant = |code, flow| ("platform_action", platform_action(code, flow));

    let visitor = enters_and_writes(&world, &desk, "o-1", &[unknown(&["n1", "n2"]), merchant("C-001", None)]).await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&clerk));
    let assigned = world.event(&visitor.cid().await, "conversation.assigned").await["data"].clone();
    let lost = ["1 n1: not_found, passed_on", "2 n2: not_found, passed_on"];
    assert_eq!(trail(&assigned), [lost.as_slice(), &["3 C-001: takeable, assigned"]].concat());
    assert_eq!(created_warnings(&world, &visitor).await, ["1 target_not_found", "2 target_not_found"]);

    // The clerk is at capacity: unknown levels are dropped to make room for both groups of the merchant.
    let four = unknown(&["n1", "n2", "n3", "n4"]);
    let both = ("platform_action", platform_action(" C-001 ", Some(&format!(" {mains}"))));
    let visitor = enters_and_writes(&world, &desk, "o-2", &[both, four]).await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&main));
    let assigned = world.event(&visitor.cid().await, "conversation.assigned").await["data"].clone();
    assert_eq!(trail(&assigned)[..2], lost);
    assert_eq!(assigned["level"], 4, "{assigned}");

    // An unknown merchant: the binding's group.
    let visitor = enters_and_writes(&world, &desk, "o-3", &[unknown(&["n1"]), merchant("C-999", None)]).await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    assert_eq!(created_warnings(&world, &visitor).await, ["1 target_not_found", "1 merchant_not_found"]);
}

#[tokio::test]
async fn unknown_robot_id_is_reported_and_the_bindings_robot_answers() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first" })).await;
    let keyed = [("robotid", json!("7")), ("transfer_action", json!([to_group("unknown")]))];
    let visitor = enters_and_writes(&world, &desk, "o-1", &keyed).await;
    assert_eq!(visitor.received_texts().await, [SHIPPING_ANSWER]);
    assert_eq!(created_warnings(&world, &visitor).await, ["1 target_not_found", "0 robot_not_found"]);
    let simulation =
        world.post("/api/routing/simulate", &json!({ "app_id": APP, "session_from": sobot(&keyed) })).await;
    let simulation = simulation.expect(200).body;
    assert_eq!(warnings(&simulation["warnings"]), ["1 target_not_found", "0 robot_not_found"]);
    assert!(simulation["warnings"][1]["detail"].as_str().unwrap().contains("\"7\""), "{simulation}");
    assert_eq!((&simulation["robot_id"], &simulation["plan"]["robot_id"]), (&json!(desk.robot), &json!(desk.robot)));

    let known = [("robotid", json!(desk.robot))];
    assert_eq!(
        created_warnings(&world, &enters_and_writes(&world, &desk, "o-2", &known).await).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn option_and_spill_ids_are_parsed_leniently() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let (busy, free) = (world.agent("忙碌", 5).await, world.agent("空闲", 5).await);
    world.set_status(&busy, "busy").await;
    let (all_busy, free_group) = (world.group(&[&busy]).await, world.group(&[&free]).await);
    let levels = |option: Value, spill: Value| {
        let first = json!({ "actionType": "to_group", "deciId": format!(" {all_busy} "), "optionId": option, "spillId": spill });
        [("transfer_action", json!([first, to_group(&free_group)]))]
    };
    for (number, (option, spill)) in
        [(json!(3), json!(5)), (json!("3.0"), json!(" 5 ")), (json!(3.0), json!(5.0))].into_iter().enumerate()
    {
        let visitor = enters_and_writes(&world, &desk, &format!("o-{number}"), &levels(option, spill)).await;
        assert_eq!(visitor.stage_and_agent().await, assigned_to(&free));
        assert_eq!(created_warnings(&world, &visitor).await, Vec::<String>::new());
    }
    // Other spill and option ids are parsed leniently as well.
    for (number, (option, spill)) in [(json!("3.0"), json!("6.0")), (json!(" 4 "), json!("7"))].into_iter().enumerate()
    {
        let visitor = enters_and_writes(&world, &desk, &format!("p-{number}"), &levels(option, spill)).await;
        assert_eq!(visitor.conversation().await["group_id"], all_busy.as_str());
    }
    let visitor = enters_and_writes(&world, &desk, "q-1", &levels(json!("x"), json!(-1))).await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&free));
    let simulation =
        world.event(&visitor.cid().await, "conversation.created").await["data"]["routing_warnings"].clone();
    assert_eq!(warnings(&simulation), ["1 spill_unknown", "1 option_unknown"]);
    let detail = |at: usize| simulation[at]["detail"].as_str().unwrap();
    assert!(detail(0).contains("\"-1\"") && detail(1).contains("\"x\""), "{simulation}");
}
