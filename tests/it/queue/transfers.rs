//! A conversation is handed on, with a reason.

use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{fields, problem};
use crate::shop::{Shop, with};
use crate::support::{Answer, Visitor, World};

async fn transfer(world: &World, visitor: &Visitor<'_>, to: Value) -> Answer {
    world.post(&format!("/api/conversations/{}/transfer", visitor.cid().await), &to).await
}

/// A shop, and a visitor whose conversation its agent has.
async fn assigned(world: &World) -> (Shop, String) {
    let prompts = json!({ "connected": "{agent}为您服务。", "queued": "前面{ahead}位。" });
    let shop = world.shop(5, json!({ "mode": "agents_only", "prompts": prompts })).await;
    shop.visitor(world, "o-1").says("在吗").await;
    let agent = shop.agent.clone();
    (shop, agent)
}

#[tokio::test]
async fn to_an_agent() {
    let world = World::start().await;
    let (shop, first) = assigned(&world).await;
    let visitor = shop.visitor(&world, "o-1");
    let li = world.agent("小李", 1).await;
    let to = json!({ "agent_id": li, "reason": "售后问题" });
    let handed = transfer(&world, &visitor, to).await.expect(200);
    assert_eq!((&handed.body["stage"], &handed.body["assignee"]["agent_id"]), (&json!("assigned"), &json!(li)));
    assert_eq!(visitor.phone_texts().await, ["小王为您服务。", "小李为您服务。"]);
    assert_eq!((world.load(&first).await, world.load(&li).await), (0, 1));
    let event = world.event(&visitor.cid().await, "conversation.transferred").await;
    assert_eq!((&event["data"]["reason"], &event["data"]["from"]), (&json!("售后问题"), &json!(first)));
    assert_eq!(event["data"]["to"], json!({ "agent_id": li }));

    // Who cannot take it does not get it, and nothing changes.
    let zhao = world.agent("小赵", 1).await;
    world.status(&zhao, "offline").await;
    let full = transfer(&world, &shop.visitor(&world, "o-1"), json!({ "agent_id": zhao })).await;
    assert_eq!(problem(&full), (409, "agent.offline", None));
    let other = shop.visitor(&world, "o-2");
    other.says("在吗").await;
    assert_eq!(problem(&transfer(&world, &other, json!({ "agent_id": li })).await), (409, "agent.at_capacity", None));
    assert_eq!(other.with_whom().await, with(&first));
    // A workbench that nobody sits at takes nothing, either.
    world.status(&zhao, "online").await;
    world.advance(91);
    assert_eq!(problem(&transfer(&world, &other, json!({ "agent_id": zhao })).await), (409, "agent.offline", None));
    for (to, field) in [
        (json!({ "agent_id": "a000000000000" }), "agent_id"),
        (json!({ "group_id": "nobody" }), "group_id"),
        (json!({}), "body"),
        (json!({ "agent_id": li, "group_id": shop.group }), "body"),
        (json!({ "agent_id": li, "reason": "长".repeat(201) }), "reason"),
    ] {
        let answer = transfer(&world, &other, to.clone()).await;
        assert_eq!((problem(&answer).0, fields(&answer)), (422, vec![field]), "{to}");
    }
    assert_eq!(other.with_whom().await, with(&first));
    let cid = other.cid().await;
    assert!(
        !world.event_types(&cid).await.contains(&"conversation.transferred".to_owned()),
        "what failed has not happened"
    );
}

#[tokio::test]
async fn to_a_group() {
    let world = World::start().await;
    let (shop, first) = assigned(&world).await;
    let visitor = shop.visitor(&world, "o-1");
    let li = world.agent("小李", 5).await;
    // Whoever hands on to their own group does not get it back, though they are the idlest.
    let both = world.group(&[&first, &li]).await;
    for openid in ["o-2", "o-3"] {
        let other = shop.visitor(&world, openid);
        other.says("在吗").await;
        transfer(&world, &other, json!({ "agent_id": li })).await.expect(200);
    }
    assert_eq!((world.load(&first).await, world.load(&li).await), (1, 2));
    transfer(&world, &visitor, json!({ "group_id": both })).await.expect(200);
    assert_eq!(visitor.with_whom().await, with(&li));
    assert_eq!(visitor.conversation().await["group_id"], both.as_str());

    // Where all are busy it waits, and the visitor is told.
    world.status(&li, "busy").await;
    let busy = world.group(&[&li]).await;
    let other = shop.visitor(&world, "o-4");
    other.says("在吗").await;
    transfer(&world, &other, json!({ "group_id": busy })).await.expect(200);
    assert_eq!((other.stage().await.as_str(), other.last_text().await.as_str()), ("queued", "前面0位。"));
    assert_eq!(world.load(&first).await, 0);
    world.status(&li, "online").await;
    assert_eq!(other.with_whom().await, with(&li));

    // Where nobody is there it stays.
    world.status(&li, "offline").await;
    let last = shop.visitor(&world, "o-5");
    last.says("在吗").await;
    let refused = transfer(&world, &last, json!({ "group_id": busy })).await;
    assert_eq!(problem(&refused), (409, "group.unavailable", None));
    assert!(refused.text("detail").contains("not on duty"), "{}", refused.raw);
    assert_eq!(last.with_whom().await, with(&first));
}

#[tokio::test]
async fn by_the_agent_who_has_it_and_from_wherever_it_waits() {
    let world = World::start().await;
    let (shop, first) = assigned(&world).await;
    let visitor = shop.visitor(&world, "o-1");
    let li = world.agent("小李", 5).await;
    let asked = json!({ "role": "agent", "name": "小王", "agent_id": first });
    let token = world.post("/api/access-tokens", &asked).await.expect(201).text("token");
    let path = format!("/api/conversations/{}/transfer", visitor.cid().await);
    world.call(Some(&token), Method::POST, &path, Some(&json!({ "agent_id": li }))).await.expect(200);
    let event = world.event(&visitor.cid().await, "conversation.transferred").await;
    assert_eq!(event["data"]["by"], first.as_str());
    // It is not theirs any more.
    let again = world.call(Some(&token), Method::POST, &path, Some(&json!({ "agent_id": first }))).await;
    assert_eq!(problem(&again), (409, "conversation.taken", None));

    // An admin hands on what a robot has, or what waits.
    world.status(&first, "busy").await;
    let waiting = shop.visitor(&world, "o-2");
    waiting.says("在吗").await;
    assert_eq!(waiting.stage().await, "queued");
    transfer(&world, &waiting, json!({ "agent_id": li })).await.expect(200);
    assert_eq!(waiting.with_whom().await, with(&li));
    world.status(&first, "online").await;
    assert_eq!(waiting.with_whom().await, with(&li), "it waits no more");
}
