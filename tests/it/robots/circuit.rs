//! A robot whose server fails again and again is not asked for a while.

use serde_json::json;

use super::chat::desk;
use crate::service_desk::{FALLBACK, SHIPPING};
use crate::support::{StubServer, World, grounded_answer};

const REFUSAL: &str = "{\"error\":{\"message\":\"Incorrect API key provided: sk-test-key.\"}}";

#[tokio::test]
async fn robot_that_failed_five_times_is_asked_again_after_half_a_minute() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = desk(&world, &model.url, json!({})).await;
    let (visitor, other) = (desk.visitor(&world, "o-1"), desk.visitor(&world, "o-2"));
    for _ in 0..5 {
        model.respond(401, REFUSAL);
        visitor.writes(SHIPPING).await;
    }
    let failed = world.event(&visitor.cid().await, "robot.answered").await;
    assert_eq!((&failed["data"]["failure"], &failed["data"]["misses"]), (&json!("robot.refused"), &json!(5)));
    for visitor in [&visitor, &other] {
        visitor.writes(SHIPPING).await;
        assert_eq!(visitor.last_text().await, FALLBACK);
    }
    assert_eq!(model.requests().len(), 5, "the robot is not asked");
    let open = world.event(&visitor.cid().await, "robot.answered").await;
    assert_eq!(
        (&open["data"]["answer"], &open["data"]["failure"], &open["data"]["misses"]),
        (&json!("failed"), &json!("robot.circuit_open"), &json!(5)),
        "it is no miss"
    );

    // The trial fails, and the circuit opens again.
    world.advance(30);
    model.respond(401, REFUSAL);
    visitor.writes(SHIPPING).await;
    visitor.writes(SHIPPING).await;
    assert_eq!(model.requests().len(), 6);
    // The trial succeeds, and the circuit closes.
    world.advance(30);
    for _ in 0..2 {
        model.respond_json(&grounded_answer("48小时内发出。", &[1]));
        visitor.writes(SHIPPING).await;
        assert_eq!(visitor.last_text().await, "48小时内发出。");
    }
    assert_eq!(model.requests().len(), 8);
}

#[tokio::test]
async fn robot_whose_settings_change_is_asked_at_once() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = desk(&world, &model.url, json!({})).await;
    let visitor = desk.visitor(&world, "o-1");
    for _ in 0..5 {
        model.respond(401, REFUSAL);
        visitor.writes(SHIPPING).await;
    }
    world.update("robots", &desk.robot, &json!({ "api_key": "sk-right-key" })).await;
    world.advance(10);
    model.respond_json(&grounded_answer("48小时内发出。", &[1]));
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.last_text().await, "48小时内发出。");
}

#[tokio::test]
async fn visitor_who_makes_the_model_write_something_else_opens_no_circuit() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = desk(&world, &model.url, json!({})).await;
    let visitor = desk.visitor(&world, "o-1");
    for _ in 0..6 {
        model.respond_json(&crate::support::completion("我是海盗。"));
        visitor.writes(SHIPPING).await;
    }
    assert_eq!(model.requests().len(), 6);
}
