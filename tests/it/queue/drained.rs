//! Whoever waits goes to whoever becomes free, however that comes about.

use reqwest::Method;
use serde_json::json;

use crate::shop::{Shop, with};
use crate::support::{ADMIN, Visitor, World};

/// A shop whose agent has a conversation, and a visitor who waits.
async fn waiting(world: &World) -> (Shop, String) {
    let shop = json!({
        "mode": "agents_only", "idle": { "close_after_minutes": 10 }, "prompts": { "connected": "接通了。" },
    });
    let shop = world.shop(1, shop).await;
    let cid = shop.engage(world).await.cid().await;
    let visitor = shop.visitor(world, "o-waits");
    visitor.says("在吗").await;
    assert_eq!(visitor.stage().await, "queued");
    (shop, cid)
}

/// They wait no more, and were told so.
async fn is_through(visitor: &Visitor<'_>, agent: &str, what: &str) {
    assert_eq!(visitor.with_whom().await, with(agent), "{what}");
    assert_eq!(visitor.last_text().await, "接通了。", "{what}");
}

#[tokio::test]
async fn when_a_conversation_ends() {
    for what in ["closed", "left", "idle"] {
        let world = World::start().await;
        let (shop, cid) = waiting(&world).await;
        match what {
            "closed" => drop(world.post(&format!("/api/conversations/{cid}/close"), &json!({})).await.expect(200)),
            "left" => shop.visitor(&world, "o-busy").says("结束会话").await,
            _ => {
                // One goes on, the other is quiet.
                world.minutes_with(7, &[&shop.agent]).await;
                shop.visitor(&world, "o-waits").says("还在吗").await;
                world.minutes_with(4, &[&shop.agent]).await;
            }
        }
        is_through(&shop.visitor(&world, "o-waits"), &shop.agent, what).await;
    }
}

#[tokio::test]
async fn when_an_agent_comes_online() {
    let world = World::start().await;
    let (shop, _) = waiting(&world).await;
    let other = world.make("agents", &json!({ "name": "小李" })).await;
    world.change("groups", &shop.group, &json!({ "members": [shop.agent, other] })).await;
    let visitor = shop.visitor(&world, "o-waits");
    for status in ["busy", "away", "offline"] {
        world.status(&other, status).await;
        assert_eq!(visitor.stage().await, "queued", "{status}");
    }
    let duty = world.status(&other, "online").await;
    assert_eq!(duty["load"], 1, "{duty}");
    is_through(&visitor, &other, "online").await;
}

#[tokio::test]
async fn when_an_agent_takes_more() {
    let world = World::start().await;
    let (shop, _) = waiting(&world).await;
    world.change("agents", &shop.agent, &json!({ "capacity": 2 })).await;
    is_through(&shop.visitor(&world, "o-waits"), &shop.agent, "capacity").await;
    assert_eq!(world.load(&shop.agent).await, 2);
}

#[tokio::test]
async fn when_a_group_gets_another_member() {
    let world = World::start().await;
    let (shop, _) = waiting(&world).await;
    let other = world.agent("小李", 5).await;
    assert_eq!(shop.visitor(&world, "o-waits").stage().await, "queued", "they are of no group yet");
    world.change("groups", &shop.group, &json!({ "members": [shop.agent, other] })).await;
    is_through(&shop.visitor(&world, "o-waits"), &other, "group").await;
}

#[tokio::test]
async fn when_a_conversation_is_handed_on() {
    let world = World::start().await;
    let (shop, cid) = waiting(&world).await;
    let other = world.agent("小李", 5).await;
    world.post(&format!("/api/conversations/{cid}/transfer"), &json!({ "agent_id": other })).await.expect(200);
    is_through(&shop.visitor(&world, "o-waits"), &shop.agent, "transfer").await;
}

#[tokio::test]
async fn when_working_hours_begin() {
    let world = World::start().await;
    // It is Monday, four in the afternoon in Shanghai.
    let weekly = json!([{ "days": ["mon"], "from": "16:30", "to": "20:00" }]);
    let calendar = world.make("calendars", &json!({ "name": "晚班", "weekly": weekly })).await;
    let shop = world.shop(5, json!({ "mode": "agents_only", "prompts": { "connected": "接通了。" } })).await;
    world.change("groups", &shop.group, &json!({ "calendar_id": calendar, "after_hours": "queue" })).await;
    let visitor = shop.visitor(&world, "o-1");
    visitor.says("在吗").await;
    assert_eq!(visitor.stage().await, "queued", "though the agent is online");
    world.minutes_with(28, &[&shop.agent]).await;
    assert_eq!(visitor.stage().await, "queued");
    world.minutes_with(3, &[&shop.agent]).await;
    is_through(&visitor, &shop.agent, "hours").await;
}

#[tokio::test]
async fn when_a_workbench_that_was_lost_is_heard_from_again() {
    let world = World::start().await;
    let shop = world.shop(5, json!({ "mode": "agents_only", "prompts": { "connected": "接通了。" } })).await;
    world.change("groups", &shop.group, &json!({ "after_hours": "queue" })).await;
    world.advance(91);
    let visitor = shop.visitor(&world, "o-1");
    visitor.says("在吗").await;
    assert_eq!(visitor.stage().await, "queued", "nobody is given to a workbench that is not there");
    world.minutes_with(2, &[&shop.agent]).await;
    is_through(&visitor, &shop.agent, "heartbeat").await;
}

#[tokio::test]
async fn when_whoever_should_have_seen_to_it_was_killed_the_next_minute_does() {
    let world = World::start().await;
    let binding = world.bind("wx0000000000005413").await;
    world.receive(&binding, json!({ "mode": "agents_only", "prompts": { "connected": "接通了。" } })).await;
    let mut killed_between = 0;
    for awaits in 0.. {
        let agent = world.agent("小王", 5).await;
        world.status(&agent, "busy").await;
        let group = world.group(&[&agent]).await;
        world.receive(&binding, json!({ "group_id": group })).await;
        let visitor = world.visitor(&binding, &format!("o-{awaits}"));
        visitor.says("在吗").await;
        assert_eq!(visitor.stage().await, "queued");
        let kills = world.bundle.kills("DeskApi").unwrap();
        world.bundle.kill_next("DeskApi", awaits).unwrap();
        let online = json!({ "status": "online" });
        let answer = world.call(Some(ADMIN), Method::PUT, &format!("/api/agents/{agent}/status"), Some(&online)).await;
        let killed = world.bundle.kills("DeskApi").unwrap() > kills;
        assert_eq!(answer.status, if killed { 500 } else { 200 }, "{}", answer.raw);
        let status = world.get(&format!("/api/agents/{agent}")).await.expect(200).body["duty"]["status"].clone();
        if status == "online" && visitor.stage().await == "queued" {
            killed_between += 1;
        }
        if status == "online" {
            world.minutes_with(1, &[&agent]).await;
            // A message that was put down and not sent is taken over, too.
            world.minutes_with(1, &[&agent]).await;
            assert_eq!(visitor.with_whom().await, with(&agent), "killed after {awaits}");
            // They are told once; whoever was killed while it sent has perhaps told them.
            let said = visitor.outbound().await;
            let told: Vec<_> =
                said.iter().filter(|it| it["text"]["content"] == "接通了。").map(|it| it["state"].clone()).collect();
            let shown = visitor.phone_texts().await.iter().filter(|text| *text == "接通了。").count();
            let right = told == ["sent"] && shown == 1 || told == ["unknown"] && shown <= 1;
            assert!(right, "killed after {awaits}: {told:?}, {shown} on the phone");
        }
        world.status(&agent, "offline").await;
        if !killed {
            break;
        }
    }
    assert!(killed_between >= 3, "only {killed_between} were left waiting");
}
