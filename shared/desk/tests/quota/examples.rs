use desk::quota::{
    CLOCK_SKEW, ENTER_ALLOWANCE, Ledger, MAX_SENDS, MESSAGE_ALLOWANCE, Quota, QuotaError, RESERVATION_TTL,
};
use jiff::SignedDuration;

use crate::at;

const HOUR: i64 = 3_600_000;

/// `replies_left`, `uncertain_replies`, and the end of the window.
fn quota(ledger: &Ledger, now: i64) -> (u32, u32, Option<i64>) {
    let Quota { replies_left, uncertain_replies, window_ends_at } = ledger.quota(at(now));
    (replies_left, uncertain_replies, window_ends_at.map(|end| end.as_millisecond() - at(0).as_millisecond()))
}

pub(crate) fn left(ledger: &Ledger, now: i64) -> (u32, u32) {
    let (certain, uncertain_replies, _) = quota(ledger, now);
    (certain, uncertain_replies)
}

/// A ledger with a message sent at 0 and recorded at 300 ms.
pub(crate) fn after_message() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.record_message(at(0), at(300));
    ledger
}

/// Reserves and settles a send at once.
pub(crate) fn send(ledger: &mut Ledger, id: &str, parts: u32, now: i64) {
    assert_eq!(ledger.reserve(id, parts, 0, at(now)), Ok(()), "{id}");
    ledger.settle(id, parts, at(now));
}

#[test]
fn allowances_match_documentation() {
    assert_eq!((MESSAGE_ALLOWANCE.replies, MESSAGE_ALLOWANCE.window), (5, SignedDuration::from_hours(48)));
    assert_eq!((ENTER_ALLOWANCE.replies, ENTER_ALLOWANCE.window), (2, SignedDuration::from_secs(60)));
}

#[test]
fn visitor_without_action_has_no_replies() {
    let mut ledger = Ledger::default();
    assert_eq!(ledger.quota(at(0)), Quota { replies_left: 0, uncertain_replies: 0, window_ends_at: None });
    assert_eq!(ledger.reserve("a", 1, 0, at(0)), Err(QuotaError::WindowClosed));
}

#[test]
fn message_grants_five_replies_for_48_hours_minus_skew() {
    let mut ledger = after_message();
    let end = 48 * HOUR - 2000;
    assert_eq!(quota(&ledger, 300), (5, 0, Some(end)));
    for id in ["a", "b", "c", "d", "e"] {
        send(&mut ledger, id, 1, HOUR);
    }
    assert_eq!(quota(&ledger, end - 1), (0, 0, Some(end)));
    assert_eq!(ledger.reserve("f", 1, 0, at(end - 1)), Err(QuotaError::Exhausted));
    assert_eq!(quota(&ledger, end), (0, 0, None));
    assert_eq!(ledger.reserve("f", 1, 0, at(end)), Err(QuotaError::WindowClosed));
}

#[test]
fn enter_grants_two_replies_for_a_minute_and_larger_allowance_wins() {
    let mut ledger = Ledger::default();
    ledger.record_enter(at(0), at(300));
    assert_eq!(quota(&ledger, 300), (2, 0, Some(58_000)));
    assert_eq!(quota(&ledger, 58_000), (0, 0, None));

    let mut ledger = after_message();
    send(&mut ledger, "a", 4, 5_000);
    ledger.record_enter(at(20_000), at(20_300));
    assert_eq!(quota(&ledger, 20_300), (2, 0, Some(78_000)), "the enter event has more replies left");
    send(&mut ledger, "b", 1, 21_000);
    assert_eq!(left(&ledger, 21_000), (1, 0), "it counts against both");
    send(&mut ledger, "c", 1, 22_000);
    assert_eq!(quota(&ledger, 22_000), (0, 0, Some(48 * HOUR - 2000)));
    assert_eq!(left(&ledger, 80_000), (0, 0));

    ledger.record_enter(at(100_000), at(100_300));
    ledger.record_message(at(110_000), at(110_300));
    send(&mut ledger, "d", 4, 111_000);
    assert_eq!(left(&ledger, 111_000), (1, 0), "the message ends the allowance of the enter event");
    ledger.record_enter(at(109_000), at(111_100));
    assert_eq!(left(&ledger, 111_100), (1, 0), "an enter event before the message is ignored");
}

#[test]
fn reservation_is_all_or_none_and_leaves_keep() {
    let mut ledger = after_message();
    assert_eq!(ledger.reserve("a", 6, 0, at(1000)), Err(QuotaError::Exhausted));
    assert_eq!(ledger.reserve("a", 4, 2, at(1000)), Err(QuotaError::Exhausted));
    assert_eq!(left(&ledger, 1000), (5, 0));
    assert_eq!(ledger.reserve("a", 3, 2, at(1000)), Ok(()));
    assert_eq!(left(&ledger, 1000), (2, 0));
    assert_eq!(ledger.reserve("b", 1, 2, at(1000)), Err(QuotaError::Exhausted));
    assert_eq!(ledger.reserve("b", 2, 0, at(1000)), Ok(()));
    assert_eq!(ledger.reserve("c", u32::MAX, u32::MAX, at(1000)), Err(QuotaError::Exhausted));
}

#[test]
fn settle_gives_back_parts_not_taken() {
    let mut ledger = after_message();
    assert_eq!(ledger.reserve("a", 3, 0, at(1000)), Ok(()));
    ledger.settle("a", 1, at(2000));
    assert_eq!(left(&ledger, 2000), (4, 0));
    ledger.settle("a", 0, at(2100));
    assert_eq!(left(&ledger, 2100), (4, 0), "settling twice has no effect");
    ledger.settle("stranger", 5, at(2200));
    assert_eq!(left(&ledger, 2200), (4, 0));
}

#[test]
fn reserve_is_idempotent_until_settled() {
    let mut ledger = after_message();
    assert_eq!(ledger.reserve("a", 2, 0, at(1000)), Ok(()));
    assert_eq!(ledger.reserve("a", 2, 2, at(1500)), Ok(()));
    assert_eq!(left(&ledger, 1500), (3, 0));
    assert_eq!(ledger.reserve("a", 3, 0, at(1600)), Ok(()), "a longer text reserves the missing parts");
    assert_eq!(left(&ledger, 1600), (2, 0));
    assert_eq!(ledger.reserve("a", 6, 0, at(1600)), Err(QuotaError::Exhausted));
    assert_eq!(left(&ledger, 1600), (2, 0));
    ledger.settle("a", 0, at(2000));
    assert_eq!(ledger.reserve("a", 1, 0, at(3000)), Ok(()), "another attempt");
    assert_eq!(left(&ledger, 3000), (4, 0));
}

#[test]
fn order_of_a_send_and_a_message() {
    // The message is sent in the second 100 to 101 and recorded at 103.5. The send of one reply is reserved and settled at these times.
    for (reserved, ended, expected, why) in [
        (90_000, 97_999, (5, 0), "settled more than the skew before the second"),
        (90_000, 98_000, (4, 1), "settled when the second has possibly begun"),
        (100_500, 100_600, (4, 1), "within the second"),
        (102_999, 103_200, (4, 1), "reserved when the second is possibly not over"),
        (103_000, 103_200, (4, 0), "reserved more than the skew after the second"),
        (90_000, 200_000, (4, 1), "in flight all the time"),
        (103_500, 103_600, (4, 0), "reserved after the message is recorded"),
    ] {
        let mut ledger = after_message();
        let mut steps = [(reserved, 0), (ended, 1), (103_500, 2)];
        if reserved == 103_500 {
            steps.swap(0, 2);
        }
        steps.sort_by_key(|&(time, _)| time);
        for (time, step) in steps {
            match step {
                0 => assert_eq!(ledger.reserve("a", 1, 0, at(time)), Ok(())),
                1 => ledger.settle("a", 1, at(time)),
                _ => ledger.record_message(at(100_000), at(time)),
            }
        }
        assert_eq!(left(&ledger, 200_000), expected, "{why}");
    }
}

#[test]
fn unsettled_reservation_expires_after_ttl() {
    let flight = i64::try_from(RESERVATION_TTL.as_millis()).unwrap();
    let after = |second: i64| {
        let mut ledger = after_message();
        assert_eq!(ledger.reserve("a", 2, 0, at(1000)), Ok(()));
        ledger.record_message(at(second * 1000), at(second * 1000 + 300));
        left(&ledger, second * 1000 + 300)
    };
    let limit = (1000 + flight + 2000) / 1000;
    assert_eq!(after(limit), (3, 2));
    assert_eq!(after(limit + 1), (5, 0));

    let mut ledger = after_message();
    assert_eq!(ledger.reserve("a", 2, 0, at(1000)), Ok(()));
    ledger.settle("a", 2, at(2 * flight));
    ledger.record_message(at(2 * flight - 60_000), at(2 * flight));
    assert_eq!(left(&ledger, 2 * flight), (5, 0), "even if it is settled later");

    let mut ledger = after_message();
    assert_eq!(ledger.reserve("a", 2, 0, at(1000)), Ok(()));
    assert_eq!(ledger.reserve("a", 2, 0, at(600_000)), Ok(()), "a retry extends the reservation");
    ledger.record_message(at((limit + 1) * 1000), at((limit + 2) * 1000));
    assert_eq!(left(&ledger, (limit + 2) * 1000), (3, 2));
}

#[test]
fn late_and_simultaneous_messages_are_recorded() {
    let mut ledger = after_message();
    ledger.record_message(at(50_000), at(50_300));
    send(&mut ledger, "a", 2, 51_000);
    ledger.record_message(at(40_000), at(52_000));
    assert_eq!(quota(&ledger, 52_000), (3, 0, Some(50_000 + 48 * HOUR - 2000)), "an older message changes nothing");
    ledger.record_message(at(50_000), at(52_500));
    assert_eq!(left(&ledger, 52_500), (3, 2), "the second message of a second is possibly after the send");
}

#[test]
fn message_time_in_future_is_clamped() {
    let mut ledger = Ledger::default();
    ledger.record_message(at(100 * HOUR), at(0));
    assert_eq!(quota(&ledger, 0).2, Some(48 * HOUR), "at most the clock skew after now");
    send(&mut ledger, "a", 5, 1000);
    ledger.record_message(at(20_000), at(20_300));
    assert_eq!(left(&ledger, 20_300), (5, 0));
}

#[test]
fn uncertain_replies_are_used_last_and_removed_by_45047() {
    let mut ledger = after_message();
    send(&mut ledger, "a", 3, 99_000);
    ledger.record_message(at(100_000), at(100_500));
    assert_eq!(left(&ledger, 100_500), (2, 3));
    assert_eq!(
        ledger.reserve("robot", 1, 2, at(101_000)),
        Err(QuotaError::Exhausted),
        "uncertain replies do not count for the reserve"
    );
    assert_eq!(ledger.reserve("b", 3, 0, at(101_000)), Ok(()));
    assert_eq!(left(&ledger, 101_000), (0, 2));
    assert_eq!(ledger.reserve("c", 3, 0, at(101_000)), Err(QuotaError::Exhausted));
    ledger.record_refusal("b", 2, QuotaError::Exhausted, at(101_500));
    assert_eq!(left(&ledger, 101_500), (0, 0));
    assert_eq!(ledger.reserve("c", 1, 0, at(102_000)), Err(QuotaError::Exhausted));
    ledger.record_message(at(110_000), at(110_300));
    assert_eq!(left(&ledger, 110_300), (5, 0), "the next message resets the allowance");
}

#[test]
fn refusal_does_not_count_against_message_recorded_meanwhile() {
    for error in [QuotaError::Exhausted, QuotaError::WindowClosed] {
        let mut ledger = after_message();
        assert_eq!(ledger.reserve("a", 1, 0, at(99_000)), Ok(()));
        ledger.record_message(at(100_000), at(100_300));
        ledger.record_refusal("a", 0, error, at(100_500));
        let fresh = if error == QuotaError::Exhausted { (0, 5) } else { (5, 0) };
        assert_eq!(left(&ledger, 100_500), fresh);
        let before = ledger.clone();
        ledger.record_refusal("a", 0, error, at(100_600));
        assert_eq!(ledger, before, "recording twice has no effect");

        assert_eq!(ledger.reserve("b", 1, 0, at(101_000)), Ok(()));
        ledger.record_refusal("b", 0, error, at(101_500));
        assert_eq!(left(&ledger, 101_500), (0, 0), "the message was recorded before the reservation");
        let again = ledger.reserve("c", 1, 0, at(102_000));
        assert_eq!(again, Err(error));
    }
}

#[test]
fn refusal_without_reservation_ends_quota_until_next_action() {
    let mut ledger = after_message();
    ledger.mark_exhausted(at(10_000));
    assert_eq!(quota(&ledger, 10_000), (0, 0, Some(48 * HOUR - 2000)));
    ledger.record_message(at(11_000), at(11_300));
    assert_eq!(left(&ledger, 11_300), (0, 5), "the message is possibly before the refusal");
    ledger.record_message(at(13_000), at(13_300));
    assert_eq!(left(&ledger, 13_300), (5, 0));

    let mut ledger = after_message();
    ledger.record_enter(at(9_000), at(9_300));
    ledger.mark_window_closed(at(10_000));
    assert_eq!(quota(&ledger, 10_000), (0, 0, None));
    ledger.record_message(at(-1000), at(10_500));
    ledger.record_enter(at(8_000), at(10_500));
    assert_eq!(quota(&ledger, 10_500), (0, 0, None), "older actions do not reopen the window");
    ledger.record_message(at(10_000), at(10_600));
    assert_eq!(left(&ledger, 10_600), (5, 0));
}

#[test]
fn ledger_is_bounded_and_merged_sends_count_as_taken() {
    let mut ledger = Ledger::default();
    let id = |n: i64| format!("0197a0c8-7b1e-7c3d-8f00-{n:012}");
    for n in 0..40 {
        ledger.record_message(at(n * 1000), at(n * 1000 + 100));
        for m in 0..5 {
            let _ = ledger.reserve(&id(n * 10 + m), 1, 0, at(n * 1000 + 200));
        }
        let stored = serde_json::to_string(&ledger).unwrap();
        assert!(stored.len() < 130 * MAX_SENDS, "{} bytes", stored.len());
        assert_eq!(serde_json::from_str::<Ledger>(&stored).unwrap(), ledger);
    }
    ledger.settle(&id(0), 0, at(41_000));
    assert_eq!(left(&ledger, 41_000).0, 0, "merged sends cannot be given back");
    let over = 40 + (RESERVATION_TTL + CLOCK_SKEW).as_secs() + 1;
    ledger.record_message(at(over * 1000), at(over * 1000));
    assert_eq!(left(&ledger, over * 1000), (5, 0));
    assert_eq!(serde_json::to_string(&ledger).unwrap(), format!(r#"{{"m":{{"at":{}}}}}"#, 1_750_000_000 + over));
}

/// A ledger with one send more than [`MAX_SENDS`], each of one reply and 10 s apart, so that the two oldest are merged. The
/// last five are after the latest message. Then all are settled with no parts taken, except the merged ones.
fn with_merged_sends() -> Ledger {
    let mut ledger = Ledger::default();
    for n in 0..=20 {
        if n % 5 == 0 {
            ledger.record_message(at(n * 10_000), at(n * 10_000));
        }
        assert_eq!(ledger.reserve(&n.to_string(), 1, 0, at(n * 10_000 + 5000)), Ok(()), "{n}");
    }
    (0..=20).for_each(|n: u32| ledger.settle(&n.to_string(), 0, at(210_000)));
    ledger
}

#[test]
fn merged_sends_count_until_latest_expires() {
    let mut ledger = with_merged_sends();
    assert_eq!(left(&ledger, 210_000), (3, 2));
    // The older of the two, reserved at second 5, has expired; the other one, reserved at second 15, has not.
    let flight = i64::try_from(RESERVATION_TTL.as_millis()).unwrap();
    ledger.record_message(at(flight + 17_000), at(flight + 17_300));
    assert_eq!(left(&ledger, flight + 17_300), (3, 2));
    ledger.record_message(at(flight + 18_000), at(flight + 18_300));
    assert_eq!(left(&ledger, flight + 18_300), (5, 0));
}

#[test]
fn empty_ledger_serializes_as_empty_object() {
    assert_eq!(serde_json::to_string(&Ledger::default()).unwrap(), "{}");
    assert_eq!(serde_json::from_str::<Ledger>("{}").unwrap(), Ledger::default());
}

#[test]
fn sent_reply_counts_the_same_until_the_next_message_and_then_as_settled() {
    let mut ledger = after_message();
    for id in ["a", "b"] {
        assert_eq!(ledger.reserve(id, 1, 0, at(5_000)), Ok(()));
    }
    assert_eq!(ledger.ids_in_flight().collect::<Vec<_>>(), ["a", "b"]);
    let unsettled = ledger.clone();
    ledger.settle_sent("a", at(5_200));
    assert_eq!(ledger.ids_in_flight().collect::<Vec<_>>(), ["b"]);
    assert_eq!(quota(&ledger, 6_000), quota(&unsettled, 6_000));

    // Settled before the message is recorded, it was before it; in flight, its order is unknown.
    ledger.record_message(at(60_000), at(60_300));
    assert_eq!(left(&ledger, 60_300), (4, 1));
    let mut forgotten = unsettled;
    forgotten.record_message(at(60_000), at(60_300));
    assert_eq!(left(&forgotten, 60_300), (3, 2));
    // The time at which the send ended decides, whenever it is settled.
    forgotten.settle_sent("a", at(5_200));
    assert_eq!(left(&forgotten, 60_300), (4, 1));
    forgotten.settle_sent("a", at(5_200));
    assert_eq!(left(&forgotten, 60_300), (4, 1), "a settled send is settled");
}
