//! What a visitor enters with chooses who receives them, as far as the admin lets it.

use serde_json::{Value, json};

use crate::shop::{POSTAGE, SHIPPING, SHIPPING_ANSWER, with};
use crate::support::World;

/// A `session-from` with these keyed fields.
pub(super) fn sobot(keyed: &[(&str, Value)]) -> String {
    let field = |(name, value): &(&str, Value)| match value.as_str() {
        Some(text) => format!("|{name}={text}"),
        None => format!("|{name}={value}"),
    };
    format!("sobot|||{}", keyed.iter().map(field).collect::<String>())
}

/// A level of `transfer_action` that asks for a group and overflows for any reason.
pub(super) fn to_group(id: &str) -> Value {
    json!({ "actionType": "to_group", "deciId": id, "optionId": "3", "spillId": "7" })
}

/// The same that asks for an agent.
pub(super) fn to_service(id: &str) -> Value {
    json!({ "actionType": "to_service", "deciId": id, "optionId": "1", "spillId": "3" })
}

#[tokio::test]
async fn it_overrides_the_bindings_group_and_robot() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "robot_first" })).await;
    let vip = world.agent("大客户经理", 5).await;
    let vips = world.group(&[&vip]).await;
    let other = world.faq(&[("ship", SHIPPING, "两小时内发出。")]).await;

    let visitor = shop.visitor(&world, "o-1");
    visitor.comes(&sobot(&[("robotid", json!(other)), ("transfer_action", json!([to_group(&vips)]))])).await;
    visitor.says(SHIPPING).await;
    assert_eq!(visitor.phone_texts().await, ["两小时内发出。"]);
    assert_eq!(visitor.conversation().await["robot_id"], other.as_str());
    visitor.says("转人工").await;
    assert_eq!(visitor.with_whom().await, with(&vip));
    let assigned = world.event(&visitor.cid().await, "conversation.assigned").await;
    assert_eq!(assigned["data"]["group_id"], vips.as_str());

    // An agent by name, too.
    let visitor = shop.visitor(&world, "o-2");
    visitor.comes(&sobot(&[("transfer_action", json!([to_service(&vip)]))])).await;
    visitor.says("转人工").await;
    assert_eq!(visitor.with_whom().await, with(&vip));

    // Whoever enters with nothing gets what the admin has set.
    let plain = shop.visitor(&world, "o-3");
    plain.comes("").await;
    plain.says(SHIPPING).await;
    assert_eq!(plain.phone_texts().await, [SHIPPING_ANSWER]);
    plain.says("转人工").await;
    assert_eq!(plain.with_whom().await, with(&shop.agent));
}

#[tokio::test]
async fn a_locked_binding_lets_it_choose_nothing() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "robot_first", "locked": true })).await;
    let vip = world.agent("大客户经理", 5).await;
    let vips = world.group(&[&vip]).await;
    let other = world.faq(&[("ship", SHIPPING, "两小时内发出。")]).await;
    let visitor = shop.visitor(&world, "o-1");
    let entering = sobot(&[
        ("robotid", json!(other)),
        ("transfer_action", json!([to_group(&vips)])),
        ("partnerid", json!("member-7")),
    ]);
    visitor.comes(&entering).await;
    visitor.says(SHIPPING).await;
    assert_eq!(visitor.phone_texts().await, [SHIPPING_ANSWER]);
    visitor.says("转人工").await;
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
    // It still says who they are.
    assert_eq!(visitor.conversation().await["visitor"]["partnerid"], "member-7");
}

#[tokio::test]
async fn it_chooses_for_a_while_and_for_conversations_that_nobody_has_yet() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only", "session_from_minutes": 30 })).await;
    let vip = world.agent("大客户经理", 5).await;
    let vips = world.group(&[&vip]).await;
    let entering = sobot(&[("transfer_action", json!([to_group(&vips)]))]);

    let visitor = shop.visitor(&world, "o-1");
    visitor.says("在吗").await;
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
    // An agent has it: entering anew from another page takes nobody away from them.
    visitor.comes(&entering).await;
    visitor.says("还在吗").await;
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
    visitor.says("结束会话").await;
    visitor.says("再问一下").await;
    assert_eq!(visitor.with_whom().await, with(&vip), "but the next conversation goes there");

    let late = shop.visitor(&world, "o-2");
    late.comes(&entering).await;
    world.minutes_with(31, &[&shop.agent, &vip]).await;
    late.says(POSTAGE).await;
    assert_eq!(late.with_whom().await, with(&shop.agent), "what was entered with half an hour ago chooses no more");
}

#[tokio::test]
async fn levels_overflow_as_they_say_and_leave_a_trail() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only" })).await;
    let (away, busy) = (world.agent("离开", 5).await, world.agent("忙碌", 5).await);
    world.status(&away, "offline").await;
    world.status(&busy, "busy").await;
    let (nobody, all_busy) = (world.group(&[&away]).await, world.group(&[&busy]).await);
    let free = world.agent("空闲", 5).await;
    let free_group = world.group(&[&free]).await;
    let visitor = shop.visitor(&world, "o-1");
    let level = |id: &str, option: &str, spill: &str| json!({ "actionType": "to_group", "deciId": id, "optionId": option, "spillId": spill });
    let levels = json!([level(&nobody, "3", "4"), level("g-unknown", "3", "4"), level(&all_busy, "3", "5"),
        { "actionType": "to_group", "deciId": free_group, "optionId": 4 }]);
    visitor.comes(&sobot(&[("transfer_action", levels)])).await;
    visitor.says("在吗").await;
    assert_eq!(visitor.with_whom().await, with(&free));
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

    // A level that overflows for another reason only keeps what it gets.
    let kept = shop.visitor(&world, "o-2");
    kept.comes(&sobot(&[("transfer_action", json!([level(&all_busy, "3", "4"), to_group(&free_group)]))])).await;
    kept.says("在吗").await;
    assert_eq!(kept.stage().await, "queued");
    assert_eq!(kept.conversation().await["group_id"], all_busy.as_str());

    // Nobody is lost for a wrong id: where no level leads anywhere, the binding's own group does.
    let lost = shop.visitor(&world, "o-3");
    lost.comes(&sobot(&[("transfer_action", json!([to_group("g-unknown")]))])).await;
    lost.says("在吗").await;
    assert_eq!(lost.with_whom().await, with(&shop.agent));
}

#[tokio::test]
async fn ids_of_another_vendor_keep_working() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "robot_first" })).await;
    let agent = json!({ "name": "老客服", "aliases": ["8a3f2e51-agent"] });
    let agent = world.make("agents", &agent).await;
    world.status(&agent, "online").await;
    let group = json!({ "name": "老组", "members": [agent], "aliases": ["e8b6a1c0f1d84c6f", "售后"] });
    let group = world.make("groups", &group).await;
    let robot = world.make("robots", &json!({ "name": "老机器人", "kind": "faq", "aliases": ["1"] })).await;
    world.teach(&robot, &[("ship", SHIPPING, "老机器人在此。")]).await;

    for (number, level) in
        [to_group("e8b6a1c0f1d84c6f"), to_group("售后"), to_service("8a3f2e51-agent")].into_iter().enumerate()
    {
        let visitor = shop.visitor(&world, &format!("o-{number}"));
        visitor.comes(&sobot(&[("robotid", json!("1")), ("transfer_action", json!([level]))])).await;
        visitor.says(SHIPPING).await;
        assert_eq!(visitor.phone_texts().await, ["老机器人在此。"]);
        visitor.says("转人工").await;
        assert_eq!(visitor.with_whom().await, with(&agent), "{level}");
    }
    // An alias that is taken away leads nowhere any more.
    world.change("groups", &group, &json!({ "aliases": [] })).await;
    let visitor = shop.visitor(&world, "o-9");
    visitor.comes(&sobot(&[("transfer_action", json!([to_group("售后")]))])).await;
    visitor.says("转人工").await;
    assert_eq!(visitor.with_whom().await, with(&shop.agent));
}
