//! What a refusal with 45047 means for reservations that keep replies for others.

use desk::quota::{Ledger, MAX_SENDS, QuotaError};

use crate::{
    at,
    examples::{after_message, left, send},
};

#[test]
fn reserve_that_keeps_replies_is_granted_after_a_refusal_of_unknown_order() {
    for keep in 0..5 {
        let mut ledger = after_message();
        assert_eq!(ledger.reserve("a", 1, keep, at(99_000)), Ok(()));
        ledger.record_refusal("a", 0, QuotaError::Exhausted, at(99_100));
        assert_eq!(ledger.reserve("b", 1, keep, at(99_200)), Err(QuotaError::Exhausted), "the refusal is known");

        // The visitor writes again within the clock skew.
        ledger.record_message(at(100_000), at(100_300));
        assert_eq!(left(&ledger, 100_300), (0, 5), "{keep}");
        assert_eq!(ledger.reserve("b", 6 - keep, keep, at(100_400)), Err(QuotaError::Exhausted), "{keep}");
        assert_eq!(ledger.reserve("b", 1, keep, at(100_400)), Ok(()), "{keep}");

        // A second refusal is one more of unknown order to the next message.
        ledger.record_refusal("b", 0, QuotaError::Exhausted, at(100_500));
        assert_eq!(ledger.reserve("c", 1, keep, at(100_600)), Err(QuotaError::Exhausted), "{keep}");
        ledger.record_message(at(101_000), at(101_300));
        assert_eq!(ledger.reserve("c", 1, keep, at(101_400)), Ok(()), "{keep}");
    }
}

#[test]
fn sends_of_unknown_order_count_beside_a_refusal() {
    let mut ledger = after_message();
    send(&mut ledger, "a", 2, 99_000);
    assert_eq!(ledger.reserve("b", 1, 0, at(99_100)), Ok(()));
    ledger.record_refusal("b", 0, QuotaError::Exhausted, at(99_200));
    ledger.record_message(at(100_000), at(100_300));
    assert_eq!(ledger.reserve("c", 2, 2, at(100_400)), Err(QuotaError::Exhausted));
    assert_eq!(ledger.reserve("c", 1, 2, at(100_400)), Ok(()));
    // The same for the two replies after an enter event.
    let mut ledger = after_message();
    ledger.mark_exhausted(at(99_000));
    ledger.record_enter(at(100_000), at(100_300));
    assert_eq!(ledger.reserve("d", 2, 1, at(100_400)), Err(QuotaError::Exhausted));
    assert_eq!(ledger.reserve("d", 1, 1, at(100_400)), Ok(()));
}

#[test]
fn refusal_merged_with_a_send_counts_like_the_send() {
    let mut ledger = after_message();
    ledger.mark_exhausted(at(0));
    for number in 0..MAX_SENDS {
        ledger.record_message(at(1000), at(1300));
        let _ = ledger.reserve(&number.to_string(), 1, 0, at(1400));
        ledger.settle(&number.to_string(), 1, at(1500));
    }
    ledger.mark_exhausted(at(1600));
    let stored = serde_json::to_value(&ledger).unwrap();
    let refusals = stored["s"].as_array().unwrap().iter().filter(|send| send["r"] == true);
    assert!(refusals.count() <= 2, "{stored}");
    assert_eq!(serde_json::from_value::<Ledger>(stored).unwrap(), ledger);
}
