//! Hours where clocks change.

use serde_json::json;

use crate::{at, calendar, every_day};

#[test]
fn new_york_skips_an_hour_in_march() {
    // 2026-03-08: after 01:59 EST comes 03:00 EDT.
    let jump = at("2026-03-08T03:00-04:00");
    let next = |from, to, after| every_day("America/New_York", from, to).next_change(at(after));
    // Hours that begin in what is skipped begin after it.
    assert_eq!(next("02:30", "05:00", "2026-03-08T01:00-05:00"), Some(jump));
    // Hours that end in it end before it.
    assert_eq!(next("01:00", "02:30", "2026-03-08T01:30-05:00"), Some(jump));
    // Hours that lie within it are none; the next are tomorrow's.
    assert_eq!(next("02:10", "02:50", "2026-03-08T01:00-05:00"), Some(at("2026-03-09T02:10-04:00")));
    assert_eq!(next("02:10", "03:00", "2026-03-08T01:00-05:00"), Some(at("2026-03-09T02:10-04:00")));
    let nine_to_five = every_day("America/New_York", "09:00", "17:00");
    assert!(nine_to_five.is_open(at("2026-03-07T14:00Z")) && !nine_to_five.is_open(at("2026-03-07T13:59Z")));
    assert!(nine_to_five.is_open(at("2026-03-08T13:00Z")) && !nine_to_five.is_open(at("2026-03-08T21:00Z")));
}

#[test]
fn new_york_has_an_hour_twice_in_november() {
    // 2026-11-01: after 01:59 EDT comes 01:00 EST.
    let next = |from, to, after| every_day("America/New_York", from, to).next_change(at(after));
    // From the first of the two times; until the first of the two times.
    assert_eq!(next("01:30", "05:00", "2026-11-01T00:00-04:00"), Some(at("2026-11-01T01:30-04:00")));
    assert_eq!(next("22:00", "01:30", "2026-10-31T23:00-04:00"), Some(at("2026-11-01T01:30-04:00")));
    // A night that spans both hours is open through both.
    let night = every_day("America/New_York", "22:00", "06:00");
    assert!(night.is_open(at("2026-11-01T01:30-04:00")) && night.is_open(at("2026-11-01T01:30-05:00")));
    assert_eq!(night.next_change(at("2026-11-01T00:00-04:00")), Some(at("2026-11-01T06:00-05:00")));
}

#[test]
fn clocks_may_go_back_over_midnight() {
    // St John's, 2006-10-29: after 00:00:59 of the 29th comes 23:01 of the 28th. The hours of the 29th have begun then.
    let sundays = calendar(json!({"name": "x", "time_zone": "America/St_Johns",
        "weekly": [{"days": ["sun"], "from": "00:00", "to": "02:00"}]}));
    assert!(sundays.is_open(at("2006-10-29T00:00:30-02:30")));
    assert!(sundays.is_open(at("2006-10-28T23:30-03:30")));
    assert!(!sundays.is_open(at("2006-10-28T23:30-02:30")));
    assert_eq!(sundays.next_change(at("2006-10-28T23:30-03:30")), Some(at("2006-10-29T02:00-03:30")));
    // Apia had no 30 December 2011 at all.
    let fridays = calendar(
        json!({"name": "x", "time_zone": "Pacific/Apia", "weekly": [{"days": ["fri"], "from": "09:00", "to": "17:00"}]}),
    );
    assert_eq!(fridays.next_change(at("2011-12-24T00:00-10:00")), Some(at("2012-01-06T09:00+14:00")));
}
