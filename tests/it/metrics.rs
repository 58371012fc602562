//! The log entries from which `CloudWatch` extracts the metrics that the alarms of `template.yaml` watch.

use local::{Fault, TableFault};
use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;

use crate::robots::chat::desk;
use crate::service_desk::SHIPPING;
use crate::support::push::{Push, text_document};
use crate::support::{Log, Logging, StubServer, World, grounded_answer};

const APP: &str = "wx00000000000000a1";

/// What the functions of this thread's bundle log, in the format of Lambda.
fn start_log() -> (Log, Logging) {
    let log = Log::default();
    let logging = Log::start(function::json_logs(log.clone(), LevelFilter::INFO, "kefu-Table"));
    (log, logging)
}

/// The sum of a metric.
fn sum(log: &Log, metric: &str) -> u64 {
    let text = log.text();
    let entries = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let described = entries.filter(|entry| {
        let description = &entry["_aws"]["CloudWatchMetrics"][0];
        let metrics = description["Metrics"].as_array().into_iter().flatten();
        description["Namespace"] == "Kefu" && metrics.into_iter().any(|described| described["Name"] == metric)
    });
    described.map(|entry| entry[metric].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn push_that_cannot_be_stored_is_counted() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let push = Push::new(&binding, &text_document("o-1", 1_772_438_400, 1, "keep me"));
    let (log, _guard) = start_log();
    let fault = TableFault::new(Fault::InternalError).function("MessageIngress").operation("PutItem").times(1000);
    world.bundle.table_faults().add(fault);
    assert_eq!(world.deliver(&push).await.status, 500);
    assert_eq!(sum(&log, "PushesNotStored"), 1);
    world.bundle.table_faults().clear();
    assert_eq!(world.deliver(&push).await.status, 200);
    assert_eq!(sum(&log, "PushesNotStored"), 1);
}

#[tokio::test]
async fn send_with_an_unknown_outcome_is_counted() {
    let world = World::start().await;
    let binding = world.bind(APP).await;
    let chat = world.open_conversation(&binding, "o-1").await;
    let (log, _guard) = start_log();
    world.sim_fault(&json!({ "path": "/cgi-bin/message/custom/send", "break_off": "after" })).await;
    let sent = chat.send_text("您好").await;
    assert_eq!(sent.body["state"], "unknown", "{}", sent.raw);
    assert_eq!(sum(&log, "UnknownSends"), 1);
    assert_eq!(chat.send_text("在吗").await.body["state"], "sent");
    assert_eq!(sum(&log, "UnknownSends"), 1);
}

#[tokio::test]
async fn expired_token_that_cannot_be_renewed_is_counted() {
    let world = World::start().await;
    let _binding = world.bind(APP).await;
    let (log, _guard) = start_log();
    world.sim_fault(&json!({ "path": "/cgi-bin/stable_token", "errcode": 40125, "times": 100 })).await;
    // WeChat's tokens live for two hours; the first renewals fail before the token has expired.
    world.advance(2 * 60 * 60 - 120);
    world.tick("TokenRefresh").await;
    assert_eq!(sum(&log, "TokensExpired"), 0);
    world.advance(60 * 60);
    world.tick("TokenRefresh").await;
    assert_eq!(sum(&log, "TokensExpired"), 1);
}

#[tokio::test]
async fn turn_without_a_budget_is_counted() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = desk(&world, &model.url, json!({})).await;
    world.set_reception(&desk.binding, json!({ "budgets": { "model_calls_per_day": 1 } })).await;
    let visitor = desk.visitor(&world, "o-1");
    let (log, _guard) = start_log();
    for times in [0, 1, 2] {
        model.respond_json(&grounded_answer("48小时内发出。", &[1]));
        visitor.writes(SHIPPING).await;
        assert_eq!(sum(&log, "BudgetsExhausted"), times);
    }
}

#[tokio::test]
async fn circuit_of_a_robot_that_opens_is_counted() {
    let world = World::start().await;
    let model = StubServer::start().await;
    let desk = desk(&world, &model.url, json!({})).await;
    let visitor = desk.visitor(&world, "o-1");
    let (log, _guard) = start_log();
    for times in [0, 0, 0, 0, 1] {
        model.respond(401, "{}");
        visitor.writes(SHIPPING).await;
        assert_eq!(sum(&log, "RobotCircuitsOpened"), times);
    }
    visitor.writes(SHIPPING).await;
    assert_eq!(sum(&log, "RobotCircuitsOpened"), 1, "it is open");
}
