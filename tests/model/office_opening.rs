//! An office opens: 500 conversations wait, and 20 agents come online at once, also where the time of each request ends early.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use desk::staff::{AgentStatus, Group};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use store::{Clock, Duty, ManualClock, Queue, SharedClock, Timer};

use crate::{
    claims::{on_duty, writes},
    support::{
        database::Database,
        run::{Faults, Run, live},
    },
    table_state::text_in,
    world::{Desk, bind, desk, desk_with, from, silent_reception, store_record},
};

const APP: &str = "wx0000000000000001";
const GROUP: &str = "g000000000001";
const WAITING: u32 = 500;
const AGENTS: u32 = 20;

/// 500 conversations wait for 20 agents with these capacities. Returns the conversations in the order of the queue, and the
/// agents.
async fn fill_queue(desk: &Desk, capacity: impl Fn(u32) -> u32) -> (Vec<String>, Vec<String>) {
    let mut agents = Vec::new();
    for number in 1..=AGENTS {
        agents.push(on_duty(desk, number, capacity(number)).await);
    }
    let group = json!({ "name": "早班", "members": agents, "max_queue": 1000, "after_hours": "queue" });
    desk.table
        .settings_writer()
        .note_members(GROUP, &agents.iter().cloned().collect(), &BTreeSet::new())
        .await
        .unwrap();
    store_record(desk, GROUP, from::<Group>(group), Vec::new()).await;
    let mut reception = silent_reception();
    reception.group_id = Some(GROUP.to_owned());
    bind(desk, APP, &reception).await;
    let mut cids = Vec::new();
    for number in 0..WAITING {
        cids.push(writes(desk, APP, number).await);
    }
    let waiting = desk.table.queues().waiting(&Queue::Group(GROUP.to_owned()), 1000).await.unwrap();
    assert_eq!(waiting.len(), cids.len());
    // They arrived within one second, so the queue itself tells their order.
    (waiting.into_iter().map(|entry| entry.cid).collect(), agents)
}

/// All agents come online within one second, each by their own request. Returns them as they are afterwards. Checks that
/// the number of database requests is bounded by the number of assignments, so that no request times out.
async fn come_online(desk: &Desk, database: &Database, agents: &[String]) -> Vec<Duty> {
    database.take_turns(true);
    let runs: Vec<Arc<Run>> = agents.iter().map(|_| Run::new(Faults::NONE)).collect();
    let requests = agents
        .iter()
        .zip(&runs)
        .map(|(agent, run)| live(run.clone(), desk.actions.set_status(agent, AgentStatus::Online, None)));
    for came in join_all(requests).await {
        came.unwrap().unwrap();
    }
    database.take_turns(false);
    let efforts: Vec<(u32, u32)> = runs.iter().map(|run| run.effort()).collect();
    let all: (u32, u32) = efforts.iter().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    eprintln!("{} requests for {} assignments; by each: {efforts:?}", all.0, all.1);
    for (requests, assignments) in efforts {
        assert!(requests <= 8 * assignments + 60, "{requests} requests for {assignments} assignments");
    }
    // Of which one is the repetition of a transaction that met another one at a counter.
    assert!(all.0 <= 10 * all.1, "{all:?}");
    desk.table.staff().duties(agents).await.unwrap()
}

/// The assigned conversations. Checks that each is assigned once.
async fn assigned(desk: &Desk, agents: &[String]) -> BTreeSet<String> {
    let mut all = Vec::new();
    for agent in agents {
        all.extend(desk.table.staff().assigned_to(agent, 1000).await.unwrap());
    }
    let set: BTreeSet<String> = all.iter().cloned().collect();
    assert_eq!(set.len(), all.len());
    set
}

#[tokio::test]
async fn agents_who_come_online_at_once_fill_their_capacity_in_queue_order() {
    let (database, _clock, desk) = desk(3);
    let (queue, agents) = fill_queue(&desk, |number| 3 + number % 5).await;
    let duties = come_online(&desk, &database, &agents).await;
    assert!(duties.iter().all(|duty| duty.load == duty.capacity), "{duties:?}");
    let room = duties.iter().map(|duty| duty.capacity as usize).sum();
    assert_eq!(assigned(&desk, &agents).await, queue[..room].iter().cloned().collect());
    let waiting = desk.table.queues().waiting(&Queue::Group(GROUP.to_owned()), 1000).await.unwrap();
    let left: Vec<&String> = waiting.iter().map(|entry| &entry.cid).collect();
    assert_eq!(left, queue[room..].iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn loads_differ_by_at_most_one_where_capacity_exceeds_the_queue() {
    let (database, _clock, desk) = desk(4);
    let (queue, agents) = fill_queue(&desk, |_| 40).await;
    let duties = come_online(&desk, &database, &agents).await;
    let (least, most) =
        duties.iter().fold((u32::MAX, 0), |(least, most), duty| (least.min(duty.load), most.max(duty.load)));
    assert!(most - least <= 1, "{least} to {most}");
    assert_eq!(assigned(&desk, &agents).await, queue.into_iter().collect());
}

/// A clock on which each look at it takes some milliseconds.
#[derive(Debug)]
struct PassingClock {
    clock: ManualClock,
    step: AtomicI64,
}

impl Clock for PassingClock {
    fn now(&self) -> Timestamp {
        self.clock.advance(SignedDuration::from_millis(self.step.load(Ordering::Relaxed)));
        self.clock.now()
    }
}

#[tokio::test]
async fn drains_whose_time_ends_are_gone_on_with_until_the_queue_is_empty() {
    let clock =
        PassingClock { clock: ManualClock::new("2026-03-02T01:00:00Z".parse().unwrap()), step: AtomicI64::new(0) };
    let clock = Arc::new(clock);
    let (database, desk) = desk_with(5, &(clock.clone() as SharedClock));
    let (queue, agents) = fill_queue(&desk, |_| 40).await;
    // What fan-out puts into the queue of timers.
    let timers = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&timers);
    database.watch(Box::new(move |touched| {
        let items = touched.iter().filter_map(|(_, item)| item.as_ref());
        asked.lock().unwrap().extend(items.filter_map(|item| Timer::from_image(|name| text_in(item, name))));
    }));
    clock.step.store(300, Ordering::Relaxed);
    for came in join_all(agents.iter().map(|agent| desk.actions.set_status(agent, AgentStatus::Online, None))).await {
        came.unwrap();
    }
    let by_requests = assigned(&desk, &agents).await.len();
    assert!(by_requests < queue.len() / 2, "the time of the requests was enough for {by_requests}");
    // The 45 seconds of a check are not enough for all of them either.
    clock.step.store(100, Ordering::Relaxed);
    let mut checks = 0;
    loop {
        let timers: Vec<Timer> = std::mem::take(&mut *timers.lock().unwrap());
        if timers.is_empty() {
            break;
        }
        checks += 1;
        for agent in &agents {
            desk.table.duty_writer().heartbeat(agent).await.unwrap();
        }
        desk.tick.fire(timers, Timestamp::MAX).await;
    }
    assert!((2..50).contains(&checks), "{checks} checks");
    assert_eq!(assigned(&desk, &agents).await, queue.into_iter().collect());
}
