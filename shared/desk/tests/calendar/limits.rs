//! Parsing and validation of calendars.

use desk::calendar::{Calendar, TimeOfDay};
use jiff::SignedDuration;
use serde_json::{Value, json};

#[test]
fn times_of_day_are_parsed_strictly() {
    for text in ["00:00", "09:05", "23:59", "24:00"] {
        assert_eq!(text.parse::<TimeOfDay>().unwrap().to_string(), text);
    }
    for text in ["", "9:00", "09:60", "24:01", "25:00", "09:00:00", "-1:00", "+9:00", "0９:00", "09：00", " 09:00"] {
        assert!(text.parse::<TimeOfDay>().is_err(), "{text:?}");
    }
}

#[test]
fn calendar_limits_are_validated() {
    let hours = json!({"days": ["mon"], "from": "09:00", "to": "18:00"});
    let dates = |count: i64| -> Vec<Value> {
        let first = jiff::civil::date(2026, 1, 1);
        (0..count)
            .map(|day| json!({"date": first.checked_add(SignedDuration::from_hours(24 * day)).unwrap()}))
            .collect()
    };
    for (json, field) in [
        (json!({"name": "x", "time_zone": "Mars/Olympus"}), Some("time_zone")),
        (json!({"name": "x", "time_zone": ""}), Some("time_zone")),
        (json!({"name": "x", "time_zone": "UTC"}), None),
        (json!({"name": ""}), Some("name")),
        (json!({"name": "x", "weekly": vec![hours.clone(); 50]}), None),
        (json!({"name": "x", "weekly": vec![hours.clone(); 51]}), Some("weekly")),
        (json!({"name": "x", "weekly": [hours, {"days": [], "from": "09:00", "to": "18:00"}]}), Some("weekly[1].days")),
        (json!({"name": "x", "weekly": [{"days": ["mon"], "from": "24:00", "to": "18:00"}]}), Some("weekly[0].from")),
        (json!({"name": "x", "holidays": dates(400)}), None),
        (json!({"name": "x", "holidays": dates(401)}), Some("holidays")),
        (json!({"name": "x", "holidays": [{"date": "2026-10-01"}, {"date": "2026-10-01"}]}), Some("holidays")),
        (json!({"name": "x", "holidays": [{"date": "2026-10-01", "name": "节".repeat(61)}]}), Some("holidays[0].name")),
        (json!({"name": "x", "make_up_days": [{"date": "2026-10-10"}, {"date": "2026-10-10"}]}), Some("make_up_days")),
        (json!({"name": "x", "make_up_days": [{"date": "2026-10-10", "hours": []}]}), Some("make_up_days[0].hours")),
        (
            json!({"name": "x", "make_up_days": [{"date": "2026-10-10", "hours": [{"from": "24:00", "to": "01:00"}]}]}),
            Some("make_up_days[0].hours"),
        ),
    ] {
        let calendar: Calendar = serde_json::from_value(json.clone()).unwrap();
        let faults: Vec<String> = calendar.faults().into_iter().map(|fault| fault.field).collect();
        assert_eq!(faults, Vec::from_iter(field.map(str::to_owned)), "{json}");
    }
    for json in [
        json!({"name": "x", "weekly": [{"days": ["monday"], "from": "09:00", "to": "18:00"}]}),
        json!({"name": "x", "weekly": [{"days": ["mon"], "from": "9am", "to": "18:00"}]}),
        json!({"name": "x", "holidays": [{"date": "2026-02-30"}]}),
        json!({"name": "x", "holiday": []}),
    ] {
        assert!(serde_json::from_value::<Calendar>(json.clone()).is_err(), "{json}");
    }
}
