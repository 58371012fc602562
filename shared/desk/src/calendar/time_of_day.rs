//! A time of day in the form `HH:MM`.

use std::{fmt, str::FromStr};

use jiff::civil;
use serde::{Deserialize, Serialize};

/// A time of day with minute precision, "00:00" to "24:00".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay {
    hour: i8,
    minute: i8,
}

/// The error of parsing a [`TimeOfDay`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseTimeOfDayError;

impl TimeOfDay {
    /// "24:00", the end of a day.
    pub const MIDNIGHT: Self = Self { hour: 24, minute: 0 };

    /// Converts to a civil time; `None` for "24:00".
    pub(super) fn to_civil(self) -> Option<civil::Time> {
        civil::Time::new(self.hour, self.minute, 0, 0).ok()
    }
}

impl FromStr for TimeOfDay {
    type Err = ParseTimeOfDayError;

    fn from_str(text: &str) -> Result<Self, ParseTimeOfDayError> {
        let number = |digits: &str| {
            let two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            if two { digits.parse().map_err(|_| ParseTimeOfDayError) } else { Err(ParseTimeOfDayError) }
        };
        let (hour, minute) = text.split_once(':').ok_or(ParseTimeOfDayError)?;
        let time = Self { hour: number(hour)?, minute: number(minute)? };
        if time.minute < 60 && time <= Self::MIDNIGHT { Ok(time) } else { Err(ParseTimeOfDayError) }
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = ParseTimeOfDayError;

    fn try_from(text: String) -> Result<Self, ParseTimeOfDayError> {
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

impl fmt::Display for ParseTimeOfDayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be a time from 00:00 to 24:00")
    }
}

impl std::error::Error for ParseTimeOfDayError {}
