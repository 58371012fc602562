//! Working hours at clock changes.

use serde_json::json;

use crate::{at, calendar, every_day};

#[test]
fn skipped_hour_in_new_york() {
    // 2026-03-08: after 01:59 EST comes 03:00 EDT.
    let jump = at("2026-03-08T03:00-04:00");
    let next = |from, to, after| every_day("America/New_York", from, to).next_change(at(after));
    // Hours that start in the skipped hour start after it.
    assert_eq!(next("02:30", "05:00", "2026-03-08T01:00-05:00"), Some(jump));
    // Hours that end in the skipped hour end before it.
    assert_eq!(next("01:00", "02:30", "2026-03-08T01:30-05:00"), Some(jump));
    // Hours within the skipped hour are empty; the next ones are tomorrow's.
    assert_eq!(next("02:10", "02:50", "2026-03-08T01:00-05:00"), Some(at("2026-03-09T02:10-04:00")));
    assert_eq!(next("02:10", "03:00", "2026-03-08T01:00-05:00"), Some(at("2026-03-09T02:10-04:00")));
    let nine_to_five = every_day("America/New_York", "09:00", "17:00");
    assert!(nine_to_five.is_open(at("2026-03-07T14:00Z")) && !nine_to_five.is_open(at("2026-03-07T13:59Z")));
    assert!(nine_to_five.is_open(at("2026-03-08T13:00Z")) && !nine_to_five.is_open(at("2026-03-08T21:00Z")));
}

#[test]
fn repeated_hour_in_new_york() {
    // 2026-11-01: after 01:59 EDT comes 01:00 EST.
    let next = |from, to, after| every_day("America/New_York", from, to).next_change(at(after));
    // Start and end are the first occurrence of the repeated time.
    assert_eq!(next("01:30", "05:00", "2026-11-01T00:00-04:00"), Some(at("2026-11-01T01:30-04:00")));
    assert_eq!(next("22:00", "01:30", "2026-10-31T23:00-04:00"), Some(at("2026-11-01T01:30-04:00")));
    // A night that spans both hours is open through both.
    let night = every_day("America/New_York", "22:00", "06:00");
    assert!(night.is_open(at("2026-11-01T01:30-04:00")) && night.is_open(at("2026-11-01T01:30-05:00")));
    assert_eq!(night.next_change(at("2026-11-01T00:00-04:00")), Some(at("2026-11-01T06:00-05:00")));
}

#[test]
fn clocks_going_back_over_midnight_and_skipped_day() {
    // St John's, 2006-10-29: 00:00:59 on the 29th is followed by 23:01 on the 28th, when the hours of the 29th have started.
    let sundays = calendar(json!({"name": "x", "time_zone": "America/St_Johns",
        "weekly": [{"days": ["sun"], "from": "00:00", "to": "02:00"}]}));
    assert!(sundays.is_open(at("2006-10-29T00:00:30-02:30")));
    assert!(sundays.is_open(at("2006-10-28T23:30-03:30")));
    assert!(!sundays.is_open(at("2006-10-28T23:30-02:30")));
    assert_eq!(sundays.next_change(at("2006-10-28T23:30-03:30")), Some(at("2006-10-29T02:00-03:30")));
    // Apia skipped 30 December 2011.
    let fridays = calendar(
        json!({"name": "x", "time_zone": "Pacific/Apia", "weekly": [{"days": ["fri"], "from": "09:00", "to": "17:00"}]}),
    );
    assert_eq!(fridays.next_change(at("2011-12-24T00:00-10:00")), Some(at("2012-01-06T09:00+14:00")));
}
