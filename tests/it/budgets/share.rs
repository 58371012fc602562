//! The share of a queue that one mini program may take.

use serde_json::{Value, json};

use crate::service_desk::{APP, ServiceDesk};
use crate::support::{Binding, Visitor, World};

/// A desk with a queue of this length and share, whose agent is busy, and another mini program with the same group.
async fn desks(world: &World, max_queue: u32, share: u32) -> (ServiceDesk, Binding) {
    let desk = world.service_desk(1, json!({ "mode": "agents_only" })).await;
    let reception = json!({ "mode": "agents_only", "group_id": desk.group });
    let other = world.bind_with(json!({ "app_id": "wx0000000000005402", "reception": reception })).await;
    world.update("groups", &desk.group, &json!({ "max_queue": max_queue, "binding_share": share })).await;
    desk.occupy_agent(world).await;
    (desk, other)
}

fn visitors<'a>(world: &'a World, binding: &'a Binding, count: u32) -> Vec<Visitor<'a>> {
    (0..count).map(|number| world.visitor(binding, &format!("o-{number:02}"))).collect()
}

/// How many of the visitors wait, and how many have left a message.
async fn waiting_and_left(visitors: &[Visitor<'_>]) -> (usize, usize) {
    let (mut waiting, mut left) = (0, 0);
    for visitor in visitors {
        match visitor.stage().await.as_str() {
            "queued" => waiting += 1,
            "left_message" => left += 1,
            other => panic!("{other}"),
        }
    }
    (waiting, left)
}

async fn all_write(world: &World, visitors: &[Visitor<'_>]) {
    for visitor in visitors {
        visitor.text("在吗").await;
    }
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn mini_program_takes_its_share_of_the_queue_when_many_visitors_join_at_once() {
    let world = World::start().await;
    let (desk, other) = desks(&world, 5, 50).await;
    let (many, few) = (visitors(&world, &desk.binding, 15), visitors(&world, &other, 4));
    all_write(&world, &many).await;
    assert_eq!(waiting_and_left(&many).await, (2, 13));
    let mut left = None;
    for visitor in &many {
        if visitor.stage().await == "left_message" {
            left = Some(visitor.cid().await);
        }
    }
    let trail = world.event(&left.unwrap(), "leave_message.created").await["data"]["trail"].clone();
    assert_eq!(trail[0]["state"], "queue_share", "{trail}");
    assert!(trail[0]["because"].as_str().unwrap().contains("no more than 2 of this mini program may wait"), "{trail}");

    let simulation = json!({ "app_id": APP, "session_from": "", "text": "在吗" });
    let simulated = world.post("/api/routing/simulate", &simulation).await.expect(200).body;
    assert_eq!((&simulated["trail"], &simulated["outcome"]), (&trail, &json!({ "leave_message": { "level": 1 } })));

    // The other mini program has as many places, one of which is free for either.
    all_write(&world, &few).await;
    assert_eq!(waiting_and_left(&few).await, (2, 2));
    // A place that is given up is free again.
    let mut leaves = None;
    for visitor in &many {
        if visitor.stage().await == "queued" {
            leaves = Some(visitor);
        }
    }
    leaves.unwrap().writes("再见").await;
    let late = [world.visitor(&desk.binding, "o-late-1"), world.visitor(&desk.binding, "o-late-2")];
    world.heartbeat(&[&desk.agent]).await;
    all_write(&world, &late).await;
    assert_eq!(waiting_and_left(&late).await, (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn mini_program_alone_takes_the_whole_queue() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "agents_only" })).await;
    world.update("groups", &desk.group, &json!({ "max_queue": 4 })).await;
    desk.occupy_agent(&world).await;
    let many = visitors(&world, &desk.binding, 15);
    all_write(&world, &many).await;
    assert_eq!(waiting_and_left(&many).await, (4, 11));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn share_of_a_hundred_percent_is_the_whole_queue_and_the_smallest_is_one_place() {
    for (share, expected) in [(100, (4, 1)), (1, (1, 4))] {
        let world = World::start().await;
        let (desk, _other) = desks(&world, 4, share).await;
        let many = visitors(&world, &desk.binding, 5);
        all_write(&world, &many).await;
        assert_eq!(waiting_and_left(&many).await, expected, "{share}");
    }
}

#[tokio::test]
async fn share_outside_of_its_limits_is_refused() {
    let world = World::start().await;
    for share in [json!(0), json!(101), json!(-1), json!("half"), Value::Null] {
        let answer = world.post("/api/groups", &json!({ "name": "组", "binding_share": share })).await;
        assert!([400, 422].contains(&answer.status), "{}", answer.raw);
    }
}
