//! Blocked visitors.

use reqwest::Method;
use serde_json::{Value, json};

use crate::open_conversation::problem;
use crate::service_desk::{APP, SHIPPING, SHIPPING_ANSWER, ServiceDesk};
use crate::support::{ADMIN, Answer, Visitor, World};

fn path(openid: &str) -> String {
    format!("/api/bindings/{APP}/visitors/{openid}")
}

async fn block(world: &World, openid: &str, blocked: Value) -> Answer {
    world.patch(&path(openid), &json!({ "blocked": blocked })).await
}

async fn desk(world: &World, more: Value) -> ServiceDesk {
    let mut reception = json!({ "mode": "agents_only", "greeting": "欢迎！" });
    for (name, value) in more.as_object().unwrap() {
        reception[name] = value.clone();
    }
    world.service_desk(1, reception).await
}

/// What the phone has received since `before`.
async fn new_texts(visitor: &Visitor<'_>, before: usize) -> Vec<String> {
    visitor.received_texts().await.split_off(before)
}

#[tokio::test]
async fn blocked_visitor_gives_up_the_place_in_the_queue_until_the_block_ends() {
    let world = World::start().await;
    let desk = desk(&world, json!({})).await;
    desk.occupy_agent(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage().await, "queued");
    let until = world.now() + jiff::SignedDuration::from_mins(10);
    let blocked = block(&world, "o-1", json!({ "until": until, "reason": "辱骂客服" })).await.expect(200);
    assert_eq!((&blocked.body["blocked"]["reason"], &blocked.body["open_cid"]), (&json!("辱骂客服"), &Value::Null));
    assert_eq!(blocked.body["blocked"]["until"], json!(until));
    let ended = visitor.conversations().await.remove(0);
    assert_eq!((&ended["state"], &ended["closed_by"]), (&json!("closed"), &json!("admin")));
    assert_eq!(ended["visitor"]["blocked"]["reason"], "辱骂客服");
    assert_eq!(world.items("waiting").await, Vec::<Value>::new());

    let before = visitor.received_texts().await.len();
    visitor.enters("").await;
    visitor.writes("转人工").await;
    let inbound = visitor.inbound().await;
    assert_eq!(inbound.last().unwrap()["ignored"], "blocked", "{inbound:?}");
    assert_eq!(visitor.conversations().await.len(), 1, "it is not routed");
    assert_eq!(new_texts(&visitor, before).await, Vec::<String>::new());

    world.advance(10 * 60);
    world.heartbeat(&[&desk.agent]).await;
    visitor.writes("在吗").await;
    assert_eq!(visitor.stage().await, "queued");
    assert_eq!(world.get(&path("o-1")).await.body["blocked"], Value::Null);
}

#[tokio::test]
async fn new_visitor_who_is_blocked_is_not_welcomed() {
    let world = World::start().await;
    let desk = desk(&world, json!({ "greeting": null })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.enters("").await;
    world.set_reception(&desk.binding, json!({ "greeting": "欢迎！" })).await;
    block(&world, "o-1", json!({ "reason": "spam" })).await.expect(200);
    visitor.enters("").await;
    assert_eq!(visitor.received_texts().await, Vec::<String>::new());
    block(&world, "o-1", Value::Null).await.expect(200);
    visitor.enters("").await;
    assert_eq!(visitor.received_texts().await, ["欢迎！"]);
}

#[tokio::test]
async fn robot_does_not_answer_a_blocked_visitor() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "robot_only" })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes(SHIPPING).await;
    block(&world, "o-1", json!({ "reason": "spam" })).await.expect(200);
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.received_texts().await, [SHIPPING_ANSWER]);
    block(&world, "o-1", Value::Null).await.expect(200);
    visitor.writes(SHIPPING).await;
    assert_eq!(visitor.received_texts().await, [SHIPPING_ANSWER, SHIPPING_ANSWER]);
}

#[tokio::test]
async fn agents_conversation_stays_with_the_agent_and_its_time_runs() {
    let world = World::start().await;
    let idle = json!({ "close_after_minutes": 10 });
    let desk = desk(&world, json!({ "idle": idle })).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    let cid = visitor.cid().await;
    visitor.agent_replies("在的").await.expect(201);
    let token = world.agent_token(&desk.agent).await;
    let body = json!({ "blocked": { "reason": "spam" } });
    world.call(Some(&token), Method::PATCH, &path("o-1"), Some(&body)).await.expect(200);
    assert_eq!(visitor.agent().await.as_ref(), Some(&desk.agent));
    for _ in 0..8 {
        visitor.writes("喂").await;
        world.run_minutes_online(1, &[&desk.agent]).await;
    }
    let shown = world.list(&format!("/api/conversations/{cid}/messages")).await;
    let count = shown.iter().filter(|message| message["ignored"] == "blocked").count();
    assert_eq!(count, 8, "the agent sees them");
    world.run_minutes_online(3, &[&desk.agent]).await;
    assert_eq!(world.conversation(&cid).await["closed_by"], "idle", "what a blocked visitor writes is no word");
}

#[tokio::test]
async fn block_is_refused_to_others_and_with_wrong_values() {
    let world = World::start().await;
    let desk = desk(&world, json!({})).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    let colleague = world.agent("小李", 1).await;
    world.update("groups", &desk.group, &json!({ "members": [desk.agent, colleague] })).await;
    let token = world.agent_token(&colleague).await;
    let body = json!({ "blocked": { "reason": "spam" } });
    let refused = world.call(Some(&token), Method::PATCH, &path("o-1"), Some(&body)).await;
    assert_eq!(problem(&refused).0, 403, "{}", refused.raw);
    assert_eq!(problem(&world.call(Some(ADMIN), Method::PATCH, &path("o-9"), Some(&body)).await).0, 404);
    let past = world.now();
    for (body, field) in [
        (json!({ "blocked": {} }), "blocked.reason"),
        (json!({ "blocked": { "reason": " " } }), "blocked.reason"),
        (json!({ "blocked": { "reason": "坏\n坏" } }), "blocked.reason"),
        (json!({ "blocked": { "reason": "a".repeat(201) } }), "blocked.reason"),
        (json!({ "blocked": { "reason": "x", "until": past } }), "blocked.until"),
        (json!({ "blocked": { "reason": "x", "until": "soon" } }), "blocked.until"),
        (json!({ "blocked": { "reason": "x", "by": "me" } }), "blocked.by"),
    ] {
        let refused = world.patch(&path("o-1"), &body).await;
        assert_eq!(refused.status, 422, "{}", refused.raw);
        assert_eq!(refused.body["errors"][0]["field"], field, "{}", refused.raw);
    }
    block(&world, "o-1", json!({ "reason": "a".repeat(200) })).await.expect(200);
    assert_eq!(visitor.agent().await.as_ref(), Some(&desk.agent));
}

#[tokio::test]
async fn erased_visitor_is_not_blocked_any_more() {
    let world = World::start().await;
    let desk = desk(&world, json!({})).await;
    let visitor = desk.visitor(&world, "o-1");
    visitor.writes("在吗").await;
    block(&world, "o-1", json!({ "reason": "spam-reason" })).await.expect(200);
    let exported = world.get(&format!("{}/export", path("o-1"))).await.expect(200);
    assert!(exported.raw.contains("spam-reason"), "{}", exported.raw);
    world.delete(&path("o-1")).await.expect(204);
    assert!(world.all_items().await.iter().all(|item| !item.to_string().contains("spam-reason")));
    visitor.writes("在吗").await;
    assert_eq!(visitor.agent().await.as_ref(), Some(&desk.agent));
}
