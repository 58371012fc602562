//! The numbers of a text.

use desk::numerals::{english, is_numeral, value};

use super::units::Unit;

/// A number of a text.
#[derive(Debug)]
pub(super) struct Number {
    /// The normalized value in digits.
    value: String,
    /// The unit, if known.
    unit: Option<Unit>,
    /// The character that follows it.
    next: Option<char>,
    /// Whether it is written in digits.
    in_digits: bool,
    /// Whether the number needs support by a source.
    is_claim: bool,
}

impl Number {
    /// Whether the number needs support by a source.
    pub(super) fn is_claim(&self) -> bool {
        self.is_claim
    }

    /// Whether one of these numbers is equal, or the number needs no support.
    pub(super) fn is_supported_by(&self, sources: &[Self]) -> bool {
        !self.is_claim || sources.iter().any(|source| self.is(source))
    }

    fn is(&self, source: &Self) -> bool {
        let is_same = self.value == source.value;
        match (self.unit, source.unit) {
            (Some(Unit::HOUR), Some(Unit::HOUR)) => self.is_hour(source),
            (Some(Unit::HOUR), None) => source.in_digits && self.is_hour(source),
            (Some(unit), Some(other)) => unit.name == other.name && is_equal(self.amount(unit), source.amount(other)),
            (Some(unit), None) => !unit.is_rate() && source.in_digits && is_same,
            (None, Some(other)) => !other.is_rate() && source.is_claim && is_same,
            (None, None) => (source.in_digits || self.next == source.next) && is_same,
        }
    }

    /// Whether both are the same hour of the day: 晚上十点 is 22:00.
    fn is_hour(&self, source: &Self) -> bool {
        let (hour, other) = (self.amount(Unit::HOUR), source.amount(Unit::HOUR));
        is_equal(hour, other) || hour < 12.0 && is_equal(hour + 12.0, other)
    }

    fn amount(&self, unit: Unit) -> f64 {
        self.value.parse().unwrap_or(f64::NAN) * unit.size
    }
}

fn is_equal(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-6
}

/// The numbers of a normalized text.
pub(super) fn numbers(text: &str) -> Vec<Number> {
    let mut numbers = digits(text);
    numbers.extend(chinese(text));
    numbers.extend(english_words(text));
    let other = |c: &char| c.is_numeric() && !c.is_ascii() && !matches!(c, '①'..='⑳' | '〇');
    numbers.extend(text.chars().filter(other).map(|c| Number {
        value: c.into(),
        unit: None,
        next: None,
        in_digits: true,
        is_claim: true,
    }));
    numbers
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Numbers in digits.
fn digits(text: &str) -> Vec<Number> {
    let mut numbers = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_digit) {
        let before = &text[..text.len() - rest.len() + start];
        let run = &rest[start..];
        let end = run.find(|c| !is_digit(c) && !matches!(c, '.' | ',')).unwrap_or(run.len());
        let spelled = run[..end].trim_end_matches(['.', ',']);
        rest = &run[spelled.len()..];
        let zeros = if Unit::at(rest).is_none() { zeros(rest) } else { None };
        let after = if zeros.is_some() { &rest[rest.chars().next().map_or(0, char::len_utf8)..] } else { rest };
        let unit = hour(before, after).or_else(|| Unit::at(after)).or_else(|| Unit::of_sign(before));
        let next = after.trim_start().chars().next();
        let mut all = plain(spelled);
        let last = all.pop().map(|value| times_ten(&value, zeros.unwrap_or(0)));
        numbers.extend(all.into_iter().map(|value| Number {
            value,
            unit: None,
            next: None,
            in_digits: true,
            is_claim: true,
        }));
        numbers.extend(last.map(|value| Number { value, unit, next, in_digits: true, is_claim: true }));
    }
    numbers
}

/// The number of zeros of an ideograph after digits.
fn zeros(after: &str) -> Option<usize> {
    Some(match after.chars().next()? {
        '百' => 2,
        '千' => 3,
        '万' => 4,
        '亿' => 8,
        _ => return None,
    })
}

fn times_ten(value: &str, zeros: usize) -> String {
    let (integer, fraction) = value.split_once('.').unwrap_or((value, ""));
    let (whole, rest) = fraction.split_at(fraction.len().min(zeros));
    plain(&format!("{integer}{whole}{}.{rest}", "0".repeat(zeros - whole.len()))).concat()
}

/// The normalized value of a number, or the values of a date, a version or a list.
fn plain(spelled: &str) -> Vec<String> {
    let whole = |digits: &str| {
        Some(digits.trim_start_matches('0')).filter(|digits| !digits.is_empty()).unwrap_or("0").to_owned()
    };
    let (integer, fraction) = spelled.split_once('.').unwrap_or((spelled, ""));
    let mut groups = integer.split(',');
    let in_thousands = groups.next().is_some_and(|first| first.len() <= 3) && groups.all(|group| group.len() == 3);
    if !fraction.chars().all(is_digit) || integer.contains(',') && !in_thousands {
        return spelled.split(['.', ',']).filter(|digits| !digits.is_empty()).map(whole).collect();
    }
    match (whole(&integer.replace(',', "")), fraction.trim_end_matches('0')) {
        (integer, "") => vec![integer],
        (integer, fraction) => vec![format!("{integer}.{fraction}")],
    }
}

/// Whether the number between these texts is an hour of the day. 一点 alone means a little.
fn hour(before: &str, after: &str) -> Option<Unit> {
    const TIMES: [&str; 12] = ["早上", "上午", "中午", "下午", "晚上", "凌晨", "早", "晚", "到", "至", "-", "~"];
    const AFTER: [&str; 9] = ["钟", "整", "半", "前", "后", "到", "至", "之", "以"];
    let latin = ["am", "pm", "a.m", "p.m", "o'clock"];
    let after = after.trim_start_matches(' ');
    let is_hour = match after.strip_prefix('点') {
        Some(after) => {
            TIMES.iter().any(|time| before.ends_with(time)) || AFTER.iter().any(|word| after.starts_with(word))
        }
        None => latin.iter().any(|word| {
            after.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        }),
    };
    is_hour.then_some(Unit::HOUR)
}

/// Numbers in Chinese. They need a source where it is said what they are of.
fn chinese(text: &str) -> Vec<Number> {
    let mut numbers = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c| is_numeral(c) || c == '半') {
        let (before, run) = text.split_at(text.len() - rest.len() + start);
        let (run, after) = run.split_at(run.find(|c| !is_numeral(c)).unwrap_or(run.len()));
        if run.is_empty() {
            // A half.
            rest = &after['半'.len_utf8()..];
            let unit = Unit::at(rest).filter(|unit| unit.can_be_halved());
            let claim =
                |unit| Number { value: "0.5".into(), unit: Some(unit), next: None, in_digits: false, is_claim: true };
            numbers.extend(unit.map(claim));
            continue;
        }
        rest = after;
        let unit =
            if before.ends_with("百分之") { Unit::at("%") } else { hour(before, after).or_else(|| Unit::at(after)) };
        let is_weekday = ["周", "星期", "礼拜"].iter().any(|week| before.ends_with(week))
            && unit.is_some_and(Unit::is_days)
            && !after.starts_with('天');
        if is_weekday {
            continue;
        }
        let next = after.trim_start().chars().next();
        for value in values(run, unit) {
            let is_article =
                value == 1 && ["的", "每", "这", "那", "某", "同"].iter().any(|word| before.ends_with(word));
            let counts = |unit: Unit| !is_article && unit.counts(value);
            let is_claim = unit.map_or_else(|| is_amount(run, value), counts);
            numbers.push(Number { value: value.to_string(), unit, next, in_digits: false, is_claim });
        }
    }
    numbers
}

/// Whether it is a number without saying of what: 充一百送五十. Not 万一, 千万, 十一.
fn is_amount(run: &str, value: u64) -> bool {
    value >= 20 && run.starts_with(|c| !"百千万亿".contains(c)) && run.contains(['十', '百', '千', '万', '亿'])
}

/// The value; both values of two neighbours, which are a range: 三五天.
fn values(run: &str, unit: Option<Unit>) -> Vec<u64> {
    let digits: Vec<_> = run.chars().filter_map(|c| value(c.encode_utf8(&mut [0; 4]))).collect();
    match digits[..] {
        [low, high] if 0 < low && low < high && high < 10 && unit.is_some_and(|unit| !unit.is_rate()) => digits,
        _ => value(run).into_iter().collect(),
    }
}

/// Numbers in English words. They need a source like those in Chinese.
fn english_words(text: &str) -> Vec<Number> {
    let mut numbers = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic()) {
        let is_whole = !text[..text.len() - rest.len() + start].ends_with(|c: char| c.is_ascii_digit());
        let run = &rest[start..];
        let (word, after) = run.split_at(run.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(run.len()));
        rest = after;
        let Some(mut value) = english(word).filter(|_| is_whole) else { continue };
        if (20..100).contains(&value) {
            let next = after.trim_start_matches([' ', '-']);
            let (word, behind) = next.split_at(next.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(next.len()));
            if let Some(ones) = english(word).filter(|ones| *ones < 10) {
                value += ones;
                rest = behind;
            }
        }
        let Some(unit) = Unit::at(rest) else { continue };
        let is_claim = unit.counts(value);
        numbers.push(Number { value: value.to_string(), unit: Some(unit), next: None, in_digits: false, is_claim });
    }
    numbers
}
