//! A slow robot of one mini program does not delay those of others.

use std::time::Duration;

use serde_json::json;

use crate::support::{StubServer, Visitor, World};

/// Half of `RobotConcurrency`.
const AT_ONCE: usize = 5;

async fn webhook(world: &World, server: &StubServer) -> String {
    let robot = json!({ "name": "自研", "kind": "webhook", "url": server.url });
    world.create("robots", &robot).await
}

/// Waits until the visitor has received something, while the clock moves on. The streams and queues are automatic.
async fn wait_for_answer(world: &World, visitor: &Visitor<'_>) -> Vec<String> {
    let received = async {
        loop {
            let texts = visitor.received_texts().await;
            if !texts.is_empty() {
                return texts;
            }
            world.clock.advance(jiff::SignedDuration::from_millis(100));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), received).await.unwrap()
}

#[tokio::test]
async fn twenty_turns_of_a_slow_model_leave_room_for_the_robot_of_another_mini_program() {
    let world = World::with_automatic_streams().await;
    let (slow, quick) = (StubServer::start().await, StubServer::start().await);
    let (slow_robot, quick_robot) = (webhook(&world, &slow).await, webhook(&world, &quick).await);
    let (busy, other) = (world.bind("wx0000000000005421").await, world.bind("wx0000000000005422").await);
    for (binding, robot) in [(&busy, slow_robot), (&other, quick_robot)] {
        world.set_reception(binding, json!({ "mode": "robot_only", "robot_id": robot })).await;
    }
    for _ in 0..20 {
        slow.respond_json_when_released(&json!({ "text": "慢。" }));
    }
    quick.respond_json(&json!({ "text": "快。" }));
    for number in 0..20 {
        world.visitor(&busy, &format!("o-{number}")).text("你好").await;
    }
    world.advance(1);
    slow.wait_for_requests(AT_ONCE).await;
    let visitor = world.visitor(&other, "o-quick");
    visitor.text("在吗").await;
    assert_eq!(wait_for_answer(&world, &visitor).await, ["快。"]);
    assert_eq!(slow.requests().len(), AT_ONCE, "the others wait for a slot");
    // The slots are given back: all are answered.
    for _ in 0..20 {
        slow.release_response();
    }
    for number in 0..20 {
        let visitor = world.visitor(&busy, &format!("o-{number}"));
        assert_eq!(wait_for_answer(&world, &visitor).await, ["慢。"]);
    }
    assert_eq!(world.bundle.dead_letters(), []);
}
