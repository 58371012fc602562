//! Functions keep settings in memory for ten seconds. What must not be wrong follows the settings in the table.

use serde_json::json;

use crate::open_conversation::problem;
use crate::service_desk::{APP, assigned_to};
use crate::support::World;

fn binding() -> String {
    format!("/api/bindings/{APP}")
}

#[tokio::test]
async fn settings_are_read_once_in_ten_seconds() {
    let world = World::start().await;
    let desk = world.service_desk(5, json!({ "mode": "agents_only" })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    let reads = async |text: &str| {
        let calls = || world.calls("Reception", "GetItem") + world.calls("Reception", "Query");
        let before = calls();
        visitor.writes(text).await;
        calls() - before
    };
    assert_eq!(reads("visitor, conversation").await, 2);
    assert_eq!(reads("after ten seconds: binding, visitor, conversation").await, 3);
    assert_eq!(reads("visitor, conversation").await, 2);
}

#[tokio::test]
async fn changed_settings_take_effect_after_ten_seconds_at_the_latest() {
    let world = World::start().await;
    let bound = world.bind_with(json!({ "app_id": APP, "auto_reply": "早" })).await;
    let visitor = world.visitor(&bound, "o-1");
    visitor.writes("在吗").await;
    let changed = world.patch(&binding(), &json!({ "auto_reply": "晚" })).await.expect(200);
    assert_eq!(
        (changed.text("auto_reply"), world.get(&binding()).await.text("auto_reply")),
        ("晚".into(), "晚".into())
    );
    visitor.writes("在吗").await;
    visitor.writes("在吗").await;
    assert_eq!(visitor.received_texts().await, ["早", "早", "晚"]);
}

#[tokio::test]
async fn queue_is_drained_by_current_members_whatever_the_message_was_routed_by() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "agents_only" })).await;
    desk.occupy_agent(&world).await;
    let other = world.agent("小李", 1).await;
    world.patch(&format!("/api/groups/{}", desk.group), &json!({ "members": [desk.agent, other] })).await.expect(200);
    let visitor = desk.visitor(&world, "o-2");
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&other));
    // It was routed by the members before.
    let types = world.event_types(&visitor.cid().await).await;
    assert_eq!(types, ["conversation.created", "conversation.queued", "conversation.assigned"]);
}

#[tokio::test]
async fn agent_who_left_the_group_a_moment_ago_gets_no_waiting_conversation_of_it() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "agents_only" })).await;
    let busy = desk.occupy_agent(&world).await;
    let waiting = desk.visitor(&world, "o-2");
    waiting.writes("在吗").await;
    assert_eq!(waiting.stage().await, "queued");
    world.patch(&format!("/api/groups/{}", desk.group), &json!({ "members": [] })).await.expect(200);
    world.post(&format!("/api/conversations/{}/close", busy.cid().await), &json!({})).await.expect(200);
    assert_eq!(waiting.stage().await, "queued");
}

#[tokio::test]
async fn conversation_that_joins_the_queue_of_a_deleted_group_is_routed_again_by_the_tick() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "agents_only" })).await;
    desk.occupy_agent(&world).await;
    world.patch(&binding(), &json!({ "reception": { "group_id": null } })).await.expect(200);
    world.delete(&format!("/api/groups/{}", desk.group)).await.expect(204);
    let visitor = desk.visitor(&world, "o-2");
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage().await, "queued");
    world.run_minutes_online(1, &[&desk.agent]).await;
    assert_eq!(visitor.stage().await, "left_message");
}

#[tokio::test]
async fn simulation_and_transfers_follow_changed_settings_at_once() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "agents_only" })).await;
    let visitor = desk.occupy_agent(&world).await;
    let other = world.agent("小李", 1).await;
    let group = world.group(&[]).await;
    let simulated = async || {
        let asked = json!({ "app_id": APP, "text": "在吗" });
        world.post("/api/routing/simulate", &asked).await.expect(200).body["outcome"].clone()
    };
    let transfer = async || {
        let path = format!("/api/conversations/{}/transfer", visitor.cid().await);
        world.post(&path, &json!({ "group_id": group })).await
    };
    assert!(simulated().await["queue"].is_object());
    assert_eq!(problem(&transfer().await), (409, "group.unavailable", None));
    world.patch(&binding(), &json!({ "reception": { "group_id": group } })).await.expect(200);
    world.patch(&format!("/api/groups/{group}"), &json!({ "members": [other] })).await.expect(200);
    assert_eq!(simulated().await["assign"]["agents"], json!([other]));
    transfer().await.expect(200);
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&other));
}
