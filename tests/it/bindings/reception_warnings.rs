//! Reception settings that leave visitors without an answer: `warnings` when they are set, and the check `reception` of the health.

use serde_json::{Value, json};

use super::{APP, asked, of};
use crate::support::World;

/// The codes and fields of warnings.
fn codes(warnings: &Value) -> Vec<(&str, &str)> {
    let warnings = warnings.as_array().map(Vec::as_slice).unwrap_or_default();
    warnings.iter().map(|warning| (warning["field"].as_str().unwrap(), warning["code"].as_str().unwrap())).collect()
}

const NO_GROUP: (&str, &str) = ("reception.group_id", "no_group");
const NO_ROBOT: (&str, &str) = ("reception.robot_id", "no_robot");

#[tokio::test]
async fn settings_that_leave_visitors_without_an_answer_give_warnings_and_lower_the_health() {
    let world = World::start().await;
    let bound = world.post("/api/bindings", &asked(APP)).await.expect(201).body;
    assert_eq!(codes(&bound["warnings"]), [NO_GROUP]);
    let agent = world.agent("小王", 5).await;
    let (empty, staffed) = (world.group(&[]).await, world.group(&[&agent]).await);
    let (ignorant, robot) = (world.faq_robot(&[]).await, world.faq_robot(&[("q", "怎么退款", "在订单页申请。")]).await);
    let no_agents = ("reception.group_id", "group_without_agents");
    let no_questions = ("reception.robot_id", "robot_without_questions");
    for (reception, expected) in [
        (json!({ "mode": "robot_first" }), vec![NO_ROBOT, NO_GROUP]),
        (json!({ "mode": "robot_only", "robot_id": ignorant }), vec![no_questions]),
        (json!({ "mode": "robot_only", "robot_id": robot }), vec![]),
        (json!({ "mode": "robot_first", "robot_id": robot }), vec![]),
        (json!({ "mode": "agents_first", "robot_id": robot }), vec![NO_GROUP]),
        (json!({ "mode": "agents_first", "robot_id": robot, "group_id": empty }), vec![no_agents]),
        (json!({ "mode": "agents_first", "robot_id": robot, "group_id": staffed }), vec![]),
        (json!({ "mode": "agents_only", "group_id": staffed }), vec![]),
        (json!({ "mode": "agents_only", "group_id": empty }), vec![no_agents]),
    ] {
        world.patch(&of(APP), &json!({ "reception": null })).await.expect(200);
        let changed = world.patch(&of(APP), &json!({ "reception": reception })).await.expect(200).body;
        assert_eq!(codes(&changed["warnings"]), expected, "{reception}");
        let health = world.get(&format!("{}/health", of(APP))).await.expect(200).body;
        let check = health["checks"].as_array().unwrap().iter().find(|check| check["name"] == "reception").unwrap();
        assert_eq!(
            (check["ok"].as_bool().unwrap(), codes(&check["warnings"])),
            (expected.is_empty(), expected),
            "{check}"
        );
    }
    // What is named may change afterwards.
    world.update("groups", &empty, &json!({ "members": [agent] })).await;
    let health = world.get(&format!("{}/health", of(APP))).await.expect(200).body;
    let check = health["checks"].as_array().unwrap().iter().find(|check| check["name"] == "reception").unwrap();
    assert_eq!((&check["ok"], &check["detail"]), (&json!(true), &json!("Visitors reach an agent or a robot.")));
}
