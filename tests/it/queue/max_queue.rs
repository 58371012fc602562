//! A queue takes no more than its limit, however conversations come to it and however many at once.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::open_conversation::problem;
use crate::service_desk::ServiceDesk;
use crate::support::{Visitor, World};

const LIMIT: usize = 3;
const VISITORS: usize = 9;

fn visitors<'a>(world: &'a World, desk: &'a ServiceDesk, count: usize) -> Vec<Visitor<'a>> {
    (0..count).map(|number| desk.visitor(world, &format!("o-{number:03}"))).collect()
}

/// How many of the visitors wait in this queue, and how many have left a message.
async fn waiting_and_left(visitors: &[Visitor<'_>], queue: &str) -> (usize, usize) {
    let (mut waiting, mut left) = (0, 0);
    for visitor in visitors {
        let shown = visitor.conversation().await;
        match shown["stage"].as_str() {
            Some("queued") if shown["queue"]["queue"] == queue => waiting += 1,
            Some("left_message") => left += 1,
            _ => {}
        }
    }
    (waiting, left)
}

/// A desk whose agent has many conversations, and a group with a busy agent whose queue takes [`LIMIT`] conversations.
async fn desk_and_short_queue(world: &World, reception: Value) -> (ServiceDesk, String, String) {
    let desk = world.service_desk(20, reception).await;
    let busy = world.agent("小李", 1).await;
    world.set_status(&busy, "busy").await;
    let group = json!({ "name": "短队", "members": [busy], "max_queue": LIMIT });
    let group = world.create("groups", &group).await;
    (desk, group, busy)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn transfers_at_once_fill_a_queue_up_to_its_limit() {
    let world = World::start().await;
    let (desk, short, _) = desk_and_short_queue(&world, json!({ "mode": "agents_only" })).await;
    let visitors = visitors(&world, &desk, VISITORS);
    let mut cids = Vec::new();
    for visitor in &visitors {
        visitor.writes("在吗").await;
        cids.push(visitor.cid().await);
    }
    let to = json!({ "group_id": short });
    let transfer = async |cid: &String| world.post(&format!("/api/conversations/{cid}/transfer"), &to).await;
    let answers = join_all(cids.iter().map(transfer)).await;
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(problem(refused), (409, "group.unavailable", None), "{}", refused.raw);
        assert!(refused.text("detail").contains("its queue is full"), "{}", refused.raw);
    }
    assert_eq!(waiting_and_left(&visitors, &format!("group:{short}")).await, (LIMIT, 0));
    assert_eq!(world.load(&desk.agent).await, 6, "the others stay with their agent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn overflows_at_once_fill_a_queue_up_to_its_limit() {
    let world = World::start().await;
    let (desk, short, busy) = desk_and_short_queue(&world, json!({ "mode": "agents_only" })).await;
    world.set_status(&desk.agent, "busy").await;
    world.update("groups", &desk.group, &json!({ "max_wait_seconds": 60 })).await;
    let action = json!([{ "actionType": "to_group", "deciId": desk.group, "optionId": "3", "spillId": "6" },
        { "actionType": "to_group", "deciId": short, "optionId": "4" }]);
    let visitors = visitors(&world, &desk, VISITORS);
    for visitor in &visitors {
        visitor.enter(&format!("sobot|x||transfer_action={action}")).await;
        visitor.text("在吗").await;
    }
    world.settle().await;
    assert_eq!(waiting_and_left(&visitors, &format!("group:{}", desk.group)).await, (VISITORS, 0));
    world.run_minutes_online(3, &[&desk.agent, &busy]).await;
    assert_eq!(waiting_and_left(&visitors, &format!("group:{short}")).await, (LIMIT, VISITORS - LIMIT));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conversations_of_a_silent_agent_fill_the_queue_up_to_its_limit() {
    let world = World::start().await;
    let desk = world.service_desk(20, json!({ "mode": "agents_only" })).await;
    let visitors = visitors(&world, &desk, VISITORS);
    for visitor in &visitors {
        visitor.writes("在吗").await;
    }
    let busy = world.agent("小李", 1).await;
    world.set_status(&busy, "busy").await;
    world.update("groups", &desk.group, &json!({ "members": [desk.agent, busy], "max_queue": LIMIT })).await;
    world.run_minutes_online(6, &[&busy]).await;
    assert_eq!(waiting_and_left(&visitors, &format!("group:{}", desk.group)).await, (LIMIT, VISITORS - LIMIT));
    assert_eq!(world.load(&desk.agent).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn queue_of_an_agent_takes_a_hundred() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "agents_only" })).await;
    world.set_status(&desk.agent, "busy").await;
    let action = json!([{ "actionType": "to_service", "deciId": desk.agent, "optionId": "2" }]);
    let visitors = visitors(&world, &desk, 104);
    for visitor in &visitors {
        visitor.enter(&format!("sobot|x||transfer_action={action}")).await;
    }
    world.settle().await;
    world.heartbeat(&[&desk.agent]).await;
    for visitor in &visitors {
        visitor.text("在吗").await;
    }
    world.settle().await;
    assert_eq!(waiting_and_left(&visitors, &format!("agent:{}", desk.agent)).await, (100, 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ticks_that_count_the_queue_during_a_burst_do_not_raise_its_limit() {
    let world = World::start().await;
    let desk = world.service_desk(1, json!({ "mode": "agents_only" })).await;
    world.update("groups", &desk.group, &json!({ "max_queue": LIMIT })).await;
    let busy = desk.occupy_agent(&world).await;
    let visitors = visitors(&world, &desk, 15);
    for visitor in &visitors {
        visitor.text("在吗").await;
    }
    tokio::join!(world.settle(), async {
        for _ in 0..4 {
            world.tick("Reception").await;
        }
    });
    world.settle().await;
    let queue = format!("group:{}", desk.group);
    assert_eq!(waiting_and_left(&visitors, &queue).await, (LIMIT, 12));
    // The counted length is right: as many as leave may join.
    world.run_minutes_online(1, &[&desk.agent]).await;
    busy.writes("再见").await;
    assert_eq!(waiting_and_left(&visitors, &queue).await, (LIMIT - 1, 12));
    let late = [desk.visitor(&world, "o-late-1"), desk.visitor(&world, "o-late-2")];
    for visitor in &late {
        visitor.writes("在吗").await;
    }
    assert_eq!(waiting_and_left(&late, &queue).await, (1, 1));
}
