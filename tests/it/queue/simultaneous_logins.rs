//! Several agents go online at once while many visitors wait.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::service_desk::ServiceDesk;
use crate::support::{ADMIN, World};

/// A service desk with five busy agents of capacity 10 and this number of waiting visitors.
async fn five_busy_agents_and_waiting_visitors(world: &World, waiting: u32) -> (ServiceDesk, Vec<String>) {
    let reception = json!({ "mode": "agents_only", "prompts": { "connected": "接通了。", "queued": "" } });
    let desk = world.service_desk(10, reception).await;
    let mut agents = vec![desk.agent.clone()];
    for name in ["小李", "小赵", "小孙", "小周"] {
        agents.push(world.agent(name, 10).await);
    }
    for agent in &agents {
        world.set_status(agent, "busy").await;
    }
    world.update("groups", &desk.group, &json!({ "members": agents, "after_hours": "queue" })).await;
    for number in 0..waiting {
        desk.visitor(world, &format!("o-{number:02}")).writes("在吗").await;
        world.advance(1);
    }
    (desk, agents)
}

/// All agents go online at once; each request succeeds within the function's timeout.
async fn all_agents_go_online(world: &World, agents: &[String]) {
    let online = json!({ "status": "online" });
    let paths: Vec<String> = agents.iter().map(|agent| format!("/api/agents/{agent}/status")).collect();
    let answers = join_all(paths.iter().map(|path| world.call(Some(ADMIN), Method::PUT, path, Some(&online)))).await;
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.raw);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn agents_going_online_together_share_the_queue_evenly() {
    let world = World::start().await;
    let (desk, agents) = five_busy_agents_and_waiting_visitors(&world, 30).await;
    all_agents_go_online(&world, &agents).await;
    let mut loads = Vec::new();
    for agent in &agents {
        loads.push(world.load(agent).await);
    }
    assert_eq!(loads.iter().sum::<u64>(), 30, "{loads:?}");
    let (least, most) = (loads.iter().min().unwrap(), loads.iter().max().unwrap());
    assert!(most - least <= 1, "{loads:?}");
    for number in 0..30 {
        let visitor = desk.visitor(&world, &format!("o-{number:02}"));
        assert_eq!(visitor.stage().await, "assigned");
        assert_eq!(visitor.received_texts().await, ["接通了。"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn longest_waiting_visitors_are_assigned_first() {
    let world = World::start().await;
    let (desk, agents) = five_busy_agents_and_waiting_visitors(&world, 15).await;
    for agent in &agents {
        world.update("agents", agent, &json!({ "capacity": 2 })).await;
    }
    all_agents_go_online(&world, &agents).await;
    for agent in &agents {
        assert_eq!(world.load(agent).await, 2);
    }
    for number in 0..15 {
        let stage = desk.visitor(&world, &format!("o-{number:02}")).stage().await;
        assert_eq!(stage, if number < 10 { "assigned" } else { "queued" }, "{number}");
    }
}
