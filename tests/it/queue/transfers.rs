//! Transfers, with a reason.

use reqwest::Method;
use serde_json::{Value, json};

use crate::open_conversation::{fields, problem};
use crate::service_desk::{ServiceDesk, assigned_to};
use crate::support::{Answer, Visitor, World};

async fn transfer(world: &World, visitor: &Visitor<'_>, to: Value) -> Answer {
    world.post(&format!("/api/conversations/{}/transfer", visitor.cid().await), &to).await
}

/// A service desk whose agent has the conversation of `o-1`.
async fn assigned(world: &World) -> (ServiceDesk, String) {
    let prompts = json!({ "connected": "{agent}为您服务。", "queued": "前面{ahead}位。" });
    let desk = world.service_desk(5, json!({ "mode": "agents_only", "prompts": prompts })).await;
    desk.visitor(world, "o-1").writes("在吗").await;
    let agent = desk.agent.clone();
    (desk, agent)
}

#[tokio::test]
async fn transfer_to_an_agent_reassigns_or_is_refused() {
    let world = World::start().await;
    let (desk, first) = assigned(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    let li = world.agent("小李", 1).await;
    let to = json!({ "agent_id": li, "reason": "售后问题" });
    let handed = transfer(&world, &visitor, to).await.expect(200);
    assert_eq!((&handed.body["stage"], &handed.body["assignee"]["agent_id"]), (&json!("assigned"), &json!(li)));
    assert_eq!(visitor.received_texts().await, ["小王为您服务。", "小李为您服务。"]);
    assert_eq!((world.load(&first).await, world.load(&li).await), (0, 1));
    let event = world.event(&visitor.cid().await, "conversation.transferred").await;
    assert_eq!((&event["data"]["reason"], &event["data"]["from"]), (&json!("售后问题"), &json!(first)));
    assert_eq!(event["data"]["to"], json!({ "agent_id": li }));

    // A refused transfer changes nothing.
    let zhao = world.agent("小赵", 1).await;
    world.set_status(&zhao, "offline").await;
    let full = transfer(&world, &desk.visitor(&world, "o-1"), json!({ "agent_id": zhao })).await;
    assert_eq!(problem(&full), (409, "agent.offline", None));
    let words = full.text("detail");
    assert!(words.starts_with("小赵 is offline") && !words.contains("PUT"), "{words}");
    let other = desk.visitor(&world, "o-2");
    other.writes("在吗").await;
    let full = transfer(&world, &other, json!({ "agent_id": li })).await;
    assert_eq!(problem(&full), (409, "agent.at_capacity", None));
    assert!(full.text("detail").starts_with("小李 has as many"), "{}", full.raw);
    assert_eq!(other.stage_and_agent().await, assigned_to(&first));
    // The same without a recent heartbeat.
    world.set_status(&zhao, "online").await;
    world.advance(91);
    assert_eq!(problem(&transfer(&world, &other, json!({ "agent_id": zhao })).await), (409, "agent.offline", None));
    for (to, field) in [
        (json!({ "agent_id": "a000000000000" }), "agent_id"),
        (json!({ "group_id": "nobody" }), "group_id"),
        (json!({}), "body"),
        (json!({ "agent_id": li, "group_id": desk.group }), "body"),
        (json!({ "agent_id": li, "reason": "长".repeat(201) }), "reason"),
    ] {
        let answer = transfer(&world, &other, to.clone()).await;
        assert_eq!((problem(&answer).0, fields(&answer)), (422, vec![field]), "{to}");
    }
    assert_eq!(other.stage_and_agent().await, assigned_to(&first));
    let cid = other.cid().await;
    assert!(
        !world.event_types(&cid).await.contains(&"conversation.transferred".to_owned()),
        "a refused transfer writes no event"
    );
}

#[tokio::test]
async fn transfer_to_a_group_assigns_queues_or_is_refused() {
    let world = World::start().await;
    let (desk, first) = assigned(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    let li = world.agent("小李", 5).await;
    // The transferring agent does not get it back, although they have the lowest load.
    let both = world.group(&[&first, &li]).await;
    for openid in ["o-2", "o-3"] {
        let other = desk.visitor(&world, openid);
        other.writes("在吗").await;
        transfer(&world, &other, json!({ "agent_id": li })).await.expect(200);
    }
    assert_eq!((world.load(&first).await, world.load(&li).await), (1, 2));
    transfer(&world, &visitor, json!({ "group_id": both })).await.expect(200);
    assert_eq!(visitor.stage_and_agent().await, assigned_to(&li));
    assert_eq!(visitor.conversation().await["group_id"], both.as_str());

    // With all agents busy it waits, and the visitor is told.
    world.set_status(&li, "busy").await;
    let busy = world.group(&[&li]).await;
    let other = desk.visitor(&world, "o-4");
    other.writes("在吗").await;
    transfer(&world, &other, json!({ "group_id": busy })).await.expect(200);
    assert_eq!((other.stage().await.as_str(), other.last_text().await.as_str()), ("queued", "前面0位。"));
    assert_eq!(world.load(&first).await, 0);
    world.set_status(&li, "online").await;
    assert_eq!(other.stage_and_agent().await, assigned_to(&li));

    // Without staff the transfer is refused.
    world.set_status(&li, "offline").await;
    let last = desk.visitor(&world, "o-5");
    last.writes("在吗").await;
    let refused = transfer(&world, &last, json!({ "group_id": busy })).await;
    assert_eq!(problem(&refused), (409, "group.unavailable", None));
    assert!(refused.text("detail").contains("its members are not on duty"), "{}", refused.raw);
    assert!(!refused.text("detail").contains("leaves a message"), "{}", refused.raw);
    let empty = world.group(&[]).await;
    let refused = transfer(&world, &last, json!({ "group_id": empty })).await;
    assert_eq!(problem(&refused), (409, "group.unavailable", None));
    assert!(refused.text("detail").contains("it has no members"), "{}", refused.raw);
    assert_eq!(last.stage_and_agent().await, assigned_to(&first));
}

#[tokio::test]
async fn transfer_is_allowed_to_the_assignee_and_admins() {
    let world = World::start().await;
    let (desk, first) = assigned(&world).await;
    let visitor = desk.visitor(&world, "o-1");
    let li = world.agent("小李", 5).await;
    let asked = json!({ "role": "agent", "name": "小王", "agent_id": first });
    let token = world.post("/api/access-tokens", &asked).await.expect(201).text("token");
    let path = format!("/api/conversations/{}/transfer", visitor.cid().await);
    world.call(Some(&token), Method::POST, &path, Some(&json!({ "agent_id": li }))).await.expect(200);
    let event = world.event(&visitor.cid().await, "conversation.transferred").await;
    assert_eq!(event["data"]["by"], first.as_str());
    // The former assignee cannot transfer it any more.
    let again = world.call(Some(&token), Method::POST, &path, Some(&json!({ "agent_id": first }))).await;
    assert_eq!(problem(&again), (409, "conversation.taken", None));

    // An admin may transfer waiting conversations.
    world.set_status(&first, "busy").await;
    let waiting = desk.visitor(&world, "o-2");
    waiting.writes("在吗").await;
    assert_eq!(waiting.stage().await, "queued");
    transfer(&world, &waiting, json!({ "agent_id": li })).await.expect(200);
    assert_eq!(waiting.stage_and_agent().await, assigned_to(&li));
    world.set_status(&first, "online").await;
    assert_eq!(waiting.stage_and_agent().await, assigned_to(&li), "it left the queue");
}
