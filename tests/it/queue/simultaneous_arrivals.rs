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
