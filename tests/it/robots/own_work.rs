//! What the function of robots does besides answering: it renews a token, looks at working hours, and assigns who waits.

use local::{Fault, TableFault};
use serde_json::json;

use crate::service_desk::{SHIPPING, SHIPPING_ANSWER, UNKNOWN, assigned_to};
use crate::support::World;

#[tokio::test]
async fn robot_whose_token_has_expired_renews_it_and_answers() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "robot_only" })).await;
    // Tokens live for two hours, and the schedule is not fired.
    world.advance(3 * 60 * 60);
    let before = world.token_calls().await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.received_texts().await, [SHIPPING_ANSWER]);
    assert_eq!(world.token_calls().await, before + 1);
}

#[tokio::test]
async fn handover_by_the_robot_outside_working_hours_becomes_a_left_message() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "robot_first", "handover": { "after_misses": 1 } })).await;
    let weekly = json!([{ "days": ["sun"], "from": "09:00", "to": "10:00" }]);
    let calendar = world.create("calendars", &json!({ "name": "周日", "weekly": weekly })).await;
    world.update("groups", &desk.group, &json!({ "calendar_id": calendar })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes(UNKNOWN).await;
    assert_ne!(visitor.stage().await, "assigned");
    assert_eq!(world.load(&desk.agent).await, 0);
}

#[tokio::test]
async fn handover_by_the_robot_assigns_who_has_waited_longer() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "robot_first", "handover": { "after_misses": 1 } })).await;
    let busy = desk.occupy_agent(&world).await.cid().await;
    let first = desk.visitor(&world, "o-first");
    first.writes("转人工").await;
    assert_eq!(first.stage().await, "queued");
    // The agent is free, but the queue is not drained: the table refuses what the drain asks.
    world
        .bundle
        .table_faults()
        .add(TableFault::new(Fault::InternalError).function("DeskApi").operation("BatchGetItem").times(1000));
    world.post(&format!("/api/conversations/{busy}/close"), &json!({})).await.expect(200);
    world.bundle.table_faults().clear();
    assert_eq!(first.stage().await, "queued");

    let second = desk.visitor(&world, "o-second");
    second.writes(UNKNOWN).await;
    assert_eq!(first.stage_and_agent().await, assigned_to(&desk.agent));
    assert_eq!(second.stage().await, "queued");
}
