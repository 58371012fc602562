//! Many simultaneous first messages for one group.

use serde_json::json;

use crate::support::World;

const VISITORS: u32 = 96;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn simultaneous_first_messages_are_assigned_with_few_retries() {
    let world = World::start().await;
    let reception = json!({ "mode": "agents_only", "prompts": { "connected": "" } });
    let desk = world.service_desk(9, reception).await;
    let mut agents = vec![desk.agent.clone()];
    for number in 1..12 {
        agents.push(world.agent(&format!("客服{number}"), 9).await);
    }
    world.update("groups", &desk.group, &json!({ "members": agents })).await;
    for number in 0..VISITORS {
        desk.visitor(&world, &format!("o-{number:02}")).text("在吗").await;
    }
    world.bundle.reset_request_counts();
    world.settle().await;

    for number in 0..VISITORS {
        assert_eq!(desk.visitor(&world, &format!("o-{number:02}")).stage().await, "assigned", "{number}");
    }
    let mut loads = Vec::new();
    for agent in &agents {
        loads.push(world.load(agent).await);
    }
    assert_eq!(loads.iter().sum::<u64>(), u64::from(VISITORS));
    assert!(loads.iter().all(|load| *load <= 9), "{loads:?}");
    // Sixteen invocations decide at once. If all of them chose the same agent, each would decide eight times on
    // average.
    let decisions = world.bundle.request_counts()[&("Reception".to_owned(), "TransactWriteItems".to_owned())];
    assert!(decisions < 3 * u64::from(VISITORS), "{decisions} decisions for {VISITORS} visitors; loads {loads:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn queue_takes_no_more_than_max_queue_when_many_visitors_join_at_once() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "agents_only" })).await;
    world.update("groups", &desk.group, &json!({ "max_queue": 3 })).await;
    desk.occupy_agent(&world).await;
    let visitors: Vec<_> = (0..15).map(|number| desk.visitor(&world, &format!("o-{number:02}"))).collect();
    for visitor in &visitors {
        visitor.text("在吗").await;
    }
    world.settle().await;
    let mut stages = Vec::new();
    for visitor in &visitors {
        stages.push(visitor.stage().await);
    }
    let count = |stage: &str| stages.iter().filter(|of| *of == stage).count();
    assert_eq!((count("queued"), count("left_message")), (3, 12), "{stages:?}");
}

/// The loads of three agents with these capacities, who are assigned in turn, after thirty first messages at once.
async fn loads_after_a_burst(capacities: [u32; 3]) -> Vec<u64> {
    let world = World::start().await;
    let desk =
        world.service_desk(capacities[0], json!({ "mode": "agents_only", "prompts": { "connected": "" } })).await;
    let mut agents = vec![desk.agent.clone()];
    for (number, capacity) in capacities.into_iter().enumerate().skip(1) {
        agents.push(world.agent(&format!("客服{number}"), capacity).await);
    }
    world.update("groups", &desk.group, &json!({ "members": agents, "strategy": "round_robin" })).await;
    for number in 0..30 {
        desk.visitor(&world, &format!("o-{number:02}")).text("在吗").await;
    }
    world.settle().await;
    let mut loads = Vec::new();
    for agent in &agents {
        loads.push(world.load(agent).await);
    }
    loads
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn round_robin_gives_each_agent_a_third_of_a_burst() {
    let loads = loads_after_a_burst([20, 20, 20]).await;
    assert!(loads.iter().sum::<u64>() == 30 && loads.iter().all(|load| (9..=11).contains(load)), "{loads:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn round_robin_takes_turns_until_an_agent_is_full() {
    let loads = loads_after_a_burst([4, 30, 60]).await;
    assert_eq!((loads.iter().sum::<u64>(), loads[0]), (30, 4), "{loads:?}");
    // By capacity they would have 9 and 17. Attempts that lose many races choose among all agents.
    assert!(loads[1].abs_diff(loads[2]) <= 5, "the capacity does not count: {loads:?}");
}
