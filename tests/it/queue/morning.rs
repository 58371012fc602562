//! Eight in the morning: many wait, and several agents come at once.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::shop::Shop;
use crate::support::{ADMIN, World};

/// A shop with five agents of capacity 10 who are not taking conversations yet, and so many who wait.
async fn night(world: &World, waiting: u32) -> (Shop, Vec<String>) {
    let reception = json!({ "mode": "agents_only", "prompts": { "connected": "接通了。", "queued": "" } });
    let shop = world.shop(10, reception).await;
    let mut agents = vec![shop.agent.clone()];
    for name in ["小李", "小赵", "小孙", "小周"] {
        agents.push(world.agent(name, 10).await);
    }
    for agent in &agents {
        world.status(agent, "busy").await;
    }
    world.change("groups", &shop.group, &json!({ "members": agents, "after_hours": "queue" })).await;
    for number in 0..waiting {
        shop.visitor(world, &format!("o-{number:02}")).says("在吗").await;
        world.advance(1);
    }
    (shop, agents)
}

/// All come online at once; each is answered before a function's time is over.
async fn come(world: &World, agents: &[String]) {
    let online = json!({ "status": "online" });
    let paths: Vec<String> = agents.iter().map(|agent| format!("/api/agents/{agent}/status")).collect();
    let answers = join_all(paths.iter().map(|path| world.call(Some(ADMIN), Method::PUT, path, Some(&online)))).await;
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.raw);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_who_come_at_once_share_all_who_wait() {
    let world = World::start().await;
    let (shop, agents) = night(&world, 30).await;
    come(&world, &agents).await;
    let mut loads = Vec::new();
    for agent in &agents {
        loads.push(world.load(agent).await);
    }
    assert_eq!(loads.iter().sum::<u64>(), 30, "{loads:?}");
    let (least, most) = (loads.iter().min().unwrap(), loads.iter().max().unwrap());
    assert!(most - least <= 1, "{loads:?}");
    for number in 0..30 {
        let visitor = shop.visitor(&world, &format!("o-{number:02}"));
        assert_eq!(visitor.stage().await, "assigned");
        assert_eq!(visitor.phone_texts().await, ["接通了。"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn those_who_wait_longest_come_first() {
    let world = World::start().await;
    let (shop, agents) = night(&world, 15).await;
    for agent in &agents {
        world.change("agents", agent, &json!({ "capacity": 2 })).await;
    }
    come(&world, &agents).await;
    for agent in &agents {
        assert_eq!(world.load(agent).await, 2);
    }
    for number in 0..15 {
        let stage = shop.visitor(&world, &format!("o-{number:02}")).stage().await;
        assert_eq!(stage, if number < 10 { "assigned" } else { "queued" }, "{number}");
    }
}
