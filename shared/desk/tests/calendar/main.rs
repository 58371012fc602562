//! Working hours.

#![expect(clippy::unwrap_used, reason = "also the helpers of a test are tests")]

mod clocks;
mod limits;

use desk::calendar::Calendar;
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use proptest::prelude::*;
use serde_json::{Value, json};

fn calendar(json: Value) -> Calendar {
    let calendar: Calendar = serde_json::from_value(json).unwrap();
    assert_eq!(calendar.faults(), []);
    calendar
}

/// An instant, written with its offset.
fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn in_shanghai(text: &str) -> Timestamp {
    at(&format!("{text}+08:00"))
}

fn every_day(zone: &str, from: &str, to: &str) -> Calendar {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    calendar(json!({"name": "x", "time_zone": zone, "weekly": [{"days": days, "from": from, "to": to}]}))
}

/// 国务院办公厅关于2026年部分节假日安排的通知: 国庆节 1 to 7 October, made up for on Sunday 20 September and Saturday
/// 10 October.
fn national_day() -> Calendar {
    let holidays: Vec<Value> =
        (1..=7).map(|day| json!({"date": format!("2026-10-0{day}"), "name": "国庆节"})).collect();
    calendar(json!({
        "name": "售前",
        "weekly": [
            {"days": ["mon", "tue", "wed", "thu"], "from": "09:00", "to": "18:00"},
            {"days": ["fri"], "from": "09:00", "to": "17:00"},
        ],
        "holidays": holidays,
        "make_up_days": [
            {"date": "2026-09-20", "name": "国庆节调休"},
            {"date": "2026-10-10", "name": "国庆节调休", "hours": [
                {"from": "10:00", "to": "12:00"},
                {"from": "14:00", "to": "16:00"},
            ]},
        ],
    }))
}

#[test]
fn national_day_2026_with_make_up_weekend() {
    let calendar = national_day();
    for (time, open) in [
        ("2026-09-19T10:00", false), // an ordinary Saturday
        ("2026-09-20T08:59", false),
        ("2026-09-20T09:00", true), // 调休 with the hours of a Monday
        ("2026-09-20T17:59", true),
        ("2026-09-20T18:00", false),
        ("2026-09-30T17:59", true),
        ("2026-10-01T10:00", false), // Thursday
        ("2026-10-07T10:00", false), // Wednesday
        ("2026-10-08T10:00", true),
        ("2026-10-09T17:30", false), // Fridays are shorter
        ("2026-10-10T09:30", false),
        ("2026-10-10T10:00", true), // 调休 with hours of its own
        ("2026-10-10T13:00", false),
        ("2026-10-10T15:59", true),
        ("2026-10-11T10:00", false),
    ] {
        assert_eq!(calendar.is_open(in_shanghai(time)), open, "{time}");
    }
    let next = |time| calendar.next_change(in_shanghai(time)).unwrap();
    assert_eq!(next("2026-09-30T12:00"), in_shanghai("2026-09-30T18:00"));
    assert_eq!(next("2026-09-30T18:00"), in_shanghai("2026-10-08T09:00"));
    assert_eq!(next("2026-10-09T17:00"), in_shanghai("2026-10-10T10:00"));
    assert_eq!(next("2026-10-10T12:00"), in_shanghai("2026-10-10T14:00"));
    assert_eq!(next("2026-10-10T16:00"), in_shanghai("2026-10-12T09:00"));
}

#[test]
fn make_up_day_takes_precedence_over_holiday() {
    let calendar = calendar(json!({
        "name": "x",
        "holidays": [{"date": "2026-10-01"}],
        "make_up_days": [{"date": "2026-10-01", "hours": [{"from": "09:00", "to": "12:00"}]}],
    }));
    assert!(calendar.is_open(in_shanghai("2026-10-01T09:00")));
    assert!(!calendar.is_open(in_shanghai("2026-10-01T12:00")));
}

#[test]
fn hours_past_midnight_belong_to_start_day() {
    let calendar = calendar(json!({
        "name": "night",
        "weekly": [{"days": ["wed", "thu", "fri"], "from": "22:00", "to": "02:00"}],
        "holidays": [{"date": "2026-10-01"}],
    }));
    for (time, open) in [
        ("2026-09-30T21:59", false), // Wednesday
        ("2026-09-30T22:00", true),
        ("2026-10-01T01:59", true), // belongs to Wednesday
        ("2026-10-01T02:00", false),
        ("2026-10-01T23:00", false),
        ("2026-10-02T01:00", false), // belongs to the holiday
        ("2026-10-02T22:00", true),
        ("2026-10-03T01:59", true), // Saturday
        ("2026-10-03T22:00", false),
    ] {
        assert_eq!(calendar.is_open(in_shanghai(time)), open, "{time}");
    }
    assert_eq!(calendar.next_change(in_shanghai("2026-09-30T23:00")), Some(in_shanghai("2026-10-01T02:00")));
    assert_eq!(calendar.next_change(in_shanghai("2026-10-01T02:00")), Some(in_shanghai("2026-10-02T22:00")));
}

#[test]
fn end_of_day_is_24_00_or_00_00() {
    for to in ["24:00", "00:00"] {
        let calendar = every_day("Asia/Shanghai", "20:00", to);
        assert!(calendar.is_open(in_shanghai("2026-03-04T23:59")), "{to}");
        assert!(!calendar.is_open(in_shanghai("2026-03-05T00:00")), "{to}");
        assert_eq!(
            calendar.next_change(in_shanghai("2026-03-04T21:00")),
            Some(in_shanghai("2026-03-05T00:00")),
            "{to}"
        );
    }
}

#[test]
fn adjacent_and_overlapping_hours_are_merged() {
    let calendar = calendar(json!({"name": "x", "weekly": [
        {"days": ["mon"], "from": "09:00", "to": "12:00"},
        {"days": ["mon"], "from": "11:00", "to": "24:00"},
        {"days": ["tue"], "from": "00:00", "to": "03:00"},
        {"days": ["mon"], "from": "10:00", "to": "10:30"},
    ]}));
    assert_eq!(calendar.next_change(in_shanghai("2026-03-02T09:30")), Some(in_shanghai("2026-03-03T03:00")));
}

#[test]
fn constant_calendar_has_no_next_change() {
    let always = every_day("Asia/Shanghai", "00:00", "24:00");
    let whole_days = every_day("Asia/Shanghai", "09:00", "09:00");
    let never = calendar(json!({"name": "x"}));
    let now = in_shanghai("2026-03-04T12:00");
    for (calendar, open) in [(&always, true), (&whole_days, true), (&never, false)] {
        assert_eq!((calendar.is_open(now), calendar.next_change(now)), (open, None));
    }
}

#[test]
fn next_change_is_limited_to_400_days() {
    let on = |date: &str| {
        calendar(json!({"name": "x", "make_up_days": [{"date": date, "hours": [{"from": "12:00", "to": "13:00"}]}]}))
    };
    let now = in_shanghai("2026-01-01T12:00");
    assert_eq!(on("2027-02-05").next_change(now), Some(in_shanghai("2027-02-05T12:00")));
    assert_eq!(on("2027-02-06").next_change(now), None);
    for edge in [Timestamp::MIN, Timestamp::MAX] {
        let calendar = every_day("Asia/Shanghai", "09:00", "18:00");
        let _ = (calendar.is_open(edge), calendar.next_change(edge));
    }
}

fn calendars() -> impl Strategy<Value = Calendar> {
    let zone = prop::sample::select(vec![
        "Asia/Shanghai",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Sao_Paulo",
        "Pacific/Apia",
    ]);
    let time = (0..24u8, prop::sample::select(vec![0, 30])).prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}"));
    let days = prop::sample::subsequence(vec!["mon", "tue", "wed", "thu", "fri", "sat", "sun"], 1..4);
    let hours = (days, time.clone(), time).prop_map(|(days, from, to)| json!({"days": days, "from": from, "to": to}));
    (zone, prop::collection::vec(hours, 0..4))
        .prop_map(|(zone, weekly)| calendar(json!({"name": "x", "time_zone": zone, "weekly": weekly})))
}

proptest! {
    /// All times of these calendars are multiples of 30 minutes, so a half-hourly scan finds every change.
    #[test]
    fn next_change_matches_half_hourly_scan(calendar in calendars(), half_hours in 0..17_520i64) {
        let step = SignedDuration::from_mins(30);
        let after = at("2026-01-01T00:00Z") + step * i32::try_from(half_hours).unwrap();
        let next = calendar.next_change(after);
        let open = calendar.is_open(after);
        let mut walk = after;
        for _ in 0..(15 * 48) {
            walk += step;
            if calendar.is_open(walk) != open {
                prop_assert_eq!(next, Some(walk));
                return Ok(());
            }
        }
        prop_assert_eq!(next, None);
    }

    /// In a zone without clock changes, the hours follow the local clock.
    #[test]
    fn zone_without_dst_follows_local_clock(minutes in 0..527_040i64, from in 0..24i8, to in 0..24i8) {
        let calendar = every_day("Asia/Shanghai", &format!("{from:02}:00"), &format!("{to:02}:00"));
        let now = at("2026-01-01T00:00Z") + SignedDuration::from_mins(minutes);
        let clock: DateTime = TimeZone::get("Asia/Shanghai").unwrap().to_datetime(now);
        let hour = clock.hour();
        let open = if from < to { (from..to).contains(&hour) } else { hour >= from || hour < to };
        prop_assert_eq!(calendar.is_open(now), open);
    }
}
