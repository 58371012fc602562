//! Visitors without a robot or an agent that could answer.

use serde_json::{Value, json};

use crate::service_desk::assigned_to;
use crate::support::{Visitor, World};

const APP: &str = "wx0000000000005402";
/// The defaults of `prompts.leave_message` and `prompts.message_left`.
const LEAVE: &str = "现在没有客服在线。请留下您的问题，我们上线后会尽快回复您。";
const LEFT: &str = "您的留言已收到，我们会尽快回复。";

async fn assert_left(visitor: &Visitor<'_>, texts: &[&str], case: &str) {
    assert_eq!(
        (visitor.stage().await.as_str(), visitor.received_texts().await),
        ("left_message", owned(texts)),
        "{case}"
    );
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn visitor_of_a_new_binding_is_asked_to_leave_a_message() {
    for mode in ["agents_only", "robot_first", "agents_first", "robot_only"] {
        let world = World::start().await;
        let agent = world.agent("小王", 5).await;
        let binding = world.bind_with_defaults(APP).await;
        world.set_reception(&binding, json!({ "mode": mode })).await;
        let simulated = json!({ "app_id": APP, "session_from": "", "text": "在吗" });
        let simulated = world.post("/api/routing/simulate", &simulated).await.expect(200).body;
        assert_eq!(simulated["first"], "leave_message", "{mode}: {simulated}");
        for (openid, text) in [("o-1", "在吗"), ("o-2", "转人工")] {
            let visitor = world.visitor(&binding, openid);
            visitor.enters("").await;
            visitor.writes(text).await;
            assert_left(&visitor, &[LEAVE], mode).await;
            visitor.writes("转人工").await;
            visitor.writes("订单还没到").await;
            assert_left(&visitor, &[LEAVE, LEFT], mode).await;
        }
        let visitor = world.visitor(&binding, "o-1");
        let cid = visitor.cid().await;
        assert_eq!(world.event_types(&cid).await, ["conversation.created", "leave_message.created"], "{mode}");
        // Any agent may claim it.
        world.claim(&cid, &agent).await.expect(200);
        assert_eq!(visitor.stage_and_agent().await, assigned_to(&agent));
        // Once a group is set, the next message leads the others there.
        let group = world.group(&[&agent]).await;
        world.set_reception(&binding, json!({ "mode": "agents_only", "group_id": group })).await;
        let other = world.visitor(&binding, "o-2");
        other.writes("有人吗").await;
        assert_eq!(other.stage_and_agent().await, assigned_to(&agent));
    }
}

#[tokio::test]
async fn visitor_who_gets_the_automatic_reply_leaves_a_message_on_asking_for_a_person() {
    let world = World::start().await;
    let agent = world.agent("小王", 5).await;
    let binding = world.bind_with_auto_reply(APP, "已收到。").await;
    let visitor = world.visitor(&binding, "o-1");
    visitor.writes("在吗").await;
    visitor.writes("你好").await;
    assert_eq!(visitor.stage_and_agent().await, ("unassigned".to_owned(), None));
    assert_eq!(visitor.received_texts().await, ["已收到。", "已收到。"]);
    visitor.writes("转人工").await;
    assert_left(&visitor, &["已收到。", "已收到。", LEAVE], "after the automatic reply").await;

    // An unassigned conversation may be claimed, and is routed once a group is set.
    let claimed = world.visitor(&binding, "o-2");
    claimed.writes("在吗").await;
    world.claim(&claimed.cid().await, &agent).await.expect(200);
    claimed.writes("谢谢").await;
    assert_eq!(claimed.received_texts().await.len(), 1, "the assigned agent answers, not the automatic reply");
    assert_eq!(world.event_types(&claimed.cid().await).await, ["conversation.created", "conversation.assigned"]);
    let other = world.visitor(&binding, "o-3");
    other.writes("在吗").await;
    let group = world.group(&[&agent]).await;
    world.set_reception(&binding, json!({ "group_id": group })).await;
    assert_eq!(other.stage().await, "unassigned");
    other.writes("有人吗").await;
    assert_eq!(other.stage_and_agent().await, assigned_to(&agent));
}

#[tokio::test]
async fn conversation_stays_unassigned_and_silent_where_the_invitation_is_empty() {
    let world = World::start().await;
    let binding = world.bind_with_defaults(APP).await;
    world.set_reception(&binding, json!({ "prompts": { "leave_message": "" } })).await;
    let visitor = world.visitor(&binding, "o-1");
    visitor.writes("在吗").await;
    visitor.writes("转人工").await;
    assert_eq!(visitor.stage_and_agent().await, ("unassigned".to_owned(), None));
    assert_eq!(visitor.received_texts().await, Vec::<String>::new());
}

/// Writes the reception settings without the API, which refuses ids that do not exist and deletions of what is in use.
async fn plant_reception(world: &World, reception: &Value) {
    let mut item = world.items("binding").await.remove(0);
    item["reception"] = json!({ "S": reception.to_string() });
    world.put_item(&item).await;
    world.forget_settings();
}

#[tokio::test]
async fn visitor_of_a_deleted_group_or_robot_is_asked_to_leave_a_message() {
    let world = World::start().await;
    let binding = world.bind_with_defaults(APP).await;
    let (group, robot) = ("g000000000000", "r000000000000");
    for (openid, reception, codes) in [
        ("o-1", json!({ "mode": "agents_only", "group_id": group }), vec!["group_not_found"]),
        (
            "o-2",
            json!({ "mode": "robot_first", "group_id": group, "robot_id": robot }),
            vec!["robot_not_found", "group_not_found"],
        ),
    ] {
        plant_reception(&world, &reception).await;
        let visitor = world.visitor(&binding, openid);
        visitor.writes("转人工").await;
        assert_left(&visitor, &[LEAVE], openid).await;
        let health = world.get(&format!("/api/bindings/{APP}/health")).await.expect(200).body;
        let check = health["checks"].as_array().unwrap().iter().find(|check| check["name"] == "reception").unwrap();
        let warnings = check["warnings"].as_array().unwrap().iter().map(|warning| &warning["code"]);
        assert_eq!(warnings.collect::<Vec<_>>(), codes, "{check}");
        assert_eq!((&health["healthy"], &check["ok"]), (&json!(false), &json!(false)));
    }
}

#[tokio::test]
async fn merchants_and_session_from_are_targets_of_a_binding_without_a_group() {
    let world = World::start().await;
    let agent = world.agent("小王", 5).await;
    let group = world.group(&[&agent]).await;
    let binding = world.bind_with_defaults(APP).await;
    world.create("merchants", &json!({ "name": "店", "customer_code": "C-1", "group_id": group })).await;
    let levels = json!([super::session_from::to_group(&group)]);
    let visitor = world.visitor(&binding, "o-1");
    visitor.enters(&super::session_from::sobot(&[("transfer_action", levels)])).await;
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&agent));
    let health = world.get(&format!("/api/bindings/{APP}/health")).await.expect(200).body;
    assert_eq!(health["healthy"], true, "{health}");
    // A visitor who names none leaves a message.
    let other = world.visitor(&binding, "o-2");
    other.writes("在吗").await;
    assert_left(&other, &[LEAVE], "without a session-from").await;
}
