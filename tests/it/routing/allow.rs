//! The allow-list of a binding: which targets a `session-from` without a verified signature may name.

use serde_json::{Value, json};

use super::{
    platform::platform_action,
    session_from::{sobot, to_group, to_service},
    visitor_identity::{secret, signed},
};
use crate::open_conversation::{fields, problem};
use crate::service_desk::{APP, SHIPPING, SHIPPING_ANSWER, ServiceDesk, assigned_to};
use crate::support::World;

const OTHER_ANSWER: &str = "两小时内发出。";

/// The binding of [`World::service_desk`], and targets that it does not name.
struct Targets {
    desk: ServiceDesk,
    agent: String,
    group: String,
    robot: String,
}

/// Targets beside those of a binding with this `allow`.
async fn targets(world: &World, mode: &str, allow: Value) -> Targets {
    let desk = world.service_desk(5, json!({ "mode": mode })).await;
    let agent = world.agent("大客户经理", 20).await;
    let group = json!({ "name": "大客户", "members": [agent], "aliases": ["vip"] });
    let group = world.create("groups", &group).await;
    let robot = world.faq_robot(&[("ship", SHIPPING, OTHER_ANSWER)]).await;
    // What was set when the binding was made allows everything.
    let reset = json!({ "robots": null, "groups": null, "agents": null });
    world.set_reception(&desk.binding, json!({ "allow": reset })).await;
    world.set_reception(&desk.binding, json!({ "allow": allow })).await;
    Targets { desk, agent, group, robot }
}

impl Targets {
    /// Who gets a visitor who enters so and asks for a person, and the codes of the warnings. The simulation says the same.
    async fn routed(&self, world: &World, openid: &str, entering: &str) -> (String, Vec<String>) {
        let codes = |warnings: &Value| -> Vec<String> {
            warnings.as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect()
        };
        let wanted = json!({ "app_id": APP, "session_from": entering, "text": "转人工" });
        let simulated = world.post("/api/routing/simulate", &wanted).await.expect(200).body;
        world.heartbeat(&[&self.desk.agent, &self.agent]).await;
        let visitor = self.desk.visitor(world, openid);
        visitor.enters(entering).await;
        visitor.writes("转人工").await;
        let created = world.event(&visitor.cid().await, "conversation.created").await;
        let warnings = codes(&created["data"]["routing_warnings"]);
        let (stage, agent) = visitor.stage_and_agent().await;
        let agent = agent.unwrap_or_else(|| panic!("{stage}: {entering}"));
        assert_eq!(simulated["outcome"]["assign"]["agents"][0], json!(agent), "{simulated}");
        assert_eq!(codes(&simulated["warnings"]), warnings, "{simulated}");
        (agent, warnings)
    }
}

#[tokio::test]
async fn stranger_reaches_only_what_the_binding_and_its_merchants_name() {
    let world = World::start().await;
    let targets = targets(&world, "agents_only", json!({})).await;
    let (desk, own) = (&targets.desk, targets.desk.agent.clone());
    let refused = |code: &str| (own.clone(), vec![code.to_owned()]);
    let transfer = |level: Value| sobot(&[("transfer_action", json!([level]))]);
    for (number, (entering, expected)) in [
        (transfer(to_group(&targets.group)), refused("not_allowed")),
        (transfer(to_group("vip")), refused("not_allowed")),
        (transfer(to_service(&targets.agent)), refused("not_allowed")),
        (transfer(to_service(&desk.agent)), refused("not_allowed")),
        (transfer(to_group("unknown")), refused("target_not_found")),
        (transfer(to_group(&desk.group)), (own.clone(), vec![])),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(targets.routed(&world, &format!("o-{number}"), &entering).await, expected, "{entering}");
        desk.visitor(&world, &format!("o-{number}")).writes("结束会话").await;
    }
    let first = desk.visitor(&world, "o-0").conversations().await[0]["cid"].as_str().unwrap().to_owned();
    let queued = world.event(&first, "conversation.assigned").await;
    let because = queued["data"]["trail"][0]["because"].as_str().unwrap();
    assert!(because.starts_with("the binding does not allow this target"), "{because}");
}

#[tokio::test]
async fn groups_of_merchants_are_allowed_without_a_list() {
    let world = World::start().await;
    let targets = targets(&world, "agents_only", json!({})).await;
    let merchant = json!({ "name": "咖啡店", "customer_code": "C-001", "group_id": targets.group });
    world.create("merchants", &merchant).await;
    let of_other = sobot(&[("transfer_action", json!([to_group(&targets.group)]))]);
    let flow = sobot(&[("platform_action", platform_action("C-999", Some("vip")))]);
    let named = sobot(&[("platform_action", platform_action("C-001", None))]);
    for (number, (entering, codes)) in
        [(of_other, vec![]), (flow, vec!["merchant_not_found"]), (named, vec![])].into_iter().enumerate()
    {
        let (agent, warnings) = targets.routed(&world, &format!("o-{number}"), &entering).await;
        assert_eq!(
            (agent.as_str(), warnings),
            (targets.agent.as_str(), codes.into_iter().map(str::to_owned).collect()),
            "{entering}"
        );
    }
}

#[tokio::test]
async fn flow_group_of_a_platform_is_restricted_as_well() {
    let world = World::start().await;
    let targets = targets(&world, "agents_only", json!({})).await;
    let flow = sobot(&[("platform_action", platform_action("C-999", Some(&targets.group)))]);
    let (agent, warnings) = targets.routed(&world, "o-1", &flow).await;
    assert_eq!((agent, warnings.join(" ")), (targets.desk.agent.clone(), "merchant_not_found not_allowed".to_owned()));
}

#[tokio::test]
async fn listed_targets_are_allowed_and_others_are_not() {
    let world = World::start().await;
    let targets = targets(&world, "agents_only", json!({})).await;
    let other = world.agent("另一位", 5).await;
    let others = world.group(&[&other]).await;
    let allow = json!({ "groups": [targets.group], "agents": [other] });
    world.set_reception(&targets.desk.binding, json!({ "allow": allow })).await;
    for (number, (level, agent)) in [
        (to_group(&targets.group), &targets.agent),
        (to_group("vip"), &targets.agent),
        (to_group(&others), &targets.desk.agent),
        (to_service(&other), &other),
        (to_service(&targets.agent), &targets.desk.agent),
        (to_group(&targets.desk.group), &targets.desk.agent),
    ]
    .into_iter()
    .enumerate()
    {
        let entering = sobot(&[("transfer_action", json!([level]))]);
        world.heartbeat(&[&other]).await;
        assert_eq!(&targets.routed(&world, &format!("o-{number}"), &entering).await.0, agent, "{entering}");
        targets.desk.visitor(&world, &format!("o-{number}")).writes("结束会话").await;
    }
}

#[tokio::test]
async fn robot_of_a_stranger_is_the_binding_s_own_unless_allowed() {
    let world = World::start().await;
    let targets = targets(&world, "robot_first", json!({})).await;
    let visitor = targets.desk.visitor(&world, "o-1");
    let entering = sobot(&[("robotid", json!(targets.robot))]);
    visitor.enters(&entering).await;
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.last_text().await, SHIPPING_ANSWER);
    let created = world.event(&visitor.cid().await, "conversation.created").await;
    assert_eq!(created["data"]["routing_warnings"][0]["code"], "not_allowed", "{created}");
    for (openid, allow, answer) in [
        ("o-2", json!({ "robots": [targets.robot] }), OTHER_ANSWER),
        ("o-3", json!({ "robots": [] }), SHIPPING_ANSWER),
        ("o-4", json!({ "robots": "all" }), OTHER_ANSWER),
        ("o-5", json!({ "robots": null }), SHIPPING_ANSWER),
    ] {
        world.set_reception(&targets.desk.binding, json!({ "allow": allow })).await;
        let visitor = targets.desk.visitor(&world, openid);
        visitor.enters(&entering).await;
        visitor.writes(SHIPPING).await;
        assert_eq!(visitor.last_text().await, answer, "{allow}");
    }
}

#[tokio::test]
async fn session_from_with_a_verified_signature_reaches_every_target() {
    let world = World::start().await;
    let targets = targets(&world, "agents_only", json!({})).await;
    let secret = secret(&world, &targets.desk.binding).await;
    let now = world.now().as_second();
    let transfer = format!("|transfer_action={}", json!([to_group(&targets.group)]));
    for (openid, entering, agent) in [
        ("o-1", signed(&secret, "member-1", now) + &transfer, &targets.agent),
        ("o-2", signed("another", "member-1", now) + &transfer, &targets.desk.agent),
        ("o-3", signed(&secret, "member-1", now - 25 * 3600) + &transfer, &targets.desk.agent),
    ] {
        assert_eq!(&targets.routed(&world, openid, &entering).await.0, agent, "{entering}");
    }
    // The next session-from has no signature, though the visitor is still known.
    let visitor = targets.desk.visitor(&world, "o-1");
    visitor.writes("结束会话").await;
    visitor.enters(&sobot(&[("transfer_action", json!([to_group(&targets.group)]))])).await;
    visitor.writes("在吗").await;
    // The last agent is preferred within the group of the binding only.
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&targets.desk.agent));
}

#[tokio::test]
async fn allow_list_with_invalid_ids_is_refused() {
    let world = World::start().await;
    let targets = targets(&world, "agents_only", json!({ "groups": [] })).await;
    let path = format!("/api/bindings/{APP}");
    let many: Vec<_> = (0..201).map(|number| format!("g{number:012x}")).collect();
    for (allow, field) in [
        (json!({ "groups": ["unknown"] }), "reception.allow.groups[0]"),
        (json!({ "groups": [targets.group, targets.robot] }), "reception.allow.groups[1]"),
        (json!({ "groups": ["vip"] }), "reception.allow.groups[0]"),
        (json!({ "robots": [targets.agent] }), "reception.allow.robots[0]"),
        (json!({ "agents": [targets.group] }), "reception.allow.agents[0]"),
        (json!({ "agents": "none" }), "reception.allow.agents"),
        (json!({ "agents": 7 }), "reception.allow.agents"),
        (json!({ "agents": [targets.agent, targets.agent] }), "reception.allow.agents"),
        (json!({ "everything": "all" }), "reception.allow.everything"),
        (json!("all"), "reception.allow"),
    ] {
        let answer = world.patch(&path, &json!({ "reception": { "allow": allow } })).await;
        assert_eq!((problem(&answer).0, fields(&answer)), (422, vec![field]), "{allow}: {}", answer.raw);
    }
    let answer = world.patch(&path, &json!({ "reception": { "allow": { "groups": many } } })).await;
    assert_eq!(fields(&answer)[0], "reception.allow.groups", "{}", answer.raw);
    let kept = world.get(&path).await.expect(200).body;
    assert_eq!(kept["reception"]["allow"], json!({ "robots": null, "groups": [], "agents": null }), "{kept}");
}
