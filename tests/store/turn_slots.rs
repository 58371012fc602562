//! The slots of a mini program's turns.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use store::Slot;

use crate::support::{APP_ID, Kit, concurrently};

const A_MINUTE: SignedDuration = SignedDuration::from_mins(1);

async fn take(kit: &Kit, app_id: &str, cid: &str, limit: u32) -> Option<Slot> {
    kit.table.turn_slots().take(app_id, cid, limit, kit.now() + A_MINUTE).await.unwrap()
}

#[tokio::test]
async fn slot_is_taken_while_fewer_than_the_limit_are() {
    let kit = Kit::start().await;
    let first = take(&kit, APP_ID, "c1", 2).await.unwrap();
    assert!(take(&kit, APP_ID, "c1", 2).await.is_none(), "a conversation has one turn at a time");
    assert!(take(&kit, APP_ID, "c2", 2).await.is_some());
    assert!(take(&kit, APP_ID, "c3", 2).await.is_none());
    assert!(take(&kit, "wx00000000000000b1", "c3", 2).await.is_some(), "another mini program has its own");
    kit.table.turn_slots().give_back(&first).await.unwrap();
    kit.table.turn_slots().give_back(&first).await.unwrap();
    assert!(take(&kit, APP_ID, "c3", 2).await.is_some());
    assert!(take(&kit, APP_ID, "c4", 2).await.is_none(), "it was given back once");
}

#[tokio::test]
async fn slot_of_a_stopped_function_is_free_when_its_time_is_over() {
    let kit = Kit::start().await;
    let stopped = take(&kit, APP_ID, "c1", 2).await.unwrap();
    kit.advance(A_MINUTE / 2);
    take(&kit, APP_ID, "c2", 2).await.unwrap();
    kit.advance(A_MINUTE / 2 - SignedDuration::from_millis(1));
    assert!(take(&kit, APP_ID, "c3", 2).await.is_none());
    kit.advance(SignedDuration::from_millis(1));
    assert!(take(&kit, APP_ID, "c3", 2).await.is_some());
    // It was not stopped after all.
    kit.table.turn_slots().give_back(&stopped).await.unwrap();
    assert!(take(&kit, APP_ID, "c4", 2).await.is_none());
}

#[tokio::test]
async fn conversations_that_come_at_once_take_no_more_than_the_limit() {
    let kit = Kit::start().await;
    let until = kit.now() + A_MINUTE;
    let taken = concurrently(30, |number| {
        let slots = kit.table.turn_slots();
        async move { slots.take(APP_ID, &format!("c{number}"), 5, until).await.unwrap() }
    });
    let taken = taken.await;
    assert_eq!(taken.iter().flatten().count(), 5);
}

#[tokio::test]
async fn great_limit_is_divided_over_several_items() {
    let kit = Kit::start().await;
    let mut taken = 0;
    for number in 0..300 {
        taken += u32::from(take(&kit, APP_ID, &format!("c{number}"), 100).await.is_some());
    }
    assert_eq!(taken, 100);
    let items = kit.items_of("turn_slots").await;
    let keys: BTreeSet<_> = items.iter().map(|item| crate::support::s(item, "sk")).collect();
    assert_eq!(keys.len(), 5);
}
