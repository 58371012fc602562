//! What an administrator learns of a robot that fails: a trial, the event, and the health of the binding.

use serde_json::{Value, json};

use super::chat::desk;
use crate::service_desk::{FALLBACK, SHIPPING, SHIPPING_ANSWER};
use crate::support::{Answer, StubServer, World, grounded_answer};

const REFUSAL: &str = "{\"error\":{\"message\":\"Incorrect API key provided: sk-test-key.\",\"code\":\"x\"}}";

async fn tried(world: &World, robot: &str, text: &str) -> Answer {
    world.post(&format!("/api/robots/{robot}/try"), &json!({ "text": text })).await.expect(200)
}

/// The check `robot` of the binding's health.
async fn robot_check(world: &World, app_id: &str) -> Option<Value> {
    let health = world.get(&format!("/api/bindings/{app_id}/health")).await.expect(200).body;
    let checks = health["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == "robot").cloned();
    assert!(check.as_ref().is_none_or(|check| check["ok"] == true || health["healthy"] == false));
    check
}

#[tokio::test]
async fn trial_of_a_model_asks_it() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = desk(&world, &model.url, json!({})).await;
    let mut answer = grounded_answer("**48小时内**发出。", &[1]);
    answer["usage"] = json!({ "total_tokens": 42 });
    model.respond_json(&answer);
    let answered = tried(&world, &desk.robot, SHIPPING).await.body;
    assert_eq!(
        (&answered["answer"], &answered["text"], &answered["tokens"], &answered["failure"]),
        (&json!("direct"), &json!("48小时内发出。"), &json!(42), &json!(null))
    );
    assert_eq!(answered["questions"][0]["id"], "ship-time");
    assert_eq!(model.requests()[0].header("authorization"), "Bearer sk-test-key");

    model.respond_json(&grounded_answer("付款后24小时内发出。", &[1]));
    let withheld = tried(&world, &desk.robot, SHIPPING).await.body;
    assert_eq!((&withheld["answer"], &withheld["text"]), (&json!("unknown"), &json!(null)));
    assert_eq!(withheld["withheld"], json!({ "reason": "number", "text": "付款后24小时内发出。" }));

    model.respond(401, REFUSAL);
    let failed = tried(&world, &desk.robot, SHIPPING).await;
    assert_eq!(failed.body["answer"], "failed");
    let failure = json!({ "code": "robot.refused", "status": 401, "message": "Incorrect API key provided: […]." });
    assert_eq!(failed.body["failure"], failure);
    assert!(!failed.raw.contains("sk-test"), "{}", failed.raw);
    assert!(world.conversations().await.is_empty(), "a trial is no conversation");
}

#[tokio::test]
async fn trial_of_a_webhook_asks_it() {
    let world = World::start().await;
    let own = StubServer::start().await;
    let robot = world.create("robots", &json!({ "name": "自研", "kind": "webhook", "url": own.url })).await;
    own.respond_json(&json!({ "text": "在。" }));
    assert_eq!(tried(&world, &robot, "在吗").await.body["text"], "在。");
    let asked = own.requests()[0].json();
    assert_eq!((&asked["data"]["cid"], &asked["data"]["text"]), (&json!("try"), &json!("在吗")));
    assert!(own.requests()[0].header("webhook-id").starts_with("try-"));
    own.respond_json(&json!({ "handover": true }));
    assert_eq!(tried(&world, &robot, "转人工").await.body["answer"], "handover");
    own.respond(404, "<html>");
    let failed = tried(&world, &robot, "在吗").await.body;
    assert_eq!(failed["failure"], json!({ "code": "robot.refused", "status": 404, "message": null }));
}

#[tokio::test]
async fn trial_of_a_faq_robot_says_what_a_visitor_would_get() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first" })).await;
    let answered = tried(&world, &desk.robot, SHIPPING).await.body;
    assert_eq!((&answered["answer"], &answered["text"]), (&json!("direct"), &json!(SHIPPING_ANSWER)));
    let unknown = tried(&world, &desk.robot, "月亮离地球有多远").await.body;
    assert_eq!((&unknown["answer"], &unknown["text"]), (&json!("unknown"), &json!(null)));
    assert_eq!(unknown["nearest"].as_array().map(Vec::is_empty), Some(true));
}

#[tokio::test]
async fn event_has_the_servers_message_and_what_was_withheld() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = desk(&world, &model.url, json!({})).await;
    let visitor = desk.visitor(&world, "o-1");
    model.respond(402, "{\"error\":{\"message\":\"Insufficient Balance\"}}");
    visitor.writes(SHIPPING).await;
    let failed = world.event(&visitor.cid().await, "robot.answered").await["data"].clone();
    assert_eq!(
        (&failed["failure"], &failed["status"], &failed["detail"]),
        (&json!("robot.refused"), &json!(402), &json!("Insufficient Balance"))
    );
    model.respond_json(&grounded_answer("付款后24小时内发出。", &[1]));
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.last_text().await, FALLBACK);
    let withheld = world.event(&visitor.cid().await, "robot.answered").await["data"].clone();
    assert_eq!((&withheld["answer"], &withheld["failure"]), (&json!("unknown"), &json!(null)));
    assert_eq!(withheld["withheld"]["text"], "付款后24小时内发出。");
}

#[tokio::test]
async fn health_shows_that_the_robot_fails_until_it_answers() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = desk(&world, &model.url, json!({})).await;
    let app_id = &desk.binding.app_id;
    assert_eq!(robot_check(&world, app_id).await.unwrap()["ok"], true);
    let visitor = desk.visitor(&world, "o-1");
    model.respond(401, REFUSAL);
    visitor.writes(SHIPPING).await;
    let check = robot_check(&world, app_id).await.unwrap();
    assert_eq!(
        (&check["ok"], &check["failure"], &check["status"]),
        (&json!(false), &json!("robot.refused"), &json!(401))
    );
    assert!(check["detail"].as_str().unwrap().contains("Incorrect API key provided: […]."), "{check}");
    model.respond_json(&grounded_answer("48小时内发出。", &[1]));
    visitor.writes(SHIPPING).await;
    assert_eq!(robot_check(&world, app_id).await.unwrap()["ok"], true);
}

#[tokio::test]
async fn health_of_a_binding_with_a_faq_robot_has_no_check_of_the_robot() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "robot_first" })).await;
    assert_eq!(robot_check(&world, &desk.binding.app_id).await, None);
}
