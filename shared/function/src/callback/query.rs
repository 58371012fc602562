//! The form of WeChat's query parameters.
//!
//! A signature covers its parts in sorted order without a separator (消息推送, "加密/校验流程"), so two requests whose digits are
//! split differently have equal signatures. The fixed forms leave one split: a timestamp close to the present has ten digits.

pub use aws_lambda_events::query_map::QueryMap;
use jiff::{SignedDuration, Timestamp};

/// How far a request's timestamp may be from the function's clock, in both directions. WeChat signs each delivery of a push anew.
pub const MAX_SKEW: SignedDuration = SignedDuration::from_hours(1);

const TIMESTAMP_DIGITS: usize = 10;
const NONCE_MAX: usize = 32;
/// WeChat's have 19 digits.
const ECHOSTR_MAX: usize = 128;

/// The parameters that occur at most once.
const NAMES: [&str; 7] = ["signature", "msg_signature", "timestamp", "nonce", "openid", "encrypt_type", "echostr"];

/// Why the parameters of a request are not WeChat's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// The timestamp is missing or has other characters than 1 to 10 digits.
    #[error("the timestamp is not 1 to 10 digits")]
    Timestamp,
    /// The timestamp is more than [`MAX_SKEW`] from the function's clock.
    #[error("the timestamp is more than an hour from the present")]
    Stale,
    /// The nonce is missing or has other characters than 1 to 32 letters and digits of ASCII.
    #[error("the nonce is not 1 to 32 letters and digits")]
    Nonce,
    /// The `echostr` is missing or has other characters than 1 to 128 letters and digits of ASCII.
    #[error("the echostr is not 1 to 128 letters and digits")]
    Echostr,
    /// A parameter occurs more than once.
    #[error("a parameter is repeated")]
    Repeated,
}

impl ParameterError {
    /// The stable code for logs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Timestamp => "push.timestamp",
            Self::Stale => "push.stale",
            Self::Nonce => "push.nonce",
            Self::Echostr => "push.echostr",
            Self::Repeated => "push.parameter_repeated",
        }
    }
}

/// The signed parameters of a request to the callback URL, in WeChat's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallbackQuery<'a> {
    /// 1 to 10 digits: seconds since 1970, at most [`MAX_SKEW`] from the function's clock.
    pub timestamp: &'a str,
    /// 1 to 32 letters and digits.
    pub nonce: &'a str,
}

impl<'a> CallbackQuery<'a> {
    /// Reads the parameters of a request that arrives at `now`.
    pub fn read(query: &'a QueryMap, now: Timestamp) -> Result<Self, ParameterError> {
        if NAMES.iter().any(|name| query.all(name).is_some_and(|values| values.len() > 1)) {
            return Err(ParameterError::Repeated);
        }
        let timestamp = query.first("timestamp").unwrap_or_default();
        if !(1..=TIMESTAMP_DIGITS).contains(&timestamp.len()) || !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParameterError::Timestamp);
        }
        let seconds: i64 = timestamp.parse().map_err(|_| ParameterError::Timestamp)?;
        if seconds.abs_diff(now.as_second()) > MAX_SKEW.as_secs().unsigned_abs() {
            return Err(ParameterError::Stale);
        }
        let nonce = query.first("nonce").unwrap_or_default();
        if !is_alphanumeric(nonce, NONCE_MAX) {
            return Err(ParameterError::Nonce);
        }
        Ok(Self { timestamp, nonce })
    }
}

/// The text that WeChat's check of a callback URL expects back.
pub fn echostr(query: &QueryMap) -> Result<&str, ParameterError> {
    let echostr = query.first("echostr").unwrap_or_default();
    if is_alphanumeric(echostr, ECHOSTR_MAX) { Ok(echostr) } else { Err(ParameterError::Echostr) }
}

fn is_alphanumeric(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_772_438_400;

    fn read(query: &str) -> Result<(String, String), ParameterError> {
        let query: QueryMap = query.parse().unwrap();
        CallbackQuery::read(&query, Timestamp::from_second(NOW).unwrap())
            .map(|read| (read.timestamp.to_owned(), read.nonce.to_owned()))
    }

    #[test]
    fn parameters_of_wechats_form_are_read() {
        let longest = "aZ09".repeat(8);
        for (timestamp, nonce) in [(NOW, "1"), (NOW - 3600, "486452656"), (NOW + 3600, longest.as_str())] {
            let query = format!("timestamp={timestamp}&nonce={nonce}&openid=o%20x&other=1&other=2");
            assert_eq!(read(&query), Ok((timestamp.to_string(), nonce.to_owned())), "{query}");
        }
    }

    #[test]
    fn timestamp_of_another_form_is_refused() {
        // `%EF%BC%91` is a full-width digit one, `%D9%A1` an Arabic one.
        for timestamp in [
            "",
            "%2B1",
            "-1",
            "%201772438400",
            "1772438400%20",
            "1772438400%0A",
            "17724384001",
            "01772438400",
            "1772438400.0",
            "1e9",
            "%EF%BC%91772438400",
            "%EF%BC%917724384",
            "%D9%A1772438",
            "0x69a54a",
        ] {
            let query = format!("timestamp={timestamp}&nonce=1");
            assert_eq!(read(&query), Err(ParameterError::Timestamp), "{query}");
        }
        assert_eq!(read("nonce=1"), Err(ParameterError::Timestamp));
        for timestamp in [NOW - 3601, NOW + 3601, 0, 1, 177_243_840, 9_999_999_999] {
            assert_eq!(read(&format!("timestamp={timestamp}&nonce=1")), Err(ParameterError::Stale), "{timestamp}");
        }
    }

    #[test]
    fn nonce_of_another_form_is_refused() {
        let long = "1".repeat(33);
        for nonce in ["", "%20", "1%20", "a-b", "a%2Bb", "%EF%BC%91", "%E5%AE%A2", "%00", "<b>", long.as_str()] {
            let query = format!("timestamp={NOW}&nonce={nonce}");
            assert_eq!(read(&query), Err(ParameterError::Nonce), "{query}");
        }
        assert_eq!(read(&format!("timestamp={NOW}")), Err(ParameterError::Nonce));
    }

    #[test]
    fn repeated_parameter_is_refused() {
        for name in NAMES {
            let query = format!("timestamp={NOW}&nonce=1&{name}=1&{name}=1");
            assert_eq!(read(&query), Err(ParameterError::Repeated), "{query}");
        }
    }

    #[test]
    fn echostr_has_letters_and_digits_only() {
        let of = |query: &str| echostr(&query.parse().unwrap()).map(str::to_owned);
        assert_eq!(of("echostr=4375120948345356249"), Ok("4375120948345356249".to_owned()));
        assert_eq!(of(&format!("echostr={}", "a".repeat(128))), Ok("a".repeat(128)));
        let long = format!("echostr={}", "a".repeat(129));
        for query in ["", "echostr=", "echostr=<b>", "echostr=%3Cb%3E", "echostr=1%0A2", "echostr=%E5%AE%A2", &long] {
            assert_eq!(of(query), Err(ParameterError::Echostr), "{query}");
        }
    }
}
