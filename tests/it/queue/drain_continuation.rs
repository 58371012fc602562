//! A drain whose time ends is gone on with by another function, without the minute tick.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use store::{Clock, SharedClock};

use crate::service_desk::ServiceDesk;
use crate::support::World;

const CONNECTED: &str = "接通了。";
const WAITING: u32 = 24;

/// A clock on which each look at it takes some milliseconds.
#[derive(Debug)]
struct PassingClock {
    clock: SharedClock,
    step: AtomicI64,
    passed: AtomicI64,
}

impl PassingClock {
    fn set_step(&self, milliseconds: i64) {
        self.step.store(milliseconds, Ordering::Relaxed);
    }
}

impl Clock for PassingClock {
    fn now(&self) -> Timestamp {
        let step = self.step.load(Ordering::Relaxed);
        self.clock.now() + SignedDuration::from_millis(self.passed.fetch_add(step, Ordering::Relaxed) + step)
    }
}

async fn world_with_passing_clock() -> (World, Arc<PassingClock>) {
    let mut passing = None;
    let world = World::options(|options| {
        let (step, passed) = (AtomicI64::new(0), AtomicI64::new(0));
        let clock = Arc::new(PassingClock { clock: options.clock.clone(), step, passed });
        options.clock = clock.clone();
        passing = Some(clock);
    });
    (world.await, passing.unwrap())
}

/// A service desk with a busy agent, and visitors who wait for that agent.
async fn desk_with_waiting_visitors(world: &World) -> ServiceDesk {
    let reception = json!({ "mode": "agents_only", "prompts": { "connected": CONNECTED, "queued": "" } });
    let desk = world.service_desk(WAITING, reception).await;
    world.set_status(&desk.agent, "busy").await;
    for number in 0..WAITING {
        desk.visitor(world, &format!("o-{number:02}")).text("在吗").await;
    }
    world.settle().await;
    desk
}

async fn told(world: &World, desk: &ServiceDesk) -> usize {
    let mut told = 0;
    for number in 0..WAITING {
        let texts = desk.visitor(world, &format!("o-{number:02}")).received_texts().await;
        assert!(texts.is_empty() || texts == [CONNECTED], "{texts:?}");
        told += texts.len();
    }
    told
}

#[tokio::test]
async fn all_who_wait_are_assigned_and_told_although_the_request_has_too_little_time() {
    let (world, clock) = world_with_passing_clock().await;
    let desk = desk_with_waiting_visitors(&world).await;
    clock.set_step(150);
    let duty = world.set_status(&desk.agent, "online").await;
    clock.set_step(0);
    let in_request = duty["load"].as_u64().unwrap();
    assert!((1..u64::from(WAITING)).contains(&in_request), "{in_request} were assigned by the request");
    assert_eq!(told(&world, &desk).await, 0, "the time of the request is over before the first message");
    world.settle().await;
    assert_eq!(world.load(&desk.agent).await, u64::from(WAITING));
    assert_eq!(told(&world, &desk).await, WAITING as usize);
}

#[tokio::test]
async fn queue_whose_entries_cannot_be_assigned_is_not_checked_again_and_again() {
    let world = World::start().await;
    let desk = desk_with_waiting_visitors(&world).await;
    // The first entries are of conversations that do not exist.
    for mut entry in world.items("waiting").await {
        entry["sk"] = json!({ "S": format!("0{}", &entry["sk"]["S"].as_str().unwrap()[1..]) });
        entry["cid"] = json!({ "S": "c00000000000000000000000000000000" });
        world.put_item(&entry).await;
    }
    world.set_status(&desk.agent, "online").await;
    world.bundle.reset_request_counts();
    // It ends: the check that was asked for assigns nothing, and asks for no other.
    world.settle().await;
    assert_eq!(world.calls("FanOut", "SendMessageBatch"), 1);
}
