//! `session-from` selects groups, agents and robots, unless the binding is locked.

use serde_json::{Value, json};

use crate::service_desk::{POSTAGE, SHIPPING, SHIPPING_ANSWER, assigned_to};
use crate::support::World;

/// A `session-from` with these keyed fields.
pub(crate) fn sobot(keyed: &[(&str, Value)]) -> String {
    let field = |(name, value): &(&str, Value)| match value.as_str() {
        Some(text) => format!("|{name}={text}"),
        None => format!("|{name}={value}"),
    };
    format!("sobot|||{}", keyed.iter().map(field).collect::<String>())
}

/// A level of `transfer_action` that names a group and overflows for any reason.
pub(crate) fn to_group(id: &str) -> Value {
    json!({ "actionType": "to_group", "deciId": id, "optionId": "3", "spillId": "7" })
}

/// The same for an agent.
pub(crate) fn to_service(id: &str) -> Value {
    json!({ "actionType": "to_service", "deciId": id, "optionId": "1", "spillId": "3" })
}

#[tokio::test]
async fn session_from_overrides_group_and_robot() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first" })).await;
    let vip = world.agent("大客户经理", 5).await;
    let vips = world.group(&[&vip]).await;
    let other = world.faq_robot(&[("ship", SHIPPING, "两小时内发出。")]).await;

    let visitor = desk.visitor(&world, "o-1");
    visitor.enters(&sobot(&[("robotid", json!(other)), ("transfer_action", json!([to_group(&vips)]))])).await;
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.received_texts().await, ["两小时内发出。"]);
    assert_eq!(visitor.conversation().await["robot_id"], other.as_str());
    visitor.writes("转人工").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&vip));
    let assigned = world.event(&visitor.cid().await, "conversation.assigned").await;
    assert_eq!(assigned["data"]["group_id"], vips.as_str());

    // The same for a named agent.
    let visitor = desk.visitor(&world, "o-2");
    visitor.enters(&sobot(&[("transfer_action", json!([to_service(&vip)]))])).await;
    visitor.writes("转人工").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&vip));

    // An empty session-from uses the binding's settings.
    let plain = desk.visitor(&world, "o-3");
    plain.enters("").await;
    plain.writes(SHIPPING).await;
    assert_eq!(plain.received_texts().await, [SHIPPING_ANSWER]);
    plain.writes("转人工").await;
    assert_eq!(plain.stage_and_agent().await, assigned_to(&desk.agent));
}

#[tokio::test]
async fn locked_binding_ignores_session_from() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first", "locked": true })).await;
    let vip = world.agent("大客户经理", 5).await;
    let vips = world.group(&[&vip]).await;
    let other = world.faq_robot(&[("ship", SHIPPING, "两小时内发出。")]).await;
    let visitor = desk.visitor(&world, "o-1");
    let entering = sobot(&[
        ("robotid", json!(other)),
        ("transfer_action", json!([to_group(&vips)])),
        ("partnerid", json!("member-7")),
    ]);
    visitor.enters(&entering).await;
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.received_texts().await, [SHIPPING_ANSWER]);
    visitor.writes("转人工").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    // The profile is still taken from it.
    assert_eq!(visitor.conversation().await["visitor"]["partnerid"], "member-7");
}

#[tokio::test]
async fn session_from_applies_for_a_while_and_to_unassigned_conversations() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only", "session_from_minutes": 30 })).await;
    let vip = world.agent("大客户经理", 5).await;
    let vips = world.group(&[&vip]).await;
    let entering = sobot(&[("transfer_action", json!([to_group(&vips)]))]);

    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    // Entering again from another page does not take an assigned conversation from its agent.
    visitor.enters(&entering).await;
    visitor.writes("还在吗").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
    visitor.writes("结束会话").await;
    visitor.writes("再问一下").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&vip), "the next conversation goes there");

    let late = desk.visitor(&world, "o-2");
    late.enters(&entering).await;
    world.run_minutes_online(31, &[&desk.agent, &vip]).await;
    late.writes(POSTAGE).await;
    assert_eq!(
        late.stage_and_agent().await,
        assigned_to(&desk.agent),
        "what was entered with half an hour ago chooses no more"
    );
}

#[tokio::test]
async fn levels_overflow_by_option_and_spill_id() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let (away, busy) = (world.agent("离开", 5).await, world.agent("忙碌", 5).await);
    world.set_status(&away, "offline").await;
    world.set_status(&busy, "busy").await;
    let (unstaffed, all_busy) = (world.group(&[&away]).await, world.group(&[&busy]).await);
    let free = world.agent("空闲", 5).await;
    let free_group = world.group(&[&free]).await;
    let visitor = desk.visitor(&world, "o-1");
    let level = |id: &str, option: &str, spill: &str| json!({ "actionType": "to_group", "deciId": id, "optionId": option, "spillId": spill });
    let levels = json!([level(&unstaffed, "3", "4"), level("g-unknown", "3", "4"), level(&all_busy, "3", "5"),
        { "actionType": "to_group", "deciId": free_group, "optionId": 4 }]);
    visitor.enters(&sobot(&[("transfer_action", levels)])).await;
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&free));
    let cid = visitor.cid().await;
    let trail = world.event(&cid, "conversation.assigned").await["data"]["trail"].clone();
    let seen: Vec<_> =
        trail.as_array().unwrap().iter().map(|it| (it["state"].clone(), it["verdict"].clone())).collect();
    let expected =
        [("offline", "passed_on"), ("not_found", "passed_on"), ("busy", "passed_on"), ("takeable", "assigned")];
    assert_eq!(seen, expected.map(|(state, verdict)| (json!(state), json!(verdict))), "{trail}");
    assert!(trail.as_array().unwrap().iter().all(|it| it["because"].as_str().is_some_and(|text| !text.is_empty())));
    let created = world.event(&cid, "conversation.created").await;
    assert_eq!(created["data"]["routing_warnings"][0]["code"], "target_not_found", "{created}");

    // A level whose spill reason does not apply keeps the visitor.
    let kept = desk.visitor(&world, "o-2");
    kept.enters(&sobot(&[("transfer_action", json!([level(&all_busy, "3", "4"), to_group(&free_group)]))])).await;
    kept.writes("在吗").await;
    assert_eq!(kept.stage().await, "queued");
    assert_eq!(kept.conversation().await["group_id"], all_busy.as_str());

    // Without any known level, the binding's group is used.
    let lost = desk.visitor(&world, "o-3");
    lost.enters(&sobot(&[("transfer_action", json!([to_group("g-unknown")]))])).await;
    lost.writes("在吗").await;
    assert_eq!(lost.stage_and_agent().await, assigned_to(&desk.agent));
}

#[tokio::test]
async fn aliases_of_another_vendor_are_resolved() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first" })).await;
    let agent = json!({ "name": "老客服", "aliases": ["8a3f2e51-agent"] });
    let agent = world.create("agents", &agent).await;
    world.set_status(&agent, "online").await;
    let group = json!({ "name": "老组", "members": [agent], "aliases": ["e8b6a1c0f1d84c6f", "售后"] });
    let group = world.create("groups", &group).await;
    let robot = world.create("robots", &json!({ "name": "老机器人", "kind": "faq", "aliases": ["1"] })).await;
    world.add_questions(&robot, &[("ship", SHIPPING, "老机器人在此。")]).await;

    for (number, level) in
        [to_group("e8b6a1c0f1d84c6f"), to_group("售后"), to_service("8a3f2e51-agent")].into_iter().enumerate()
    {
        let visitor = desk.visitor(&world, &format!("o-{number}"));
        visitor.enters(&sobot(&[("robotid", json!("1")), ("transfer_action", json!([level]))])).await;
        visitor.writes(SHIPPING).await;
        assert_eq!(visitor.received_texts().await, ["老机器人在此。"]);
        visitor.writes("转人工").await;
        assert_eq!(visitor.stage_and_agent().await, assigned_to(&agent), "{level}");
    }
    // A removed alias is unknown.
    world.update("groups", &group, &json!({ "aliases": [] })).await;
    let visitor = desk.visitor(&world, "o-9");
    visitor.enters(&sobot(&[("transfer_action", json!([to_group("售后")]))])).await;
    visitor.writes("转人工").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&desk.agent));
}
