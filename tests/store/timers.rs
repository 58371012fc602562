//! Timers: which items get one with their write, and which by the tick.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use store::{DueItem, DueKind, DuePartition, GRACE, PENDING_GRACE, TIMED_WITHIN, Timer, Upcoming};

use crate::support::{Decision, Kit, s, staff::group, visitor};

const A_SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The timers that the tick sets.
async fn by_tick(kit: &Kit) -> Vec<Timer> {
    upcoming(kit).await.into_iter().flat_map(|found| found.timers).collect()
}

async fn upcoming(kit: &Kit) -> Vec<Upcoming> {
    let mut all = Vec::new();
    for partition in DuePartition::all() {
        all.push(kit.table.due_checks().upcoming(&partition, 100).await.unwrap());
    }
    all
}

/// The timer that the stream asks for with the only item of a kind as it is now.
async fn by_stream(kit: &Kit, kind: &str) -> Option<Timer> {
    let item = kit.items_of(kind).await.remove(0);
    let text = |name: &str| match item.get(name) {
        Some(AttributeValue::S(text)) => Some(text.as_str()),
        _ => None,
    };
    Timer::from_image(text)
}

async fn set_next_check(kit: &Kit, cid: &str, at: Timestamp) {
    let mut decision = Decision::on(&kit.table, cid).await;
    decision.after.as_mut().unwrap().next_check_at = Some(at);
    kit.written(decision).await;
}

#[tokio::test]
async fn conversation_that_is_due_soon_gets_its_timer_with_the_write_and_none_later() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    let due = kit.now() + TIMED_WITHIN;
    set_next_check(&kit, &cid, due).await;
    assert_eq!(by_stream(&kit, "conversation").await.map(|timer| timer.at), Some(due));
    assert_eq!(by_tick(&kit).await, []);
    // Another write does not change the time.
    kit.advance(A_SECOND);
    kit.written(Decision::on(&kit.table, &cid).await).await;
    assert_eq!((by_stream(&kit, "conversation").await, by_tick(&kit).await), (None, Vec::new()));
    kit.advance(TIMED_WITHIN - A_SECOND);
    assert_eq!(kit.due(DueKind::Conversation).await.len(), 1, "it is due at its time");
    // A later time replaces the earlier one.
    set_next_check(&kit, &cid, kit.now() + TIMED_WITHIN * 2).await;
    assert_eq!(by_stream(&kit, "conversation").await, None);
    kit.advance(TIMED_WITHIN);
    assert_eq!(by_tick(&kit).await.len(), 1);
}

#[tokio::test]
async fn conversation_that_is_due_later_gets_its_timer_from_the_tick_before() {
    let kit = Kit::start().await;
    let cid = kit.opened(&visitor(), 0, 1).await.cid;
    let due = kit.now() + TIMED_WITHIN + A_SECOND;
    set_next_check(&kit, &cid, due).await;
    assert_eq!((by_stream(&kit, "conversation").await, by_tick(&kit).await), (None, Vec::new()));
    kit.advance(A_SECOND);
    let timers = by_tick(&kit).await;
    assert_eq!(timers.iter().map(|timer| timer.at).collect::<Vec<_>>(), [due]);
    assert_eq!(timers[0].delay_seconds(kit.now()), 65);
    assert!(matches!(kit.table.due_checks().read(timers[0].key()).await, Ok(None)), "it is not due yet");
    // A write with the same time sets no second one.
    kit.written(Decision::on(&kit.table, &cid).await).await;
    assert_eq!(by_stream(&kit, "conversation").await, None);
    kit.advance(TIMED_WITHIN);
    let read = kit.table.due_checks().read(timers[0].key()).await.unwrap();
    assert!(matches!(read, Some(DueItem::Conversation(_))), "{read:?}");
    let all = upcoming(&kit).await;
    assert_eq!(all.iter().map(|found| (found.due.len(), found.timers.len())).max(), Some((1, 0)));
}

#[tokio::test]
async fn message_and_send_that_are_due_soon_get_no_timer() {
    let kit = Kit::start().await;
    kit.receive_text(&visitor(), 0, 1).await;
    kit.pending(&visitor(), "hello").await;
    kit.advance(PENDING_GRACE - A_SECOND);
    assert_eq!(by_tick(&kit).await, []);
}

#[tokio::test]
async fn agent_check_that_is_due_soon_gets_its_timer_until_the_next_heartbeat() {
    let kit = Kit::start().await;
    kit.online("a1", 2).await;
    kit.advance(A_SECOND * 30);
    let beat = kit.table.duty_writer().heartbeat("a1").await.unwrap();
    kit.advance(GRACE - A_SECOND * 30 - TIMED_WITHIN);
    assert_eq!(by_tick(&kit).await.len(), 1);
    kit.advance(TIMED_WITHIN);
    assert_eq!(kit.due(DueKind::Agent).await.len(), 1);
    // The check finds the heartbeat. What is left of its grace is less than the time to the next tick.
    kit.table.due_checks().reschedule_agent_check(&beat, false).await.unwrap();
    assert_eq!(by_stream(&kit, "duty").await.map(|timer| timer.at), Some(beat.times_out_at()));
    assert_eq!(by_tick(&kit).await, []);
    kit.table.duty_writer().heartbeat("a1").await.unwrap();
    assert_eq!(by_stream(&kit, "duty").await, None);
    kit.advance(A_SECOND * 30);
    assert_eq!(kit.due(DueKind::Agent).await.len(), 1, "the check stays");
    let seen = kit.duty("a1").await;
    kit.table.due_checks().reschedule_agent_check(&seen, false).await.unwrap();
    assert_eq!(by_stream(&kit, "duty").await, None, "the next one is far off");
}

#[tokio::test]
async fn check_of_a_queue_that_is_asked_for_twice_begins_once() {
    let kit = Kit::start().await;
    let (queue, now, checks) = (group("g1"), kit.table.due_now(), kit.table.due_checks());
    now.check_queue(&queue).await.unwrap();
    assert!(kit.items().await.is_empty(), "nothing has ever waited");
    kit.passes_through(&queue).await;
    now.check_queue(&queue).await.unwrap();
    let asked = by_stream(&kit, "watch").await.unwrap();
    assert_eq!((asked.at, kit.due(DueKind::Queue).await.len()), (kit.now(), 1));
    kit.advance(A_SECOND);
    now.check_queue(&queue).await.unwrap();
    assert_eq!(by_stream(&kit, "watch").await, Some(asked.clone()), "one that has not begun is enough");
    assert!(checks.begin_check(&asked).await.unwrap());
    assert!(!checks.begin_check(&asked).await.unwrap(), "the message is delivered again");
    // What is left after it has begun is asked for again.
    now.check_queue(&queue).await.unwrap();
    let again = by_stream(&kit, "watch").await.unwrap();
    assert_eq!(again.at, kit.now());
    assert!(!checks.begin_check(&asked).await.unwrap());
    // One that does not begin was lost.
    kit.advance(A_SECOND * 31);
    now.check_queue(&queue).await.unwrap();
    assert_eq!(by_stream(&kit, "watch").await.unwrap().at, kit.now());
}

#[tokio::test]
async fn pending_send_is_due_at_once_when_asked_for_and_one_in_other_hands_is_not() {
    let kit = Kit::start().await;
    let id = kit.pending(&visitor(), "hello").await;
    kit.table.due_now().send(&visitor(), &id).await.unwrap();
    assert_eq!(by_stream(&kit, "outbound").await.map(|timer| timer.at), Some(kit.now()));
    assert_eq!(kit.due(DueKind::Send).await.len(), 1);
    kit.table.sends().claim(&visitor(), &id).await.unwrap();
    assert_eq!(by_stream(&kit, "outbound").await, None);
    let before = kit.items().await;
    kit.table.due_now().send(&visitor(), &id).await.unwrap();
    kit.table.due_now().send(&visitor(), "1772438400-r0unknown").await.unwrap();
    assert_eq!(kit.items().await, before);
    assert_eq!(s(&kit.items_of("outbound").await[0], "state"), "sending");
}
