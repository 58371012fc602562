//! The slots of a mini program's turns.

use std::collections::BTreeSet;

use desk::limits::{Budgets, ModelUse};
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
    kit.table.turn_slots().give_back(&first, ModelUse::default()).await.unwrap();
    kit.table.turn_slots().give_back(&first, ModelUse::default()).await.unwrap();
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
    kit.table.turn_slots().give_back(&stopped, ModelUse::default()).await.unwrap();
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

#[tokio::test]
async fn use_of_models_is_counted_by_day_until_the_budget_is_used_up() {
    let kit = Kit::start().await;
    let budgets = Budgets { model_calls_per_day: 3, model_tokens_per_day: 0 };
    let slots = kit.table.turn_slots();
    for (calls, expected) in [(2, false), (1, false), (0, true)] {
        let slot = take(&kit, APP_ID, "c1", 2).await.unwrap();
        assert_eq!(slot.is_used_up(&budgets), expected);
        slots.give_back(&slot, ModelUse { calls, tokens: 10 * calls }).await.unwrap();
    }
    let of = |app_id: &'static str| async { kit.table.model_use().model_use(app_id, kit.now()).await.unwrap() };
    assert_eq!(of(APP_ID).await, ModelUse { calls: 3, tokens: 30 });
    assert_eq!(of("wx00000000000000b1").await, ModelUse::default());
    // A turn counts for the day on which it began.
    let over_midnight = take(&kit, APP_ID, "c1", 2).await.unwrap();
    kit.advance(SignedDuration::from_hours(24));
    slots.give_back(&over_midnight, ModelUse { calls: 1, tokens: 1 }).await.unwrap();
    assert_eq!(of(APP_ID).await, ModelUse::default());
    let slot = take(&kit, APP_ID, "c1", 2).await.unwrap();
    assert!(!slot.is_used_up(&budgets));
    slots.give_back(&slot, ModelUse { calls: 1, tokens: 7 }).await.unwrap();
    assert_eq!(of(APP_ID).await, ModelUse { calls: 1, tokens: 7 });
    let item = kit.items_of("turn_slots").await.remove(0);
    assert_eq!(item.keys().filter(|name| name.starts_with("calls-") || name.starts_with("tokens-")).count(), 2);
}

#[tokio::test]
async fn use_of_a_turn_whose_slot_was_freed_is_counted() {
    let kit = Kit::start().await;
    let slow = take(&kit, APP_ID, "c1", 1).await.unwrap();
    kit.advance(A_MINUTE);
    take(&kit, APP_ID, "c2", 1).await.unwrap();
    kit.table.turn_slots().give_back(&slow, ModelUse { calls: 1, tokens: 5 }).await.unwrap();
    assert!(take(&kit, APP_ID, "c3", 1).await.is_none());
    let used = kit.table.model_use().model_use(APP_ID, kit.now()).await.unwrap();
    assert_eq!(used, ModelUse { calls: 1, tokens: 5 });
}

#[tokio::test]
async fn each_of_several_items_has_its_part_of_the_budget() {
    let kit = Kit::start().await;
    let budgets = Budgets { model_calls_per_day: 10, model_tokens_per_day: 0 };
    let mut calls = 0;
    for number in 0..200 {
        let slot = take(&kit, APP_ID, &format!("c{number}"), 100).await.unwrap();
        let is_asked = !slot.is_used_up(&budgets);
        calls += u32::from(is_asked);
        let used = ModelUse { calls: u64::from(is_asked), tokens: 0 };
        kit.table.turn_slots().give_back(&slot, used).await.unwrap();
    }
    assert_eq!(calls, 10);
}
