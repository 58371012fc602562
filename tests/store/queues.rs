//! Queues are first in, first out within a priority; waiting time outweighs priority in the long run.

use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, test_runner::TestRunner};
use store::{Entry, PRIORITY_STEP, Queue, Stage, StoreError, Thread, Waiting, place};

use crate::support::{
    APP_ID, BEGIN, Decision, Kit,
    staff::{group, place_in, queued},
    visitor,
};

/// Adds a new conversation to a queue.
async fn joins(kit: &Kit, number: u32, queue: &Queue, since: Timestamp, priority: u32) -> String {
    let opened = kit.opened(&Thread::new(APP_ID, format!("oVisitor{number}")), 0, 1).await;
    let mut waiting = place_in(queue, &opened.cid, since);
    waiting.place = place(&opened.cid, since, priority);
    kit.written(Decision::on(&kit.table, &opened.cid).await.to(Stage::Queued(waiting))).await;
    opened.cid
}

#[tokio::test]
async fn queue_is_first_in_first_out() {
    let kit = Kit::start().await;
    let queue = group("g1");
    let mut cids = Vec::new();
    for (number, minutes) in [3, 1, 4, 0, 2].into_iter().enumerate() {
        let since = kit.now() + SignedDuration::from_mins(minutes);
        cids.push((minutes, joins(&kit, u32::try_from(number).unwrap(), &queue, since, 0).await));
    }
    cids.sort();
    let cids: Vec<_> = cids.into_iter().map(|(_, cid)| cid).collect();
    assert_eq!(kit.waiting(&queue).await, cids);
    for limit in 0..=6 {
        let front = kit.table.queues().waiting(&queue, limit).await.unwrap();
        let wanted = usize::try_from(limit).unwrap().min(5);
        assert_eq!(front.into_iter().map(|entry| entry.cid).collect::<Vec<_>>(), cids[..wanted], "by {limit}");
    }
    for limit in [1, 2, 5, 100] {
        let (mut listed, mut cursor) = (Vec::new(), None);
        loop {
            let page = kit.table.queues().waiting_page(&queue, cursor.as_deref(), limit).await.unwrap();
            listed.extend(page.items.into_iter().map(|entry| entry.cid));
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(listed, cids, "page by page of {limit}");
    }
    let strange = kit.table.queues().waiting_page(&queue, Some("fg"), 10).await;
    assert!(matches!(strange, Err(StoreError::Cursor)), "{strange:?}");
    // Leaving from the middle does not change the order of the others.
    kit.written(Decision::on(&kit.table, &cids[2]).await.closed()).await;
    assert_eq!(kit.waiting(&queue).await, [&cids[..2], &cids[3..]].concat());
}

#[tokio::test]
async fn queues_are_separate() {
    let kit = Kit::start().await;
    // Names with a common prefix, and the same id for different kinds.
    let queues =
        [group("g1"), group("g11"), Queue::Agent("g1".to_owned()), Queue::LeftMessages, group("left-messages")];
    let mut cids = Vec::new();
    for (number, queue) in queues.iter().enumerate() {
        cids.push(joins(&kit, u32::try_from(number).unwrap(), queue, kit.now(), 0).await);
    }
    for (queue, cid) in queues.iter().zip(&cids) {
        let place = place(cid, kit.now(), 0);
        let entry = Entry { cid: cid.clone(), app_id: Some(APP_ID.to_owned()), place, handed_on: None };
        assert_eq!(kit.table.queues().waiting(queue, 10).await.unwrap(), [entry], "{queue:?}");
        assert_eq!(kit.table.queues().count_waiting(queue, None, 10).await.unwrap(), 1);
    }
    assert!(kit.waiting(&group("g")).await.is_empty());
}

#[tokio::test]
async fn priority_goes_ahead_until_others_have_waited_longer() {
    let kit = Kit::start().await;
    let queue = group("g1");
    let begin = kit.now();
    let at = |minutes| begin + SignedDuration::from_mins(minutes);
    assert_eq!(PRIORITY_STEP, SignedDuration::from_mins(10));
    let ordinary = joins(&kit, 0, &queue, at(0), 0).await;
    let soon = joins(&kit, 1, &queue, at(9), 1).await;
    let late = joins(&kit, 2, &queue, at(11), 1).await;
    let later_and_higher = joins(&kit, 3, &queue, at(12), 2).await;
    let same_step = joins(&kit, 4, &queue, at(10), 1).await;
    let mut tied = [ordinary, same_step];
    tied.sort();
    assert_eq!(kit.waiting(&queue).await, [later_and_higher, soon, tied[0].clone(), tied[1].clone(), late]);
}

#[test]
fn places_sort_by_time_less_priority_then_by_cid() {
    let since = 0_i64..4_000_000_000_000;
    let one = (since.clone(), 0_u32..20, "c[0-9a-f]{32}");
    let two = (since, 0_u32..20, "c[0-9a-f]{32}");
    TestRunner::default()
        .run(&(one, two), |(one, two)| {
            let place = |(at, priority, cid): &(i64, u32, String)| {
                place(cid, Timestamp::from_millisecond(*at).unwrap(), *priority)
            };
            let rank =
                |(at, priority, cid): &(i64, u32, String)| ((at - i64::from(*priority) * 600_000).max(0), cid.clone());
            prop_assert_eq!(place(&one).cmp(&place(&two)), rank(&one).cmp(&rank(&two)));
            Ok(())
        })
        .unwrap();
    // A priority beyond the range of time sorts to the front and does not overflow.
    let now = Timestamp::from_second(BEGIN).unwrap();
    assert!(place("c1", now, u32::MAX) < place("c1", now, 1000));
    assert!(place("c1", Timestamp::MIN, u32::MAX) <= place("c1", Timestamp::UNIX_EPOCH, 0));
}

#[tokio::test]
async fn count_of_entries_is_limited_and_one_request() {
    let kit = Kit::start().await;
    let queue = group("g1");
    assert_eq!(kit.table.queues().count_waiting(&queue, None, 100).await.unwrap(), 0);
    for number in 0..7 {
        joins(&kit, number, &queue, kit.now() + SignedDuration::from_secs(i64::from(number)), 0).await;
    }
    let places: Vec<_> =
        kit.table.queues().waiting(&queue, 10).await.unwrap().into_iter().map(|entry| entry.place).collect();
    let before = kit.wire.calls("Query");
    for (limit, counted) in [(1, 1), (6, 6), (7, 7), (8, 7), (1000, 7), (u32::MAX, 7)] {
        assert_eq!(kit.table.queues().count_waiting(&queue, None, limit).await.unwrap(), counted, "up to {limit}");
    }
    for (ahead, place) in places.iter().enumerate() {
        let counted = kit.table.queues().count_waiting(&queue, Some(place), 100).await.unwrap();
        assert_eq!(counted as usize, ahead, "entries ahead of {place}");
    }
    assert_eq!(kit.table.queues().count_waiting(&queue, Some(&places[6]), 4).await.unwrap(), 4);
    assert_eq!(kit.wire.calls("Query"), before + 14);
}

#[tokio::test]
async fn move_to_another_queue_keeps_the_waiting_time() {
    let kit = Kit::start().await;
    let since = kit.now();
    let first = joins(&kit, 0, &group("g1"), since, 0).await;
    kit.advance(SignedDuration::from_mins(5));
    let second = joins(&kit, 1, &group("g2"), kit.now(), 0).await;
    let conversation = kit.conversation(&first).await;
    kit.written(Decision::on(&kit.table, &first).await.to(queued(&group("g2"), &conversation, since))).await;
    assert_eq!(kit.waiting(&group("g2")).await, [first, second]);
    assert!(kit.waiting(&group("g1")).await.is_empty());
}

#[test]
fn queue_is_parsed_from_its_name() {
    for queue in [group("g1"), group("a:b"), group(""), Queue::Agent("a1".to_owned()), Queue::LeftMessages] {
        assert_eq!(Queue::named(&queue.name()), Some(queue));
    }
    for name in ["", "group", "left-messages:", "robot:r1", "Group:g1"] {
        assert_eq!(Queue::named(name), None, "{name}");
    }
}

#[tokio::test]
async fn conversation_is_in_the_queue_of_its_stage() {
    let kit = Kit::start().await;
    let cid = joins(&kit, 0, &group("g1"), kit.now(), 3).await;
    let waiting = kit.conversation(&cid).await.waiting().cloned().unwrap();
    assert_eq!(Queue::named(&waiting.queue), Some(group("g1")));
    assert_eq!(kit.table.queues().waiting(&group("g1"), 1).await.unwrap()[0].place, waiting.place);
    assert!(kit.table.threads().visitor(&visitor()).await.unwrap().open_cid.is_none());
}

#[tokio::test]
async fn entry_names_the_transferring_agent() {
    let kit = Kit::start().await;
    let queue = group("g1");
    let opened = kit.opened(&Thread::new(APP_ID, "oVisitor1"), 0, 1).await;
    let by = Some("a000000000001".to_owned());
    let waiting = Waiting { handed_on_by: by.clone(), ..place_in(&queue, &opened.cid, kit.now()) };
    let (place, since) = (waiting.place.clone(), waiting.since);
    kit.written(Decision::on(&kit.table, &opened.cid).await.to(Stage::Queued(waiting))).await;
    let (cid, app_id) = (opened.cid.clone(), Some(opened.app_id.clone()));
    let entry = Entry { cid, app_id, place, handed_on: by.map(|by| (by, since)) };
    assert_eq!(kit.table.queues().waiting(&queue, 10).await.unwrap(), [entry]);
}
