//! What a visitor enters with names what nobody knows: the admin is told, and it costs the visitor nothing.

use serde_json::{Value, json};

use super::{
    platform::platform,
    session_from::{sobot, to_group, to_service},
};
use crate::shop::{APP, SHIPPING, SHIPPING_ANSWER, Shop, with};
use crate::support::{Visitor, World};

/// Each level that was passed: its number, the id that was given, how it was there.
fn passed(data: &Value) -> Vec<String> {
    let passage = |it: &Value| {
        let text = |field: &str| it[field].as_str().unwrap().to_owned();
        format!("{} {}: {}, {}", it["level"], text("named"), text("state"), text("verdict"))
    };
    data["trail"].as_array().unwrap().iter().map(passage).collect()
}

/// Each warning: the level that it is about, and what is odd.
fn warnings(warnings: &Value) -> Vec<String> {
    let warning = |it: &Value| format!("{} {}", it["level"], it["code"].as_str().unwrap());
    warnings.as_array().unwrap().iter().map(warning).collect()
}

/// A visitor who has entered with this and written.
async fn writes<'a>(world: &'a World, shop: &'a Shop, openid: &str, keyed: &[(&str, Value)]) -> Visitor<'a> {
    let visitor = shop.visitor(world, openid);
    visitor.comes(&sobot(keyed)).await;
    visitor.says(SHIPPING).await;
    visitor
}

async fn created(world: &World, visitor: &Visitor<'_>) -> Vec<String> {
    let created = world.event(&visitor.cid().await, "conversation.created").await;
    warnings(&created["data"]["routing_warnings"])
}

#[tokio::test]
async fn a_wrong_id_at_the_end_takes_nobodys_place_in_the_queue() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only" })).await;
    let busy = world.agent("忙碌", 5).await;
    world.status(&busy, "busy").await;
    let all_busy = json!({ "name": "忙组", "members": [busy], "max_wait_seconds": 60 });
    let all_busy = world.make("groups", &all_busy).await;
    let last = json!({ "actionType": "to_group", "deciId": "unknown", "optionId": 4 });
    for (openid, first) in [("o-1", to_service(&busy)), ("o-2", to_group(&all_busy))] {
        let keyed = [("transfer_action", json!([first, to_group("unknown"), last]))];
        let visitor = writes(&world, &shop, openid, &keyed).await;
        assert_eq!(visitor.stage().await, "queued", "{first}");
        let queued = world.event(&visitor.cid().await, "conversation.queued").await["data"].clone();
        let id = first["deciId"].as_str().unwrap();
        assert_eq!(passed(&queued), [format!("1 {id}: busy, queued")]);
        let because = queued["trail"][0]["because"].as_str().unwrap();
        assert!(because.ends_with("no other level can be asked, so the conversation waits here"), "{because}");
        assert_eq!(created(&world, &visitor).await, ["2 target_not_found", "3 target_not_found"]);
    }
    // After too long a wait nobody else can be asked either.
    world.minutes_with(2, &[&busy]).await;
    let left = shop.visitor(&world, "o-2");
    assert_eq!(left.stage().await, "left_message");
    let data = world.event(&left.cid().await, "leave_message.created").await["data"].clone();
    assert_eq!((&data["level"], &data["trail"]), (&json!(1), &Value::Null), "{data}");
    assert_eq!(shop.visitor(&world, "o-1").stage().await, "queued");
}

#[tokio::test]
async fn levels_that_lead_nowhere_stay_in_the_trail_before_the_mini_programs_group() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only" })).await;
    let two = json!([to_group("n1"), to_service("n2")]);
    let visitor = writes(&world, &shop, "o-1", &[("transfer_action", two)]).await;
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
    let assigned = world.event(&visitor.cid().await, "conversation.assigned").await["data"].clone();
    let own = format!("3 {}: takeable, assigned", shop.group);
    assert_eq!(passed(&assigned), ["1 n1: not_found, passed_on", "2 n2: not_found, passed_on", &own]);
    assert_eq!(created(&world, &visitor).await, ["1 target_not_found", "2 target_not_found"]);

    // There are four levels at most. The warning of the one that makes room stays.
    let four = json!([to_group("n1"), to_group("n2"), to_group("n3"), to_group("n4")]);
    let visitor = writes(&world, &shop, "o-2", &[("transfer_action", four)]).await;
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
    let assigned = world.event(&visitor.cid().await, "conversation.assigned").await["data"].clone();
    let own = format!("4 {}: takeable, assigned", shop.group);
    let lost = ["1 n1: not_found, passed_on", "2 n2: not_found, passed_on", "3 n3: not_found, passed_on"];
    assert_eq!(passed(&assigned), [lost.as_slice(), &[&own]].concat());
    assert_eq!(created(&world, &visitor).await, [1, 2, 3, 4].map(|level| format!("{level} target_not_found")));
}

#[tokio::test]
async fn a_transfer_action_that_leads_nowhere_leaves_the_visitor_to_the_merchant() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only" })).await;
    let (clerk, main) = (world.agent("店员", 1).await, world.agent("平台客服", 5).await);
    let (store, mains) = (world.group(&[&clerk]).await, world.group(&[&main]).await);
    world.make("merchants", &json!({ "name": "咖啡店", "customer_code": "C-001", "group_id": store })).await;
    let unknown = |ids: &[&str]| ("transfer_action", ids.iter().map(|id| to_group(id)).collect::<Value>());
    let merchant = |code, flow| ("platform_action", platform(code, flow));

    let visitor = writes(&world, &shop, "o-1", &[unknown(&["n1", "n2"]), merchant("C-001", None)]).await;
    assert_eq!(visitor.with_whom().await, with(&clerk));
    let assigned = world.event(&visitor.cid().await, "conversation.assigned").await["data"].clone();
    let lost = ["1 n1: not_found, passed_on", "2 n2: not_found, passed_on"];
    assert_eq!(passed(&assigned), [lost.as_slice(), &["3 C-001: takeable, assigned"]].concat());
    assert_eq!(created(&world, &visitor).await, ["1 target_not_found", "2 target_not_found"]);

    // The clerk is busy now: four unknown ids make room for both groups of the merchant.
    let four = unknown(&["n1", "n2", "n3", "n4"]);
    let both = ("platform_action", platform(" C-001 ", Some(&format!(" {mains}"))));
    let visitor = writes(&world, &shop, "o-2", &[both, four]).await;
    assert_eq!(visitor.with_whom().await, with(&main));
    let assigned = world.event(&visitor.cid().await, "conversation.assigned").await["data"].clone();
    assert_eq!(passed(&assigned)[..2], lost);
    assert_eq!(assigned["level"], 4, "{assigned}");

    // A merchant whom nobody knows: the mini program's own group.
    let visitor = writes(&world, &shop, "o-3", &[unknown(&["n1"]), merchant("C-999", None)]).await;
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
    assert_eq!(created(&world, &visitor).await, ["1 target_not_found", "1 merchant_not_found"]);
}

#[tokio::test]
async fn a_robot_that_nobody_knows_is_told_and_the_mini_programs_own_answers() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "robot_first" })).await;
    let keyed = [("robotid", json!("7")), ("transfer_action", json!([to_group("unknown")]))];
    let visitor = writes(&world, &shop, "o-1", &keyed).await;
    assert_eq!(visitor.phone_texts().await, [SHIPPING_ANSWER]);
    assert_eq!(created(&world, &visitor).await, ["1 target_not_found", "0 robot_not_found"]);
    let told = world.post("/api/routing/simulate", &json!({ "app_id": APP, "session_from": sobot(&keyed) })).await;
    let told = told.expect(200).body;
    assert_eq!(warnings(&told["warnings"]), ["1 target_not_found", "0 robot_not_found"]);
    assert!(told["warnings"][1]["detail"].as_str().unwrap().contains("\"7\""), "{told}");
    assert_eq!((&told["robot_id"], &told["plan"]["robot_id"]), (&json!(shop.robot), &json!(shop.robot)));

    let known = [("robotid", json!(shop.robot))];
    assert_eq!(created(&world, &writes(&world, &shop, "o-2", &known).await).await, Vec::<String>::new());
}

#[tokio::test]
async fn numbers_and_ids_are_read_as_programs_write_them_and_shown_where_they_are_none() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only" })).await;
    let (busy, free) = (world.agent("忙碌", 5).await, world.agent("空闲", 5).await);
    world.status(&busy, "busy").await;
    let (all_busy, free_group) = (world.group(&[&busy]).await, world.group(&[&free]).await);
    let levels = |option: Value, spill: Value| {
        let first = json!({ "actionType": "to_group", "deciId": format!(" {all_busy} "), "optionId": option, "spillId": spill });
        [("transfer_action", json!([first, to_group(&free_group)]))]
    };
    for (number, (option, spill)) in
        [(json!(3), json!(5)), (json!("3.0"), json!(" 5 ")), (json!(3.0), json!(5.0))].into_iter().enumerate()
    {
        let visitor = writes(&world, &shop, &format!("o-{number}"), &levels(option, spill)).await;
        assert_eq!(visitor.with_whom().await, with(&free));
        assert_eq!(created(&world, &visitor).await, Vec::<String>::new());
    }
    // Another reason, and a level that is not to overflow, are understood as well.
    for (number, (option, spill)) in [(json!("3.0"), json!("6.0")), (json!(" 4 "), json!("7"))].into_iter().enumerate()
    {
        let visitor = writes(&world, &shop, &format!("p-{number}"), &levels(option, spill)).await;
        assert_eq!(visitor.conversation().await["group_id"], all_busy.as_str());
    }
    let visitor = writes(&world, &shop, "q-1", &levels(json!("x"), json!(-1))).await;
    assert_eq!(visitor.with_whom().await, with(&free));
    let told = world.event(&visitor.cid().await, "conversation.created").await["data"]["routing_warnings"].clone();
    assert_eq!(warnings(&told), ["1 spill_unknown", "1 option_unknown"]);
    let detail = |at: usize| told[at]["detail"].as_str().unwrap();
    assert!(detail(0).contains("\"-1\"") && detail(1).contains("\"x\""), "{told}");
}
