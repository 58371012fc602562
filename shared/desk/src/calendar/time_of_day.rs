//! A time of day as people write it.

use std::{fmt, str::FromStr};

use jiff::civil;
use serde::{Deserialize, Serialize};

/// A time of day to the minute, "00:00" to "24:00".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay {
    hour: i8,
    minute: i8,
}

/// A text that is no time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoTimeOfDay;

impl TimeOfDay {
    /// The end of a day: 00:00 of the next.
    pub const MIDNIGHT: Self = Self { hour: 24, minute: 0 };

    /// The time on a clock; nothing for "24:00", which no clock shows.
    pub(super) fn on_the_clock(self) -> Option<civil::Time> {
        civil::Time::new(self.hour, self.minute, 0, 0).ok()
    }
}

impl FromStr for TimeOfDay {
    type Err = NoTimeOfDay;

    fn from_str(text: &str) -> Result<Self, NoTimeOfDay> {
        let number = |digits: &str| {
            let two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            if two { digits.parse().map_err(|_| NoTimeOfDay) } else { Err(NoTimeOfDay) }
        };
        let (hour, minute) = text.split_once(':').ok_or(NoTimeOfDay)?;
        let time = Self { hour: number(hour)?, minute: number(minute)? };
        if time.minute < 60 && time <= Self::MIDNIGHT { Ok(time) } else { Err(NoTimeOfDay) }
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = NoTimeOfDay;

    fn try_from(text: String) -> Result<Self, NoTimeOfDay> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

impl fmt::Display for NoTimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be a time from 00:00 to 24:00")
    }
}

impl std::error::Error for NoTimeOfDay {}
