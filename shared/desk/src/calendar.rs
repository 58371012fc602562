//! When a group works: weekly hours, holidays, make-up days.
//!
//! Hours belong to the day on which they begin. So the small hours of a holiday are still worked if the evening before
//! it runs past midnight, and a holiday's own evening takes its small hours of the next day with it.
//!
//! Every hour that a calendar names is one instant, also when clocks change: of a time that exists twice it is the
//! first, of a time that does not exist it is the moment at which the clocks jump over it. So hours that touch on paper
//! touch in fact, and never overlap.

mod time_of_day;

use std::{collections::BTreeSet, iter};

use jiff::{
    SignedDuration, Timestamp,
    civil::{self, Date, DateTime},
    tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase},
};
use serde::{Deserialize, Serialize};

pub use self::time_of_day::{NoTimeOfDay, TimeOfDay};
use crate::{
    Fault,
    staff::{check_aliases, check_name},
};

/// Working hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// A name for people, 1 to 60 characters.
    pub name: String,
    /// The time zone of its hours and dates, an IANA name.
    #[serde(default = "time_zone")]
    pub time_zone: String,
    /// The hours of an ordinary week.
    #[serde(default)]
    pub weekly: Vec<Hours>,
    /// Days without hours.
    #[serde(default)]
    pub holidays: Vec<Holiday>,
    /// 调休: days with hours, whatever the week and the holidays say.
    #[serde(default)]
    pub make_up_days: Vec<MakeUpDay>,
    /// Ids that it has elsewhere: at most 20 of 1 to 100 characters.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// Hours of some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The days on which they begin.
    pub days: Vec<Weekday>,
    /// From when, before "24:00".
    pub from: TimeOfDay,
    /// Until when; not later than `from` means on the next day.
    pub to: TimeOfDay,
}

/// 节假日: nobody works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// Which day.
    pub date: Date,
    /// What it is called, at most 60 characters.
    #[serde(default)]
    pub name: String,
}

/// 调休上班: a day that is worked in exchange for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakeUpDay {
    /// Which day.
    pub date: Date,
    /// Its hours; without them those of a Monday.
    #[serde(default)]
    pub hours: Option<Vec<Span>>,
    /// What it is called, at most 60 characters.
    #[serde(default)]
    pub name: String,
}

/// From when until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// From when, before "24:00".
    pub from: TimeOfDay,
    /// Until when; not later than `from` means on the next day.
    pub to: TimeOfDay,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// How far ahead [`Calendar::next_change`] looks.
const HORIZON_DAYS: u16 = 400;
const ROWS_MAX: usize = 50;
const DATES_MAX: usize = 400;
const SPANS_MAX: usize = 10;

fn time_zone() -> String {
    "Asia/Shanghai".to_owned()
}

impl Calendar {
    /// Whether it is working time.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let zone = self.zone();
        let today = zone.to_datetime(at).date();
        // Tomorrow too: where clocks go back over midnight, its first hours begin while it is still today.
        [today.yesterday(), Ok(today), today.tomorrow()]
            .into_iter()
            .flatten()
            .flat_map(|date| self.shifts(date, &zone))
            .any(|(from, to)| from <= at && at < to)
    }

    /// When [`Calendar::is_open`] next becomes another; nothing if it stays as it is for 400 days.
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
            // Shifts come in the order of their beginnings, so this one ends what was open, or ends the pause.
            if from > open_until.unwrap_or(after) {
                return Some(open_until.unwrap_or(from)).filter(|change| *change <= horizon);
            }
            open_until = Some(to);
        }
        open_until.filter(|change| *change <= horizon)
    }

    /// The hours that begin on a date, as instants, in order.
    fn shifts(&self, date: Date, zone: &TimeZone) -> Vec<(Timestamp, Timestamp)> {
        let mut spans = self.spans(date);
        spans.sort_unstable();
        let instants = |span: Span| {
            let ends_on = if span.to <= span.from { date.tomorrow().ok()? } else { date };
            let (from, to) = (instant(date, span.from, zone)?, instant(ends_on, span.to, zone)?);
            // Hours that clocks have jumped over are none.
            (from < to).then_some((from, to))
        };
        spans.into_iter().filter_map(instants).collect()
    }

    fn spans(&self, date: Date) -> Vec<Span> {
        if let Some(made_up) = self.make_up_days.iter().find(|day| day.date == date) {
            return made_up.hours.clone().unwrap_or_else(|| self.spans_of(Weekday::Mon));
        }
        if self.holidays.iter().any(|day| day.date == date) {
            return Vec::new();
        }
        self.spans_of(date.weekday().into())
    }

    fn spans_of(&self, day: Weekday) -> Vec<Span> {
        let hours = self.weekly.iter().filter(|hours| hours.days.contains(&day));
        hours.map(|hours| Span { from: hours.from, to: hours.to }).collect()
    }

    /// An unknown zone is refused when a calendar is saved. Should one be met nevertheless (the database of zones
    /// drops a name now and then), hours that are some hours wrong are better than none.
    fn zone(&self) -> TimeZone {
        TimeZoneDatabase::bundled().get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// What is wrong with these settings; nothing if they can be used.
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
        let made_up = self.make_up_days.iter().map(|day| day.date).collect();
        must(no_date_twice(made_up), "make_up_days".to_owned(), "must name every date only once");
        must(self.holidays.len() <= DATES_MAX, "holidays".to_owned(), "must be at most 400");
        must(self.make_up_days.len() <= DATES_MAX, "make_up_days".to_owned(), "must be at most 400");
        for (index, day) in self.holidays.iter().enumerate() {
            must(day.name.chars().count() <= 60, format!("holidays[{index}].name"), "must have at most 60 characters");
        }
        for (index, day) in self.make_up_days.iter().enumerate() {
            let at = format!("make_up_days[{index}]");
            must(day.name.chars().count() <= 60, format!("{at}.name"), "must have at most 60 characters");
            let Some(hours) = &day.hours else { continue };
            must((1..=SPANS_MAX).contains(&hours.len()), format!("{at}.hours"), "must be 1 to 10");
            let begin = hours.iter().all(|span| span.from < TimeOfDay::MIDNIGHT);
            must(begin, format!("{at}.hours"), "must begin before 24:00");
        }
        faults
    }
}

/// The instant of a time on a date.
fn instant(date: Date, time: TimeOfDay, zone: &TimeZone) -> Option<Timestamp> {
    let local = match time.on_the_clock() {
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
