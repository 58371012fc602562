//! What language models may use for a mini program on a day.

use serde_json::{Value, json};

use crate::robots::chat::desk;
use crate::service_desk::{APP, FALLBACK, SHIPPING, ServiceDesk};
use crate::support::{StubServer, World, completion, grounded_answer};

const ANSWER: &str = "48小时内发出。";

async fn limited(world: &World, model: &StubServer, calls: u64, tokens: u64) -> ServiceDesk {
    let desk = desk(world, &model.url, json!({})).await;
    let budgets = json!({ "model_calls_per_day": calls, "model_tokens_per_day": tokens });
    world.set_reception(&desk.binding, json!({ "mode": "robot_only", "reply_reserve": 0, "budgets": budgets })).await;
    desk
}

fn using(mut body: Value, tokens: u64) -> Value {
    body["usage"] = json!({ "total_tokens": tokens });
    body
}

/// The check `budget` of the binding's health.
async fn check(world: &World) -> Value {
    let health = world.get(&format!("/api/bindings/{APP}/health")).await.expect(200).body;
    let checks = health["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == "budget").cloned().unwrap_or_default()
}

#[tokio::test]
async fn model_is_not_asked_beyond_the_calls_of_the_day() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = limited(&world, &model, 2, 0).await;
    let (visitor, other) = (desk.visitor(&world, "o-1"), desk.visitor(&world, "o-2"));
    for visitor in [&visitor, &other] {
        model.respond_json(&using(grounded_answer(ANSWER, &[1]), 50));
        visitor.writes(SHIPPING).await;
        assert_eq!(visitor.last_text().await, ANSWER);
    }
    let limits = json!({ "model_calls_per_day": 2, "model_tokens_per_day": 0 });
    let found = check(&world).await;
    assert_eq!(found["budget"], json!({ "model_calls": 2, "model_tokens": 100, "limits": limits }));
    assert_eq!(found["ok"], false, "{found}");
    assert!(found["detail"].as_str().unwrap().contains("2 calls (of 2)"), "{found}");
    for visitor in [&visitor, &other] {
        visitor.writes(SHIPPING).await;
        assert_eq!(visitor.last_text().await, FALLBACK);
    }
    assert_eq!(model.requests().len(), 2);
    let data = world.event(&visitor.cid().await, "robot.answered").await["data"].clone();
    assert_eq!((&data["failure"], &data["misses"]), (&json!("robot.budget_exhausted"), &json!(0)));

    world.advance(24 * 60 * 60);
    model.respond_json(&using(grounded_answer(ANSWER, &[1]), 50));
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.last_text().await, ANSWER);
    let found = check(&world).await;
    assert_eq!((&found["ok"], &found["budget"]["model_calls"]), (&json!(true), &json!(1)));
    let slots = world.items("turn_slots").await;
    let days = |item: &Value| item.as_object().unwrap().keys().filter(|name| name.starts_with("calls-")).count();
    assert_eq!(slots.iter().map(days).collect::<Vec<_>>(), [1], "the counter of the day before is gone");
}

#[tokio::test]
async fn tokens_of_malformed_completions_count() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = limited(&world, &model, 0, 100).await;
    let visitor = desk.visitor(&world, "o-1");
    for body in [completion("我是海盗。"), json!({ "choices": [] })] {
        model.respond_json(&using(body, 50));
        visitor.writes(SHIPPING).await;
        assert_eq!(visitor.last_text().await, FALLBACK);
    }
    assert_eq!(check(&world).await["budget"]["model_tokens"], 100);
    visitor.writes(SHIPPING).await;
    assert_eq!(model.requests().len(), 2);
}

#[tokio::test]
async fn model_is_asked_up_to_the_last_token_of_the_day() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = limited(&world, &model, 0, 100).await;
    let visitor = desk.visitor(&world, "o-1");
    for tokens in [99, 1] {
        model.respond_json(&using(grounded_answer(ANSWER, &[1]), tokens));
        visitor.writes(SHIPPING).await;
        assert_eq!(visitor.last_text().await, ANSWER);
    }
    visitor.writes(SHIPPING).await;
    assert_eq!(model.requests().len(), 2);
    assert_eq!(visitor.last_text().await, FALLBACK);
}

#[tokio::test]
async fn request_that_is_repeated_counts_and_another_mini_program_has_its_own_budget() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = limited(&world, &model, 3, 0).await;
    let visitor = desk.visitor(&world, "o-1");
    model.respond(500, "{}");
    model.respond_json(&grounded_answer(ANSWER, &[1]));
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.last_text().await, ANSWER);
    assert_eq!(check(&world).await["budget"]["model_calls"], 2, "a request that is repeated counts again");
    let fields = json!({ "app_id": "wx0000000000005402", "reception": {
        "mode": "robot_only", "robot_id": desk.robot, "budgets": { "model_calls_per_day": 1 },
    } });
    let other = world.bind_with(fields).await;
    world.forget_settings();
    let stranger = world.visitor(&other, "o-1");
    model.respond_json(&grounded_answer(ANSWER, &[1]));
    stranger.writes(SHIPPING).await;
    stranger.writes(SHIPPING).await;
    assert_eq!((model.requests().len(), stranger.last_text().await.as_str()), (3, FALLBACK));
    model.respond_json(&grounded_answer(ANSWER, &[1]));
    visitor.writes(SHIPPING).await;
    assert_eq!((model.requests().len(), visitor.last_text().await.as_str()), (4, ANSWER));
}

#[tokio::test]
async fn answers_from_questions_need_no_budget() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "robot_only", "budgets": { "model_calls_per_day": 1 } })).await;
    let visitor = desk.visitor(&world, "o-1");
    for _ in 0..2 {
        visitor.writes(SHIPPING).await;
        assert_ne!(visitor.last_text().await, FALLBACK);
    }
    assert_eq!(check(&world).await, Value::Null);
}
