//! Working hours of groups: weekly hours, holidays (节假日), and make-up days (调休).
//!
//! Hours belong to the day on which they start. If the hours of the day before a holiday run past midnight, they are still
//! worked on the holiday; if the hours of a holiday run past midnight, none of them are worked.
//!
//! When clocks change, a local time that occurs twice is its first occurrence, and a local time that is skipped is the
//! moment of the change. Adjacent hours therefore stay adjacent and never overlap.

mod time_of_day;

use std::{collections::BTreeSet, iter};

use jiff::{
    SignedDuration, Timestamp,
    civil::{self, Date, DateTime},
    tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase},
};
use serde::{Deserialize, Serialize};

pub use self::time_of_day::{ParseTimeOfDayError, TimeOfDay};
use crate::{
    Fault,
    staff::{check_aliases, check_name},
};

/// A calendar of working hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = NewCalendar, example = json!({ "name": "上班", "weekly": [{ "days": ["mon", "fri"], "from": "09:00", "to": "18:00" }] })))]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// The display name, 1 to 60 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 60))]
    pub name: String,
    /// The time zone of the hours and dates, an IANA name such as `Asia/Shanghai`.
    #[serde(default = "time_zone")]
    #[cfg_attr(feature = "openapi", schema(default = "Asia/Shanghai"))]
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub time_zone: String,
    /// The hours of a regular week, at most 50 rows.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 50))]
    pub weekly: Vec<WeeklyHours>,
    /// 节假日: days without hours, at most 400.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 400))]
    pub holidays: Vec<Holiday>,
    /// 调休: days with their own hours, at most 400. They take precedence over `weekly` and `holidays`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 400))]
    pub make_up_days: Vec<MakeUpDay>,
    /// External ids: at most 20 of 1 to 100 characters.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 20))]
    pub aliases: Vec<String>,
}

/// The hours of some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WeeklyHours {
    /// The days on which the hours start, 1 to 7.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 7))]
    pub days: Vec<Weekday>,
    /// The start as HH:MM, before "24:00".
    #[cfg_attr(feature = "openapi", schema(value_type = String, max_length = 5, example = "09:00"))]
    pub from: TimeOfDay,
    /// The end as HH:MM, exclusive. If it is not after `from`, it is on the next day.
    #[cfg_attr(feature = "openapi", schema(value_type = String, max_length = 5, example = "18:00"))]
    pub to: TimeOfDay,
}

/// 节假日: a day without hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// The date.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub date: Date,
    /// The name, at most 60 characters.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 60))]
    pub name: String,
}

/// 调休上班: a day that is worked in exchange for a day off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MakeUpDay {
    /// The date.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub date: Date,
    /// The hours, 1 to 10 ranges; without a value the hours of a Monday.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 10))]
    pub hours: Option<Vec<TimeRange>>,
    /// The name, at most 60 characters.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 60))]
    pub name: String,
}

/// A range of times of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TimeRange {
    /// The start as HH:MM, before "24:00".
    #[cfg_attr(feature = "openapi", schema(value_type = String, max_length = 5, example = "09:00"))]
    pub from: TimeOfDay,
    /// The end as HH:MM, exclusive. If it is not after `from`, it is on the next day.
    #[cfg_attr(feature = "openapi", schema(value_type = String, max_length = 5, example = "18:00"))]
    pub to: TimeOfDay,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    /// 星期一
    Mon,
    /// 星期二
    Tue,
    /// 星期三
    Wed,
    /// 星期四
    Thu,
    /// 星期五
    Fri,
    /// 星期六
    Sat,
    /// 星期日
    Sun,
}

/// The range of [`Calendar::next_change`].
const HORIZON_DAYS: u16 = 400;
const ROWS_MAX: usize = 50;
const DATES_MAX: usize = 400;
const RANGES_MAX: usize = 10;

fn time_zone() -> String {
    "Asia/Shanghai".to_owned()
}

impl Calendar {
    /// Whether `at` is within the working hours.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let zone = self.zone();
        let today = zone.to_datetime(at).date();
        // Tomorrow is included because clocks can go back over midnight: tomorrow's hours then start on today's date.
        [today.yesterday(), Ok(today), today.tomorrow()]
            .into_iter()
            .flatten()
            .flat_map(|date| self.shifts(date, &zone))
            .any(|(from, to)| from <= at && at < to)
    }

    /// The next time after `after` at which [`Calendar::is_open`] changes; `None` if it does not change within 400 days.
    pub fn next_change(&self, after: Timestamp) -> Option<Timestamp> {
        let zone = self.zone();
        let horizon = after.checked_add(SignedDuration::from_hours(24 * i64::from(HORIZON_DAYS))).ok()?;
        let today = zone.to_datetime(after).date();
        let dates = iter::successors(today.yesterday().ok(), |date| date.tomorrow().ok());
        let mut open_until = None;
        for (from, to) in dates.take(usize::from(HORIZON_DAYS) + 3).flat_map(|date| self.shifts(date, &zone)) {
            if to <= open_until.unwrap_or(after) {
                continue;
            }
            // Shifts are ordered by their start. This one starts after the open time, or after a closed time, ends.
            if from > open_until.unwrap_or(after) {
                return Some(open_until.unwrap_or(from)).filter(|change| *change <= horizon);
            }
            open_until = Some(to);
        }
        open_until.filter(|change| *change <= horizon)
    }

    /// The shifts that start on a date, ordered by their start.
    fn shifts(&self, date: Date, zone: &TimeZone) -> Vec<(Timestamp, Timestamp)> {
        let mut ranges = self.ranges(date);
        ranges.sort_unstable();
        let instants = |range: TimeRange| {
            let ends_on = if range.to <= range.from { date.tomorrow().ok()? } else { date };
            let (from, to) = (instant(date, range.from, zone)?, instant(ends_on, range.to, zone)?);
            // A range that lies within a skipped hour is empty.
            (from < to).then_some((from, to))
        };
        ranges.into_iter().filter_map(instants).collect()
    }

    fn ranges(&self, date: Date) -> Vec<TimeRange> {
        if let Some(make_up_day) = self.make_up_days.iter().find(|day| day.date == date) {
            return make_up_day.hours.clone().unwrap_or_else(|| self.ranges_on(Weekday::Mon));
        }
        if self.holidays.iter().any(|day| day.date == date) {
            return Vec::new();
        }
        self.ranges_on(date.weekday().into())
    }

    fn ranges_on(&self, day: Weekday) -> Vec<TimeRange> {
        let hours = self.weekly.iter().filter(|hours| hours.days.contains(&day));
        hours.map(|hours| TimeRange { from: hours.from, to: hours.to }).collect()
    }

    /// The time zone. Validation refuses unknown zones; if a later version of the tz database drops a name, UTC is used,
    /// because shifted hours are better than none.
    fn zone(&self) -> TimeZone {
        TimeZoneDatabase::bundled().get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// Validates the settings.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        check_name(&mut faults, "name", &self.name);
        check_aliases(&mut faults, &self.aliases);
        let mut must = |right: bool, field: String, detail: &str| {
            if !right {
                faults.push(Fault::new(field, detail));
            }
        };
        let zone = TimeZoneDatabase::bundled().get(&self.time_zone);
        must(zone.is_ok(), "time_zone".to_owned(), "must be the name of a time zone such as Asia/Shanghai");
        must(self.weekly.len() <= ROWS_MAX, "weekly".to_owned(), "must be at most 50");
        for (index, hours) in self.weekly.iter().enumerate() {
            must(!hours.days.is_empty() && hours.days.len() <= 7, format!("weekly[{index}].days"), "must be 1 to 7");
            must(hours.from < TimeOfDay::MIDNIGHT, format!("weekly[{index}].from"), "must be before 24:00");
        }
        let no_date_twice = |dates: Vec<Date>| dates.iter().collect::<BTreeSet<_>>().len() == dates.len();
        let holidays = self.holidays.iter().map(|day| day.date).collect();
        must(no_date_twice(holidays), "holidays".to_owned(), "must name every date only once");
        let make_up_day = self.make_up_days.iter().map(|day| day.date).collect();
        must(no_date_twice(make_up_day), "make_up_days".to_owned(), "must name every date only once");
        must(self.holidays.len() <= DATES_MAX, "holidays".to_owned(), "must be at most 400");
        must(self.make_up_days.len() <= DATES_MAX, "make_up_days".to_owned(), "must be at most 400");
        for (index, day) in self.holidays.iter().enumerate() {
            must(day.name.chars().count() <= 60, format!("holidays[{index}].name"), "must have at most 60 characters");
        }
        for (index, day) in self.make_up_days.iter().enumerate() {
            let at = format!("make_up_days[{index}]");
            must(day.name.chars().count() <= 60, format!("{at}.name"), "must have at most 60 characters");
            let Some(hours) = &day.hours else { continue };
            must((1..=RANGES_MAX).contains(&hours.len()), format!("{at}.hours"), "must be 1 to 10");
            let begin = hours.iter().all(|range| range.from < TimeOfDay::MIDNIGHT);
            must(begin, format!("{at}.hours"), "must begin before 24:00");
        }
        faults
    }
}

/// Converts a local time to an instant. `24:00` is the start of the next day.
fn instant(date: Date, time: TimeOfDay, zone: &TimeZone) -> Option<Timestamp> {
    let local = match time.to_civil() {
        Some(time) => date.to_datetime(time),
        None => DateTime::from(date.tomorrow().ok()?),
    };
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(local).ok()
        }
        AmbiguousOffset::Gap { after, .. } => {
            let before_the_jump = after.to_timestamp(local).ok()?;
            zone.following(before_the_jump).next().map(|jump| jump.timestamp())
        }
    }
}

impl From<civil::Weekday> for Weekday {
    fn from(day: civil::Weekday) -> Self {
        match day {
            civil::Weekday::Monday => Self::Mon,
            civil::Weekday::Tuesday => Self::Tue,
            civil::Weekday::Wednesday => Self::Wed,
            civil::Weekday::Thursday => Self::Thu,
            civil::Weekday::Friday => Self::Fri,
            civil::Weekday::Saturday => Self::Sat,
            civil::Weekday::Sunday => Self::Sun,
        }
    }
}
